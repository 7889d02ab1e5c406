"""Order of records read of several topics: each topic's own order is kept, between topics time decides. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from heapq import merge
from typing import Protocol, TypeVar


class Timed(Protocol):
    """A record of a topic."""

    @property
    def topic(self) -> str: ...

    @property
    def offset(self) -> int: ...

    @property
    def timestamp_ms(self) -> int: ...


T = TypeVar("T", bound=Timed)


def in_order(records: Sequence[T], topics: Sequence[str]) -> list[T]:
    """*records* merged by time; at the same time in the order of *topics*. A record is never before an earlier one of its
    topic, whatever its clock said."""
    return [record for _, _, _, record in merge(*(_timed(records, topic, topics) for topic in topics))]


def ready(records: Sequence[T], topics: Sequence[str], at_end: Collection[str]) -> list[T]:
    """The part of *records*, in order, before which no record of a topic that is not read *at_end* can come."""
    timed = {topic: _timed(records, topic, topics) for topic in topics}
    still = [topic for topic in topics if topic not in at_end]
    horizon = min((timed[one][-1][0] if timed[one] else -1 for one in still), default=None)
    merged = merge(*timed.values())
    return [record for at, _, _, record in merged if horizon is None or at <= horizon]


def _timed(records: Sequence[T], topic: str, topics: Sequence[str]) -> list[tuple[int, int, int, T]]:
    """The records of *topic* with their time, which never goes back, and what orders those of the same time."""
    newest, timed = 0, []
    for record in records:
        if record.topic == topic:
            newest = max(newest, record.timestamp_ms)
            timed.append((newest, topics.index(topic), record.offset, record))
    return timed
