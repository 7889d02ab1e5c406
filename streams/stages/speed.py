"""The speed stage: positions of vehicles in, ``mobility.speed`` out, each minute once.

Speeds of a minute and the consumed offsets are committed in one transaction. The committed offsets lie some
time back. After a restart the records behind them are read again: minutes already published are not published
again, but it is known then which vehicles move.

The clock is that of the log: the received time of positions, in the slowest partition. A partition without
records for ``idle_s`` is no longer waited for. If none has records, the city's ticks give the time. The
partition of ticks also decides which worker reads all positions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from confluent_kafka import Producer

from schemas.catalogue import load_catalogue, topic_name
from schemas.errors import Fatal, Invalid
from schemas.event import Event, derived_id, event_fields
from schemas.wire import Wire
from streams import metrics
from streams.dlq.rows import aside_record
from streams.runtime.inbox import Partition
from streams.runtime.kafka import read_tail, transactional_producer
from streams.runtime.records import Record, RecordBatch, next_offsets
from streams.runtime.row_reader import Row, RowReader, Unreadable
from streams.runtime.transaction import Outbox, transaction
from streams.speed.cells import HALF_DIAGONAL_M, centre_of
from streams.speed.columns import Positions
from streams.speed.marks import Marks
from streams.speed.minutes import MINUTE_MS, NEVER, CellSpeed, Minutes, SpeedConfig
from streams.speed.positions import positions_of
from streams.stages.future import FUTURE_MS_MAX

POSITION, SPEED, TICK = "mobility.position", "mobility.speed", "core.tick"
SOURCE = "speed"
IDLE_S = 5.0
TAILS = (64, 65_536)
"""The numbers of records searched for the last published minute; the larger only if the smaller has only
aborted ones.
"""


@dataclass(slots=True)
class SpeedAssignment:
    """The state of the stage while the partitions are assigned to it."""

    producer: Producer
    minutes: Minutes
    since_s: float
    tick_ms: int = NEVER
    marks: Mapping[Partition, Marks] = field(default_factory=dict)


class SpeedStage:
    """The speeds of one city. *now_s*: a monotonic clock, to detect idle partitions."""

    def __init__(
        self,
        city: str,
        config: SpeedConfig,
        *,
        bootstrap: str,
        wire: Wire,
        idle_s: float = IDLE_S,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._city = city
        self._config = config
        self._bootstrap = bootstrap
        self._wire = wire
        self._idle_s = idle_s
        self._now_s = now_s
        self._held: SpeedAssignment | None = None
        self._positions = topic_name(city, POSITION)
        self.group = f"{city}.speed"
        self._reader = RowReader(wire, self.group)
        self.topics = [topic_name(city, TICK)]
        self.beside = [self._positions]

    def assigned(self) -> None:
        """Start, or after a failed batch continue from the last committed one."""
        producer = transactional_producer(self._bootstrap, self.group)
        before = self._held or SpeedAssignment(producer, Minutes(self._config), self._now_s())
        told = self._last_minute()
        silent_until = NEVER if told is None else told + MINUTE_MS
        minutes = replace(before.minutes, silent_until=silent_until)
        self._held = replace(before, producer=producer, minutes=minutes)

    def _last_minute(self) -> int | None:
        """Return the beginning of the last published minute; ``None`` if there is none."""
        topic = topic_name(self._city, SPEED)
        for count in TAILS:
            newest_first = reversed(read_tail(self._bootstrap, topic, count=count))
            if (last := next(self._reader.values(newest_first), None)) is not None:
                return int(last["event_time"])
        return None

    def revoked(self) -> None:
        self._held = None

    def take(self, batch: RecordBatch) -> None:
        """Process a batch on a copy of the state, which replaces it once the transaction is committed."""
        if self._held is None:
            raise Fatal(f"{self.group}: records came before their assignment")
        held = replace(self._held, minutes=self._held.minutes.copy())
        timed = metrics.transactions.labels(self.group).time()
        with timed, transaction(held.producer, self._wire, self._city) as outbox:
            self._take(batch, held, outbox)
        for reason, count in (held.minutes.left_out - self._held.minutes.left_out).items():
            metrics.left_out_of_speed.labels(self.group, reason).inc(count)
        metrics.vehicles_followed.labels(self.group).set(held.minutes.followed)
        self._held = held

    def _take(self, batch: RecordBatch, held: SpeedAssignment, outbox: Outbox) -> None:
        positions, aside = self._decode(batch.records, held)
        for record, error in aside:
            outbox.put(aside_record(self._city, POSITION, record, error, now_ms=record.timestamp_ms))
        for one in held.minutes.take(positions, self._clock(held)):
            outbox.put(speed_event(self._city, one, now_ms=held.minutes.clock))
            metrics.events_put.labels(self.group, SPEED).inc()
        outbox.flush()
        back_to = held.minutes.clock - self._config.look_back_ms
        held.marks = {place: marks.since(back_to) for place, marks in held.marks.items()}
        places = next_offsets(batch.records) | {place: marks.begin for place, marks in held.marks.items()}
        outbox.read_up_to(places, batch.group_metadata)

    def _clock(self, held: SpeedAssignment) -> int:
        """Return the time of the slowest partition that is not idle. After the start, all are waited for ``idle_s``."""
        now_s = self._now_s()
        heard = [one.clock for one in held.marks.values() if now_s - one.heard_s < self._idle_s]
        if now_s - held.since_s < self._idle_s and len(heard) < load_catalogue()[POSITION].partitions:
            return held.minutes.clock
        return min(heard, default=max(held.tick_ms, held.minutes.clock))

    # -- decoding --------------------------------------------------------------------------------------------

    def _decode(
        self, records: Sequence[Record], held: SpeedAssignment
    ) -> tuple[Positions, list[tuple[Record, Invalid]]]:
        """Return the positions among *records*, and the unreadable ones with their errors."""
        aside: list[tuple[Record, Invalid]] = []
        good: list[Record] = []
        values: list[Mapping[str, Any]] = []
        for record in records:
            metrics.records_taken.labels(self.group, record.topic).inc()
            row = self._reader.read(record)
            if record.topic != self._positions:
                # An unreadable tick is ignored here: the situations stage sets it aside.
                if isinstance(row, Row) and row.value is not None:
                    held.tick_ms = max(held.tick_ms, int(row.value["event_time"]))
            elif isinstance(row, Row) and row.value is not None:
                good.append(record)
                values.append(row.value)
            elif isinstance(row, Unreadable):
                aside.append((record, row.error))
        positions = positions_of(values, [one.timestamp_ms + FUTURE_MS_MAX for one in good])
        clocks = dict.fromkeys(((one.topic, one.partition) for one in records), NEVER)
        for record, at in zip(good, positions.heard.tolist(), strict=True):
            place = (record.topic, record.partition)
            clocks[place] = max(clocks[place], at)
        held.marks = self._marked(records, clocks, held)
        return positions, aside

    def _marked(
        self, records: Sequence[Record], clocks: Mapping[Partition, int], held: SpeedAssignment
    ) -> dict[Partition, Marks]:
        """Return the marks of each partition of positions, with these records."""
        first: dict[Partition, int] = {}
        for record in records:
            if record.topic == self._positions:
                place = (record.topic, record.partition)
                first[place] = min(first.get(place, record.offset), record.offset)
        seen = {
            place: held.marks.get(place, Marks()).seen(offset, clocks[place], self._now_s())
            for place, offset in first.items()
        }
        return {**held.marks, **seen}


def speed_event(city: str, one: CellSpeed, *, now_ms: int) -> Event:
    """Return the event of ``mobility.speed``. Publishing the same minute again gives the same id."""
    lat, lon = centre_of(one.cell)
    value = event_fields(
        city,
        SOURCE,
        event_id=derived_id("speed", city, one.cell, one.minute),
        event_time_ms=one.minute,
        received_ms=now_ms,
        position={"lat": lat, "lon": lon, "accuracy_m": HALF_DIAGONAL_M},
    ) | {
        "cell": one.cell,
        "vehicles": one.vehicles,
        "mean_speed_mps": one.mean_speed_mps,
    }
    return Event(SPEED, one.cell, value)
