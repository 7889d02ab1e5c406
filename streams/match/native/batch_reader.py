"""A reader of observations by fetched record batches and compiled kernels. `plain.PlainReader` is its reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

from confluent_kafka import KafkaException, TopicPartition

from schemas.errors import Retriable
from schemas.registry import Registry
from streams.match.core.batch import ObservationBatch
from streams.match.core.cells import Filter
from streams.match.core.flow import Partition
from streams.match.native import connection
from streams.match.native import unpack as unpacking
from streams.match.native.decode import Decoder
from streams.match.native.fetcher import Fetcher
from streams.match.native.leaders import leaders_of
from streams.match.native.secure_socket import Broker, Unanswered
from streams.match.native.unpack import Part, Unpacker
from streams.match.worker.membership import Member
from streams.match.worker.reader import SPAN_S_MAX, Assigned, Lost, Revoked
from streams.runtime.clients import admin_of
from streams.runtime.kafka import AT_END_MS, METADATA_TIMEOUT_S
from streams.runtime.loop import is_record

WAIT_MS = 1_000
"""The wait of a fetch for which there are no records. Each response names every partition, which costs a millisecond; other
partitions to read do not wait for it."""


def prove(bootstrap: str) -> None:
    """Check that kernels and brokers support this reader; any error says that they do not. ``Retriable``:
    Kafka is unavailable.
    """
    unpacking.prove()
    try:
        admin = admin_of(bootstrap, log_level=0)
        one = next(iter(admin.list_topics(timeout=METADATA_TIMEOUT_S).brokers.values()))
        connection.prove((one.host, one.port))
    except Unanswered:
        raise
    except (KafkaException, OSError, StopIteration) as error:
        raise Retriable("Kafka unavailable") from error


class FastReader:
    """The fast `reader.Reader`. Used by one thread.

    confluent-kafka's consumer is the member of the group and reads nothing; the fetcher reads the assigned
    partitions.
    """

    def __init__(self, city: str, group: str, *, bootstrap: str, registry: Registry) -> None:
        self._member = Member(city, group, bootstrap=bootstrap)
        self._decoding = Decoder(registry)
        self._fetcher = self._new_fetcher(WAIT_MS)
        self._unpacking = Unpacker()
        self._parts: list[Part] = []

    def subscribe(self, assigned: Assigned, revoked: Revoked, lost: Lost) -> None:
        self._member.subscribe(assigned, revoked, lost, begin=self._begin)

    def read(self, timeout_s: float, sieve: Callable[[], Filter]) -> ObservationBatch | None:
        message = self._member.consumer.poll(0)
        if message is not None:
            # the member reads no records, so this is an error, to be raised; polling also serves the group
            is_record(message)
        if not self._parts:
            self._parts = self._fetcher.fetched(timeout_s)
        taken = self._unpacking.take(self._parts)
        return None if taken is None else self._decoding.batch(taken, sieve())

    def between(self, place: Partition, first: int, end: int) -> Iterator[ObservationBatch]:
        fetcher, unpacking = self._new_fetcher(AT_END_MS), Unpacker()
        fetcher.begin({place: first})
        at, deadline = first, monotonic() + SPAN_S_MAX
        try:
            while at < end:
                parts = fetcher.fetched(0.1)
                while taken := unpacking.take(parts):
                    batch = self._decoding.batch(taken)
                    yield batch.without(batch.offset >= end)
                    deadline = monotonic() + SPAN_S_MAX
                at = fetcher.reached(place)
                if at >= fetcher.ends.get(place, end):
                    return  # the rest was deleted meanwhile
                if monotonic() > deadline:
                    raise Retriable(f"{place[0]} {place[1]}: offset {end} was not reached")
        finally:
            fetcher.close()

    def begin_of(self, place: Partition) -> int:
        return self._member.begin_of(place)

    def end_of(self, place: Partition) -> int | None:
        return self._fetcher.ends.get(place)

    def group_metadata(self) -> Any:
        return self._member.group_metadata()

    def close(self) -> None:
        self._fetcher.close()
        self._member.close()

    def _begin(self, places: Mapping[Partition, int]) -> list[TopicPartition]:
        self._parts = []
        self._fetcher.begin(places)
        return []

    def _new_fetcher(self, wait_ms: int) -> Fetcher:
        return Fetcher(self._leaders, self.begin_of, wait_ms=wait_ms)

    def _leaders(self, places: Sequence[Partition]) -> Mapping[Partition, Broker]:
        return leaders_of(self._member.consumer, places)
