"""Places on the sphere: distances, and a grid that finds what is near.

Distances are haversine with the mean radius of WGS-84, rounded to the millimetre, so that machines whose
mathematics differ in the last bit still agree on who is nearer.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

EARTH_RADIUS_M = 6_371_008.8
SLACK = 1e-9
"""Relative widening of every box, so that rounding never leaves out what lies on its edge."""

K = TypeVar("K", bound=Hashable)


def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Metres between two places in degrees, to the millimetre."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half_lat, half_lon = math.sin((phi_b - phi_a) / 2), math.sin(math.radians(lon_b - lon_a) / 2)
    chord = half_lat * half_lat + math.cos(phi_a) * math.cos(phi_b) * half_lon * half_lon
    return round(2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, chord))), 3)


def reach_deg(lat: float, radius_m: float) -> tuple[float, float]:
    """Half the height and half the width, in degrees, of a box that holds the disc; 180 around a pole."""
    angle = radius_m * (1 + SLACK) / EARTH_RADIUS_M + SLACK
    height = math.degrees(angle)
    if abs(lat) + height >= 90:
        return height, 180.0
    return height, math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(lat))))) + SLACK


@dataclass(slots=True)
class Grid(Generic[K]):
    """Keys by place, in cells of *cell_deg* degrees. Holds each key once; who adds also removes."""

    cell_deg: float
    rows: dict[int, dict[int, dict[K, tuple[float, float]]]] = field(default_factory=dict)

    def _cell(self, lat: float, lon: float) -> tuple[int, int]:
        return math.floor(lat / self.cell_deg), math.floor(lon / self.cell_deg)

    def add(self, key: K, lat: float, lon: float) -> None:
        row, column = self._cell(lat, lon)
        self.rows.setdefault(row, {}).setdefault(column, {})[key] = (lat, lon)

    def remove(self, key: K, lat: float, lon: float) -> None:
        row, column = self._cell(lat, lon)
        columns = self.rows[row]
        del columns[column][key]
        if not columns[column]:
            del columns[column]
        if not columns:
            del self.rows[row]

    def near(self, lat: float, lon: float, radius_m: float) -> Iterator[tuple[K, float]]:
        """(key, distance in metres) of every key within *radius_m*, in no order."""
        height, width = reach_deg(lat, radius_m)
        for cell in self._cells(lat, lon, height, width):
            for key, (its_lat, its_lon) in cell.items():
                if abs(its_lat - lat) <= height:
                    away_m = distance_m(lat, lon, its_lat, its_lon)
                    if away_m <= radius_m:
                        yield key, away_m

    def _cells(
        self, lat: float, lon: float, height: float, width: float
    ) -> Iterator[dict[K, tuple[float, float]]]:
        """The cells that the box touches; whole rows where it reaches over the date line."""
        low, left = self._cell(lat - height, lon - width)
        high, right = self._cell(lat + height, lon + width)
        is_whole = lon - width < -180 or lon + width > 180
        rows = (
            range(low, high + 1)
            if high - low < len(self.rows)
            else [r for r in self.rows if low <= r <= high]
        )
        for row in rows:
            columns = self.rows.get(row)
            if not columns:
                continue
            if is_whole or right - left >= len(columns):
                yield from (cell for c, cell in columns.items() if is_whole or left <= c <= right)
            else:
                yield from (columns[c] for c in range(left, right + 1) if c in columns)
