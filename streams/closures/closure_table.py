"""The closures of a city: rows of ``core.closure`` in, what is closed out. Pure.

The first end in the log holds for ever: what is closed anew is another closure. A row that is older than what is known
changes nothing. A closure is in force from ``starts_at`` until ``ends_at`` or its end, whichever comes first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from schemas.errors import Invalid
from schemas.iso_time import LATEST_MS
from streams.closures.closed_area import Polygons, polygons_of

CONTRACT = "core.closure"
OPEN, OVER = "open", "over"
TIME = "time"
"""The word for what ended a closure whose time was over."""
CLOSURES_MAX = 10_000
"""Beyond, the closure that changed longest ago goes, of those that are over first."""
SAID = (
    "closure_id", "geometry", "starts_at", "ends_at", "reason", "opened_by", "ended_by", "account_id",
    "situation_id", "revision", "state",
)  # fmt: skip
"""The fields of the contract beside the common ones."""


class Closure(Struct, frozen=True):
    """A closure as the log tells it."""

    closure_id: str
    geometry: str
    starts_at: int
    ends_at: int | None
    reason: str
    opened_by: str
    ended_by: str | None
    account_id: str | None
    situation_id: str | None
    revision: int
    state: str

    @property
    def polygons(self) -> Polygons:
        return polygons_of(self.geometry)

    @property
    def is_over(self) -> bool:
        return self.state == OVER

    def is_in_force(self, now_ms: int) -> bool:
        return (
            not self.is_over and self.starts_at <= now_ms and (self.ends_at is None or now_ms < self.ends_at)
        )


def closure_of(row: Mapping[str, Any]) -> Closure:
    """The closure that *row* of the contract says. ``Invalid`` for one that cannot be."""
    found = Closure(**{name: row[name] for name in SAID})
    check_closure(found)
    return found


def check_closure(closure: Closure) -> None:
    """``Invalid`` for one whose area is none, or whose times no calendar has."""
    polygons_of(closure.geometry)
    for name, time_ms in (("starts_at", closure.starts_at), ("ends_at", closure.ends_at)):
        if time_ms is not None and not 0 <= time_ms <= LATEST_MS:
            raise Invalid(
                "the time lies too far away", field=name, expected="1970 to 2200", code="wrong-field"
            )


class ClosureTable:
    """All that the log tells of a city's closures. The same log gives the same table, in whatever process. *dropped*: the
    number of those that were let go for lack of room."""

    def __init__(self, closures_max: int = CLOSURES_MAX) -> None:
        self._max = closures_max
        self._closures: OrderedDict[str, Closure] = OrderedDict()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._closures)

    def __iter__(self) -> Iterator[Closure]:
        """The closures, the newest changed first."""
        return reversed(tuple(self._closures.values()))

    def get(self, closure_id: str) -> Closure | None:
        return self._closures.get(closure_id)

    def take(self, said: Closure) -> bool:
        """Take the next row of the log; whether it changed anything."""
        before = self._closures.get(said.closure_id)
        if before is not None and not is_next(before, said):
            return False
        self._closures[said.closure_id] = said
        self._closures.move_to_end(said.closure_id)
        while len(self._closures) > self._max:
            del self._closures[self._oldest()]
            self.dropped += 1
        return True

    def drop(self, closure_id: str) -> bool:
        """Forget that closure, whose row was deleted; whether it was known."""
        return self._closures.pop(closure_id, None) is not None

    def in_force(self, now_ms: int) -> list[Closure]:
        """The closures in force at *now_ms*, by id."""
        found = (one for one in self._closures.values() if one.is_in_force(now_ms))
        return sorted(found, key=lambda one: one.closure_id)

    def next_change_ms(self, now_ms: int) -> int | None:
        """The first time after *now_ms* at which one begins or is over by the clock."""
        times = (
            time
            for one in self._closures.values()
            if not one.is_over
            for time in (one.starts_at, one.ends_at)
            if time is not None and time > now_ms
        )
        return min(times, default=None)

    def _oldest(self) -> str:
        over = (key for key, one in self._closures.items() if one.is_over)
        return next(over, next(iter(self._closures)))


def is_next(before: Closure, said: Closure) -> bool:
    """Whether *said* says something after *before*: its first end, by whomever, or a later revision before that."""
    return not before.is_over and (said.is_over or said.revision > before.revision)
