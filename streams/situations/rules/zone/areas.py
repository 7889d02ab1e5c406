"""The outline of a zone: from GeoJSON to the areas of a watch, its outside, and what a camera's field of view covers. Pure.

Rings are corners (latitude, longitude) without the repeated last one. Distances are on a plane that touches the globe at the
zone's middle: right to a thousandth within 50 km.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import orjson
import shapely
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from schemas.heights import NOT, POSSIBLE, SURE
from streams.geo import EARTH_RADIUS_M

Ring = tuple[tuple[float, float], ...]
METRES_A_DEGREE = math.radians(1.0) * EARTH_RADIUS_M
OUTSIDE_M = 100_000.0
"""The outside of a zone is looked at so far: a thing farther away flies elsewhere."""


class ZoneArea(Struct, frozen=True, gc=False):
    """One polygon and its holes."""

    outline: Ring
    holes: tuple[Ring, ...] = ()


def areas_of(geometry: str) -> tuple[ZoneArea, ...]:
    """The polygons of a GeoJSON geometry as text; none for points and lines, which nothing can be inside of."""
    said = orjson.loads(geometry)
    match said["type"]:
        case "Polygon":
            polygons = [said["coordinates"]]
        case "MultiPolygon":
            polygons = said["coordinates"]
        case _:
            polygons = []
    areas = (ZoneArea(_ring(rings[0]), tuple(map(_ring, rings[1:]))) for rings in polygons if rings)
    return tuple(one for one in areas if len(one.outline) >= 3)


def outside_of(areas: Sequence[ZoneArea]) -> tuple[ZoneArea, ...]:
    """The surroundings of *areas* within ``OUTSIDE_M``, and their holes."""
    shape, plane = _shape(tuple(areas)), _plane(tuple(areas))
    west, south, east, north = shape.bounds
    around = shapely.box(west - OUTSIDE_M, south - OUTSIDE_M, east + OUTSIDE_M, north + OUTSIDE_M)
    return plane.areas(around.difference(shape))


def grown(areas: Sequence[ZoneArea], metres: float) -> tuple[ZoneArea, ...]:
    """*areas* and all that lies within *metres* of them."""
    if metres <= 0:
        return tuple(areas)
    return _plane(tuple(areas)).areas(_shape(tuple(areas)).buffer(metres, quad_segs=4))


def holds(areas: Sequence[ZoneArea], lat: float, lon: float) -> bool:
    """Whether a place lies in one of *areas*, its edge included."""
    return bool(_shape(tuple(areas)).covers(_plane(tuple(areas)).point(lat, lon)))


def view_in(areas: Sequence[ZoneArea], lat: float, lon: float, view_m: float) -> str:
    """Whether all that may be seen from a place, *view_m* around it, lies in *areas*: certain, possible (a part) or not."""
    shape, place = _shape(tuple(areas)), _plane(tuple(areas)).point(lat, lon)
    away_m = float(shapely.distance(shape, place))
    if away_m > view_m:
        return NOT
    is_inside = away_m == 0 and float(shapely.distance(shape.boundary, place)) >= view_m
    return SURE if is_inside else POSSIBLE


def crosses(areas: Sequence[ZoneArea], start: tuple[float, float], end: tuple[float, float]) -> bool:
    """Whether the straight line from *start* to *end* touches one of *areas*."""
    plane = _plane(tuple(areas))
    return bool(_shape(tuple(areas)).intersects(shapely.LineString(plane.xy([start, end]))))


class Plane:
    """A plane in metres east and north of a middle."""

    def __init__(self, lat: float, lon: float) -> None:
        self._lat, self._lon = lat, lon
        self._width = METRES_A_DEGREE * math.cos(math.radians(lat))

    def xy(self, ring: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        return [((lon - self._lon) * self._width, (lat - self._lat) * METRES_A_DEGREE) for lat, lon in ring]

    def point(self, lat: float, lon: float) -> Any:
        return shapely.Point(self.xy([(lat, lon)])[0])

    def areas(self, shape: BaseGeometry) -> tuple[ZoneArea, ...]:
        """The polygons of *shape*, back in degrees, to the tenth of a millimetre."""
        parts = (part for part in getattr(shape, "geoms", (shape,)) if isinstance(part, shapely.Polygon))
        return tuple(
            ZoneArea(self._degrees(part.exterior), tuple(map(self._degrees, part.interiors)))
            for part in parts
            if not part.is_empty
        )

    def _degrees(self, ring: Any) -> Ring:
        corners = (
            (round(self._lat + y / METRES_A_DEGREE, 9), round(self._lon + x / self._width, 9))
            for x, y in ring.coords[:-1]
        )
        return tuple(dict.fromkeys(corners))


@lru_cache(4_096)
def _plane(areas: tuple[ZoneArea, ...]) -> Plane:
    lats, lons = zip(*(corner for area in areas for corner in area.outline), strict=True)
    return Plane((min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2)


@lru_cache(4_096)
def _shape(areas: tuple[ZoneArea, ...]) -> BaseGeometry:
    plane = _plane(areas)
    polygons = [
        shapely.make_valid(shapely.Polygon(plane.xy(area.outline), [plane.xy(hole) for hole in area.holes]))
        for area in areas
    ]
    return shapely.union_all(polygons)


def _ring(said: Sequence[Sequence[float]]) -> Ring:
    """A ring of GeoJSON, longitude before latitude and closed, as corners that stand there once."""
    corners = [(float(lat), float(lon)) for lon, lat, *_ in said]
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    return tuple(corner for n, corner in enumerate(corners) if n == 0 or corner != corners[n - 1])
