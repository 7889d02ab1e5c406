"""KLV out of an MPEG transport stream (ISO/IEC 13818-1, MISB ST 1402). Pure.

Its streams are those that a program map calls metadata (type 0x15), or private with the registration ``KLVA`` (0x06). A
lost packet (its number is missing) or a damaged one ends what was begun; what follows begins with the next PES packet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

PACKET = 188
SYNC = 0x47
METADATA, PRIVATE = 0x15, 0x06
REGISTRATION = 0x05
CELL = 5
"""Bytes of a metadata access unit's header: service, number, flags, length."""
STREAMS_MAX = 64
PES_BYTES_MAX = 1024 * 1024
LOST = "packets of the transport stream that were lost"


def is_transport_stream(body: bytes) -> bool:
    """Whether *body* begins like one: a mark at each of its first packets."""
    return len(body) >= PACKET and all(
        body[at] == SYNC for at in range(0, min(len(body), 5 * PACKET), PACKET)
    )


@dataclass(slots=True)
class _Pid:
    """A stream, or a table, as its packets come."""

    kind: int
    data: bytearray = field(default_factory=bytearray)
    number: int | None = None
    is_begun: bool = False


def klv_of(body: bytes, noted: Counter[str]) -> Iterator[bytes]:
    """Each piece of KLV in *body*, without gaps in it; *noted* counts the gaps."""
    tables: dict[int, _Pid] = {0: _Pid(0)}
    streams: dict[int, _Pid] = {}
    for at in range(0, len(body) - PACKET + 1, PACKET):
        packet = body[at : at + PACKET]
        if packet[0] != SYNC or packet[1] & 0x80:
            noted[LOST] += 1
            continue
        pid = (packet[1] & 0x1F) << 8 | packet[2]
        one = streams.get(pid) or tables.get(pid)
        if one is None or not packet[3] & 0x10:  # another's, or without a payload
            continue
        number, starts = packet[3] & 0x0F, bool(packet[1] & 0x40)
        if one.number == number:  # sent twice
            continue
        if one.number is not None and number != (one.number + 1) % 16:
            noted[LOST] += 1
            yield from _taken(one, pid in streams)
            one.is_begun = False
        one.number = number
        payload = packet[5 + packet[4] :] if packet[3] & 0x20 else packet[4:]
        if starts:
            yield from _taken(one, pid in streams)
            one.is_begun = True
        if one.is_begun and len(one.data) < PES_BYTES_MAX:
            one.data += payload
        if pid in tables and one.is_begun:
            _read_table(pid, one.data, tables, streams)
    for one in streams.values():
        yield from _taken(one, True)


def _taken(one: _Pid, is_stream: bool) -> Iterator[bytes]:
    data, one.data = bytes(one.data), bytearray()
    if is_stream and data:
        yield _without_cells(_unpacked(data)) if one.kind == METADATA else _unpacked(data)


def _unpacked(pes: bytes) -> bytes:
    """The payload of a PES packet."""
    if pes[:3] != b"\0\0\1" or len(pes) < 9:
        return b""
    length = int.from_bytes(pes[4:6])
    end = 6 + length if length else len(pes)
    return pes[9 + pes[8] : end]


def _without_cells(payload: bytes) -> bytes:
    """The access units of synchronous metadata without their headers."""
    found, at = b"", 0
    while at + CELL <= len(payload):
        end = at + CELL + int.from_bytes(payload[at + 3 : at + CELL])
        found += payload[at + CELL : end]
        at = end
    return found


def _read_table(pid: int, data: bytearray, tables: dict[int, _Pid], streams: dict[int, _Pid]) -> None:
    """Add the program maps, or the streams of KLV, that a section names, once it is whole."""
    section = bytes(data[1 + data[0] :]) if data else b""
    if len(section) < 3 or len(section) < (end := 3 + (int.from_bytes(section[1:3]) & 0x0FFF)):
        return
    if pid == 0 and section[0] == 0:
        for at in range(8, end - 7, 4):
            if any(section[at : at + 2]) and len(tables) < STREAMS_MAX:
                tables.setdefault(int.from_bytes(section[at + 2 : at + 4]) & 0x1FFF, _Pid(0))
    elif section[0] == 2 and end >= 16:
        at = 12 + (int.from_bytes(section[10:12]) & 0x0FFF)
        while at + 5 <= end - 4:
            kind, its_pid = section[at], int.from_bytes(section[at + 1 : at + 3]) & 0x1FFF
            size = int.from_bytes(section[at + 3 : at + 5]) & 0x0FFF
            is_klv = kind == METADATA or (kind == PRIVATE and _is_klva(section[at + 5 : at + 5 + size]))
            if is_klv and len(streams) < STREAMS_MAX:
                streams.setdefault(its_pid, _Pid(kind))
            at += 5 + size


def _is_klva(descriptors: bytes) -> bool:
    at = 0
    while at + 2 <= len(descriptors):
        if descriptors[at] == REGISTRATION and descriptors[at + 2 : at + 6] == b"KLVA":
            return True
        at += 2 + descriptors[at + 1]
    return False
