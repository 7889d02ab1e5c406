"""KLV and transport streams by hand, for tests."""

from __future__ import annotations

import struct

KEY = bytes.fromhex("060E2B34020B01010E01030101000000")
TIME_US = 1_772_971_200_000_000
"""2026-03-08 12:00 UTC."""


def share(value: float, low: float, high: float, size: int) -> bytes:
    """An unsigned tag: *value* as a share of its range."""
    return int((value - low) / (high - low) * ((1 << 8 * size) - 1) + 0.5).to_bytes(size)


def signed(value: float, most: float, size: int) -> bytes:
    return round(value / most * ((1 << 8 * size - 1) - 1)).to_bytes(size, signed=True)


def packet(items: dict[int, bytes], *, second: float = 0) -> bytes:
    """A packet of ST 0601 with its time and checksum."""
    every = {2: struct.pack(">Q", TIME_US + round(second * 1e6)), **items}
    body = b"".join(bytes([tag, len(value)]) + value for tag, value in every.items()) + b"\x01\x02"
    packed = KEY + b"\x82" + struct.pack(">H", len(body) + 2) + body
    total = 0
    for index, byte in enumerate(packed):  # the sum as ST 0601 writes it
        total += byte << (8 * ((index + 1) % 2))
    return packed + struct.pack(">H", total & 0xFFFF)


def a_drone(*, lat: float = 29.75, lon: float = -95.25, **more: bytes) -> dict[int, bytes]:
    """Tail number, place, 300 m above the sea, looking straight down with 60° by 40°, northwards."""
    return {
        4: b"N-12", 5: share(0, 0, 360, 2), 6: signed(0, 20, 2), 7: signed(0, 50, 2), 13: signed(lat, 90, 4),
        14: signed(lon, 180, 4), 15: share(320, -900, 19_000, 2), 16: share(60, 0, 180, 2), 17: share(40, 0, 180, 2),
        18: share(0, 0, 360, 4), 19: signed(-90, 180, 4), 20: share(0, 0, 360, 4),
        **{int(tag.removeprefix("tag_")): value for tag, value in more.items()},
    }  # fmt: skip


def ts(pid: int, payload: bytes, number: int, *, starts: bool) -> bytes:
    """One packet of a transport stream."""
    head = bytes([0x47, (0x40 if starts else 0) | pid >> 8, pid & 0xFF])
    room = 184 - len(payload)
    if room == 0:
        return head + bytes([0x10 | number % 16]) + payload
    stuffing = bytes([room - 1]) + (b"\0" + b"\xff" * (room - 2) if room > 1 else b"")
    return head + bytes([0x30 | number % 16]) + stuffing + payload


def transport_stream(packets: list[bytes], *, kind: int = 0x06, mark: bytes = b"KLVA") -> bytes:
    """Each of *packets* of KLV in a PES packet of its own, after the tables that name their stream."""
    pat = b"\0\0\xb0\x0d\0\1\xc1\0\0\0\1\xe1\0" + b"\0" * 4
    descriptor = b"\x05\x04" + mark
    row = bytes([kind, 0xE1, 0x01, 0xF0, len(descriptor)]) + descriptor
    inner = b"\0\1\xc1\0\0\xe1\1\xf0\0" + row + b"\0" * 4
    pmt = b"\0\2" + struct.pack(">H", 0xB000 | len(inner)) + inner
    stream, number = ts(0, pat, 0, starts=True) + ts(0x100, pmt, 0, starts=True), 0
    for klv in packets:
        cell = b"" if kind == 0x06 else b"\0\0\xc0" + struct.pack(">H", len(klv))
        inside = b"\x80\0\0" + cell + klv
        pes = b"\0\0\1\xbd" + struct.pack(">H", len(inside)) + inside
        for at in range(0, len(pes), 184):
            stream += ts(0x101, pes[at : at + 184], number, starts=at == 0)
            number += 1
    return stream
