"""When situations and memories are next due."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.situations.answers.dispatch import looks_at
from streams.situations.answers.watches import ends_at
from streams.situations.model import Situation
from streams.situations.operators.actions import escalates_at
from streams.situations.rule import City


@dataclass(slots=True)
class Schedule:
    """The next time of each name. Derived from situations and memories, so no row carries it."""

    _wakes: list[tuple[int, str]] = field(default_factory=list)
    _due: dict[str, int] = field(default_factory=dict)

    def put(self, name: str, due: int | None) -> None:
        """*name* is next due at *due*; ``None``: not at all. Its former time is passed over."""
        if due is None:
            self._due.pop(name, None)
        elif self._due.get(name) != due:
            self._due[name] = due
            heapq.heappush(self._wakes, (due, name))

    def remove(self, name: str) -> None:
        self._due.pop(name, None)

    def clear(self) -> None:
        self._wakes.clear()
        self._due.clear()

    def due_until(self, time_ms: int) -> Iterator[tuple[int, str]]:
        """(when, name) of each that is due by *time_ms*, in order; those put meanwhile included."""
        while self._wakes and self._wakes[0][0] <= time_ms:
            due, name = heapq.heappop(self._wakes)
            if self._due.get(name) == due:  # else it has been put to another time, or removed
                del self._due[name]
                yield due, name


def next_due(situation: Situation, city: City) -> int | None:
    """When *situation* is next due: a grant or a watch ends, its rule asks for it, nobody acknowledged it, reports lapse,
    or it is forgotten."""
    rules = city.rules
    times = [grant.expires_at for grant in situation.grants]
    is_held = situation.is_closed or situation.handled.hold == "open"
    if situation.wake_at is not None and not is_held:
        times.append(situation.wake_at)
    for at in (ends_at(situation, rules), escalates_at(situation, rules), looks_at(situation, city)):
        if at is not None:
            times.append(at)
    closed_at, expire_ms = situation.view.closed_at, rules.expire_after_ms
    if closed_at is not None:
        times.append(closed_at + rules.forget_after_ms)
    elif expire_ms is not None:
        times += [one.heard_at + expire_ms for one in situation.view.incidents if not one.is_closed]
    return min(times, default=None)
