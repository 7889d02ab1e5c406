"""The stage of energy: ``mobility.charge`` and ``energy.surplus`` in, ``energy.reward`` out, each revision once.

Rewards and the consumed offsets are committed in one transaction. The state is that of the log up to these offsets: after
a restart, or a failed batch, the newest records before them are read again, and tell nothing. The last revisions come from
``energy.reward`` itself. The clock is that of the log: of what chargers say, and of the city's ticks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from schemas.catalogue import topic_name
from schemas.errors import Fatal, Invalid, Retriable
from schemas.event import Event, derived_id, event_fields
from schemas.wire import Wire
from streams import metrics, metrics_mobility
from streams.dlq.rows import aside_record
from streams.dropped_rows import DroppedRows
from streams.energy.energy_numbers import EnergyNumbers
from streams.energy.registers import summed
from streams.energy.reward_ledger import TOLD_MAX, RewardLedger, RewardRevision
from streams.runtime.kafka import (
    answered,
    as_ours,
    group_consumer,
    partition_of,
    read_tail,
    reader,
    transactional_producer,
)
from streams.runtime.read_back import read_between, since_time
from streams.runtime.records import Record, RecordBatch, next_offsets, record_of
from streams.runtime.row_reader import RowReader, Unreadable
from streams.runtime.transaction import Outbox, transaction

CHARGE, SURPLUS, REWARD, TICK = "mobility.charge", "energy.surplus", "energy.reward", "core.tick"
SOURCE = "energy"
HISTORY = 262_144
"""The newest windows before the committed offset that are read again."""
TAIL = TOLD_MAX
"""The newest rewards of which the revision is known after a restart."""
TIMEOUT_S = 10.0


@dataclass(slots=True)
class EnergyAssignment:
    """The state of the stage while the partitions are assigned to it."""

    producer: Producer
    ledger: RewardLedger


class EnergyStage:
    """The rewards of one city."""

    def __init__(self, city: str, numbers: EnergyNumbers, *, bootstrap: str, wire: Wire) -> None:
        self._city = city
        self._numbers = numbers
        self._bootstrap = bootstrap
        self._wire = wire
        self._held: EnergyAssignment | None = None
        self._charges, self._surplus = topic_name(city, CHARGE), topic_name(city, SURPLUS)
        self.group = f"{city}.energy"
        self._reader = RowReader(wire, self.group)
        self._dropped = DroppedRows(self.group, SURPLUS)
        self.topics = [topic_name(city, TICK), self._charges, self._surplus]
        self.beside: list[str] = []

    def assigned(self) -> None:
        """Fence the former owner; make the state of all that was committed."""
        producer = transactional_producer(self._bootstrap, self.group)
        ledger = RewardLedger(self._numbers)
        for row in self._reader.values(
            read_tail(self._bootstrap, topic_name(self._city, REWARD), count=TAIL)
        ):
            ledger.remember(row)
        committed = self._committed()
        for record in self._before(self._surplus, committed[self._surplus]):
            surplus = self._reader.read(record)
            if not isinstance(surplus, Unreadable) and surplus.value is not None:
                try:
                    ledger.windows.take(surplus.value)
                except Invalid:  # it was set aside when it was taken first
                    continue
        for charge in self._reader.values(self._before(self._charges, committed[self._charges])):
            ledger.restore_charge(charge)
        self._dropped.begin()
        self._dropped.seen(ledger.windows.dropped)
        self._held = EnergyAssignment(producer, ledger)

    def revoked(self) -> None:
        self._held = None

    def take(self, batch: RecordBatch) -> None:
        """Process a batch. Where it is not committed, the state is gone: ``assigned`` makes it anew of the log."""
        held, self._held = self._held, None
        if held is None:
            raise Fatal(f"{self.group}: records came before their assignment")
        dropped = held.ledger.dropped
        timed = metrics.transactions.labels(self.group).time()
        with timed, transaction(held.producer, self._wire, self._city) as outbox:
            told = self._take(batch, held.ledger, outbox)
            for one in told:
                outbox.put(reward_event(self._city, one))
                metrics.events_put.labels(self.group, REWARD).inc()
            outbox.flush()
            outbox.read_up_to(next_offsets(batch.records), batch.group_metadata)
        self._measure(told, held.ledger, dropped)
        self._held = held

    def _take(self, batch: RecordBatch, ledger: RewardLedger, outbox: Outbox) -> list[RewardRevision]:
        told: list[RewardRevision] = []
        tick_ms: int | None = None
        for record in batch.records:
            metrics.records_taken.labels(self.group, record.topic).inc()
            row = self._reader.read(record)
            contract = record.topic.removeprefix(f"{self._city}.")
            if isinstance(row, Unreadable):
                if contract != TICK:  # the situations stage sets an unreadable tick aside
                    outbox.put(
                        aside_record(self._city, contract, record, row.error, now_ms=record.timestamp_ms)
                    )
            elif row.value is None:
                continue
            elif contract == CHARGE:
                told += ledger.take_charge(row.value)
            elif contract == SURPLUS:
                try:
                    told += ledger.take_surplus(row.value)
                except Invalid as error:
                    self._reader.refuse(record, error)
                    outbox.put(aside_record(self._city, contract, record, error, now_ms=record.timestamp_ms))
            else:
                tick_ms = max(int(row.value["event_time"]), tick_ms or 0)
        return told + ledger.pass_time(ledger.clock_ms if tick_ms is None else tick_ms)

    def _measure(self, told: list[RewardRevision], ledger: RewardLedger, dropped: int) -> None:
        for one in told:
            metrics_mobility.energy_rewards.labels(
                self.group, "new" if one.before is None else "revised"
            ).inc()
        if told:
            kwh = summed(Decimal(reward.kwh) for _, reward in ledger.told.values())
            metrics_mobility.energy_kwh.labels(self.group).set(float(kwh))
        metrics_mobility.energy_dropped.labels(self.group).inc(ledger.dropped - dropped)
        self._dropped.seen(ledger.windows.dropped)
        metrics_mobility.energy_sessions.labels(self.group).set(len(ledger.sessions))

    # -- what was committed ----------------------------------------------------------------------------------

    def _committed(self) -> dict[str, int]:
        """Return the committed offset of each topic; 0 where nothing was committed."""
        doing = f"reading the offsets of {self.group}"
        consumer = group_consumer(self._bootstrap, self.group)
        try:
            places = [partition_of(consumer, topic) for topic in (self._charges, self._surplus)]
            found = answered(consumer.committed(places, timeout=TIMEOUT_S), doing)
        except KafkaException as error:
            raise as_ours(error, doing) from error
        finally:
            consumer.close()
        return {one.topic: max(0, one.offset) for one in found}

    def _before(self, topic: str, offset: int) -> Iterator[Record]:
        """Yield the records of *topic* before *offset* in order: windows, the newest ``HISTORY``; of charges, see below."""
        consumer = reader(self._bootstrap, **{"fetch.wait.max.ms": 100})
        try:
            place = partition_of(consumer, topic)
            first, end = consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)
            since = self._history_of(topic, offset) if topic == self._charges else offset - HISTORY
            begin = max(first, since)
            if begin >= min(offset, end):
                return
            consumer.assign([TopicPartition(topic, place.partition, begin)])
            while True:
                for message in consumer.consume(10_000, 0.5):
                    error = message.error()
                    if error is not None and error.code() == KafkaError._PARTITION_EOF:
                        return
                    if error is not None:
                        raise Retriable(f"reading {topic}: {error.name()}")
                    record = record_of(message)
                    if record.offset >= offset:
                        return
                    yield record
        except KafkaException as error:
            raise as_ours(error, f"reading {topic}") from error
        finally:
            consumer.close()

    def _history_of(self, topic: str, offset: int) -> int:
        """Return the first offset of the charges that may still bear on a reward.

        A session without its first rows would lower rewards that were told, so this is a time and no number of rows.
        """
        place, numbers = (topic, 0), self._numbers
        newest = next(read_between(self._bootstrap, {place: max(0, offset - 1)}, {place: offset}), None)
        if newest is None:
            return 0
        back_s = numbers.revise_h * 3_600 + numbers.settle_s + numbers.silent_s
        since_ms = {topic: max(0, newest.timestamp_ms - round(back_s * 1_000))}
        return since_time(self._bootstrap, {place: offset}, since_ms).get(place, 0)


def reward_event(city: str, one: RewardRevision) -> Event:
    """Return the event of ``energy.reward``. The same revision of a reward has the same id."""
    value = event_fields(
        city,
        SOURCE,
        event_id=derived_id("energy-reward", city, one.reward.reward_id, one.revision),
        event_time_ms=one.at_ms,
        received_ms=one.at_ms,
        position=None if one.position is None else dict(one.position),
    ) | {"revision": one.revision, **one.reward.fields()}
    return Event(REWARD, one.reward.charger_id, value)
