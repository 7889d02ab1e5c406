"""The stage of drones: ``drone.position`` in, ``drone.verdict`` out, each verdict once.

As in the speed stage, verdicts and the consumed offsets are committed in one transaction, and the committed offsets
lie some time back. After a restart the positions behind them are read again, and what was published before is not
published again. What reaches farther back (a flight's beginning, the day's first transmitter) comes from the newest
verdicts. The clock is that of the log: of the slowest partition that is not idle, else of the city's ticks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Any

from confluent_kafka import Producer

from schemas.catalogue import load_catalogue, topic_name
from schemas.errors import Fatal, Invalid
from schemas.event import Event, derived_id, event_fields
from schemas.wire import Wire
from streams import metrics
from streams.dlq.rows import aside_record
from streams.drones.fleet import NEVER, DroneVerdict, Fleet
from streams.drones.numbers import DroneNumbers
from streams.runtime.inbox import Partition
from streams.runtime.kafka import read_tail, transactional_producer
from streams.runtime.records import Record, RecordBatch, next_offsets
from streams.runtime.row_reader import Row, RowReader, Unreadable
from streams.runtime.transaction import Outbox, transaction
from streams.speed.marks import Marks
from streams.stages.future import FUTURE_MS_MAX

POSITION, VERDICT, TICK = "drone.position", "drone.verdict", "core.tick"
SOURCE = "drones"
IDLE_S = 5.0
LOOK_BACK_MS = 8 * 60_000
"""Positions older than this change no verdict but by the newest verdicts."""
TAIL = 65_536
"""The newest verdicts from which a restart begins."""


@dataclass(slots=True)
class DronesAssignment:
    """The state of the stage while the partitions are assigned to it."""

    producer: Producer
    fleet: Fleet
    since_s: float
    clock_ms: int = NEVER
    tick_ms: int = NEVER
    marks: Mapping[Partition, Marks] = field(default_factory=dict)


class DronesStage:
    """The verdicts of one city. *zone*: of its days. *now_s*: a monotonic clock, to detect idle partitions."""

    def __init__(
        self,
        city: str,
        numbers: DroneNumbers,
        zone: tzinfo,
        *,
        bootstrap: str,
        wire: Wire,
        idle_s: float = IDLE_S,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._city = city
        self._numbers = numbers
        self._zone = zone
        self._bootstrap = bootstrap
        self._wire = wire
        self._idle_s = idle_s
        self._now_s = now_s
        self._held: DronesAssignment | None = None
        self._positions = topic_name(city, POSITION)
        self.group = f"{city}.drones"
        self._reader = RowReader(wire, self.group)
        self.topics = [topic_name(city, TICK)]
        self.beside = [self._positions]

    def assigned(self) -> None:
        """Start, or after a failed batch continue from the last committed one."""
        producer = transactional_producer(self._bootstrap, self.group)
        if self._held is not None:
            self._held = replace(self._held, producer=producer, fleet=self._held.fleet.resumed(self._told()))
            return
        fleet = Fleet(self._numbers, self._zone)
        for row in self._told():
            fleet.remember(row)
        self._held = DronesAssignment(producer, fleet, self._now_s())

    def _told(self) -> Iterator[dict[str, Any]]:
        """Yield the newest published verdicts, in order."""
        topic = topic_name(self._city, VERDICT)
        return self._reader.values(read_tail(self._bootstrap, topic, count=TAIL))

    def revoked(self) -> None:
        self._held = None

    def take(self, batch: RecordBatch) -> None:
        """Process a batch on a copy of the state, which replaces it once the transaction is committed."""
        if self._held is None:
            raise Fatal(f"{self.group}: records came before their assignment")
        held = replace(self._held, fleet=self._held.fleet.copy())
        timed = metrics.transactions.labels(self.group).time()
        with timed, transaction(held.producer, self._wire, self._city) as outbox:
            told = self._take(batch, held, outbox)
        for one in told:
            metrics.drone_verdicts.labels(self.group, one.verdict).inc()
        metrics.drones_dropped.labels(self.group).inc(held.fleet.dropped - self._held.fleet.dropped)
        metrics.drones_followed.labels(self.group).set(len(held.fleet.drones))
        self._held = held

    def _take(self, batch: RecordBatch, held: DronesAssignment, outbox: Outbox) -> list[DroneVerdict]:
        values, aside = self._decode(batch.records, held)
        for record, error in aside:
            outbox.put(aside_record(self._city, POSITION, record, error, now_ms=record.timestamp_ms))
        told = [one for value in values for one in held.fleet.take(value)]
        held.clock_ms = max(held.clock_ms, self._clock(held))
        told += held.fleet.pass_time(held.clock_ms)
        for one in told:
            outbox.put(verdict_event(self._city, one))
            metrics.events_put.labels(self.group, VERDICT).inc()
        outbox.flush()
        back_to = held.clock_ms - LOOK_BACK_MS
        held.marks = {place: marks.since(back_to) for place, marks in held.marks.items()}
        places = next_offsets(batch.records) | {place: marks.begin for place, marks in held.marks.items()}
        outbox.read_up_to(places, batch.group_metadata)
        return told

    def _clock(self, held: DronesAssignment) -> int:
        """Return the time of the slowest partition that is not idle. After the start, all are waited for ``idle_s``."""
        now_s = self._now_s()
        heard = [one.clock for one in held.marks.values() if now_s - one.heard_s < self._idle_s]
        if now_s - held.since_s < self._idle_s and len(heard) < load_catalogue()[POSITION].partitions:
            return held.clock_ms
        return min(heard, default=max(held.tick_ms, held.clock_ms))

    # -- decoding --------------------------------------------------------------------------------------------

    def _decode(
        self, records: Sequence[Record], held: DronesAssignment
    ) -> tuple[list[Mapping[str, Any]], list[tuple[Record, Invalid]]]:
        """Return the positions among *records*, and the unreadable ones with their errors."""
        aside: list[tuple[Record, Invalid]] = []
        values: list[Mapping[str, Any]] = []
        first: dict[Partition, int] = {}
        clocks: dict[Partition, int] = {}
        for record in records:
            metrics.records_taken.labels(self.group, record.topic).inc()
            row = self._reader.read(record)
            place = (record.topic, record.partition)
            if record.topic != self._positions:
                # An unreadable tick is ignored here: the situations stage sets it aside.
                if isinstance(row, Row) and row.value is not None:
                    held.tick_ms = max(held.tick_ms, int(row.value["event_time"]))
                continue
            first[place] = min(first.get(place, record.offset), record.offset)
            if isinstance(row, Unreadable):
                aside.append((record, row.error))
            elif row.value is not None:
                latest = record.timestamp_ms + FUTURE_MS_MAX
                value = dict(row.value)
                value["received_time"] = min(int(value["received_time"]), latest)
                values.append(value)
                at_ms = min(int(value["event_time"]), value["received_time"])
                clocks[place] = max(clocks.get(place, NEVER), at_ms)
        seen = {
            place: held.marks.get(place, Marks()).seen(offset, clocks.get(place, NEVER), self._now_s())
            for place, offset in first.items()
        }
        held.marks = {**held.marks, **seen}
        return values, aside


def verdict_event(city: str, one: DroneVerdict) -> Event:
    """Return the event of ``drone.verdict``. Publishing the same verdict again gives the same id."""
    said = one.value or {}
    value = event_fields(
        city,
        SOURCE,
        event_id=derived_id("drone-verdict", city, one.drone_id, one.at_ms, one.verdict, *one.reasons),
        event_time_ms=one.at_ms,
        received_ms=max(one.at_ms, said.get("received_time", one.at_ms)),
        position=said.get("position"),
    ) | {
        "drone_id": one.drone_id,
        "verdict": one.verdict,
        "reasons": list(one.reasons),
        "transmitter": said.get("transmitter"),
        "known_as": one.known_as,
        "speed_mps": said.get("speed_mps"),
        "height_m": said.get("above_ground_m"),
        "operator_position": said.get("operator_position"),
        "first_seen": one.first_ms,
        "last_seen": one.last_ms,
        "nearest_own": one.nearest_own,
        "nearest_own_m": one.nearest_own_m,
    }
    return Event(VERDICT, one.drone_id, value)
