"""Calls of buses at stops, from the rows of ``mobility.trip``: what a search needs to follow a ride. Pure.

A row says when its trip is expected at stops. An expectation becomes a call once the topic's time has passed it, as it was
told last. Each call keeps the offset of the row that made it known, so that a replay knows no more than was known then.
A stop is one of ``place.hub`` whose id is the stop's id in the feed.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from streams.persons.feasible import Floats, Ints
from streams.persons.travel import Calls

TRIP = "mobility.trip"
KEPT_MS = 25 * 3_600_000
"""Calls are kept for so long: longer than any law lets a search look back."""
CALLS_OF_STOP_MAX, STOPS_MAX, EXPECTED_MAX = 3_000, 50_000, 200_000
"""The most calls kept of a stop, the newest; the most stops; and the most expectations. Further ones are not taken."""
LEFT_OUT = ("skipped", "no_data")
ENDED = ("canceled", "deleted")

Run = tuple[str, str, str]
"""Trip, day and clock of its start: a trip runs each day."""
Visit = tuple[Run, str, int]
"""Run, stop, and its number in the trip: a trip may come to a stop twice."""


@dataclass(frozen=True, slots=True)
class KnownCalls:
    """Calls at the stops of one case, in the order of each run. *offset*: of the row that made each known."""

    run: Ints
    stop: Ints
    time_s: Floats
    offset: Ints

    def before(self, offset: int | None) -> Calls:
        """The calls that were known before *offset* was read; ``None``: all."""
        if offset is None:
            return Calls(self.run, self.stop, self.time_s)
        rows = self.offset < offset
        return Calls(self.run[rows], self.stop[rows], self.time_s[rows])


@dataclass(slots=True)
class BusCalls:
    """A fold over ``mobility.trip``. *end*: the offset behind the last row. *version*: grows with each call made known.
    *left_out*: expectations that were not taken, since there were too many."""

    end: int = 0
    version: int = 0
    left_out: int = 0
    _now_ms: int = 0
    _made: dict[str, dict[tuple[Run, int], tuple[int, int]]] = field(default_factory=dict)
    """Stop → run and number in the trip → time and offset of the call, in the order in which calls became known."""
    _expected: dict[Visit, int] = field(default_factory=dict)
    _due: list[tuple[int, Visit]] = field(default_factory=list)

    def take(self, value: Mapping[str, Any], offset: int) -> None:
        """Take up a row of *value*, at *offset*."""
        self.end = offset + 1
        run = (value["trip_id"], value["trip_start_date"] or "", value["trip_start_clock"] or "")
        self._now_ms = max(self._now_ms, value["event_time"])
        self._pass(offset)
        if value["relationship"] in ENDED:
            for visit in [one for one in self._expected if one[0] == run]:
                del self._expected[visit]
            return
        for delay in value["delays"]:
            self._expect(run, delay)
        self._pass(offset)

    def _expect(self, run: Run, delay: Mapping[str, Any]) -> None:
        stop, at_ms = delay["stop_id"], delay["arrival_time"] or delay["departure_time"]
        if stop is None:
            return
        visit = (run, stop, delay["stop_sequence"] or 0)
        if delay["relationship"] in LEFT_OUT:
            self._expected.pop(visit, None)
            return
        is_made = visit[::2] in self._made.get(
            stop, ()
        )  # some feeds go on telling stops that a trip has left
        if at_ms is None or is_made or abs(at_ms - self._now_ms) >= KEPT_MS:
            return
        known = self._expected.get(visit)
        if known is None and not self._has_room(stop):
            self.left_out += 1
        elif known != at_ms:
            self._expected[visit] = at_ms
            heapq.heappush(self._due, (at_ms, visit))
            if len(self._due) > 2 * EXPECTED_MAX:
                self._due = [(at_ms, one) for one, at_ms in self._expected.items()]
                heapq.heapify(self._due)

    def _has_room(self, stop: str) -> bool:
        is_known = stop in self._made or len(self._made) < STOPS_MAX
        return is_known and len(self._expected) < EXPECTED_MAX

    def _pass(self, offset: int) -> None:
        """Make calls of the expectations whose time has passed."""
        while self._due and self._due[0][0] <= self._now_ms:
            at_ms, visit = heapq.heappop(self._due)
            if self._expected.get(visit) != at_ms:  # told anew since
                continue
            del self._expected[visit]
            run, stop, number = visit
            made = self._made.setdefault(stop, {})
            while made and (
                made[first := next(iter(made))][0] < self._now_ms - KEPT_MS or len(made) >= CALLS_OF_STOP_MAX
            ):
                del made[first]
            made[run, number] = at_ms, offset
            self.version += 1

    def at(self, stops: Mapping[str, int], *, from_ms: int) -> KnownCalls:
        """The calls since *from_ms* at *stops*, stop id → number."""
        rows = sorted(
            (run, at_ms, stops[stop], offset)
            for stop in stops
            for (run, _), (at_ms, offset) in self._made.get(stop, {}).items()
            if at_ms >= from_ms
        )
        runs = {run: number for number, run in enumerate(dict.fromkeys(row[0] for row in rows))}
        return KnownCalls(
            np.array([runs[row[0]] for row in rows], np.int64),
            np.array([row[2] for row in rows], np.int64),
            np.array([row[1] / 1000 for row in rows], np.float64),
            np.array([row[3] for row in rows], np.int64),
        )
