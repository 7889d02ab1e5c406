"""Heights over different references, and what is surely, possibly or not between two limits. Pure.

A height or a limit is metres over one of four references. Some are converted with what the city says of its ground and
of the geoid; what it does not say is bounded by the whole world's extremes, so a doubt widens the answer and never gives a
wrong one. A height that nobody knows may be any height.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

ABOVE_GROUND, ABOVE_SEA, ABOVE_WGS84, ABOVE_TAKEOFF = REFERENCES = (
    "above_ground",
    "above_sea",
    "above_wgs84",
    "above_takeoff",
)
SURE, POSSIBLE, NOT = "certain", "possible", "not"
NO_LIMIT = 99_999.0
"""ED-269 writes it for a zone without an upper limit."""


class Bound(NamedTuple):
    """A height that is not known better than between *low* and *high*, metres."""

    low: float
    high: float

    def plus(self, other: Bound) -> Bound:
        return Bound(self.low + other.low, self.high + other.high)

    def minus(self, other: Bound) -> Bound:
        return Bound(self.low - other.high, self.high - other.low)

    def narrowed(self, other: Bound) -> Bound:
        """The bound of what both allow; *self* where they exclude each other, as two wrong heights may."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Bound(low, high) if low <= high else self


ANYWHERE = Bound(-math.inf, math.inf)
WORLD_GEOID = Bound(-107.0, 86.0)
"""The geoid over the WGS-84 ellipsoid, anywhere (EGM96)."""
WORLD_GROUND = Bound(-431.0, 8_849.0)
"""The ground above the sea, anywhere: the shore of the Dead Sea, Everest."""


@dataclass(frozen=True, slots=True)
class Terrain:
    """The bounds of the ground above the sea, and of the geoid above the ellipsoid, in a city's extent."""

    ground: Bound = WORLD_GROUND
    geoid: Bound = WORLD_GEOID


def above_ground_and_sea(
    heights: Mapping[str, float | None],
    terrain: Terrain,
    *,
    accuracy_m: float | None = None,
    takeoff: Bound | None = None,
) -> tuple[Bound, Bound]:
    """The bounds of one thing above the ground and above the sea, from its *heights* by reference.

    *accuracy_m*: by how much each may be off; unknown counts as 0, since a thing without it would be anywhere. *takeoff*:
    the ground above the sea where it took off; ``None``: any of the city's.
    """
    error = Bound(-(accuracy_m or 0.0), accuracy_m or 0.0)
    said = {
        name: Bound(m, m).plus(error) for name, m in heights.items() if m is not None and math.isfinite(m)
    }
    ground, sea = said.get(ABOVE_GROUND, ANYWHERE), said.get(ABOVE_SEA, ANYWHERE)
    if ABOVE_WGS84 in said:
        sea = sea.narrowed(said[ABOVE_WGS84].minus(terrain.geoid))
    if ABOVE_TAKEOFF in said:
        sea = sea.narrowed(said[ABOVE_TAKEOFF].plus(terrain.ground if takeoff is None else takeoff))
    return ground.narrowed(sea.minus(terrain.ground)), sea.narrowed(ground.plus(terrain.ground))


def limit(metres: float | None, reference: str | None, terrain: Terrain) -> tuple[Bound, str] | None:
    """A limit of a zone as bounds above ground or sea, and which of the two. ``None`` for no limit.

    One over the place of take-off lies above ground by the city's relief; one without a reference may be any of the four.
    """
    if metres is None or metres >= NO_LIMIT or not math.isfinite(metres):
        return None
    exact = Bound(metres, metres)
    relief = terrain.ground.minus(terrain.ground)
    if reference == ABOVE_GROUND:
        return exact, ABOVE_GROUND
    if reference == ABOVE_SEA:
        return exact, ABOVE_SEA
    if reference == ABOVE_WGS84:
        return exact.minus(terrain.geoid), ABOVE_SEA
    if reference == ABOVE_TAKEOFF:
        return exact.plus(relief), ABOVE_GROUND
    over_sea = exact.minus(terrain.geoid).minus(terrain.ground)
    parts = (exact, exact.plus(relief), exact.minus(terrain.ground), over_sea)
    return Bound(min(one.low for one in parts), max(one.high for one in parts)), ABOVE_GROUND


def between(height: Bound, floor: Bound | None, ceiling: Bound | None) -> str:
    """Whether *height* lies from *floor* to *ceiling*, both inclusive, all over one reference: certain, possible or not."""
    if (floor is not None and height.high < floor.low) or (ceiling is not None and height.low > ceiling.high):
        return NOT
    is_over = floor is None or height.low >= floor.high
    is_under = ceiling is None or height.high <= ceiling.low
    return SURE if is_over and is_under else POSSIBLE
