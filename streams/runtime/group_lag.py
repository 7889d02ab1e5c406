"""The lag of groups as the log shows it, for a process that runs none of them: the age of a group's first unread record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from schemas.errors import Retriable
from streams.runtime.clients import admin_of
from streams.runtime.kafka import AT_END_MS, as_ours, reader
from streams.runtime.records import Record, record_of

ASK_S = 5.0
READ_S = 5.0
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class GroupLook:
    """A group. *committed*: its next offset by partition. *workers*: its members."""

    committed: Mapping[Place, int] = field(default_factory=dict)
    workers: int = 0


class LogEnds:
    """Reads offsets, and single records at them. Used by one thread at a time; opened at the first look."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin: AdminClient | None = None
        self._consumer: Consumer | None = None

    def close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
        self._consumer = self._admin = None

    def group(self, name: str) -> GroupLook:
        """The offsets that group *name* committed, and its members; nothing of a group that never was."""
        admin = self._opened()
        try:
            members = admin.describe_consumer_groups([name], request_timeout=ASK_S)[name].result().members
        except KafkaException as error:
            if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
                raise as_ours(error, f"asking for group {name}") from error
            members = []
        asked = ConsumerGroupTopicPartitions(name)
        try:
            (found,) = admin.list_consumer_group_offsets([asked], request_timeout=ASK_S).values()
            places = found.result().topic_partitions or []
        except KafkaException as error:
            if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
                raise as_ours(error, f"reading the offsets of {name}") from error
            places = []
        committed = {
            (one.topic, one.partition): one.offset for one in places if one.error is None and one.offset >= 0
        }
        return GroupLook(committed, len(members))

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """The offset behind the last committed record of each of *places*; without those that are missing."""
        return self._offsets(places, OffsetSpec.latest())

    def beginnings(self, places: Iterable[Place]) -> dict[Place, int]:
        """The first offset of each of *places* that retention has left; without those that are missing."""
        return self._offsets(places, OffsetSpec.earliest())

    def _offsets(self, places: Iterable[Place], spec: OffsetSpec) -> dict[Place, int]:
        asked = {TopicPartition(*place): spec for place in places}
        if not asked:
            return {}
        found = {}
        told = self._opened().list_offsets(
            asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=ASK_S
        )
        for place, future in told.items():
            try:
                found[place.topic, place.partition] = int(future.result().offset)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise as_ours(error, f"reading the offsets of {place.topic}") from error
        return found

    def first_records(self, offsets: Mapping[Place, int]) -> dict[Place, Record]:
        """The first committed record at or behind each offset; none where only the marks of transactions follow."""
        return {place: found[0] for place, found in self.records(offsets, at_most=1).items() if found}

    def records(self, offsets: Mapping[Place, int], *, at_most: int) -> dict[Place, list[Record]]:
        """The committed records from each offset on, to the end of its partition as it is now; *at_most* of each."""
        found: dict[Place, list[Record]] = {place: [] for place in offsets}
        left = set(offsets)
        if not left:
            return found
        consumer = self._opened_consumer()
        until = monotonic() + READ_S
        try:
            consumer.assign([TopicPartition(topic, number, offsets[topic, number]) for topic, number in left])
            while left and monotonic() < until:
                for message in consumer.consume(500, 0.05):
                    place = str(message.topic()), int(message.partition() or 0)
                    if (error := message.error()) is None:
                        if place in left:
                            found[place].append(record_of(message))
                        if len(found.get(place, ())) >= at_most:
                            left.discard(place)
                    elif error.code() == KafkaError._PARTITION_EOF:
                        left.discard(place)
                    elif not error.retriable():
                        raise KafkaException(error)
        except KafkaException as error:
            raise as_ours(error, "reading records at their offsets") from error
        finally:
            consumer.unassign()
        if left:
            raise Retriable(f"{len(left)} partitions were not read within {READ_S:g} s")
        return found

    def _opened(self) -> AdminClient:
        if self._admin is None:
            self._admin = admin_of(self._bootstrap)
        return self._admin

    def _opened_consumer(self) -> Consumer:
        if self._consumer is None:
            small = {"queued.min.messages": 1, "fetch.message.max.bytes": 65_536}
            self._consumer = reader(self._bootstrap, **{"fetch.wait.max.ms": AT_END_MS}, **small)
        return self._consumer


def unread(look: GroupLook, ends: Mapping[Place, int]) -> dict[Place, int]:
    """The next offset of each partition behind which something stands: a record, or only the mark of a transaction."""
    return {place: offset for place, offset in look.committed.items() if offset < ends.get(place, 0)}


def lag_s(firsts: Sequence[Record], *, now_ms: float) -> float:
    """The age in seconds of the oldest of *firsts*, by the time at which it was put into Kafka; 0 without any."""
    return max((max(0.0, now_ms - one.timestamp_ms) / 1000 for one in firsts), default=0.0)
