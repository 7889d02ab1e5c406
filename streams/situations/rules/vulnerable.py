"""A person under protection pressed a button or left the agreed zone: the centre sees who and where, an operator confirms,
then 112 and 119 are told and see the cameras. Pure.

Without the reference of a consent a call is never taken (``notices.py``). Photo and guardian's contact are references, told
to the agencies on it alone, until it is over. Back in the zone for ``over_after_s``, it is over by itself; once it is
confirmed, operators alone end it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from schemas.event import derived_id
from streams.geo import distance_m
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.law import Use
from streams.situations.memory import Memory
from streams.situations.model import Situation
from streams.situations.reports.notices import VULNERABLE
from streams.situations.rule import City, Draft, Explains, Follows, Notices, Rule, Step
from streams.situations.rules.parts.settings import Speech, Templates, defaults_beside, headlines_of
from streams.situations.rules.parts.spells import (
    SPELLS,
    Spell,
    begun,
    ended,
    key_of,
    over,
    place_in,
    remembered,
    shown,
    spells_of,
    told_by,
)
from streams.situations.terms import Severity, Strict, Urgency
from streams.situations.words import Said

NAME, VERSION = "vulnerable", "1"
MINUTE_MS = 60_000
CALM = ("zone_return", "cancelled")
REFERENCES = (("photo", "photo_ref"), ("guardian", "guardian_ref"))


default = defaults_beside(__file__)


class Words(Templates):
    """The texts of its alerts in one language."""

    places: ClassVar = {"kind": ""}
    button: str
    zone_exit: str
    confirmed: str
    over: str


class Numbers(Strict):
    """The settings that ``[[rule]] name = "vulnerable"`` of a city's file may give."""

    kind: str = default("kind")
    severity: Severity = default("severity")
    urgency: Urgency = default("urgency")
    centre: str = default("centre", pattern=r"\S")
    forward_to: dict[str, str] = default("forward_to")
    over_after_s: float = default("over_after_s", gt=0, le=86_400)
    age_max_min: float = default("age_max_min", gt=0)
    move_m: float = default("move_m", ge=0)
    evidence_max: int = default("evidence_max", ge=1, le=200)
    spells_max: int = default("spells_max", ge=1, le=100_000)
    headlines: dict[str, Words] = headlines_of(NAME)


class Vulnerable(Rule, Notices, Follows, Explains):
    """One situation for each person at a time, however often they call."""

    name = NAME
    version = VERSION
    keeps = frozenset({f"{NAME}:{SPELLS}"})
    notices = frozenset({VULNERABLE})

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._over_ms = round(numbers.over_after_s * 1000)
        self._speech = Speech(numbers.headlines, config)

    def on_notice(self, city: City, entry: Entry) -> Step:
        value, spells = entry.value, spells_of(city, NAME)
        person, at = key_of(spells, entry, "person_ref"), value["event_time"]
        spell = spells.get(person)
        situation = None if spell is None else city.situations.get(spell.situation_id)
        is_known = spell is not None and not spell.is_news(at)
        if is_known or city.now_ms - at > self._numbers.age_max_min * MINUTE_MS:
            return Step()
        is_open = situation is not None and not situation.is_closed
        if value["cause"] in CALM:
            if spell is None or not is_open or spell.calm_since is not None:
                return Step()
            spells[person] = replace(spell, heard=at, calm_since=city.now_ms)
            return self._step(city, spells)
        if spell is None or situation is None or not is_open:  # who calls after it was closed, calls anew
            is_same = spell is not None and at == spell.heard
            return Step() if is_same else self._called(city, entry, spells)
        spells[person] = replace(spell, heard=at, calm_since=None)
        return self._step(city, spells, self._again(city, entry, situation))

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        """Back for long enough is over, unless an operator confirmed it: then they end it."""
        if isinstance(due, Situation):
            return Step()
        spells, drafts = spells_of(city, NAME), []
        for person in list(over(spells, city.now_ms, self._over_ms)):
            situation = city.situations.get(spells[person].situation_id)
            if situation is None or situation.is_closed:
                spells[person] = replace(spells[person], is_over=True)
            elif situation.handled.is_confirmed or situation.handled.hold == "open":
                spells[person] = replace(spells[person], calm_since=None)
            else:
                spells[person] = replace(spells[person], is_over=True)
                reason = f"taken back, or back in the zone, for {self._numbers.over_after_s:g} s"
                drafts.append(ended(city, situation, reason, self._said("over")))
        return self._step(city, spells, drafts)

    def on_action(self, city: City, after: Situation) -> Draft:
        """Once confirmed, 112 and 119 are told what the centre knows, and see the cameras."""
        if after.is_closed:
            words = self._said("over")
            return shown(city, replace(after, view=replace(after.view, words=words)), {})
        if not after.handled.is_confirmed:
            return shown(city, after, {})
        agencies = tuple(sorted({self._numbers.centre, *self._numbers.forward_to}))
        words = self._said("confirmed")
        view = replace(after.view, agencies=agencies, words=words)
        is_new = not set(self._numbers.forward_to) <= set(after.view.agencies)
        return shown(city, replace(after, view=view), self._uses(city), is_urgent=is_new)

    def otherwise(self, city: City, situation: Situation) -> str | None:
        return "unconfirmed, it reaches neither 112 nor 119; without the reference of a consent there is none"

    # -- situations ------------------------------------------------------------------------------------------

    def _step(self, city: City, spells: Mapping[str, Spell], drafts: Sequence[Draft] = ()) -> Step:
        return remembered(city, NAME, spells, drafts, self._numbers, self._said("over"))

    def _said(self, template: str) -> Said:
        return self._speech.said(template, {"kind": self._numbers.kind})

    def _uses(self, city: City) -> dict[str, Use]:
        uses = city.rules.law.uses
        return {
            agency: uses[domain]
            for agency, domain in sorted(self._numbers.forward_to.items())
            if domain in uses
        }

    def _called(self, city: City, entry: Entry, spells: dict[str, Spell]) -> Step:
        value, numbers = entry.value, self._numbers
        view = begun(
            numbers.kind,
            entry,
            place_in(entry),
            agencies=(numbers.centre,),
            severity=numbers.severity,
            urgency=numbers.urgency,
            words=self._said(value["cause"]),
            references=tuple((what, value[field]) for what, field in REFERENCES if value[field]),
        )
        its_id = derived_id(NAME, value["person_ref"], value["event_id"])
        situation = Situation(
            its_id, value["event_id"], city.sequence, 1, f"called by {value['cause']}", view, rule=NAME
        )
        spells[key_of(spells, entry, "person_ref")] = Spell(its_id, city.now_ms, value["event_time"])
        return self._step(city, spells, [shown(city, situation, {})])

    def _again(self, city: City, entry: Entry, situation: Situation) -> list[Draft]:
        """Told again only where the person is somewhere else; a button held down says nothing new."""
        at, was = place_in(entry), situation.view.position
        if at is None:
            return []
        if was is not None and distance_m(at.lat, at.lon, was.lat, was.lon) < self._numbers.move_m:
            return []
        observed = (*situation.view.observed, told_by(entry, situation.view.opened_at))
        view = replace(situation.view, position=at, observed=observed[-self._numbers.evidence_max :])
        after = replace(situation, revision=situation.revision + 1, reason="somewhere else", view=view)
        return [shown(city, after, self._uses(city) if situation.handled.is_confirmed else {})]


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> Vulnerable:
    return Vulnerable(config, Numbers.model_validate(numbers))
