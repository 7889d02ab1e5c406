"""The delivered topics of a past time (``connectors.gateway.recorded_log.RecordedLog``), by the offsets of that time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from heapq import merge
from itertools import islice
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.gateway.live_place import Place
from connectors.gateway.recorded_log import RecordedEvent, RecordedPage
from connectors.subscribers import DELIVERED
from schemas.catalogue import load_catalogue, topic_name
from schemas.errors import Invalid, Retriable
from schemas.json_form import to_json_value
from schemas.wire import Wire
from streams.operators.recorded_fold import Checkpoints, OpenFold
from streams.runtime.kafka import METADATA_TIMEOUT_S, answered, as_ours, partition_of, reader
from streams.runtime.records import Record, record_of
from streams.runtime.row_reader import RowReader

SITUATION = DELIVERED[0]
BATCH = 500
FOLDED_MAX = 50_000
"""The records that one call of ``standing`` reads."""
WAIT_S = 1.0
EMPTY_MAX = 10
"""The waits without a record after which Kafka is held to be unavailable."""


class CityRecordedLog:
    """The log of one city."""

    def __init__(
        self,
        city: str,
        *,
        bootstrap: str,
        wire: Wire,
        now_ms: Callable[[], int],
        before: Callable[[], object] = lambda: None,
    ) -> None:
        self._topics = [topic_name(city, contract) for contract in DELIVERED]
        self._bootstrap = bootstrap
        self._now_ms = now_ms
        self._before = before
        self._rows = RowReader(wire, f"{city}.gateway.recorded")
        self._checkpoints = Checkpoints()
        self._lock = threading.Lock()

    def kept_from_ms(self) -> int | None:
        with _Reading(self) as reading:
            found = [self._kept_from(reading, number) for number in range(len(self._topics))]
        return max((one for one in found if one is not None), default=None)

    def _kept_from(self, reading: _Reading, number: int) -> int | None:
        low, high = reading.bounds(number)
        if low == 0:
            return None
        for record in reading.records(number, low, high, 1):
            return record.timestamp_ms
        retention_ms = load_catalogue()[DELIVERED[number]].retention_ms
        return None if retention_ms is None else self._now_ms() - retention_ms

    def page(self, from_ms: int, to_ms: int, after: Place | None, count: int) -> RecordedPage:
        with _Reading(self) as reading:
            until = reading.offsets_at(to_ms)
            begin = Place(tuple(reading.offsets_at(from_ms)) if after is None else after.offsets)
            read = [
                _in_order(number, reading.records(number, begin.offsets[number], end, count + 1), from_ms)
                for number, end in enumerate(until)
            ]
        taken = list(islice(merge(*read, key=lambda one: one[:2]), count + 1))
        place = begin
        for _, number, record in taken[:count]:
            place = place.after(number, record.offset)
        events = [
            RecordedEvent(DELIVERED[number], at_ms, value)
            for at_ms, number, record in taken[:count]
            if (value := self._value(number, record)) is not None
        ]
        return RecordedPage(events, place if len(taken) > count else None)

    def standing(self, at_ms: int) -> Sequence[Mapping[str, Any]]:
        with self._lock, _Reading(self) as reading:
            low, _ = reading.bounds(0)
            end = reading.offsets_at(at_ms)[0]
            fold = self._checkpoints.before(end) or OpenFold(low)
            most = fold.next_offset + FOLDED_MAX
            while fold.next_offset < min(end, most):
                records = reading.records(0, fold.next_offset, end, BATCH)
                for record in records:
                    fold.take(self._value(0, record))
                fold.next_offset = records[-1].offset + 1 if len(records) == BATCH else end
            self._checkpoints.keep(fold)
            if fold.next_offset < end:
                raise Retriable(f"{end - fold.next_offset} older records are still to be read")
            return fold.values()

    def _value(self, number: int, record: Record) -> Mapping[str, Any] | None:
        """The record's JSON form; ``None`` for one that cannot be read, which is counted."""
        for row in self._rows.rows([record]):
            try:
                return to_json_value(load_catalogue()[DELIVERED[number]].newest, row.value or {})
            except (Invalid, TypeError) as error:
                self._rows.refuse(record, error if isinstance(error, Invalid) else Invalid("no JSON"))
        return None


def _in_order(number: int, records: Sequence[Record], from_ms: int) -> list[tuple[int, int, Record]]:
    """(time, topic, record), no time before the one of an earlier record: producers' clocks may differ."""
    found, at_ms = [], from_ms
    for record in records:
        at_ms = max(at_ms, record.timestamp_ms)
        found.append((at_ms, number, record))
    return found


class _Reading:
    """A consumer for one call. Topics are read one after the other, so that none takes more than is asked for."""

    def __init__(self, whole: CityRecordedLog) -> None:
        whole._before()
        self._topics = whole._topics
        self._consumer: Consumer = reader(
            whole._bootstrap, **{"auto.offset.reset": "earliest", "fetch.wait.max.ms": 50}
        )

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def bounds(self, number: int) -> tuple[int, int]:
        place = partition_of(self._consumer, self._topics[number])
        try:
            low, high = self._consumer.get_watermark_offsets(place, timeout=METADATA_TIMEOUT_S)
        except KafkaException as error:
            raise as_ours(error, "reading the offsets of the delivered topics") from error
        return low, high

    def offsets_at(self, at_ms: int) -> list[int]:
        """The offset of the first record of each topic from *at_ms* on; its end where there is none."""
        doing = "reading the offsets of a time"
        asked = [TopicPartition(topic, 0, max(0, at_ms)) for topic in self._topics]
        try:
            found = answered(self._consumer.offsets_for_times(asked, METADATA_TIMEOUT_S), doing)
        except KafkaException as error:
            raise as_ours(error, doing) from error
        return [one.offset if one.offset >= 0 else self.bounds(number)[1] for number, one in enumerate(found)]

    def records(self, number: int, begin: int, end: int, count: int) -> list[Record]:
        """At most *count* records of that topic from *begin* on and before *end*."""
        found: list[Record] = []
        place, empty = begin, 0
        if begin >= end:
            return found
        self._consumer.assign([TopicPartition(self._topics[number], 0, begin)])
        while place < end and len(found) < count:
            first = self._consumer.poll(WAIT_S)
            empty = 0 if first is not None else empty + 1
            if empty > EMPTY_MAX:
                raise Retriable("Kafka unavailable: no record comes")
            more = count - len(found) - 1
            rest = self._consumer.consume(more, 0) if first is not None and more > 0 else []
            for message in [] if first is None else [first, *rest]:
                error = message.error()
                if error is None:
                    place = message.offset() + 1
                    if place <= end:
                        found.append(record_of(message))
                elif error.code() == KafkaError._PARTITION_EOF:
                    place = max(place, message.offset())
                elif not error.retriable():
                    raise as_ours(KafkaException(error), "reading the delivered topics")
        return found
