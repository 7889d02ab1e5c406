"""The cells of speeds: rows of 1/225 degree (494 m), each cut into columns about as wide. Pure.

A cell is ``row:column``, counted from the south pole and from 180° west. The number of columns of a row
follows from its latitude alone, as an integer, so that machines whose cosines differ in the last bit agree on
the cell of a vehicle.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from streams.geo import distance_m, reach_deg

PER_DEG = 225
ROWS = 180 * PER_DEG
HALF_DIAGONAL_M = 354.0
"""The greatest distance of a cell's edge from its middle (rounded up)."""


@lru_cache(65_536)
def columns_of(row: int) -> int:
    """Return the number of cells in *row*."""
    return max(1, round(360 * PER_DEG * math.cos(math.radians(_lat(row)))))


def cell_at(lat: float, lon: float) -> str:
    row = min(ROWS - 1, max(0, math.floor((lat + 90) * PER_DEG)))
    return f"{row}:{_column(row, lon)}"


def centre_of(cell: str) -> tuple[float, float]:
    """Return the middle of a cell, in degrees. ``ValueError`` if it is not a cell."""
    row, column = (int(one) for one in cell.split(":"))
    columns = columns_of(row) if 0 <= row < ROWS else 0
    if not 0 <= column < columns:
        raise ValueError(f"no cell {cell!r}")
    return round(_lat(row), 6), round((column + 0.5) * 360 / columns - 180, 6)


def cells_near(lat: float, lon: float, radius_m: float) -> Iterator[tuple[str, float]]:
    """Yield (cell, metres to its middle) of cells whose middle lies within *radius_m*; the southern and
    western first.
    """
    height, width = reach_deg(lat, radius_m)
    low, high = (
        min(ROWS - 1, max(0, math.floor((one + 90) * PER_DEG))) for one in (lat - height, lat + height)
    )
    for row in range(low, high + 1):
        columns = columns_of(row)
        left = math.floor((lon - width + 180) * columns / 360)
        right = min(math.floor((lon + width + 180) * columns / 360), left + columns - 1)
        for column in range(left, right + 1):
            cell = f"{row}:{column % columns}"
            away_m = distance_m(lat, lon, *centre_of(cell))
            if away_m <= radius_m:
                yield cell, away_m


def _lat(row: int) -> float:
    return (row + 0.5) / PER_DEG - 90


def _column(row: int, lon: float) -> int:
    columns = columns_of(row)
    return math.floor((lon + 180) * columns / 360) % columns
