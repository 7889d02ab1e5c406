"""A log of the tests' own: topics of records, and consumers that read them as librdkafka's do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

AWAY = KafkaError(KafkaError._TRANSPORT)
PASSING = KafkaError(KafkaError._TRANSPORT, "away", False, True, False)
REFUSED = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
EOF = KafkaError(KafkaError._PARTITION_EOF)


@dataclass
class LogMessage:
    """A record, or an error, as confluent-kafka gives it."""

    at: tuple[str, int, int]
    kept: tuple[bytes | None, bytes | None] = (None, None)
    failed: KafkaError | None = None
    marked: Sequence[tuple[str, bytes | None]] | None = None

    def topic(self) -> str:
        return self.at[0]

    def partition(self) -> int:
        return self.at[1]

    def offset(self) -> int:
        return self.at[2]

    def key(self) -> bytes | None:
        return self.kept[0]

    def value(self) -> bytes | None:
        return self.kept[1]

    def error(self) -> KafkaError | None:
        return self.failed

    def timestamp(self) -> tuple[int, int]:
        return 1, 77

    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        return self.marked


def message(error: KafkaError | None = None, *, offset: int = 0) -> LogMessage:
    """A record at *offset* of ``c.core.watch``, or an *error*."""
    return LogMessage(("c.core.watch", 0, offset), (b"k", b"v"), error)


Place = tuple[str, int]


@dataclass
class Log:
    """Topics: (topic, partition) → records as (key, value). *more*: what comes once an end was reached, one at a time.
    *fails*: the error of a method, by its name; *errors*: what comes among the records first. *committed*: the end of a
    partition as readers see it at first, where some of it is under way."""

    records: dict[Place, list[tuple[bytes | None, bytes | None]]]
    more: list[tuple[Place, tuple[bytes | None, bytes | None]]] = field(default_factory=list)
    fails: dict[str, KafkaError] = field(default_factory=dict)
    errors: list[KafkaError] = field(default_factory=list)
    committed: dict[Place, int] = field(default_factory=dict)
    first: int = 0
    made: list[LogConsumer] = field(default_factory=list)

    def consumer_of(self, settings: Mapping[str, Any]) -> Any:
        self.made.append(LogConsumer(self, settings))
        return self.made[-1]

    def answers(self, method: str) -> None:
        if method in self.fails:
            raise KafkaException(self.fails[method])


class LogConsumer:
    """A consumer of *log* with librdkafka's *settings*."""

    def __init__(self, log: Log, settings: Mapping[str, Any]) -> None:
        self.log, self.settings = log, dict(settings)
        self.at: dict[Place, int] = {}
        self.told: dict[Place, int] = {}
        self.assigned: list[tuple[str, int, int]] = []
        self.is_closed = False
        self._held: list[LogMessage] = []

    def list_topics(self, timeout: float) -> Any:
        assert timeout > 0
        self.log.answers("list_topics")
        topics: dict[str, Any] = {}
        for topic, partition in sorted(self.log.records, reverse=True):
            topics.setdefault(topic, SimpleNamespace(partitions={})).partitions[partition] = None
        return SimpleNamespace(topics=topics)

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        assert timeout > 0
        self.log.answers("get_watermark_offsets")
        end = len(self.log.records[place.topic, place.partition])
        if self.settings.get("isolation.level") == "read_committed":
            end = self.log.committed.get((place.topic, place.partition), end)
        return self.log.first, end

    def assign(self, places: Sequence[TopicPartition]) -> None:
        self.assigned = [(one.topic, one.partition, one.offset) for one in places]
        self.at = {(topic, partition): offset for topic, partition, offset in self.assigned}

    def incremental_assign(self, places: Sequence[TopicPartition]) -> None:
        for one in places:
            assert (one.topic, one.partition) not in self.at, "librdkafka refuses to assign a partition twice"
            self.assigned.append((one.topic, one.partition, one.offset))
            self.at[one.topic, one.partition] = one.offset
            self.told.pop((one.topic, one.partition), None)

    def incremental_unassign(self, places: Sequence[TopicPartition]) -> None:
        for one in places:
            del self.at[one.topic, one.partition]

    def poll(self, timeout: float) -> LogMessage | None:
        assert 0 < timeout < 1, "whoever polls must see soon that it is to end"
        return next(iter(self._taken(1)), None)

    def consume(self, count: int, timeout: float) -> list[LogMessage]:
        assert count > 0
        assert 0 <= timeout < 1, "a reader at its end must not wait for long"
        return self._taken(count)

    def _taken(self, count: int) -> list[LogMessage]:
        if not self._held:
            self._fetch()
        found, self._held = self._held[:count], self._held[count:]
        return found

    def _fetch(self) -> None:
        while self.log.errors:
            self._held.append(LogMessage(("", 0, 0), failed=self.log.errors.pop(0)))
        for place, offset in self.at.items():
            kept = self.log.records[place]
            self._held += [LogMessage((*place, at), kept[at]) for at in range(offset, len(kept))]
            self.at[place] = len(kept)
            if self.told.get(place) != len(kept):
                self._held.append(LogMessage((*place, len(kept)), failed=EOF))
                self.told[place] = len(kept)
        if not self._held and self.log.more:
            place, one = self.log.more.pop(0)
            self.log.records[place].append(one)

    def close(self) -> None:
        self.is_closed = True
