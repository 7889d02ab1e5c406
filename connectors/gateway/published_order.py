"""The order in which a city's current messages are read: newest first, a page at a time, without making any. Pure.

Each audience has two lists, one of its Cancels, which stay for a shorter time. Both are in order of time, so what has run
out is the end of a list. A page makes its own messages alone; the places before it are passed over.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable
from heapq import merge
from itertools import islice
from typing import NamedTuple

from connectors.formats.cap_feed import KEPT_MS


class Listed(NamedTuple):
    """The place of an alert's newest message. *minus_sent_s*: so that the newest comes first."""

    minus_sent_s: int
    identifier: str
    alert_id: str
    revision: int
    audience: str
    is_cancel: bool


class PublishedOrder:
    """The newest message of each alert, in order. *lasts_ms*: the time after which one expires."""

    def __init__(self, lasts_ms: int) -> None:
        lasts_s = lasts_ms // 1000
        self._lasts_s = {False: lasts_s, True: min(lasts_s, KEPT_MS // 1000)}
        self._lists: dict[tuple[str, bool], list[Listed]] = {}

    @property
    def audiences(self) -> Collection[str]:
        return {audience for audience, _ in self._lists}

    def clear(self) -> None:
        self._lists.clear()

    def put(self, one: Listed | None) -> None:
        if one is not None:
            insort(self._lists.setdefault((one.audience, one.is_cancel), []), one)

    def remove(self, one: Listed | None) -> None:
        """Take *one* out, which was put."""
        if one is None:
            return
        there = self._lists[one.audience, one.is_cancel]
        del there[bisect_left(there, one)]
        if not there:
            del self._lists[one.audience, one.is_cancel]

    def part(self, audiences: Iterable[str], *, now_ms: int, start: int, count: int | None) -> list[Listed]:
        """The part of *audiences* that hold at *now_ms*, behind the first *start*: *count* of them and one more, if there is
        one; all for ``None``."""
        lists = []
        for audience in audiences:
            for is_cancel, lasts_s in self._lasts_s.items():
                there = self._lists.get((audience, is_cancel), [])
                end = bisect_left(there, lasts_s - now_ms // 1000, key=lambda one: one.minus_sent_s)
                lists.append(islice(there, end))
        end_of_part = None if count is None else start + count + 1
        return list(islice(merge(*lists), start, end_of_part))
