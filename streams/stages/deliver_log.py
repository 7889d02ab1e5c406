"""The core topics as ``deliver`` reads them: from any place, with the ends of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.subscribers import DELIVERED
from schemas.catalogue import topic_name
from schemas.errors import Retriable
from streams.runtime.kafka import METADATA_TIMEOUT_S, answered, as_ours, partition_of, reader
from streams.runtime.records import Record, record_of

LOOK_S = 0.5
SLICE_S = 1.0
FETCH_WAIT_MS, FOLLOW_WAIT_MS = 50, 500
"""The wait of a fetch at the log's end. A new place waits for the fetch before it: who moves about waits briefly."""
RESULT_MAX = 2_000
Offsets = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LogSlice:
    """Records read from a place. *ends*: the next offset of each topic that was read to its end."""

    records: Sequence[Record]
    ends: Offsets


class DeliveredLog:
    """One consumer of the delivered topics of *city*. Only one thread at a time may use it."""

    def __init__(self, city: str, bootstrap: str, *, wait_ms: int = FETCH_WAIT_MS) -> None:
        self.topics = tuple(topic_name(city, contract) for contract in DELIVERED)
        self._consumer: Consumer = reader(
            bootstrap, **{"fetch.wait.max.ms": wait_ms, "queued.max.messages.kbytes": 8_192}
        )

    def bounds(self) -> dict[str, tuple[int, int]]:
        """The first offset of each topic and the one behind its last."""
        try:
            return {
                topic: self._consumer.get_watermark_offsets(
                    partition_of(self._consumer, topic), METADATA_TIMEOUT_S
                )
                for topic in self.topics
            }
        except KafkaException as error:
            raise as_ours(error, "reading the offsets of the delivered topics") from error

    def offsets_at(self, time_ms: int) -> dict[str, int]:
        """The offset of the first record of each topic from *time_ms* on; its end where there is none."""
        doing = "reading the offsets of a time"
        asked = [TopicPartition(topic, 0, time_ms) for topic in self.topics]
        try:
            found = answered(self._consumer.offsets_for_times(asked, METADATA_TIMEOUT_S), doing)
        except KafkaException as error:
            raise as_ours(error, doing) from error
        ends = self.bounds()
        return {one.topic: one.offset if one.offset >= 0 else ends[one.topic][1] for one in found}

    def go_to(self, offsets: Offsets) -> None:
        """Read on from *offsets*."""
        self._consumer.assign([TopicPartition(topic, 0, offset) for topic, offset in offsets.items()])

    def next_records(self) -> list[Record]:
        """New records, or none after a moment."""
        first = self._consumer.poll(LOOK_S)
        if first is None:
            return []
        messages = [first, *self._consumer.consume(RESULT_MAX, 0)]
        return [record_of(one) for one in messages if _is_record(one)]

    def slice_from(self, offsets: Offsets, count: int) -> LogSlice:
        """About *count* records from *offsets* on, fewer at the end of every topic, or after a second."""
        self.go_to(offsets)
        records: list[Record] = []
        ends: dict[str, int] = {}
        until = monotonic() + SLICE_S
        while len(records) < count and len(ends) < len(offsets) and monotonic() < until:
            for message in self._consumer.consume(count, 0.02):
                if _is_record(message):
                    records.append(record_of(message))
                else:
                    ends[str(message.topic())] = int(message.offset() or 0)
        return LogSlice(records, ends)

    def close(self) -> None:
        self._consumer.close()


def _is_record(message: object) -> bool:
    """Whether it is a record; ``False`` for the end of a partition. Raises for an error."""
    error: KafkaError | None = message.error()  # type: ignore[attr-defined]  # confluent-kafka has no types
    if error is None:
        return True
    if error.code() == KafkaError._PARTITION_EOF:
        return False
    if error.retriable():
        raise Retriable(f"reading the delivered topics: {error.name()}")
    raise as_ours(KafkaException(error), "reading the delivered topics")
