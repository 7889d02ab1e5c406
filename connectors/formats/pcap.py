"""Captures of a radio's frames: pcap in both byte orders, with µs or ns, and pcapng. Pure.

A frame that is cut costs only itself. What follows a record whose length cannot be is lost with it: nothing marks where the
next one begins.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from schemas.errors import Invalid

PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
"""First bytes → byte order, ns of a unit of time."""
PCAPNG = b"\x0a\x0d\x0d\x0a"
FRAME_BYTES_MAX = 256 * 1024
INTERFACES_MAX = 1_000
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_RESOLUTION, _OFFSET = 9, 14
NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """*at_ns*: when it was captured, since 1970; ``None`` where the capture does not say. *is_cut*: its end is missing."""

    link_type: int
    at_ns: int | None
    data: bytes
    is_cut: bool = False


@dataclass(slots=True)
class Capture:
    """*fault*: why the capture could not be read to its end; ``None`` when it was."""

    frames: list[CapturedFrame] = field(default_factory=list)
    fault: Invalid | None = None


@dataclass(frozen=True, slots=True)
class _Interface:
    link_type: int
    snap_bytes: int
    units_a_second: int = 1_000_000
    offset_s: int = 0

    def at_ns(self, units: int) -> int:
        return units * NS // self.units_a_second + self.offset_s * NS


def capture_of(body: bytes) -> Capture:
    """The frames of *body*, in order. ``Invalid`` where it is no capture."""
    capture = Capture()
    magic = body[:4]
    if magic in PCAP:
        if len(body) < 24:
            raise Invalid("the capture's heading is cut", field="", expected="24 bytes of pcap")
        found = _pcap(body, *PCAP[magic])
    elif magic == PCAPNG:
        found = _pcapng(body)
    else:
        raise Invalid("it is no capture", field="", expected="pcap or pcapng")
    try:
        for frame in found:
            capture.frames.append(frame)
    except Invalid as error:
        capture.fault = error
    return capture


def _pcap(body: bytes, order: str, unit_ns: int) -> Iterator[CapturedFrame]:
    (link,) = struct.unpack_from(order + "I", body, 20)
    head, at = struct.Struct(order + "IIII"), 24
    while at < len(body):
        if at + head.size > len(body):
            raise Invalid("the last record's heading is cut", field="frame", expected="16 bytes")
        seconds, part, held, sent = head.unpack_from(body, at)
        at += head.size
        if held > FRAME_BYTES_MAX:
            raise Invalid("a record is longer than any frame", field="frame", expected=f"{FRAME_BYTES_MAX}")
        data = body[at : at + held]
        yield CapturedFrame(link & 0xFFFF, seconds * NS + part * unit_ns, data, len(data) < max(held, sent))
        at += held


def _pcapng(body: bytes) -> Iterator[CapturedFrame]:
    at, order, interfaces = 0, "<", list[_Interface]()
    while at < len(body):
        if body[at : at + 4] == PCAPNG:
            order, interfaces = _order(body[at + 8 : at + 12]), []
        kind, length, content = _block(body, at, order)
        if kind == _INTERFACE:
            if len(interfaces) >= INTERFACES_MAX:
                raise Invalid(
                    "a section has too many interfaces", field="interface", expected=f"{INTERFACES_MAX}"
                )
            interfaces.append(_interface(content, order))
        elif kind in (_ENHANCED, _OLD_PACKET, _SIMPLE):
            frame = _packet(kind, content, order, interfaces)
            if frame is not None:
                yield frame
        at += length


def _order(magic: bytes) -> str:
    if magic == b"\x4d\x3c\x2b\x1a":
        return "<"
    if magic == b"\x1a\x2b\x3c\x4d":
        return ">"
    raise Invalid("a section's byte order is unknown", field="section", expected="1A 2B 3C 4D")


def _block(body: bytes, at: int, order: str) -> tuple[int, int, bytes]:
    if at + 12 > len(body):
        raise Invalid("the last block is cut", field="block", expected="12 bytes or more")
    kind, length = struct.unpack_from(order + "II", body, at)
    if length < 12 or length % 4 or at + length > len(body):
        raise Invalid("a block is cut or its length cannot be", field="block", expected="its length")
    return kind, length, body[at + 8 : at + length - 4]


def _interface(content: bytes, order: str) -> _Interface:
    if len(content) < 8:
        raise Invalid("an interface is cut", field="interface", expected="8 bytes")
    link, _, snap = struct.unpack_from(order + "HHI", content)
    units, offset_s = 1_000_000, 0
    for code, value in _options(content[8:], order):
        if code == _RESOLUTION and len(value) == 1:
            power = value[0] & 0x7F
            units = 2 ** min(power, 64) if value[0] & 0x80 else 10 ** min(power, 19)
        elif code == _OFFSET and len(value) == 8:
            (offset_s,) = struct.unpack(order + "q", value)
    return _Interface(link, snap, units, offset_s)


def _options(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(content):
        code, length = struct.unpack_from(order + "HH", content, at)
        if code == 0:
            return
        yield code, content[at + 4 : at + 4 + length]
        at += 4 + (length + 3) // 4 * 4


def _packet(kind: int, content: bytes, order: str, interfaces: list[_Interface]) -> CapturedFrame | None:
    """The frame of a block; ``None`` for one too short, or of an interface that was not described."""
    if kind == _SIMPLE:
        if len(content) < 4 or not interfaces:
            return None
        (sent,) = struct.unpack_from(order + "I", content)
        held = min(sent, interfaces[0].snap_bytes or sent)
        data = content[4 : 4 + held]
        return CapturedFrame(interfaces[0].link_type, None, data, len(data) < sent)
    if len(content) < 20:
        return None
    form = "IIIII" if kind == _ENHANCED else "HHIIII"
    number, *_, high, low, held, sent = struct.unpack_from(order + form, content)
    if number >= len(interfaces):
        return None
    data = content[20 : 20 + held]
    return CapturedFrame(
        interfaces[number].link_type,
        interfaces[number].at_ns(high << 32 | low),
        data,
        len(data) < max(held, sent),
    )
