"""Areas on the earth, and a point of each that lies within a city. Pure.

Polygons are of latitude and longitude as on a map; none crosses the 180th meridian. Nothing is guessed: an area that does
not reach into the city has no point there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from connectors.base import Bounds
from connectors.formats.records import a_number
from schemas.errors import Invalid

Point = tuple[float, float]
"""Latitude and longitude in degrees."""
EARTH_M = 6_371_008.8
CORNERS_MAX = 20_000
"""Of one polygon. A coast may have some thousands."""
LINES = 9
"""Lines of latitude along which a point within a polygon is sought."""


@dataclass(frozen=True, slots=True)
class Within:
    """A point within an area, and the whole metres from it within which all of the area lies."""

    lat: float
    lon: float
    reach_m: float


def distance_m(one: Point, other: Point) -> float:
    """Metres between two points along the earth's surface (haversine)."""
    north, other_north = math.radians(one[0]), math.radians(other[0])
    half = math.sin((other_north - north) / 2) ** 2
    half += math.cos(north) * math.cos(other_north) * math.sin(math.radians(other[1] - one[1]) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(min(1.0, half)))


def a_point(text: str, field: str) -> Point:
    """A pair ``lat,lon`` as CAP writes it. ``Invalid`` for anything else, and for no place on earth."""
    parts = text.split(",")
    if len(parts) != 2:
        raise Invalid(f"{field} holds what is no pair of numbers", field=field, expected="lat,lon")
    lat, lon = a_number(parts[0], field), a_number(parts[1], field)
    if abs(lat) > 90 or abs(lon) > 180:
        raise Invalid(f"{field} holds no place on earth", field=field, expected="-90 to 90,-180 to 180")
    return lat, lon


def a_polygon(text: str, field: str = "polygon") -> list[Point]:
    """The corners of ``lat,lon lat,lon …``, each once; the last may repeat the first. ``Invalid`` for fewer than three."""
    words = text.split()
    if len(words) > CORNERS_MAX:
        raise Invalid(f"{field} has too many corners", field=field, expected=f"at most {CORNERS_MAX}")
    corners = [a_point(word, field) for word in words]
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    if len(set(corners)) < 3:
        raise Invalid(f"{field} has fewer than three corners", field=field, expected="three or more")
    return corners


def a_circle(text: str, field: str = "circle") -> tuple[Point, float]:
    """The centre and the radius in metres of ``lat,lon km``. ``Invalid`` for anything else."""
    words = text.split()
    if len(words) != 2:
        raise Invalid(f"{field} is no point and radius", field=field, expected="lat,lon km")
    radius_m = a_number(words[1], field) * 1000
    if radius_m < 0:
        raise Invalid(f"{field} has a radius below zero", field=field, expected="kilometres")
    return a_point(words[0], field), radius_m


def in_circle(centre: Point, radius_m: float, bounds: Bounds) -> Within | None:
    """The point of the circle that lies in *bounds* and nearest to its centre; ``None`` where none does."""
    nearest = _clamped(centre, bounds)
    away_m = distance_m(centre, nearest)
    return None if away_m > radius_m else Within(*nearest, float(math.ceil(radius_m + away_m)))


def in_polygon(corners: Sequence[Point], bounds: Bounds) -> Within | None:
    """A point inside both the polygon and *bounds*, well away from the edges; ``None`` where they have none in common."""
    south, north = min(lat for lat, _ in corners), max(lat for lat, _ in corners)
    low, high = max(south, bounds.south), min(north, bounds.north)
    if low >= high:
        return None
    best: tuple[float, Point] | None = None
    for line in range(LINES):  # the middle first, so that of two as wide the more central counts
        step = (line + 1) // 2 * (1 if line % 2 else -1)
        lat = (low + high) / 2 + (high - low) * step / (LINES + 1)
        for west, east in _spans(corners, lat):
            begin, end = max(west, bounds.west), min(east, bounds.east)
            if end > begin and (best is None or end - begin > best[0]):
                best = end - begin, (lat, (begin + end) / 2)
    if best is None:
        return None
    point = best[1]
    return Within(*point, float(math.ceil(max(distance_m(point, corner) for corner in corners))))


def _spans(corners: Sequence[Point], lat: float) -> list[tuple[float, float]]:
    """The stretches of longitude that lie inside along a line of latitude."""
    crossings = sorted(
        lon + (lat - here) / (there - here) * (next_lon - lon)
        for (here, lon), (there, next_lon) in pairwise([*corners, corners[0]])
        if (here <= lat) != (there <= lat)
    )
    return list(zip(crossings[::2], crossings[1::2], strict=True))


def _clamped(point: Point, bounds: Bounds) -> Point:
    lat = min(max(point[0], bounds.south), bounds.north)
    return lat, min(max(point[1], bounds.west), bounds.east)
