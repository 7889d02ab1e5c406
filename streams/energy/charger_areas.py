"""The areas of the grid in which a charger lies. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from streams.energy.energy_numbers import EnergyNumbers, is_among

EVERYWHERE = "*"
"""The area of a window that holds in the whole city."""


def areas_of(numbers: EnergyNumbers, charger_id: str, position: Mapping[str, Any] | None) -> frozenset[str]:
    """The names of all areas with that charger: by its id, or by its *position* where that is known."""
    return frozenset(
        name
        for name, area in numbers.areas.items()
        if is_among(charger_id, area.chargers)
        or (position is not None and is_inside(area.polygon, position["lon"], position["lat"]))
    ) | {EVERYWHERE}


def is_inside(corners: Sequence[tuple[float, float]], lon: float, lat: float) -> bool:
    """Whether a place lies inside a polygon of *corners* (lon, lat): a line east of it crosses an odd number of sides."""
    if len(corners) < 3:
        return False
    crossed = False
    for (west, south), (east, north) in pairwise([*corners, corners[0]]):
        if (south <= lat) != (north <= lat):
            crossed ^= lon < west + (lat - south) / (north - south) * (east - west)
    return crossed
