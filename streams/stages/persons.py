"""The stage of missing persons: cases, sightings, answers and ticks in; ``core.candidate`` and ``core.route`` out, sealed.

Rows and consumed offsets are committed in one transaction. No state is written beside them: a start reads the cases, the
places, what was told, the answers, and the sightings again (``persons_known``, ``looking_back``). The clock is the city's
ticks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Producer

from schemas.catalogue import contract_name, topic_name
from schemas.errors import Fatal, Retriable, Unreachable
from schemas.wire import Wire
from streams import metrics, metrics_persons
from streams.cases.case_law import CaseLaw
from streams.dlq.rows import aside_record
from streams.persons.analytic_table import AnalyticTable
from streams.persons.persons_numbers import PersonsNumbers
from streams.runtime.kafka import transactional_producer
from streams.runtime.records import Record, RecordBatch, next_offsets
from streams.runtime.row_reader import Row, RowReader
from streams.runtime.transaction import Outbox, transaction
from streams.sightings.looking_back import LookingBack
from streams.sightings.sighting_columns import PERSON, SightingReader
from streams.stages.future import timely
from streams.stages.persons_chases import CaseSettings, Chases
from streams.stages.persons_known import (
    ACCESS,
    ACTION,
    CAMERA,
    MISSING,
    STOP,
    TICK,
    TRIP,
    KnownReader,
    OpeningKeys,
)

BESIDE = (MISSING, PERSON, ACTION, ACCESS, CAMERA, STOP, TRIP)
AT_ONCE_MAX = 20_000
"""A past of so many rows is read at once; a longer one in a thread, while the live flow goes on."""


@dataclass(slots=True)
class PersonsAssignment:
    """The state of the stage while the partitions are assigned to it."""

    producer: Producer
    chases: Chases


class PersonsStage:
    """The searches of one city. Its state is dropped with the assignment, and after a failed batch."""

    def __init__(
        self,
        city: str,
        numbers: PersonsNumbers,
        law: CaseLaw,
        keys: OpeningKeys,
        *,
        bootstrap: str,
        wire: Wire,
        at_once_max: int = AT_ONCE_MAX,
    ) -> None:
        self._city, self._bootstrap, self._wire, self._at_once_max = city, bootstrap, wire, at_once_max
        self._held: PersonsAssignment | None = None
        self.group = f"{city}.persons"
        self._reader, self._sightings = RowReader(wire, self.group), SightingReader(city, wire)
        table = AnalyticTable(numbers.analytics)
        self._settings = CaseSettings(city, self.group, numbers, law, keys, table, self._sightings)
        self._person_topic = topic_name(city, PERSON)
        self.topics = [topic_name(city, TICK)]
        self.beside = [topic_name(city, contract) for contract in BESIDE]

    def assigned(self) -> None:
        self.revoked()
        producer = transactional_producer(self._bootstrap, self.group)
        reading = KnownReader(self._city, self._bootstrap, self._reader, keys=self._settings.keys)
        known = reading.read(self.group, [*self.topics, *self.beside])
        topic, at_once_max = self._person_topic, self._at_once_max
        back = LookingBack(self._bootstrap, topic, self._sightings, at_once_max=at_once_max)
        self._held = PersonsAssignment(producer, Chases(self._settings, known, back))
        self._held.chases.resume()

    def revoked(self) -> None:
        if self._held is not None:
            self._held.chases.back.stop()
        self._held = None

    def take(self, batch: RecordBatch) -> None:
        held = self._held
        if held is None:
            raise Fatal(f"{self.group}: records came before their assignment")
        timed = metrics.transactions.labels(self.group).time()
        try:
            with timed, transaction(held.producer, self._wire, self._city) as outbox:
                held.chases.end_looks(outbox)
                self._take_all(held.chases, batch.records, outbox)
                outbox.read_up_to(next_offsets(batch.records), batch.group_metadata)
        except (Retriable, Unreachable):
            self.revoked()  # the searches have moved on without a commit
            raise
        metrics_persons.persons_cases.labels(self.group).set(len(held.chases.chases))

    def _take_all(self, chases: Chases, records: Iterable[Record], outbox: Outbox) -> None:
        """Take records in their order; sightings that stand together are decoded together."""
        together: list[Record] = []
        for record in records:
            metrics.records_taken.labels(self.group, record.topic).inc()
            if record.topic == self._person_topic:
                together.append(record)
                continue
            self._see(chases, together, outbox)
            together = []
            self._take(chases, record, outbox)
        self._see(chases, together, outbox)

    def _see(self, chases: Chases, records: list[Record], outbox: Outbox) -> None:
        """Take sightings; while no case is open nobody decodes them."""
        if records and chases.chases:
            many = self._sightings.read(
                [one.value or b"" for one in records],
                np.array([one.partition for one in records], np.int64),
                np.array([one.offset for one in records], np.int64),
            )
            metrics_persons.persons_sightings.labels(self.group).inc(len(many))
            for row in many.unread:
                self._put_aside(records[row], outbox)
            chases.see(many)
        for record in records:
            chases.known.taken[record.partition] = record.offset + 1

    def _take(self, chases: Chases, record: Record, outbox: Outbox) -> None:
        contract, row = contract_name(record.topic), self._reader.read(record)
        if contract == TICK:  # the situations stage sets unreadable ones aside
            value = timely(record, row.value) if isinstance(row, Row) else None
            if value is not None:
                chases.tick(int(value["event_time"]), outbox)
        elif not isinstance(row, Row):
            outbox.put(aside_record(self._city, contract, record, row.error, now_ms=record.timestamp_ms))
        elif (answer := chases.known.take(contract, row)) is not None:
            chases.take_answer(*answer, outbox)

    def _put_aside(self, record: Record, outbox: Outbox) -> None:
        row = self._reader.read(record)
        if not isinstance(row, Row):
            outbox.put(aside_record(self._city, PERSON, record, row.error, now_ms=record.timestamp_ms))
