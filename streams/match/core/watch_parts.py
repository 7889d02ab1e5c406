"""The parts of a watch's place: polygons with holes, limits of height, and spans of time. Validated, from ``core.watch``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import Invalid
from schemas.heights import ABOVE_GROUND, ABOVE_SEA, Bound

CORNERS_MAX = 1_000
CORNERS_ALL_MAX = 4_000
"""The limit of corners of all of a watch's polygons and holes."""
WINDOWS_MAX = 1_000

Ring = tuple[tuple[float, float], ...]
"""Corners (lat, lon)."""


@dataclass(frozen=True, slots=True)
class WatchArea:
    """A polygon; what lies in one of its holes is outside."""

    outline: Ring
    holes: tuple[Ring, ...] = ()

    @property
    def rings(self) -> tuple[Ring, ...]:
        return (self.outline, *self.holes)


@dataclass(frozen=True, slots=True)
class Limit:
    """A floor or ceiling: its bound in metres, over *reference*, ``above_ground`` or ``above_sea``."""

    metres: Bound
    reference: str


@dataclass(frozen=True, slots=True)
class Seed:
    """A thing that a rule holds to be inside a fence; *since*: the event time of the last evidence of it, in ms."""

    topic: str
    seen_by: str | None
    subject: str
    since: int


def need(is_so: Any, field: str, expected: str) -> None:
    """Raise ``Invalid`` unless *is_so*."""
    if not is_so:
        raise Invalid(f"a watch without a usable {field}", field=field, expected=expected)


def ring_of(points: Sequence[Mapping[str, float]], field: str) -> Ring:
    """Return the corners of *points*."""
    need(3 <= len(points) <= CORNERS_MAX, field, f"3 to {CORNERS_MAX:,} corners")
    for one in points:
        need(is_place(one["lat"], one["lon"]), field, "WGS-84 degrees")
    return tuple((one["lat"], one["lon"]) for one in points)


def is_place(lat: float, lon: float) -> bool:
    return -90 <= lat <= 90 and -180 <= lon <= 180


def areas_of(values: Sequence[Mapping[str, Any]]) -> tuple[WatchArea, ...]:
    """Return the areas of a ``core.watch``."""
    return tuple(
        WatchArea(
            ring_of(one["outline"], "areas.outline"),
            tuple(ring_of(hole["corners"], "areas.holes.corners") for hole in one["holes"]),
        )
        for one in values
    )


def limit_of(value: Mapping[str, Any] | None, field: str) -> Limit | None:
    """Return the floor or ceiling, whichever *field* says."""
    if value is None:
        return None
    low, high = value["low_m"], value["high_m"]
    need(math.isfinite(low) and math.isfinite(high) and low <= high, field, "two bounds, the lower one first")
    need(value["reference"] in (ABOVE_GROUND, ABOVE_SEA), field, f"{ABOVE_GROUND} or {ABOVE_SEA}")
    return Limit(Bound(low, high), value["reference"])


def windows_of(values: Sequence[Mapping[str, int]]) -> tuple[tuple[int, int], ...]:
    """Return the spans in order, each (opens, closes) in ms; spans that overlap or touch are joined."""
    need(len(values) <= WINDOWS_MAX, "windows", f"at most {WINDOWS_MAX:,} spans")
    joined: list[tuple[int, int]] = []
    for opens_at, closes_at in sorted((one["opens_at"], one["closes_at"]) for one in values):
        need(opens_at <= closes_at, "windows", "closes_at not before opens_at")
        if joined and opens_at <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], closes_at))
        else:
            joined.append((opens_at, closes_at))
    return tuple(joined)


def seeds_of(values: Sequence[Mapping[str, Any]]) -> tuple[Seed, ...]:
    """Return the things that are held to be inside."""
    return tuple(Seed(one["topic"], one["seen_by"], one["subject"], one["since"]) for one in values)
