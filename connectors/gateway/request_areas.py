"""Areas in requests: boxes, polygons and places, in degrees of WGS-84. Pure. ``ValueError`` says what is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import orjson

POINTS_MAX = 200
Place = tuple[float, float]
"""Latitude and longitude."""
Holds = Callable[[float, float], bool]
"""Whether an area holds the place (latitude, longitude)."""


def place_of(text: str) -> Place:
    """``lat,lon``."""
    parts = text.split(",")
    if len(parts) != 2:
        raise ValueError("two numbers are needed: lat,lon")
    return _checked(_number(parts[0]), _number(parts[1]))


def box_of(text: str) -> Holds:
    """``west,south,east,north``, as in GeoJSON; one whose west is greater than its east crosses the date line."""
    parts = text.split(",")
    if len(parts) != 4:
        raise ValueError("four numbers are needed: west,south,east,north")
    west, south, east, north = map(_number, parts)
    _checked(south, west)
    _checked(north, east)
    if south > north:
        raise ValueError(f"south {south:g} is greater than north {north:g}")

    def holds(lat: float, lon: float) -> bool:
        is_between = west <= lon <= east if west <= east else lon >= west or lon <= east
        return south <= lat <= north and is_between

    return holds


def polygon_of(text: str) -> Holds:
    """A GeoJSON Polygon (``[lon, lat]``, rings after the first are holes), or ``lat,lon lat,lon …`` of at least three."""
    rings = _rings_of(text) if text.lstrip().startswith("{") else [_corners(text)]
    if sum(map(len, rings)) > POINTS_MAX:
        raise ValueError(f"it has more than {POINTS_MAX} points")
    for ring in rings:
        if len(set(ring)) < 3:
            raise ValueError("a ring needs three different points or more")

    corners = [corner for ring in rings for corner in ring]
    (south, north), (west, east) = ((min(side), max(side)) for side in zip(*corners, strict=True))

    def holds(lat: float, lon: float) -> bool:
        if not (
            south <= lat <= north and west <= lon <= east
        ):  # most places, at the price of four comparisons
            return False
        return sum(_crossings(ring, lat, lon) for ring in rings) % 2 == 1

    return holds


def _corners(text: str) -> list[Place]:
    return [place_of(one) for one in text.split()]


def _rings_of(text: str) -> list[list[Place]]:
    try:
        shape = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("it begins like JSON and is none") from None
    if shape.get("type") != "Polygon" or not isinstance(shape.get("coordinates"), list):
        raise ValueError("of GeoJSON only a Polygon with its coordinates is taken")
    rings = [_ring(one) for one in shape["coordinates"][: POINTS_MAX + 1]]
    if not rings:
        raise ValueError("the Polygon has no ring")
    return rings


def _ring(found: object) -> list[Place]:
    if not isinstance(found, list) or len(found) < 4 or found[0] != found[-1]:
        raise ValueError("a ring of GeoJSON has four positions or more, and its last is its first")
    ring = []
    for at in found:
        if not isinstance(at, list) or len(at) not in {2, 3} or not all(_is_number(one) for one in at):
            raise ValueError("a position of GeoJSON is [lon, lat]")
        ring.append(_checked(float(at[1]), float(at[0])))
    return ring[:-1]


def _is_number(one: object) -> bool:
    return isinstance(one, int | float) and not isinstance(one, bool)


def _crossings(ring: Sequence[Place], lat: float, lon: float) -> int:
    """The edges that a line from the place to the east crosses; longitudes do not wrap."""
    count = 0
    for (lat_a, lon_a), (lat_b, lon_b) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (lat_a > lat) != (lat_b > lat):
            count += lon < lon_a + (lat - lat_a) / (lat_b - lat_a) * (lon_b - lon_a)
    return count


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        raise ValueError(f"{text[:20]!r} is no number") from None
    if not math.isfinite(found):
        raise ValueError(f"{text[:20]!r} is no number")
    return found


def _checked(lat: float, lon: float) -> Place:
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise ValueError(f"{lat:g},{lon:g} is no place: latitude is -90 to 90, longitude -180 to 180")
    return lat, lon
