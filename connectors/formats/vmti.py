"""Targets of MISB ST 0903 (VMTI), as they stand in tag 74 of ST 0601. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from connectors.formats.klv import imapb, items_of, length_at, oid_at
from schemas.errors import Invalid

WIDTH, HEIGHT, SERIES = 8, 9, 101
TOP_LEFT, BOTTOM_RIGHT, CONFIDENCE, LAT_OFFSET, LON_OFFSET, LOCATION = 2, 3, 5, 10, 11, 17
OBJECT, OBJECT_SERIES, OBJECT_CLASS = 102, 107, 2
OFFSET_DEG = 19.2
LAT_BYTES = LON_BYTES = 4
TARGETS_MAX = 1_000


class Target(NamedTuple):
    """One target: its number, class, confidence (0 to 1), edges in pixels (left, top, right, bottom), and its place: itself,
    or *offset* from the picture's centre, degrees. ``None`` where it is not said."""

    number: int
    word: str | None
    confidence: float | None
    edges: tuple[int, int, int, int] | None
    place: tuple[float, float] | None
    offset: tuple[float, float] | None


class Picture(NamedTuple):
    """The picture's size in pixels where it is said, and its targets."""

    width: int | None
    height: int | None
    targets: list[Target]


def picture_of(local_set: bytes) -> Picture:
    """The targets of a VMTI local set. ``Invalid`` where it is cut off."""
    items = dict(items_of(local_set))
    width, height = (int.from_bytes(items.get(tag, b"")) or None for tag in (WIDTH, HEIGHT))
    return Picture(width, height, [_target(pack, width) for pack in _packs(items.get(SERIES, b""))])


def _packs(series: bytes) -> Iterator[bytes]:
    at, count = 0, 0
    while at < len(series):
        length, at = length_at(series, at)
        count += 1
        if at + length > len(series) or count > TARGETS_MAX:
            raise Invalid("a target is cut off, or there are too many", field="tag 74")
        yield series[at : at + length]
        at += length


def _target(pack: bytes, width: int | None) -> Target:
    number, at = oid_at(pack, 0)
    items = dict(items_of(pack[at:]))
    percent = items.get(CONFIDENCE, b"")
    confidence = percent[0] / 100 if len(percent) == 1 and percent[0] <= 100 else None
    offset = _pair(items.get(LAT_OFFSET, b""), items.get(LON_OFFSET, b""), OFFSET_DEG, OFFSET_DEG)
    place = items.get(LOCATION, b"")
    lat, lon = place[:LAT_BYTES], place[LAT_BYTES : LAT_BYTES + LON_BYTES]
    return Target(number, _word(items), confidence, _edges(items, width), _pair(lat, lon, 90, 180), offset)


def _pair(lat: bytes, lon: bytes, most_lat: float, most_lon: float) -> tuple[float, float] | None:
    north, east = imapb(lat, -most_lat, most_lat), imapb(lon, -most_lon, most_lon)
    return None if north is None or east is None else (north, east)


def _edges(items: dict[int, bytes], width: int | None) -> tuple[int, int, int, int] | None:
    """The box of two pixels, which are counted from 1 along the rows."""
    first, last = (int.from_bytes(items.get(tag, b"")) - 1 for tag in (TOP_LEFT, BOTTOM_RIGHT))
    if width is None or first < 0 or last < 0:
        return None
    return first % width, first // width, last % width + 1, last // width + 1


def _word(items: dict[int, bytes]) -> str | None:
    """The class of its ontology, the last step of its name."""
    said = items.get(OBJECT)
    if said is None and (series := items.get(OBJECT_SERIES)):
        length, at = length_at(series, 0)
        said = series[at : at + length]
    if not said:
        return None
    name = dict(items_of(said)).get(OBJECT_CLASS, b"").decode("utf-8", "replace").strip("\0 ")
    return name.rpartition("#")[2].rpartition("/")[2] or None
