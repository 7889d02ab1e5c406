"""The rise of each family in the storm of May 2024: the first moment at which its calls, by call time, pass the bar.

The bar is that of the rule as it stood in commit 6483895, with its settings and Houston's families, on the calls of the
whole recording, however late they were heard. It is written out here, so that no change of the rule moves it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from schemas.event import Event

HOUR_MS = 3_600_000
ZONE = ZoneInfo("America/Chicago")
RAISE_AT, FILE_DAYS, GUARD_H = 3.0, 7, 3
BY_HOUR = (
    *(0.75, 0.70, 0.65, 0.50, 0.50, 0.50, 0.60, 0.85, 1.10, 1.25, 1.25, 1.20),
    *(1.15, 1.30, 1.40, 1.40, 1.35, 1.25, 1.15, 1.10, 1.05, 1.00, 0.95, 0.85),
)
FAMILIES = {"alarm": (2.4, 6), "hazard": (3.1, 6), "gas": (0.2, 6), "wires": (0.2, 8)}
"""Calls an hour over the day, and the fewest calls that are a surge."""
RISES = {
    "alarm": "2024-05-16T23:25:00Z",
    "hazard": "2024-05-16T23:57:00Z",
    "gas": "2024-05-17T00:42:00Z",
    "wires": "2024-05-16T23:42:00Z",
}


@dataclass(frozen=True, slots=True)
class Calls:
    """Call times (ms), in order: of one family, and of all; and when the first list was heard."""

    its: tuple[int, ...]
    all: tuple[int, ...]
    begin: int

    def usual(self, family: str, at_ms: int) -> tuple[float, float]:
        """The usual calls in the hour until *at_ms*, and the days from which they are known."""
        usual, known, start = 0.0, math.inf, at_ms - HOUR_MS
        while start < at_ms:
            hour = start // HOUR_MS
            end = min((hour + 1) * HOUR_MS, at_ms)
            seen = [one for one in self._learnt(at_ms) if _local(one) == _local(hour)]
            calls, days = sum(_within(self.its, one) for one in seen), FILE_DAYS + len(seen)
            mean = (FAMILIES[family][0] * BY_HOUR[_local(hour)] * FILE_DAYS + calls) / days
            usual, known, start = usual + mean * (end - start) / HOUR_MS, min(known, days), end
        return usual, known

    def _learnt(self, at_ms: int) -> Iterable[int]:
        hours = range(self.begin // HOUR_MS + 1, at_ms // HOUR_MS - GUARD_H)
        return (hour for hour in hours if _within(self.all, hour))

    def rise(self, family: str) -> int | None:
        """The call time (ms) at which the bar is passed first."""
        for at_ms in self.its:
            count = sum(at_ms - HOUR_MS < one <= at_ms for one in self.its)
            if at_ms < self.begin or count < FAMILIES[family][1]:
                continue
            usual, days = self.usual(family, at_ms)
            above = 2 * (math.sqrt(count + 0.375) - math.sqrt(usual + 0.375)) / math.sqrt(1 + 1 / days)
            if above >= RAISE_AT:
                return at_ms
        return None


def rises(polls: Iterable[tuple[int, list[Event]]]) -> dict[str, str | None]:
    """The rise of each family, as an ISO time in UTC."""
    polls = list(polls)
    called: dict[str, int] = {}
    kinds: dict[str, str] = {}
    for event in (event for _, events in polls for event in events):
        assert event.value is not None
        called.setdefault(event.key, event.value["event_time"])
        kinds[event.key] = event.value["kind"]

    def times(is_its: Callable[[str], bool]) -> tuple[int, ...]:
        return tuple(sorted(at for key, at in called.items() if is_its(kinds[key])))

    found: dict[str, str | None] = {}
    for family in FAMILIES:
        its = times(lambda kind, family=family: kind == family or kind.startswith(f"{family}."))  # type: ignore[misc]  # bound in the loop
        at_ms = Calls(its, times(lambda _: True), polls[0][0]).rise(family)
        found[family] = None if at_ms is None else _iso(at_ms)
    return found


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat().replace("+00:00", "Z")


def _local(hour: int) -> int:
    return datetime.fromtimestamp(hour * HOUR_MS / 1000, ZONE).hour


def _within(times: tuple[int, ...], hour: int) -> int:
    return sum(one // HOUR_MS == hour for one in times)
