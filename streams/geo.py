"""Distances on the earth, and points found by where they lie."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the earth (IUGG, R1)."""
CELL_DEG = 0.01


@dataclass(frozen=True, slots=True)
class Point:
    """A place, WGS-84 degrees."""

    lat: float
    lon: float


def distance_m(one: Point, other: Point) -> float:
    """Great-circle distance in metres, by the haversine formula."""
    lat_1, lat_2 = math.radians(one.lat), math.radians(other.lat)
    half_lat = math.sin((lat_2 - lat_1) / 2)
    half_lon = math.sin(math.radians(other.lon - one.lon) / 2)
    chord = half_lat * half_lat + math.cos(lat_1) * math.cos(lat_2) * half_lon * half_lon
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


@dataclass(slots=True)
class PointGrid:
    """Ids by place. Finds candidates near a point; the caller tests the true distance."""

    _cells: dict[tuple[int, int], dict[str, None]] = field(default_factory=dict)
    _places: dict[str, Point] = field(default_factory=dict)

    def put(self, name: str, place: Point | None) -> None:
        """*name* lies at *place* now, or nowhere."""
        old = self._places.pop(name, None)
        if old is not None:
            cell = self._cells[_cell(old)]
            del cell[name]
            if not cell:
                del self._cells[_cell(old)]
        if place is not None:
            self._places[name] = place
            self._cells.setdefault(_cell(place), {})[name] = None

    def near(self, place: Point, radius_m: float) -> Iterator[tuple[str, Point]]:
        """Every id within *radius_m* of *place*, and some a little farther; in no promised order."""
        reach_lat = math.degrees(radius_m / EARTH_RADIUS_M) * 1.000_001
        widest = min(89.999, abs(place.lat) + reach_lat)
        reach_lon = min(360.0, reach_lat / math.cos(math.radians(widest)))
        south, west = _cell(Point(place.lat - reach_lat, place.lon - reach_lon))
        north, east = _cell(Point(place.lat + reach_lat, place.lon + reach_lon))
        if (north - south + 1) * (east - west + 1) > len(self._cells):
            yield from self._places.items()
            return
        for row in range(south, north + 1):
            for column in range(west, east + 1):
                for name in self._cells.get((row, column), ()):
                    yield name, self._places[name]


def _cell(place: Point) -> tuple[int, int]:
    return math.floor(place.lat / CELL_DEG), math.floor(place.lon / CELL_DEG)
