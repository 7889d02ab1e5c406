"""A thing in a zone as a situation: opened by the first evidence, told again where it moves, over when it has gone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from schemas.event import derived_id
from schemas.heights import POSSIBLE
from streams.geo import distance_m
from streams.situations.answers.alerts import OPERATOR
from streams.situations.answers.watches import observed_from
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.law import Use
from streams.situations.model import Observed, Position, Situation, View, listed_with
from streams.situations.reports.facts import position_of
from streams.situations.rule import City, Draft
from streams.situations.rules.parts.settings import Speech
from streams.situations.rules.parts.spells import begun, ended, place_in, shown, told_by
from streams.situations.rules.zone.config import NAME, Numbers
from streams.situations.rules.zone.things import Thing
from streams.situations.rules.zone.zone_parts import IN, SEEN, ZoneKept, zone_known
from streams.situations.words import Said


class Breaches:
    """The situations of things in zones, in the city's language."""

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._speech = Speech(numbers.headlines, config)

    def told(
        self,
        city: City,
        zone: ZoneKept,
        thing: Thing,
        situation: Situation | None,
        value: Mapping[str, Any],
        *,
        is_news: bool,
    ) -> tuple[Thing, Sequence[Draft]]:
        """*thing* as it is told from now on, and the revision that says so; none where nothing changed that people need to
        know. A situation that operators closed stays closed for this stay."""
        at, found = position_of(value["position"]), observed_from(value)
        if situation is None and thing.situation_id is None:
            situation = self._first(city, zone, thing, found, value)
            thing = replace(thing, situation_id=situation.situation_id, **_told_at(at))
            return thing, [self._shown(city, situation)]
        if situation is None or situation.is_closed:
            return thing, ()
        thing = replace(thing, situation_id=situation.situation_id)
        if not is_news and not self._has_moved(thing, at):
            return thing, ()
        after = self._again(city, thing, situation, at, found, value, is_news=is_news)
        return replace(thing, **_told_at(at)), [self._shown(city, after)]

    def judged(
        self, city: City, thing: Thing, situation: Situation | None, entry: Entry, *, is_news: bool
    ) -> tuple[Thing, Sequence[Draft]]:
        """A drone that contradicts itself: told with what it is in already, or as a situation of its own."""
        value, at = entry.value, place_in(entry)
        if situation is None and thing.situation_id is None:
            numbers = self._numbers
            view = begun(
                numbers.implausible_kind,
                entry,
                at,
                agencies=tuple(sorted(numbers.forward_to)),
                severity=numbers.possible_severity,
                urgency=numbers.urgency,
                words=self._said(city, self._template(None, thing), thing, None, value["event_time"]),
                shown_to=(OPERATOR,),
            )
            its_id = derived_id(NAME, thing.key, value["event_id"])
            situation = Situation(its_id, thing.key, city.sequence, 1, self._why(thing), view, rule=NAME)
            thing = replace(thing, situation_id=its_id, **_told_at(at))
            return thing, [self._shown(city, situation)]
        if situation is None or situation.is_closed or not (is_news or self._has_moved(thing, at)):
            return thing, ()
        found = told_by(entry, situation.view.opened_at)
        after = self._again(city, thing, situation, at, found, value, is_news=is_news)
        if is_news:
            after = replace(after, reason=self._why(thing))
        return replace(thing, **_told_at(at)), [self._shown(city, after)]

    def _why(self, thing: Thing) -> str:
        return f"it contradicts itself: {', '.join(one.replace('_', ' ') for one in thing.reasons)}"

    def over(self, city: City, thing: Thing, others: int, reason: str, words: str) -> Sequence[Draft]:
        """The end of its situation, unless that stands for *others* too."""
        situation = city.situations.get(thing.situation_id or "")
        if situation is None or situation.is_closed or others or situation.handled.hold == "open":
            return ()
        zone = self._zone_of(city, thing)
        return [ended(city, situation, reason, self._said(city, words, thing, zone, city.now_ms))]

    def uses(self, city: City, situation: Situation) -> dict[str, Use]:
        """The use of cameras for each agency that is told of it, by its domain."""
        uses = city.rules.law.uses
        named = self._numbers.forward_to
        return {
            agency: uses[named[agency]] for agency in situation.view.agencies if named.get(agency) in uses
        }

    def _first(
        self, city: City, zone: ZoneKept, thing: Thing, found: Observed, value: Mapping[str, Any]
    ) -> Situation:
        numbers, opened_at = self._numbers, value["event_time"]
        is_possible = self._is_possible(thing)
        view = View(
            kind=numbers.kind_of(thing.label),
            status="open",
            opened_at=opened_at,
            closed_at=None,
            position=position_of(value["position"]),
            agencies=tuple(sorted(numbers.forward_to)),
            incidents=(),
            severity=numbers.possible_severity if is_possible else numbers.severity,
            urgency=numbers.urgency,
            certainty="possible" if is_possible else "observed",
            cameras=(),
            observed=(replace(found, seconds=0.0),),
            words=self._said(city, self._template(zone, thing), thing, zone, opened_at),
            shown_to=(OPERATOR,),
        )
        its_id = derived_id(NAME, zone.key, thing.key, found.event_id)
        reason = _where(zone, is_possible=is_possible)
        return Situation(its_id, thing.key, city.sequence, 1, reason, view, rule=NAME)

    def _again(
        self,
        city: City,
        thing: Thing,
        situation: Situation,
        at: Position | None,
        found: Observed,
        value: Mapping[str, Any],
        *,
        is_news: bool,
    ) -> Situation:
        """The next revision: where it is now, and what it is in, the zone of the highest priority first."""
        view, numbers = situation.view, self._numbers
        zone, is_possible = self._zone_of(city, thing), self._is_possible(thing)
        seconds = (value["event_time"] - view.opened_at) / 1000
        observed = listed_with(view.observed, replace(found, seconds=seconds), numbers.evidence_max)
        was_sure = view.certainty != "possible"
        view = replace(
            view,
            kind=view.kind if zone is None else numbers.kind_of(thing.label),
            position=at or view.position,
            observed=observed,
            severity=view.severity if was_sure or is_possible else numbers.severity,
            certainty="observed" if was_sure or not is_possible else "possible",
            words=self._said(city, self._template(zone, thing), thing, zone, value["event_time"]),
        )
        reason = _where(zone) if is_news and zone is not None else "has moved on"
        return replace(situation, revision=situation.revision + 1, reason=reason, view=view)

    def _zone_of(self, city: City, thing: Thing) -> ZoneKept | None:
        """The zone that counts first of those that it is in."""
        zones = [zone for key in thing.stays if (zone := zone_known(city, key)) is not None]
        return max(zones, key=lambda one: (one.priority, one.part != SEEN, one.key), default=None)

    def _is_possible(self, thing: Thing) -> bool:
        return all(stay.certainty == POSSIBLE for stay in thing.stays.values())

    def _has_moved(self, thing: Thing, at: Position | None) -> bool:
        if at is None or thing.told_lat is None or thing.told_lon is None:
            return at is not None
        return distance_m(thing.told_lat, thing.told_lon, at.lat, at.lon) > self._numbers.move_m

    def _template(self, zone: ZoneKept | None, thing: Thing) -> str:
        if zone is None and thing.reasons:
            return thing.reasons[0]
        if zone is not None and zone.part not in (IN, SEEN):
            return "outside"
        return "possible" if self._is_possible(thing) else "inside"

    def _said(self, city: City, template: str, thing: Thing, zone: ZoneKept | None, at_ms: int) -> Said:
        name = zone.name if zone is not None else "-"
        numbers = self._numbers
        kind = numbers.implausible_kind if zone is None and thing.reasons else numbers.kind_of(thing.label)
        return self._speech.said(template, {"kind": kind}, zone=name, time=_clock(city, at_ms))

    def _shown(self, city: City, situation: Situation) -> Draft:
        return shown(city, situation, self.uses(city, situation))


def _where(zone: ZoneKept, *, is_possible: bool = False) -> str:
    if zone.part in (IN, SEEN):
        reason = f"possibly inside {zone.name}" if is_possible else f"inside {zone.name}"
    else:
        reason = f"possibly outside {zone.name}" if is_possible else f"outside {zone.name}"
    return reason


def _told_at(at: Position | None) -> dict[str, float]:
    return {} if at is None else {"told_lat": at.lat, "told_lon": at.lon}


def _clock(city: City, time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms // 1000, city.zone):%H:%M:%S}"
