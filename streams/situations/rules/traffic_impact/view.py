"""The view of an impact, and its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streams.geo import distance_m
from streams.situations.config import RulesConfig
from streams.situations.memory import beneath
from streams.situations.model import Observed, Position, Situation, View
from streams.situations.rule import City
from streams.situations.rules.parts.settings import Speech
from streams.situations.rules.traffic_impact.config import NAME, Numbers
from streams.situations.rules.traffic_impact.pace import Reading, Together
from streams.situations.rules.traffic_impact.turn import HUB_OF, Hub, Turn
from streams.situations.words import Said


class ImpactView:
    """An impact in the city's language."""

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._speech = Speech(numbers.headlines, config)

    def drawn(self, turn: Turn, owner: Situation, readings: Sequence[Reading], now: Together) -> View:
        at, numbers = owner.view.position, self._numbers
        opened_at = turn.city.now_ms
        return View(
            kind=numbers.kind,
            status="open",
            opened_at=opened_at,
            closed_at=None,
            position=at,
            agencies=tuple(sorted({*numbers.tell, *self._hubs(turn.city, at)})),
            incidents=(),
            severity=numbers.severity,
            urgency=numbers.urgency,
            certainty="observed",
            cameras=(),
            observed=tuple(_observed(one, opened_at) for one in readings),
            radius_m=numbers.radius_m,
            words=self.slow(owner, now),
            beneath=(owner.situation_id,),
        )

    def _hubs(self, city: City, at: Position | None) -> Iterator[str]:
        """The nearest hubs within the radius, as audiences."""
        found = []
        for hub, one in beneath(city.memories, NAME, HUB_OF):
            if at is not None:
                place = one.read(Hub)
                found.append((distance_m(at.lat, at.lon, place.lat, place.lon), hub))
        near = sorted(one for one in found if one[0] <= self._numbers.radius_m)
        return (HUB_OF + hub for _, hub in near[: self._numbers.hubs_told_max])

    def slow(self, owner: Situation, now: Together) -> Said:
        return self._said("slow", owner.view.kind, now)

    def over(self) -> Said:
        return self._said("over", "", None)

    def _said(self, template: str, cause: str, now: Together | None) -> Said:
        return self._speech.said(
            template,
            {"kind": self._numbers.kind, "cause": cause},
            speed="" if now is None else kmh(now.speed),
            usual="" if now is None else kmh(now.usual),
            radius=f"{self._numbers.radius_m:.0f}",
        )


def measured(now: Together) -> str:
    """An impact's speed, beside the usual one, for the reason of a revision."""
    return (
        f"{kmh(now.speed)} km/h, usually {kmh(now.usual)} ({now.share:.0%}),"
        f" {now.vehicles_in(1)} vehicles in a minute"
    )


def _observed(one: Reading, opened_at: int) -> Observed:
    event_id, topic, partition, offset = one.pace.event
    seconds = (one.pace.heard - opened_at) / 1000
    return Observed(event_id, topic, partition, offset, one.away_m, seconds, "speed", one.cell)


def kmh(mps: float) -> str:
    return f"{mps * 3.6:.0f}"
