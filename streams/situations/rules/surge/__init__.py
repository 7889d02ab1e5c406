"""Many more calls of one family than usual: one area alert instead of a flood, the single situations beneath it. Pure.

``level.py`` has the statistics, ``area.py`` what is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from schemas.event import derived_id
from streams.situations.config import RulesConfig
from streams.situations.memory import Memory, memory_of, name_of
from streams.situations.model import Situation
from streams.situations.reports.rates import HOUR_MS
from streams.situations.rule import City, Draft, Explains, Heard, Rule, Step
from streams.situations.rules.surge.area import Area
from streams.situations.rules.surge.config import NAME, VERSION, Numbers
from streams.situations.rules.surge.delays import MINUTE_MS
from streams.situations.rules.surge.level import Level, Levels, Rate, deviations

__all__ = ["VERSION", "Numbers", "build", "deviations"]

CALLS_MAX = 100_000


class Surge(Rule, Explains):
    """Counts incidents, not revisions: each once, by its newest revision's kind and when it was first reported."""

    name = NAME
    version = VERSION
    speaks_last = False

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._levels = Levels(numbers)
        self._area = Area(config, numbers, self._levels.window_ms)
        graver = (
            config.attention or () if self._levels.is_corrected else ()
        )  # a journal of before has no exceptions
        self._covers = {name: family.covers(graver) for name, family in numbers.families.items()}
        self.keeps = frozenset(name_of(NAME, family) for family in numbers.families)

    def on_event(self, city: City, heard: Heard) -> Step:
        """A call that counts anew may raise the surge of its family, or make it grow."""
        one, before = heard.incident, heard.before
        if before is not None and (before.kind, before.order) == (one.kind, one.order):
            return Step()
        named = {family: name_of(NAME, family) for family in self._numbers.families}
        if any(name not in city.memories for name in named.values()):
            begun = [family for family, name in named.items() if name not in city.memories]
            return Step(memories=[self._memory(family, self._levels.begin(city), city) for family in begun])
        its = set(city.rates.families_of(one.kind))
        return _together([self._called(city, family, name) for family, name in named.items() if name in its])

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        """Hours are learnt once their late reports have come; a surge is looked at, and ends when the rate is back."""
        if isinstance(due, Situation) or due.key not in self._numbers.families:
            return Step()
        level = self._levels.learn(city, due.key, due.read(Level))
        return self._judge(city, due.key, level, has_called=False)

    def _called(self, city: City, family: str, name: str) -> Step:
        memory = city.memories[name]
        if memory.situation_id is None:  # few calls are no surge whatever is usual
            floor, levels = self._floor(family), self._levels
            least = floor / 2 if levels.is_corrected else floor
            if city.rates.count(name, city.now_ms - levels.window_ms - levels.lag_ms, city.now_ms) < least:
                return Step()
        return self._judge(city, family, memory.read(Level), has_called=True)

    def _floor(self, family: str) -> int:
        return self._numbers.families[family].floor or self._numbers.floor

    def _memory(self, family: str, level: Level, city: City) -> Memory:
        wake_at = (level.learnt_until + 1) * HOUR_MS + round(self._numbers.guard_h * HOUR_MS)
        covers: tuple[str, ...] = ()
        if level.situation_id is not None:
            planned = self._planned(city, family)
            look_at = city.now_ms + round(self._numbers.look_min * MINUTE_MS)
            wake_at = min(wake_at, look_at if planned is None or planned <= city.now_ms else planned)
            surge = city.situations.get(level.situation_id)
            covers = () if surge is not None and surge.is_closed else self._covers[family]
        return memory_of(NAME, family, level, wake_at=wake_at, situation_id=level.situation_id, covers=covers)

    def _planned(self, city: City, family: str) -> int | None:
        """When the next look is due, as it was last decided."""
        memory = city.memories.get(name_of(NAME, family))
        return memory.wake_at if memory is not None and memory.situation_id is not None else None

    def otherwise(self, city: City, situation: Situation) -> str | None:
        """The number of calls that would have been no surge, or would have kept it going."""
        for family, said in self._numbers.families.items():
            memory = city.memories.get(name_of(NAME, family))
            if memory is None or said.kinds[0] != situation.view.kind:
                continue
            rate = self._levels.rate(city, family, memory.read(Level))
            bar = self._numbers.over_at if situation.is_closed else self._numbers.raise_at
            counts = range(0 if situation.is_closed else self._floor(family), CALLS_MAX)
            enough = (n for n in counts if deviations(n, rate.usual, rate.days, said.spread) >= bar)
            count = next(enough, CALLS_MAX)
            end = "would have kept it going" if situation.is_closed else "begin one, fewer do not"
            return f"{count} calls in {self._numbers.window_min:g} min {end}"
        return None

    # -- the surge -------------------------------------------------------------------------------------------

    def _judge(self, city: City, family: str, level: Level, *, has_called: bool) -> Step:
        numbers = self._numbers
        if level.situation_id is None:
            floor, rates = self._floor(family), self._levels.rates(city, family, level, back=has_called)
            surge = next((one for one in rates if one.is_surge(floor, numbers.raise_at)), None)
            return (
                self._keep(city, family, level) if surge is None else self._raise(city, family, level, surge)
            )
        rate = self._levels.rate(city, family, level)
        if rate.deviations >= numbers.over_at:
            level = replace(level, calm_since=None)
        elif level.calm_since is None:
            level = replace(level, calm_since=city.now_ms)
        if (
            level.calm_since is not None
            and city.now_ms - level.calm_since >= numbers.over_after_min * MINUTE_MS
        ):
            return self._end(city, family, level, rate)
        return self._grow(city, family, level, rate)

    def _keep(self, city: City, family: str, level: Level, *drafts: Draft) -> Step:
        return Step(drafts, [self._memory(family, level, city)])

    def _raise(self, city: City, family: str, level: Level, rate: Rate) -> Step:
        calls = self._area.calls(city, family, rate.until_ms - self._levels.window_ms)
        anchor = calls[-1].incident_id
        its_id = derived_id(NAME, family, anchor, city.now_ms)
        view = self._area.drawn(city, family, calls, rate, opened_at=calls[0].event_time)
        situation = Situation(
            its_id, anchor, city.sequence, 1, f"far more than usual: {rate}", view, rule=NAME
        )
        level = replace(
            level, situation_id=its_id, began=rate.until_ms, told_count=rate.count, calm_since=None
        )
        return self._keep(city, family, level, Draft(situation, {}))

    def _grow(self, city: City, family: str, level: Level, rate: Rate) -> Step:
        """Told again when it has grown; its list is brought up to date whenever somebody looks."""
        before = city.situations.get(level.situation_id or "")
        if before is None or before.is_closed:  # an operator closed it: over until the rate has been back
            return self._keep(city, family, level)
        is_grown = rate.count >= self._numbers.grow * level.told_count
        planned = self._planned(city, family)
        if not is_grown and planned is not None and planned > city.now_ms:
            return self._keep(city, family, level)
        view = before.view
        if is_grown:
            calls = self._area.calls(city, family, city.now_ms - self._levels.window_ms)
            view = self._area.drawn(city, family, calls, rate, opened_at=view.opened_at)
            level = replace(level, told_count=rate.count)
        view = replace(view, beneath=self._area.beneath(city, family, level))
        if view == before.view:
            return self._keep(city, family, level)
        reason = f"it has grown: {rate}" if is_grown else f"other situations are beneath it: {rate}"
        after = replace(before, revision=before.revision + 1, reason=reason, view=view)
        return self._keep(city, family, level, Draft(after, {}))

    def _end(self, city: City, family: str, level: Level, rate: Rate) -> Step:
        before = city.situations.get(level.situation_id or "")
        if (
            before is not None and before.handled.hold == "open"
        ):  # an operator's word: it goes on until they close it
            return self._grow(city, family, level, rate)
        span = (level.began - self._levels.window_ms, city.now_ms)
        level = replace(level, situation_id=None, calm_since=None, surges=(*level.surges, span))
        if before is None or before.is_closed:
            return self._keep(city, family, level)
        view = replace(
            before.view, status="closed", closed_at=city.now_ms, words=self._area.over(family, rate)
        )
        reason = f"the rate has been back for {self._numbers.over_after_min:g} min: {rate}"
        after = replace(before, revision=before.revision + 1, reason=reason, view=view)
        return self._keep(city, family, level, Draft(after, {}))


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> Surge:
    return Surge(config, Numbers.model_validate(numbers))


def _together(steps: Sequence[Step]) -> Step:
    return Step(
        [draft for step in steps for draft in step.drafts],
        [memory for step in steps for memory in step.memories],
    )
