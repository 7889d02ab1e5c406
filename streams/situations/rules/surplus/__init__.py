"""Surplus of energy that is to come: people and operators of chargers are told the evening before and in the morning. Pure.

A window of ``energy.surplus`` is one situation, from its first notice until it is over or withdrawn. A window that is told
later than a notice's time is told at once; one that changes once it was told is told again. The log's last word holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from schemas.event import derived_id
from streams.energy.charger_areas import EVERYWHERE
from streams.energy.rewards import plain
from streams.energy.windows import WITHDRAWN, Window, window_after
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.memory import Memory, beneath, memory_of, name_of, remembered
from streams.situations.model import Situation, View
from streams.situations.reports.notices import SURPLUS
from streams.situations.rule import City, Draft, Explains, Follows, Notices, Rule, Step
from streams.situations.rules.parts.settings import Speech
from streams.situations.rules.parts.spells import ended, told_by
from streams.situations.rules.surplus.config import NAME, VERSION, Numbers
from streams.situations.rules.surplus.notice_times import (
    DAY,
    KnownWindow,
    held_until,
    hours_of,
    local,
    notices_of,
)
from streams.situations.words import Said

__all__ = ["VERSION", "Numbers", "build"]

WINDOW = "window:"


class SurplusRule(Rule, Notices, Follows, Explains):
    """A memory for each window that is not over, and one situation for each that was told."""

    name = NAME
    version = VERSION
    keeps = frozenset({f"{NAME}:"})
    notices = frozenset({SURPLUS})

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._speech = Speech(numbers.headlines, config)

    def on_notice(self, city: City, entry: Entry) -> Step:
        value = entry.value
        now = max(city.now_ms, value["received_time"])  # before the first tick the city knows no time
        key = f"{WINDOW}{value['area']}\x1f{value['window_id']}"
        known = remembered(city.memories, NAME, key, KnownWindow)
        if value["state"] == WITHDRAWN:
            return Step() if known is None else self._ended(city, key, known, "withdrawn")
        window = window_after(None, value)
        if window.ends_ms <= now:
            return Step() if known is None else self._ended(city, key, known, "over")
        fresh = self._window(city, entry, window)
        if known is None:
            count = sum(1 for _ in beneath(city.memories, NAME, WINDOW))
            return self._told(city, key, fresh, now) if count < self._numbers.windows_max else Step()
        return self._changed(city, key, known, fresh, now)

    def _changed(self, city: City, key: str, known: KnownWindow, fresh: KnownWindow, now: int) -> Step:
        """*fresh* in place of *known*: told at once if that was told, and people are shown something else by it.

        Beyond ``changes_max`` a day a change waits until the next morning, or until the window begins, and the last of them
        is told.
        """
        after = replace(
            known,
            **{
                name: getattr(fresh, name)
                for name in ("begins", "ends", "reward", "eve_ms", "day_ms", "said")
            },
        )
        if replace(after, said=known.said) == known:
            return Step()
        if known.told == 0:
            return self._told(city, key, after, now)
        after = replace(after, told=after.due(now))  # what is to come of it is told in its time
        if _shown(city, after) == (known.shown or _shown(city, known)):
            return Step((), [_memory(key, replace(after, held_until=None))])
        today = local(now, city.zone).date()
        count = known.changes if known.changed_on == today.toordinal() else 0
        if count >= self._numbers.changes_max:
            until_ms = held_until(now, after.begins, city.zone, self._numbers.day_at)
            return Step((), [_memory(key, replace(after, held_until=until_ms))])
        after = replace(after, changes=count + 1, changed_on=today.toordinal())
        return self._tell_change(city, key, after)

    def _tell_change(self, city: City, key: str, window: KnownWindow) -> Step:
        after = replace(window, held_until=None, shown=_shown(city, window))
        return Step(self._again(city, after, "changed"), [_memory(key, after)])

    def _window(self, city: City, entry: Entry, window: Window) -> KnownWindow:
        numbers = self._numbers
        eve_ms, day_ms = notices_of(window.begins_ms, city.zone, numbers.eve_at, numbers.day_at)
        price = numbers.price if window.price is None else window.price
        said = told_by(entry, entry.value["event_time"])
        return KnownWindow(
            window.area,
            window.window_id,
            window.begins_ms,
            window.ends_ms,
            plain(price),
            eve_ms,
            day_ms,
            said,
        )

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        if isinstance(due, Situation):
            return Step()
        window = due.read(KnownWindow)
        if window.ends <= city.now_ms:
            return self._ended(city, due.key, window, "over")
        if (
            window.held_until is not None
            and window.held_until <= city.now_ms
            and window.due(city.now_ms) <= window.told
        ):
            return self._tell_change(city, due.key, window)
        return self._told(city, due.key, window, city.now_ms)

    # -- situations ------------------------------------------------------------------------------------------

    def _told(self, city: City, key: str, window: KnownWindow, now: int) -> Step:
        """The notice that is due, unless it was told."""
        notice = window.due(now)
        if notice <= window.told:
            return Step((), [_memory(key, window)])
        template = "today" if notice == DAY else "eve"
        if window.situation_id is not None:
            after = replace(window, told=notice, shown=_shown(city, window), held_until=None)
            return Step(self._again(city, after, template), [_memory(key, after)])
        its_id = derived_id(NAME, key, window.said.event_id)
        after = replace(window, told=notice, situation_id=its_id, shown=_shown(city, window))
        numbers = self._numbers
        view = View(
            kind=numbers.kind,
            status="open",
            opened_at=now,
            closed_at=None,
            position=None,
            agencies=numbers.audiences,
            incidents=(),
            severity=numbers.severity,
            urgency=numbers.urgency,
            certainty="likely",
            cameras=(),
            observed=(window.said,),
            words=self._words(city, after, template),
        )
        situation = Situation(its_id, key, city.sequence, 1, template, view, rule=NAME)
        return Step([Draft(situation, {})], [_memory(key, after)])

    def _again(self, city: City, window: KnownWindow, template: str) -> list[Draft]:
        situation = _open(city, window)
        if situation is None:
            return []
        view = replace(situation.view, words=self._words(city, window, template), observed=(window.said,))
        after = replace(situation, revision=situation.revision + 1, reason=template, view=view)
        return [Draft(after, None, is_urgent=True)]

    def _ended(self, city: City, key: str, window: KnownWindow, template: str) -> Step:
        situation, drafts = _open(city, window), []
        if situation is not None and (template != "over" or situation.handled.hold != "open"):
            drafts.append(ended(city, situation, template, self._words(city, window, template)))
        return Step(drafts, (), [name_of(NAME, key)])

    def _words(self, city: City, window: KnownWindow, template: str) -> Said:
        return self._speech.said(
            template,
            {"kind": self._numbers.kind},
            area="" if window.area == EVERYWHERE else window.area,
            hours=hours_of(window.begins, window.ends, city.zone),
            reward=f"{window.reward} {self._numbers.currency}".strip(),
        )

    def on_action(self, city: City, after: Situation) -> Draft:
        window = remembered(city.memories, NAME, after.anchor, KnownWindow)
        if after.is_closed and window is not None:
            after = replace(after, view=replace(after.view, words=self._words(city, window, "over")))
        return Draft(after, {})

    def otherwise(self, city: City, situation: Situation) -> str | None:
        numbers = self._numbers
        return (
            f"a window is told at {numbers.eve_at:%H:%M} of the day before and {numbers.day_at:%H:%M} of its day,"
            " one that is heard later at once; withdrawn before, it is not told"
        )


def _memory(key: str, window: KnownWindow) -> Memory:
    return memory_of(NAME, key, window, wake_at=window.wakes_at, situation_id=window.situation_id)


def _shown(city: City, window: KnownWindow) -> str:
    """The hours and the reward of a window, as people are shown them; its area is part of its name."""
    return f"{hours_of(window.begins, window.ends, city.zone)} {window.reward}"


def _open(city: City, window: KnownWindow) -> Situation | None:
    found = city.situations.get(window.situation_id or "")
    return None if found is None or found.is_closed else found


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> SurplusRule:
    return SurplusRule(config, Numbers.model_validate(numbers))
