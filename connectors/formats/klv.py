"""Packets of MISB ST 0601 in a stream of KLV: keys, lengths, the checksum, and the values of its tags. Pure.

A packet is the universal key of the UAS local set, a length, and items of tag, length and value. Its last item is the
checksum: the running sum of all before it in 16 bits (ST 0601, tag 1). A packet that is cut off or damaged ends where the
next key stands, so it costs no neighbour. Values are mapped linearly onto their range; the most negative of a signed one
means unknown or out of range.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from schemas.errors import Invalid

KEY = bytes.fromhex("060e2b34020b01010e01030101000000")
LENGTH_BYTES_MAX = 4
ITEMS_MAX = 1_000
CHECKSUM_ITEM = b"\x01\x02"

ALTITUDE, ANGLE, HALF, PITCH, ROLL, OFFSET = (-900, 19_000), (0, 360), (0, 180), 20, 50, 0.075
UNSIGNED: Mapping[int, tuple[int, float, float]] = {
    5: (2, *ANGLE), 8: (1, 0, 255), 9: (1, 0, 255), 15: (2, *ALTITUDE), 16: (2, *HALF), 17: (2, *HALF), 18: (4, *ANGLE),
    20: (4, *ANGLE), 21: (4, 0, 5e6), 22: (2, 0, 10_000), 25: (2, *ALTITUDE), 56: (1, 0, 255), 65: (1, 0, 255),
    75: (2, *ALTITUDE), 78: (2, *ALTITUDE),
}  # fmt: skip
"""Tag → bytes, and the values of all bits clear and all bits set."""
SIGNED: Mapping[int, tuple[int, float]] = {
    6: (2, PITCH), 7: (2, ROLL), 13: (4, 90), 14: (4, 180), 19: (4, 180), 23: (4, 90), 24: (4, 180), 51: (2, 180),
    **dict.fromkeys(range(26, 34), (2, OFFSET)), **dict.fromkeys(range(82, 90, 2), (4, 90)),
    **dict.fromkeys(range(83, 90, 2), (4, 180)), 90: (4, 90), 91: (4, 90),
}  # fmt: skip
"""Tag → bytes, and its greatest value; the least is the same below zero."""
TEXTS = frozenset({3, 4, 10, 11, 12, 59})
TIME, VMTI = 2, 74


class Packet(NamedTuple):
    """One packet as it came; *fault*: why it cannot be read, else the *items* of it by tag."""

    original: bytes
    items: Mapping[int, bytes]
    fault: str = ""


class Tags(NamedTuple):
    """The values of a packet's tags."""

    numbers: Mapping[int, float]
    texts: Mapping[int, str]
    time_us: int | None
    vmti: bytes | None

    def all_of(self, *tags: int) -> tuple[float, ...] | None:
        """The numbers of *tags*; ``None`` where one is missing or unknown."""
        found = [self.numbers[tag] for tag in tags if tag in self.numbers]
        return tuple(found) if len(found) == len(tags) else None


def packets_of(stream: bytes) -> Iterator[Packet]:
    """The packets of a *stream* of KLV, each by itself; what stands between them is passed over."""
    begin = stream.find(KEY)
    while begin >= 0:
        following = stream.find(KEY, begin + len(KEY))
        limit = len(stream) if following < 0 else following
        packet = _packet(stream, begin, limit)
        yield packet
        begin = following if packet.fault else stream.find(KEY, begin + len(packet.original))


def _packet(stream: bytes, begin: int, limit: int) -> Packet:
    try:
        length, at = length_at(stream, begin + len(KEY))
        end = at + length
        if end > len(stream):
            return Packet(stream[begin:limit], {}, "the packet is cut off")
        original = stream[begin:end]
        if original[-4:-2] != CHECKSUM_ITEM or checksum(original[:-2]) != int.from_bytes(original[-2:]):
            return Packet(stream[begin : min(limit, end)], {}, "the checksum is wrong")
        return Packet(original, dict(items_of(stream[at:end])))
    except Invalid as error:
        return Packet(stream[begin:limit], {}, error.what)


def checksum(counted: bytes) -> int:
    """The sum of *counted* as big-endian words of 16 bits, an odd last byte being a high one."""
    return (sum(counted[::2]) * 256 + sum(counted[1::2])) & 0xFFFF


def length_at(data: bytes, at: int) -> tuple[int, int]:
    """A BER length, and where it ends. ``Invalid`` where it is cut off or too long."""
    if at >= len(data):
        raise Invalid("a length is cut off")
    first = data[at]
    if first < 0x80:
        return first, at + 1
    size = first & 0x7F
    if not 0 < size <= LENGTH_BYTES_MAX or at + 1 + size > len(data):
        raise Invalid("a length is cut off or too long")
    return int.from_bytes(data[at + 1 : at + 1 + size]), at + 1 + size


def oid_at(data: bytes, at: int) -> tuple[int, int]:
    """A BER-OID number, as tags are, and where it ends. ``Invalid`` where it is cut off or too long."""
    number = 0
    for step in range(LENGTH_BYTES_MAX):
        if at + step >= len(data):
            break
        number = number << 7 | data[at + step] & 0x7F
        if data[at + step] < 0x80:
            return number, at + step + 1
    raise Invalid("a tag is cut off or too long")


def items_of(local_set: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and value of each item. ``Invalid`` where one is cut off or there are too many."""
    at, count = 0, 0
    while at < len(local_set):
        tag, at = oid_at(local_set, at)
        length, at = length_at(local_set, at)
        count += 1
        if at + length > len(local_set) or count > ITEMS_MAX:
            raise Invalid("an item is cut off, or there are too many")
        yield tag, local_set[at : at + length]
        at += length


def tags_of(items: Mapping[int, bytes], noted: Counter[str]) -> Tags:
    """The values of *items*; one that says unknown is left out, and so, noted, is one of another length than its tag's."""
    numbers: dict[int, float] = {}
    texts: dict[int, str] = {}
    for tag, raw in items.items():
        if tag in TEXTS:
            if text := raw.decode("utf-8", "replace").strip("\0 "):
                texts[tag] = text
        elif (form := UNSIGNED.get(tag) or SIGNED.get(tag)) is not None:
            if len(raw) != form[0]:
                noted[f"tag {tag} has another length than its own"] += bool(raw)  # empty: unknown
            elif (value := _number(tag, raw)) is not None:
                numbers[tag] = value
    time = items.get(TIME, b"")
    time_us = int.from_bytes(time) if len(time) == 8 and any(time) else None
    return Tags(numbers, texts, time_us, items.get(VMTI) or None)


def _number(tag: int, raw: bytes) -> float | None:
    if tag in UNSIGNED:
        _, low, high = UNSIGNED[tag]
        return low + int.from_bytes(raw) * (high - low) / ((1 << 8 * len(raw)) - 1)
    most = (1 << 8 * len(raw) - 1) - 1
    value = int.from_bytes(raw, signed=True)
    return None if value < -most else value * SIGNED[tag][1] / most


def imapb(raw: bytes, low: float, high: float) -> float | None:
    """A value mapped by ST 1201 (IMAPB) onto *low* to *high*; ``None`` for its special values, and beyond *high*."""
    if not raw:
        return None
    exponent = 8 * len(raw) - 1 - math.ceil(math.log2(high - low))
    said = int.from_bytes(raw)
    if raw[0] & 0x80 and said != 1 << (8 * len(raw) - 1):
        return None
    forward = math.ldexp(1.0, exponent)
    zero = forward * low - math.floor(forward * low) if low < 0 < high else 0.0
    value = (said - zero) / forward + low
    return value if low <= value <= high else None
