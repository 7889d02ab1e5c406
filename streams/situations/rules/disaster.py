"""A sensor over its threshold: one situation, the cameras at that place, the disaster room told. Pure.

A value below the threshold says that it is calm; calm for ``over_after_s``, it is over. What flaps in between is one
situation. What an operator closed stays closed until the sensor has been calm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from schemas.event import derived_id
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.law import Use
from streams.situations.memory import Memory
from streams.situations.model import Situation
from streams.situations.reports.notices import OBSERVATION
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

NAME, VERSION = "disaster", "1"
USE = "disaster"
MINUTE_MS = 60_000


default = defaults_beside(__file__)


class Words(Templates):
    """The texts of its alerts in one language."""

    places: ClassVar = {"kind": "", "quantity": "", "value": 1.0, "unit": ""}
    raised: str
    over: str


class Numbers(Strict):
    """The settings that ``[[rule]] name = "disaster"`` of a city's file may give."""

    kind: str = default("kind")
    severity: Severity = default("severity")
    urgency: Urgency = default("urgency")
    forward_to: tuple[str, ...] = default("forward_to")
    over_after_s: float = default("over_after_s", gt=0, le=86_400)
    age_max_min: float = default("age_max_min", gt=0)
    evidence_max: int = default("evidence_max", ge=1, le=200)
    spells_max: int = default("spells_max", ge=1, le=100_000)
    thresholds: dict[str, float] = default("thresholds")
    headlines: dict[str, Words] = headlines_of(NAME)


class Disaster(Rule, Notices, Follows, Explains):
    """Looks at each value by itself: at its sensor's threshold, else the city's number for that quantity."""

    name = NAME
    version = VERSION
    keeps = frozenset({f"{NAME}:{SPELLS}"})
    notices = frozenset({OBSERVATION})

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._over_ms = round(numbers.over_after_s * 1000)
        self._speech = Speech(numbers.headlines, config)

    def on_notice(self, city: City, entry: Entry) -> Step:
        value, spells = entry.value, spells_of(city, NAME)
        sensor, limit = key_of(spells, entry, "sensor_id"), self._threshold(value)
        spell = spells.get(sensor)
        is_known = spell is not None and not spell.is_news(value["event_time"])
        is_old = city.now_ms - value["event_time"] > self._numbers.age_max_min * MINUTE_MS
        if limit is None or is_known or is_old:
            return Step()
        if value["value"] < limit:
            if spell is None or spell.calm_since is not None:
                return Step()
            spells[sensor] = replace(spell, heard=value["event_time"], calm_since=city.now_ms)
            return self._step(city, spells)
        if spell is None or spell.is_over:
            return self._raised(city, entry, spells)
        spells[sensor] = replace(spell, heard=value["event_time"], calm_since=None)
        drafts = [] if spell.calm_since is None else self._again(city, entry, spell)
        return self._step(city, spells, drafts)

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        """A sensor that has been calm for long enough ends its situation."""
        if isinstance(due, Situation):
            return Step()
        spells, drafts = spells_of(city, NAME), []
        for sensor in list(over(spells, city.now_ms, self._over_ms)):
            situation = city.situations.get(spells[sensor].situation_id)
            spells[sensor] = replace(spells[sensor], is_over=True)
            if situation is not None and not situation.is_closed and situation.handled.hold != "open":
                reason = f"below its threshold for {self._numbers.over_after_s:g} s"
                drafts.append(ended(city, situation, reason, self._over()))
        return self._step(city, spells, drafts)

    def on_action(self, city: City, after: Situation) -> Draft:
        if after.is_closed:
            after = replace(after, view=replace(after.view, words=self._over()))
        return shown(city, after, self._uses(city))

    def otherwise(self, city: City, situation: Situation) -> str | None:
        return f"it takes a value at the threshold or above; calm for {self._numbers.over_after_s:g} s, it is over"

    # -- situations ------------------------------------------------------------------------------------------

    def _threshold(self, value: Mapping[str, Any]) -> float | None:
        own: float | None = value["threshold"]
        return own if own is not None else self._numbers.thresholds.get(value["quantity"])

    def _step(self, city: City, spells: Mapping[str, Spell], drafts: Sequence[Draft] = ()) -> Step:
        return remembered(city, NAME, spells, drafts, self._numbers, self._over())

    def _over(self) -> Said:
        return self._said("over", quantity="", value=0.0, unit="")

    def _said(self, template: str, **places: Any) -> Said:
        return self._speech.said(template, {"kind": self._numbers.kind}, **places)

    def _uses(self, city: City) -> dict[str, Use]:
        use = city.rules.law.uses.get(USE)
        return {} if use is None else dict.fromkeys(self._numbers.forward_to, use)

    def _raised(self, city: City, entry: Entry, spells: dict[str, Spell]) -> Step:
        value, numbers = entry.value, self._numbers
        sensor = value["sensor_id"]
        words = self._said(
            "raised", quantity=value["quantity"], value=value["value"], unit=value["unit"] or ""
        )
        view = begun(
            numbers.kind,
            entry,
            place_in(entry),
            agencies=tuple(sorted(numbers.forward_to)),
            severity=numbers.severity,
            urgency=numbers.urgency,
            words=words,
        )
        its_id = derived_id(NAME, sensor, value["event_id"])
        reason = f"{value['quantity']} of sensor {sensor} at or above its threshold"
        situation = Situation(its_id, sensor, city.sequence, 1, reason, view, rule=NAME)
        spells[key_of(spells, entry, "sensor_id")] = Spell(its_id, city.now_ms, value["event_time"])
        return self._step(city, spells, [shown(city, situation, self._uses(city))])

    def _again(self, city: City, entry: Entry, spell: Spell) -> list[Draft]:
        """It was calm for a while, not for long enough."""
        situation = city.situations.get(spell.situation_id)
        if situation is None or situation.is_closed:
            return []
        observed = situation.view.observed
        if len(observed) >= self._numbers.evidence_max:
            return []
        view = replace(situation.view, observed=(*observed, told_by(entry, situation.view.opened_at)))
        after = replace(
            situation, revision=situation.revision + 1, reason="at or above its threshold again", view=view
        )
        return [Draft(after, None)]


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> Disaster:
    return Disaster(config, Numbers.model_validate(numbers))
