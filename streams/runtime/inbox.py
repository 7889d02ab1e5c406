"""The order in which a stage takes records: live ones at once, played ones when their tick's barrier is reached.

Records of several topics reach a consumer in no fixed order. A live record is taken as it comes; the journal
keeps that order. A played record waits for the tick of its transaction. The tick's barrier names the offsets
before it; once they are read, the records are taken in one canonical order, so that two plays give the same
results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.runtime.records import Record

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class DueRecord:
    """A record that is due, with its decoded value."""

    record: Record
    value: Mapping[str, Any]


@dataclass(slots=True)
class Inbox:
    """Orders records. *tick_topic* and *first_topic* are full topic names (reference data goes first)."""

    tick_topic: str
    first_topic: str
    held: dict[Partition, list[DueRecord]] = field(default_factory=dict)
    ticks: list[DueRecord] = field(default_factory=list)
    seen: dict[Partition, int] = field(default_factory=dict)

    def offer(self, record: Record, value: Mapping[str, Any]) -> None:
        taken = DueRecord(record, value)
        self.saw(record)
        if record.topic == self.tick_topic:
            self.ticks.append(taken)
        else:
            self.held.setdefault((record.topic, record.partition), []).append(taken)

    def saw(self, record: Record) -> None:
        """Note that this record was read, whether it is good or set aside."""
        self.seen[record.topic, record.partition] = record.offset + 1

    def take(self) -> Iterator[DueRecord]:
        """Yield all records that are due, in order."""
        yield from self._live()
        while self.ticks and self._reached(self.ticks[0]):
            tick = self.ticks.pop(0)
            yield from self._covered(tick)
            yield tick
            yield from self._live()

    def _live(self) -> Iterator[DueRecord]:
        """Yield live records at the head of their partition: none overtakes a played one before it."""
        for queue in self.held.values():
            count = next((i for i, taken in enumerate(queue) if taken.record.is_played), len(queue))
            yield from queue[:count]
            del queue[:count]

    def _reached(self, tick: DueRecord) -> bool:
        return all(self.seen.get(place, 0) >= end for place, end in _barrier(tick))

    def _covered(self, tick: DueRecord) -> list[DueRecord]:
        covered: list[DueRecord] = []
        for place, end in _barrier(tick):
            queue = self.held.get(place, [])
            count = sum(taken.record.offset < end for taken in queue)
            covered += queue[:count]
            del queue[:count]
        return sorted(covered, key=self._canonical)

    def _canonical(self, taken: DueRecord) -> tuple[bool, int, str, int, int]:
        record = taken.record
        return (
            record.topic != self.first_topic,
            taken.value["event_time"],
            record.topic,
            record.partition,
            record.offset,
        )

    @property
    def waiting(self) -> int:
        return len(self.ticks) + sum(map(len, self.held.values()))

    def waiting_records(self) -> list[Record]:
        """Return the records offered and not yet taken."""
        return [one.record for queue in (self.ticks, *self.held.values()) for one in queue]

    def next_offsets(self) -> dict[Partition, int]:
        """Return the offset to commit for each partition: its first record not yet taken."""
        places = dict(self.seen)
        for place, queue in self.held.items():
            if queue:
                places[place] = queue[0].record.offset
        if self.ticks:
            first = self.ticks[0].record
            places[first.topic, first.partition] = first.offset
        return places


def _barrier(tick: DueRecord) -> Iterable[tuple[Partition, int]]:
    for one in tick.value["barrier"] or ():
        yield (one["topic"], one["partition"]), one["next_offset"]
