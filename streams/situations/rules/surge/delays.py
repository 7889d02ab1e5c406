"""The delay with which calls are heard, and the share of the calls of an age that has been heard by now. Pure.

A delay is known to lie between two lists of its source: the one that named the call, and the one before. Its weight is
spread evenly between them (the delays are interval-censored; cf. B. W. Turnbull, J. R. Statist. Soc. B 38, 1976), so that
the wait for the next list is no part of it. A call of a list that comes every quarter of an hour is then as old as it was.

Additions and divisions only, always in the same order: every machine finds the same number.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from msgspec import Struct

from streams.situations.model import Incident

MINUTE_MS = 60_000
EDGES_MIN = (0, 1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 90, 120, 180)
"""Delays are counted between these; one more count is of all that were longer."""
BINS = len(EDGES_MIN)
AT_ONCE = 20.0
"""Before anything is learnt, calls are taken to be heard at once: that weighs as much as so many calls of the city."""
OF_CITY = 20.0
"""The delays of all calls weigh as much in a family's as so many calls of its own."""

Counts = tuple[float, ...]
"""The number of delays between each two edges, faded."""
NONE: Counts = (0.0,) * BINS


class Delays(Struct, frozen=True, gc=False):
    """The delays of a family's *own* calls, and of all those of the *city*."""

    own: Counts = NONE
    city: Counts = NONE

    def share_heard(self, age_min: float) -> float:
        """The share, 0 to 1, of the family's calls of that age that have been heard."""
        if age_min < 0:
            return 0.0
        of_city = (_up_to(self.city, age_min) + AT_ONCE) / (sum(self.city) + AT_ONCE)
        return (_up_to(self.own, age_min) + OF_CITY * of_city) / (sum(self.own) + OF_CITY)


def spans_of(calls: Iterable[Incident], around: Iterable[Incident]) -> list[tuple[int, int]]:
    """The shortest and the longest delay (ms) that each of *calls* can have had. *around* are calls of all kinds, by whose
    hearing it is known when their sources were listened to."""
    moments: dict[str, set[int]] = {}
    for one in around:
        moments.setdefault(one.source, set()).add(one.first_heard_at)
    heard = {source: sorted(its) for source, its in moments.items()}
    found = []
    for one in calls:
        longest = max(0, one.first_heard_at - one.event_time)
        its = heard.get(one.source, [])
        number = bisect_left(its, one.first_heard_at)
        gap = one.first_heard_at - its[number - 1] if number else 0
        found.append((max(0, longest - gap), longest))
    return found


def with_more(counts: Counts, spans: Iterable[tuple[int, int]], fade: float) -> Counts:
    """*counts*, faded, with the delays that lie within *spans*."""
    more = [one * fade for one in counts]
    for shortest, longest in spans:
        for number, weight in _spread(shortest / MINUTE_MS, longest / MINUTE_MS):
            more[number] += weight
    return tuple(more)


def _spread(low: float, high: float) -> Iterable[tuple[int, float]]:
    """(bin, weight) of one delay between *low* and *high* minutes."""
    for number, start in enumerate(EDGES_MIN):
        end = EDGES_MIN[number + 1] if number + 1 < BINS else max(high, start) + 1
        if high == low:
            if start <= low < end:
                yield number, 1.0
        elif min(end, high) > max(start, low):
            yield number, (min(end, high) - max(start, low)) / (high - low)


def _up_to(counts: Sequence[float], age_min: float) -> float:
    total = 0.0
    for number, count in enumerate(counts):
        start = EDGES_MIN[number]
        end = EDGES_MIN[number + 1] if number + 1 < BINS else None
        if end is not None and end <= age_min:
            total += count
        elif end is not None and start < age_min:
            total += count * (age_min - start) / (end - start)
    return total
