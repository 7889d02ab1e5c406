"""``core.watch``, read by every worker for itself: first the whole topic, then new records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from schemas.catalogue import topic_name
from schemas.errors import Invalid, Retriable
from schemas.wire import Wire
from streams.match.core.open_watches import WatchRecord
from streams.match.core.watches import watch_of
from streams.runtime.kafka import METADATA_TIMEOUT_S, as_ours, partition_of, reader
from streams.runtime.records import Record, record_of
from streams.runtime.row_reader import Row, RowReader

CONTRACT = "core.watch"
AT_ONCE_MAX = 5_000
REBUILD_S_MAX = 60.0


class WatchReader:
    """A consumer without a group: no rebalance moves it, and it commits nothing. Used by one thread."""

    def __init__(self, city: str, *, bootstrap: str, wire: Wire) -> None:
        self._reader = RowReader(wire, f"{city}.match")
        self._topic = topic_name(city, CONTRACT)
        self._consumer = reader(bootstrap, **{"fetch.wait.max.ms": 250})
        place = partition_of(self._consumer, self._topic)
        place.offset = 0
        self._place = place
        self._consumer.assign([place])
        self.next_offset = 0
        """The offset up to which the topic is read, transaction markers included."""
        self.aside: list[tuple[Record, Invalid]] = []
        """Invalid watches read since the caller last cleared the list."""
        self._was_at_end = False

    def until_end(self) -> list[WatchRecord]:
        """Return all records in the topic now. Called once, at the start."""
        return self._until(lambda: self._was_at_end)

    def until(self, offset: int) -> list[WatchRecord]:
        """Return the records up to *offset*, which another worker has read; or up to the end, if the topic
        was created again.
        """
        _, end = self._consumer.get_watermark_offsets(self._place, timeout=METADATA_TIMEOUT_S)
        return self._until(lambda: self.next_offset >= min(offset, end))

    def _until(self, is_so: Callable[[], bool]) -> list[WatchRecord]:
        told: list[WatchRecord] = []
        deadline = monotonic() + REBUILD_S_MAX
        while not is_so():
            told += self._take(self._consumer.consume(AT_ONCE_MAX, 0.1))
            if monotonic() > deadline:
                raise Retriable(f"{self._topic}: could not be read within {REBUILD_S_MAX:.0f} s")
        return told

    def news(self) -> list[WatchRecord]:
        """Return new records, without waiting."""
        return self._take(self._consumer.consume(AT_ONCE_MAX, 0))

    def close(self) -> None:
        self._consumer.close()

    def _take(self, messages: Iterable[Any]) -> list[WatchRecord]:
        told = []
        for message in messages:
            error = message.error()
            if error is None:
                record = record_of(message)
                self.next_offset = record.offset + 1
                if (one := self._read(record)) is not None:
                    told.append(one)
            elif is_end(message):
                self.next_offset, self._was_at_end = max(self.next_offset, message.offset()), True
            elif not error.retriable():
                raise as_ours(KafkaException(error), f"reading {self._topic}")
        return told

    def _read(self, record: Record) -> WatchRecord | None:
        row = self._reader.read(record)
        if isinstance(row, Row):
            if row.value is None:
                return WatchRecord(record.offset, row.key, None)
            try:
                return WatchRecord(record.offset, row.key, watch_of(row.value))
            except Invalid as fault:
                row = self._reader.refuse(record, fault)
        self.aside.append((row.record, row.error))
        return None


def is_end(message: Any) -> bool:
    """Return whether the message reports the end of a partition."""
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF
