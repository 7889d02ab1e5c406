"""The area of a surge: the calls in it, the view in which it is told, and the situations beneath it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import UNSET

from streams.geo import distance_m
from streams.situations.config import RulesConfig
from streams.situations.memory import name_of
from streams.situations.model import Incident, Observed, Position, View
from streams.situations.rule import City
from streams.situations.rules.parts.settings import Speech
from streams.situations.rules.surge.config import NAME, Numbers
from streams.situations.rules.surge.level import Level, Rate
from streams.situations.words import Said


class Area:
    """A surge in the city's language."""

    def __init__(self, config: RulesConfig, numbers: Numbers, window_ms: int) -> None:
        self._numbers = numbers
        self._window_ms = window_ms
        self._speech = Speech(numbers.headlines, config)

    def calls(self, city: City, family: str, after_ms: int) -> list[Incident]:
        those = city.rates.those(name_of(NAME, family), after_ms, city.now_ms)
        return [city.index.incidents[one] for one in those]

    def drawn(
        self, city: City, family: str, calls: Sequence[Incident], rate: Rate, *, opened_at: int
    ) -> View:
        numbers = self._numbers
        centre, radius_m = area_of(calls, share=numbers.area_share, radius_min_m=numbers.area_radius_min_m)
        newest = calls[-numbers.evidence_max :] if numbers.evidence_max else ()
        return View(
            kind=numbers.families[family].kinds[0],
            status="open",
            opened_at=opened_at,
            closed_at=None,
            position=centre,
            agencies=tuple(sorted({one.agency for one in calls})),
            incidents=(),
            severity=numbers.families[family].severity or numbers.severity,
            urgency=numbers.urgency,
            certainty="observed",
            cameras=(),
            observed=tuple(_observed(one, centre, opened_at) for one in newest),
            radius_m=radius_m,
            words=self._said("surge", family, rate),
            beneath=_owners(city, calls, numbers.listed_max),
        )

    def beneath(self, city: City, family: str, level: Level) -> tuple[str, ...]:
        calls = self.calls(city, family, level.began - self._window_ms)
        return _owners(city, calls, self._numbers.listed_max)

    def over(self, family: str, rate: Rate) -> Said:
        return self._said("over", family, rate)

    def _said(self, template: str, family: str, rate: Rate) -> Said:
        return self._speech.said(
            template,
            {"kind": self._numbers.families[family].kinds[0]},
            count=rate.count,
            minutes=f"{self._numbers.window_min:g}",
            usual=rate.told_usual,
        )


def area_of(
    calls: Sequence[Incident], *, share: float, radius_min_m: float
) -> tuple[Position | None, float | None]:
    """The middle of the placed calls, and a radius, *radius_min_m* or more, within which *share* of them lie."""
    places = [one.position for one in calls if one.position is not None]
    if not places:
        return None, None
    centre = Position(
        round(math.fsum(at.lat for at in places) / len(places), 6),
        round(math.fsum(at.lon for at in places) / len(places), 6),
    )
    away = sorted(distance_m(centre.lat, centre.lon, at.lat, at.lon) for at in places)
    return centre, max(radius_min_m, away[math.ceil(share * len(away)) - 1])


def _observed(one: Incident, centre: Position | None, opened_at: int) -> Observed:
    away_m = None
    if centre is not None and one.position is not None:
        away_m = distance_m(centre.lat, centre.lon, one.position.lat, one.position.lon)
    return Observed(
        one.event_id,
        one.topic,
        one.partition,
        one.offset,
        away_m,
        (one.event_time - opened_at) / 1000,
        position=one.position or UNSET,
    )


def _owners(city: City, calls: Sequence[Incident], limit: int) -> tuple[str, ...]:
    """The situations of *calls*, the newest last, at most *limit*."""
    ids = dict.fromkeys(city.owners[one.incident_id] for one in calls if one.incident_id in city.owners)
    return tuple(ids)[-limit:] if limit else ()
