"""Distances on the sphere, and a grid that finds nearby places.

Distances are haversine with the mean radius of WGS-84. They are rounded to the millimetre, so that machines
whose floating point differs in the last bit agree on which place is nearer.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

EARTH_RADIUS_M = 6_371_008.8
SLACK = 1e-9
"""Relative widening of every box, so that rounding never leaves out a place on its edge."""

WIDE_DEG = 90.0

K = TypeVar("K", bound=Hashable)


def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return the metres between two places in degrees, to the millimetre."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half_lat, half_lon = math.sin((phi_b - phi_a) / 2), math.sin(math.radians(lon_b - lon_a) / 2)
    chord = half_lat * half_lat + math.cos(phi_a) * math.cos(phi_b) * half_lon * half_lon
    return round(2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, chord))), 3)


def reach_deg(lat: float, radius_m: float) -> tuple[float, float]:
    """Return half the height and half the width, in degrees, of a box that holds the disc; 180 around a pole."""
    angle = radius_m * (1 + SLACK) / EARTH_RADIUS_M + SLACK
    height = math.degrees(angle)
    if abs(lat) + height >= 90:
        return height, 180.0
    return height, math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(lat))))) + SLACK


@dataclass(slots=True)
class Grid(Generic[K]):
    """Keys by place, in cells of *cell_deg* degrees. Holds each key once; the caller removes what it added."""

    cell_deg: float
    cells: dict[tuple[int, int], dict[K, tuple[float, float]]] = field(default_factory=dict)

    def _cell(self, lat: float, lon: float) -> tuple[int, int]:
        return math.floor(lat / self.cell_deg), math.floor(lon / self.cell_deg)

    def add(self, key: K, lat: float, lon: float) -> None:
        self.cells.setdefault(self._cell(lat, lon), {})[key] = (lat, lon)

    def remove(self, key: K, lat: float, lon: float) -> None:
        at = self._cell(lat, lon)
        cell = self.cells[at]
        del cell[key]
        if not cell:
            del self.cells[at]

    def near(self, lat: float, lon: float, radius_m: float) -> Iterator[tuple[K, float]]:
        """Yield (key, distance in metres) of every key within *radius_m*, in no order."""
        height, width = reach_deg(lat, radius_m)
        for cell in self._touched(lat, lon, height, width):
            for key, (its_lat, its_lon) in cell.items():
                if abs(its_lat - lat) <= height:
                    away_m = distance_m(lat, lon, its_lat, its_lon)
                    if away_m <= radius_m:
                        yield key, away_m

    def _touched(
        self, lat: float, lon: float, height: float, width: float
    ) -> list[dict[K, tuple[float, float]]]:
        """Return the cells that the box touches, on both sides of the date line; whole rows where the box is wide."""
        low, left = self._cell(lat - height, lon - width)
        high, right = self._cell(lat + height, lon + width)
        columns = list(range(left, right + 1)) if width < WIDE_DEG else []
        if columns and lon - width < -180:
            columns += range(self._cell(lat, lon - width + 360)[1], self._cell(lat, 180)[1] + 1)
        if columns and lon + width > 180:
            columns += range(self._cell(lat, -180)[1], self._cell(lat, lon + width - 360)[1] + 1)
        if not columns or (high - low + 1) * len(columns) > len(self.cells):
            them = set(columns)
            return [
                cell
                for (row, column), cell in self.cells.items()
                if low <= row <= high and (not them or column in them)
            ]
        asked = [(row, column) for row in range(low, high + 1) for column in columns]
        return [self.cells[at] for at in asked if at in self.cells]
