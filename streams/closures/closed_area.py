"""The area of a closure: GeoJSON to polygons with holes, a place in it, a way through it. Pure.

Polygons are of latitude and longitude as on a map; none crosses the 180th meridian. A place on an edge may count as inside
or outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import orjson
from msgspec import Struct

from schemas.errors import Invalid

Corner = tuple[float, float]
"""Latitude and longitude, degrees."""
CORNERS_MAX = 2_000
"""Of all rings of one area together: a district's outline, or a warning's."""
EXPECTED = "a GeoJSON Polygon or MultiPolygon: rings of [lon, lat], the last corner the first again"


class ClosedPolygon(Struct, frozen=True, gc=False):
    """One polygon and its holes: rings without the repeated last corner."""

    outline: tuple[Corner, ...]
    low: Corner
    """The least latitude and longitude of the outline, *high* the greatest: most places lie outside both."""
    high: Corner
    holes: tuple[tuple[Corner, ...], ...] = ()

    def holds(self, lat: float, lon: float) -> bool:
        """Whether the place lies inside, and in no hole."""
        if not (self.low[0] <= lat <= self.high[0] and self.low[1] <= lon <= self.high[1]):
            return False
        return _in_ring(self.outline, lat, lon) and not any(_in_ring(one, lat, lon) for one in self.holes)


Polygons = tuple[ClosedPolygon, ...]


@lru_cache(1_024)
def polygons_of(geometry: str) -> Polygons:
    """The polygons of a GeoJSON geometry as text. ``Invalid`` for anything that encloses no area on the earth."""
    try:
        said = orjson.loads(geometry)
    except orjson.JSONDecodeError as error:
        raise Invalid("the area is no JSON", field="geometry", expected=EXPECTED) from error
    kind = said.get("type") if isinstance(said, dict) else None
    listed = said.get("coordinates") if kind in ("Polygon", "MultiPolygon") else None
    if kind == "Polygon":
        listed = [listed]
    if not isinstance(listed, list) or not listed:
        raise Invalid("the area is no polygon", field="geometry", expected=EXPECTED)
    found = tuple(_polygon(one) for one in listed)
    if sum(map(_corners, found)) > CORNERS_MAX:
        raise Invalid("the area has too many corners", field="geometry", expected=f"at most {CORNERS_MAX}")
    return found


def holds(polygons: Polygons, lat: float, lon: float) -> bool:
    """Whether the place lies in one of *polygons*."""
    return any(one.holds(lat, lon) for one in polygons)


def crosses(polygons: Polygons, start: Corner, end: Corner) -> bool:
    """Whether the straight line from *start* to *end* has a point in one of *polygons*."""
    if holds(polygons, *start) or holds(polygons, *end):
        return True
    return any(_meet(start, end, a, b) for one in polygons for a, b in _edges(one))


def _polygon(rings: Any) -> ClosedPolygon:
    if not isinstance(rings, list) or not rings:
        raise Invalid("the area has a polygon without rings", field="geometry", expected=EXPECTED)
    outline = _ring(rings[0])
    lats, lons = zip(*outline, strict=True)
    low, high = (min(lats), min(lons)), (max(lats), max(lons))
    return ClosedPolygon(outline, low, high, tuple(map(_ring, rings[1:])))


def _ring(corners: Any) -> tuple[Corner, ...]:
    if not isinstance(corners, list) or len(corners) > CORNERS_MAX + 1:
        raise Invalid("the area has a ring that is none", field="geometry", expected=EXPECTED)
    ring = tuple(map(_corner, corners))
    ring = ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring
    if len(set(ring)) < 3:
        raise Invalid("the area has fewer than three corners", field="geometry", expected=EXPECTED)
    return ring


def _corner(said: Any) -> Corner:
    is_pair = isinstance(said, list) and len(said) in (2, 3)
    if not is_pair or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in said):
        raise Invalid("the area has a corner that is none", field="geometry", expected=EXPECTED)
    lon, lat = float(said[0]), float(said[1])
    if abs(lat) > 90 or abs(lon) > 180:
        raise Invalid("the area has a corner that is no place on earth", field="geometry", expected=EXPECTED)
    return lat, lon


def _corners(polygon: ClosedPolygon) -> int:
    return len(polygon.outline) + sum(map(len, polygon.holes))


def _in_ring(ring: Sequence[Corner], lat: float, lon: float) -> bool:
    """A line to the east crosses the edges an odd number of times."""
    is_in = False
    for (lat_a, lon_a), (lat_b, lon_b) in pairwise([*ring, ring[0]]):
        if (lat_a > lat) != (lat_b > lat) and lon < lon_a + (lat - lat_a) / (lat_b - lat_a) * (lon_b - lon_a):
            is_in = not is_in
    return is_in


def _edges(polygon: ClosedPolygon) -> Iterator[tuple[Corner, Corner]]:
    for ring in (polygon.outline, *polygon.holes):
        yield from pairwise([*ring, ring[0]])


def _meet(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    """Whether the stretches from *a* to *b* and from *c* to *d* cross."""
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Corner, b: Corner, point: Corner) -> float:
    return (b[1] - a[1]) * (point[0] - a[0]) - (b[0] - a[0]) * (point[1] - a[1])
