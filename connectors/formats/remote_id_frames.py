"""Remote ID in frames of Wi-Fi and Bluetooth, below the headers that receivers put before them. Pure.

- Wi-Fi: a vendor's element of a beacon (``FA-0B-BC``, type ``0D``), or the service information of a NAN action frame.
- Bluetooth: service data of ``FFFA``, application ``0D``, in legacy or extended advertisements.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.errors import Invalid

RADIOTAP, BLUETOOTH, NORDIC = 127, 256, 272
"""Link types, as the registry of tcpdump.org numbers them."""
APPLICATION = 0x0D
_VENDOR = bytes.fromhex("fa0bbc0d")
_NAN = bytes.fromhex("0409506f9a13")
_NAN_SERVICE = bytes.fromhex("8869199d9209")
"""SHA-256 of ``org.opendroneid.remoteid``, its first six bytes."""
_SERVICE_DATA = bytes.fromhex("16faff0d")
_ADVERTISING = bytes.fromhex("d6be898e")
_BEACON, _PROBE_RESPONSE, _ACTION, _ACTION_NO_ACK = 0x80, 0x50, 0xD0, 0xE0
_LEGACY, _EXTENDED = (0, 2, 4, 6), 7
_RADIOTAP_FIELDS = ((8, 8), (1, 1), (1, 1), (4, 2), (2, 2), (1, 1))
"""Bytes and alignment of radiotap's first fields, up to the signal's strength."""


@dataclass(frozen=True, slots=True)
class Advertisement:
    """*address*: the transmitter's, as it is written; ``None`` where the frame has none. *data*: a message or a pack."""

    address: bytes | None
    counter: int
    data: bytes
    signal_dbm: int | None = None


def advertisements(link_type: int, frame: bytes) -> list[Advertisement]:
    """The Remote ID in *frame*: none in most. ``Invalid`` where its headers are cut or of another kind."""
    try:
        if link_type == RADIOTAP:
            return list(_radiotap(frame))
        if link_type == BLUETOOTH:
            return list(_with_header(frame))
        if link_type == NORDIC:
            return list(_nordic(frame))
    except (struct.error, IndexError):
        raise Invalid("the frame is cut", field="frame", expected="all of its headers") from None
    raise Invalid(
        f"frames of link type {link_type} are not read", field="link_type", expected="127, 256 or 272"
    )


def _radiotap(frame: bytes) -> Iterator[Advertisement]:
    version, length, present = struct.unpack_from("<BxHI", frame)
    if version != 0 or length > len(frame):
        raise Invalid("the radiotap header is cut", field="frame", expected="its length")
    at, following = 8, present
    while following >> 31:  # more words of the same follow, for further antennas
        (following,) = struct.unpack_from("<I", frame, at)
        at += 4
    flags, signal = 0, None
    for bit, (size, aligned) in enumerate(_RADIOTAP_FIELDS):
        if present >> bit & 1:
            at = (at + aligned - 1) // aligned * aligned
            if bit == 1:
                flags = frame[at]
            if bit == 5:
                (signal,) = struct.unpack_from("<b", frame, at)
            at += size
    if flags & 0x40:  # the receiver saw that its checksum is wrong
        return
    yield from _wifi(frame[length : len(frame) - 4 if flags & 0x10 else len(frame)], signal)


def _wifi(frame: bytes, signal: int | None) -> Iterator[Advertisement]:
    kind, order = frame[0], frame[1] & 0x80
    if kind not in (_BEACON, _PROBE_RESPONSE, _ACTION, _ACTION_NO_ACK):
        return
    address, at = frame[10:16], 28 if order else 24
    if len(address) < 6:
        raise Invalid("the frame is cut", field="frame", expected="its addresses")
    if kind in (_BEACON, _PROBE_RESPONSE):
        found = _elements(frame, at + 12)
    else:
        found = _services(frame, at + len(_NAN)) if frame[at : at + len(_NAN)] == _NAN else iter(())
    for said in found:
        yield Advertisement(address, said[0], said[1:], signal)


def _elements(frame: bytes, at: int) -> Iterator[bytes]:
    while at + 2 <= len(frame):
        kind, length = frame[at], frame[at + 1]
        said = frame[at + 2 : at + 2 + length]
        if kind == 0xDD and said[:4] == _VENDOR and len(said) > 4:
            yield said[4:]
        at += 2 + length


def _services(frame: bytes, at: int) -> Iterator[bytes]:
    """The service information of each descriptor of Remote ID's service in the NAN attributes."""
    while at + 3 <= len(frame):
        kind, length = struct.unpack_from("<BH", frame, at)
        said = frame[at + 3 : at + 3 + length]
        at += 3 + length
        if kind != 3 or said[:6] != _NAN_SERVICE or len(said) < 9:
            continue
        control, rest = said[8], said[9:]
        if control & 0x40:  # a bitmap of slots
            rest = rest[2:]
        for bit in (4, 8):  # the filters of matching and of responses
            if control & bit:
                rest = rest[1 + rest[0] :]
        if control & 0x10 and len(rest) > 1:
            service = rest[1 : 1 + rest[0]]
            if service:
                yield service


def _with_header(frame: bytes) -> Iterator[Advertisement]:
    _, signal, flags = struct.unpack_from("<Bb6xH", frame)
    if not flags & 1:  # the bits as they were in the air, whitened
        raise Invalid("the frame is whitened", field="frame", expected="a frame as it was before whitening")
    if flags & 0x0400 and not flags & 0x0800:  # its checksum is wrong
        return
    yield from _link_layer(frame[10:], signal if flags & 2 else None)


def _nordic(frame: bytes) -> Iterator[Advertisement]:
    """A board's number, a heading of 6 bytes and one of 10, in all versions but the first; then the packet."""
    flags, strength = frame[8], frame[10]
    if not flags & 1:
        return
    yield from _link_layer(frame[17:], -strength if strength else None)


def _link_layer(packet: bytes, signal: int | None) -> Iterator[Advertisement]:
    if packet[:4] != _ADVERTISING:
        return
    kind, length = packet[4] & 0xF, packet[5]
    payload = packet[6 : 6 + length]
    if len(payload) < length:
        raise Invalid("the packet is cut", field="frame", expected="its length")
    if kind in _LEGACY:
        address, data = payload[:6], payload[6:]
    elif kind == _EXTENDED:
        header = payload[1 : 1 + (payload[0] & 0x3F)]
        address = header[1:7] if header and header[0] & 1 else b""
        data = payload[1 + len(header) :]
    else:
        return
    for said in _structures(data):
        yield Advertisement(address[::-1] if len(address) == 6 else None, said[0], said[1:], signal)


def _structures(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data) and data[at]:
        said = data[at + 1 : at + 1 + data[at]]
        if said[:4] == _SERVICE_DATA and len(said) > 4:
            yield said[4:]
        at += 1 + data[at]
