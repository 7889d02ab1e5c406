"""The claims of machines: which say the same, and those that wait for another source."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from streams.geo import distance_m
from streams.situations.answers.watches import observed_from
from streams.situations.memory import Memory, memory_of, remembered
from streams.situations.model import Observed, Position, Situation
from streams.situations.rule import City
from streams.situations.rules.unconfirmed.config import NAME, Numbers

PENDING = "pending"


class Claim(Struct, frozen=True, gc=False):
    """The newest claim of one source that something of *kind* is going on."""

    kind: str
    at: int
    lat: float
    lon: float
    found: Observed

    @property
    def source(self) -> tuple[str, str]:
        return self.kind, self.found.seen_by or ""

    def away_m(self, place: Position) -> float:
        return distance_m(self.lat, self.lon, place.lat, place.lon)


class Pending(Struct, frozen=True, gc=False):
    """The claims that wait for another source, in order of time."""

    claims: tuple[Claim, ...]


class Claims:
    """The claims of a city, by the settings of the rule."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def read(self, value: Mapping[str, Any]) -> Claim | None:
        label, confidence, at = value["label"], value["confidence"], value["position"]
        kind = next((one.kind for one in self._numbers.claims if label in one.labels), None)
        is_sure = confidence is not None and confidence >= self._numbers.min_confidence
        if kind is None or at is None or not is_sure:
            return None
        return Claim(kind, value["event_time"], at["lat"], at["lon"], observed_from(value))

    def waiting(self, city: City, claim: Claim) -> list[Claim]:
        """The claims that wait, *claim* among them: the newest of each source and place, within the window, bounded."""
        claims = pending_claims(city)
        newest = max([claim.at, *(one.at for one in claims)])
        oldest = newest - round(self._numbers.window_s * 1000)
        same = [one for one in claims if one.source == claim.source and self._are_near(one, claim)]
        others = [one for one in claims if one not in same and one.at >= oldest]
        return sorted([*others, max([*same, claim], key=turn)], key=turn)[-self._numbers.pending_max :]

    def belong(self, one: Claim, other: Claim) -> bool:
        is_then = abs(one.at - other.at) <= self._numbers.window_s * 1000
        return one.kind == other.kind and is_then and self._are_near(one, other)

    def _are_near(self, one: Claim, other: Claim) -> bool:
        return one.away_m(Position(other.lat, other.lon)) <= self._numbers.radius_m


def pending_claims(city: City) -> tuple[Claim, ...]:
    """The claims that are remembered."""
    pending = remembered(city.memories, NAME, PENDING, Pending)
    return () if pending is None else pending.claims


def pending_memory(pending: Sequence[Claim]) -> Memory:
    return memory_of(NAME, PENDING, Pending(tuple(pending)))


def turn(claim: Claim) -> tuple[int, tuple[str, str], str]:
    return claim.at, claim.source, claim.found.event_id


def placed(claim: Claim, centre: Position, opened_at: int) -> Observed:
    seconds = (claim.at - opened_at) / 1000
    return replace(claim.found, distance_m=claim.away_m(centre), seconds=seconds)


def distance_of(claim: Claim, situation: Situation) -> float:
    at = situation.view.position
    return math.inf if at is None else claim.away_m(at)
