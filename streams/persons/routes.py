"""Values of a search: candidates to show, the route that people confirmed, the evidence that is used."""

from __future__ import annotations

from dataclasses import dataclass

from streams.persons.anchors import Anchor


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sighting to show: *probability* that it is the person, before the next answer."""

    key: int
    camera: int
    time_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class Route:
    """Confirmed hops in order, gaps as (from, to) in seconds, cameras that the person can reach next."""

    hops: tuple[Candidate, ...]
    gaps: tuple[tuple[float, float], ...]
    next_cameras: tuple[int, ...]
    ridden: tuple[tuple[Anchor, Anchor], ...]


@dataclass(frozen=True, slots=True)
class UsedEvidence:
    """Evidence that a search uses: all of it, or, to compare, place and time or looks alone."""

    looks: bool = True
    place: bool = True
