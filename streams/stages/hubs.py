"""The stage of hubs: places, counts, vehicles, trips, rides, closures and ticks in, ``core.hub`` out, each board once.

Boards and consumed offsets are committed in one transaction. No state is written beside the boards: a start takes the
published boards, all places, closures and rides, and of the rest what was already taken and may still be shown, and then
goes on. So it holds what it held, and tells no board again. The clock is the city's ticks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import Producer

from schemas.catalogue import contract_name, topic_name
from schemas.errors import Fatal, Retriable, Unreachable
from schemas.event import Event, derived_id, event_fields
from schemas.wire import Wire
from streams import metrics, metrics_mobility
from streams.dlq.rows import aside_record
from streams.dropped_rows import DroppedRows
from streams.hubs.boards import CLOSURE, COUNTS, PLACE, TICK, TRIP, VEHICLE, Board, Boards
from streams.hubs.hub_numbers import HubNumbers
from streams.hubs.pieces import RIDE
from streams.runtime.inbox import Partition
from streams.runtime.kafka import newest_of, transactional_producer
from streams.runtime.read_back import committed_of, read_between, since_time
from streams.runtime.records import Record, RecordBatch, next_offsets
from streams.runtime.row_reader import Row, RowReader, Unreadable
from streams.runtime.transaction import Outbox, transaction
from streams.stages.future import FUTURE_MS_MAX, timely

BOARD = "core.hub"
SOURCE = "hubs"
BESIDE = (PLACE, COUNTS, VEHICLE, TRIP, RIDE, CLOSURE)
TICKS = 200
"""So many offsets of ticks are read again, to know the time: half of them are the ends of transactions."""


@dataclass(slots=True)
class HubsAssignment:
    """The state of the stage while the partitions are assigned to it."""

    producer: Producer
    boards: Boards


class HubsStage:
    """The boards of one city. Its state is dropped with the assignment, and after a failed batch; the log can rebuild it."""

    def __init__(self, city: str, numbers: HubNumbers, *, bootstrap: str, wire: Wire) -> None:
        self._city = city
        self._numbers = numbers
        self._bootstrap = bootstrap
        self._wire = wire
        self._held: HubsAssignment | None = None
        self.group = f"{city}.hubs"
        self._reader = RowReader(wire, self.group)
        self._dropped = DroppedRows(self.group, CLOSURE)
        self.topics = [topic_name(city, TICK)]
        self.beside = [topic_name(city, contract) for contract in BESIDE]

    def assigned(self) -> None:
        producer = transactional_producer(self._bootstrap, self.group)
        boards = Boards(self._numbers)
        self._dropped.begin()
        told_ms = 0
        for row in self._reader.rows(newest_of(self._bootstrap, topic_name(self._city, BOARD)).values()):
            if row.value is not None:
                boards.remember(row.value)
                told_ms = max(told_ms, min(int(row.value["event_time"]), row.record.timestamp_ms))
        now_ms = self._take_again(boards, told_ms)
        if now_ms is not None:
            boards.resume(now_ms)
        self._held = HubsAssignment(producer, boards)

    def _take_again(self, boards: Boards, told_ms: int) -> int | None:
        """Give *boards* what was taken before, and return the newest tick's time; ``None`` if no tick is left.

        *told_ms*: the city's time of the newest board; a row that was too old then does not count.
        """
        ends = committed_of(self._bootstrap, self.group, [*self.topics, *self.beside])
        newest_ms: int | None = None
        for record in read_between(self._bootstrap, self._begins(ends, told_ms), ends):
            row = self._reader.read(record)
            if not isinstance(row, Row):
                continue
            contract, value = contract_name(record.topic), timely(record, row.value)
            if contract != TICK:
                if (
                    value is not None or row.value is None
                ):  # a row from the future was not taken, a deletion was
                    boards.take(contract, row.key, value)
            elif value is not None:
                newest_ms = max(int(value["event_time"]), newest_ms or 0)
        return newest_ms

    def _begins(self, ends: Mapping[Partition, int], told_ms: int) -> dict[Partition, int]:
        """Return where each partition is read again from: places, rides and closures from their beginning."""
        topics = {topic_name(self._city, one): age_s for one, age_s in self._numbers.look_back_s.items()}
        since_ms = {
            topic: max(0, told_ms - round(age_s * 1000) - FUTURE_MS_MAX) for topic, age_s in topics.items()
        }
        begins = since_time(
            self._bootstrap, {place: end for place, end in ends.items() if place[0] in since_ms}, since_ms
        )
        for place, end in ends.items():
            if place[0] == topic_name(self._city, TICK):
                begins[place] = max(0, end - TICKS)
            elif contract_name(place[0]) in (PLACE, RIDE, CLOSURE):
                begins[place] = 0
        return begins

    def revoked(self) -> None:
        self._held = None

    def take(self, batch: RecordBatch) -> None:
        held = self._held
        if held is None:
            raise Fatal(f"{self.group}: records came before their assignment")
        refused, dropped = held.boards.refused, held.boards.dropped
        timed = metrics.transactions.labels(self.group).time()
        try:
            with timed, transaction(held.producer, self._wire, self._city) as outbox:
                told = [one for record in batch.records for one in self._take(record, held.boards, outbox)]
                for one in told:
                    outbox.put(board_event(self._city, one))
                outbox.read_up_to(next_offsets(batch.records), batch.group_metadata)
        except (Retriable, Unreachable):
            self._held = None  # the boards have moved on without a commit
            raise
        for one in told:
            metrics.events_put.labels(self.group, BOARD).inc()
            metrics_mobility.hub_boards.labels(self.group, "gone" if one.said is None else "told").inc()
        metrics_mobility.hubs_held.labels(self.group).set(len(held.boards.hubs))
        metrics_mobility.hubs_refused.labels(self.group).inc(held.boards.refused - refused)
        metrics_mobility.hub_pieces_dropped.labels(self.group).inc(held.boards.dropped - dropped)
        self._dropped.seen(held.boards.closures.dropped)

    def _take(self, record: Record, boards: Boards, outbox: Outbox) -> list[Board]:
        """Give one record to the boards; an unreadable one is set aside, but for a tick: the situations stage does that."""
        metrics.records_taken.labels(self.group, record.topic).inc()
        row, contract = self._reader.read(record), contract_name(record.topic)
        if isinstance(row, Row):
            value = timely(record, row.value)
            if value is None and row.value is not None:
                metrics_mobility.hub_ticks_ahead.labels(self.group).inc()
                return []
            return boards.take(contract, row.key, value)
        if contract != TICK:
            self._put_aside(row, contract, outbox)
        return []

    def _put_aside(self, one: Unreadable, contract: str, outbox: Outbox) -> None:
        record = one.record
        outbox.put(aside_record(self._city, contract, record, one.error, now_ms=record.timestamp_ms))


def board_event(city: str, one: Board) -> Event:
    """Return the event of ``core.hub``, a tombstone when nothing is held of the hub any more."""
    if one.said is None:
        return Event(BOARD, one.hub_id, None)
    value = event_fields(
        city,
        SOURCE,
        event_id=derived_id("hub-board", city, one.hub_id, one.revision, one.at_ms),
        event_time_ms=one.at_ms,
        received_ms=one.at_ms,
    )
    return Event(BOARD, one.hub_id, value | dict(one.said))
