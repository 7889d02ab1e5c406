"""Observations through librdkafka's own batches and compiled kernels; `plain.PlainReader` says what they must be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import numpy as np
from confluent_kafka import KafkaError, KafkaException

from schemas.errors import Retriable
from schemas.registry import Registry
from streams.match.batch import Batch
from streams.match.cells import Filter
from streams.match.flow import Partition
from streams.match.observations import Longs
from streams.matching.fast.consuming import NativeConsumer
from streams.matching.fast.decoding import NOWHERE, Decoding, Taken
from streams.matching.fast.library import Library, Message
from streams.matching.fast.loading import free, heads
from streams.matching.reader import FAST, Assigned, Lost, Revoked, fast_topics
from streams.runtime.kafka import AT_END_MS, as_ours, group_settings, reader_settings

BATCH_MAX = 20_000
SPAN_S_MAX = 60.0
PLACES_MAX = 256
CALM = (KafkaError._PARTITION_EOF, KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT)


class FastReader:
    """`reader.Reader`, quickly. One thread uses it."""

    def __init__(
        self, city: str, group: str, *, bootstrap: str, registry: Registry, library: Library
    ) -> None:
        self._bootstrap = bootstrap
        self._library = library
        self._topics = fast_topics(city)
        self._decoding = Decoding(registry)
        self._free = library.address_of("message_destroy")
        self._consumer = NativeConsumer(library, group_settings(bootstrap, group, **FAST))
        self._addresses = np.zeros(BATCH_MAX, np.int64)
        self._held = 0

    def subscribe(self, assigned: Assigned, revoked: Revoked, lost: Lost) -> None:
        self._consumer.subscribe(self._topics, assigned, revoked, lost)

    def read(self, timeout_s: float, sieve: Callable[[], Filter]) -> Batch | None:
        self._release()
        count = self._consumer.consume(self._addresses, 0)
        if count == 0 and timeout_s > 0:
            count = self._consumer.consume(self._addresses[:1], timeout_s)
        self._held = count
        if not count:
            return None
        return self._decoding.batch(_taken(self._consumer, self._addresses[:count]), sieve())

    def between(self, place: Partition, first: int, end: int) -> Iterator[Batch]:
        settings = reader_settings(self._bootstrap, **{**FAST, "fetch.wait.max.ms": AT_END_MS})
        consumer = NativeConsumer(self._library, settings)
        addresses = np.zeros(BATCH_MAX, np.int64)
        try:
            consumer.assign({place: first})
            at, deadline = first, monotonic() + SPAN_S_MAX
            while at < end:
                count = consumer.consume(addresses, 0.1)
                held = addresses[:count]
                try:
                    batch = self._decoding.batch(_taken(consumer, held)) if count else None
                    if batch is not None and place in batch.ends:
                        at, deadline = batch.ends[place], monotonic() + SPAN_S_MAX
                        yield batch.without(batch.offset >= end)
                    is_over = any(
                        Message.from_address(one).err == KafkaError._PARTITION_EOF
                        for one in held[-1:].tolist()
                    )
                finally:
                    self._free_all(held)
                if is_over:
                    return  # the rest has been deleted since
                if monotonic() > deadline:
                    raise Retriable(f"{place[0]} {place[1]}: offset {end} was not reached")
        finally:
            consumer.close()

    def begin_of(self, place: Partition) -> int:
        return self._ends(place, cached=False)[0]

    def end_of(self, place: Partition) -> int | None:
        end = self._ends(place, cached=True)[1]
        return end if end >= 0 else None

    def _ends(self, place: Partition, *, cached: bool) -> tuple[int, int]:
        try:
            return self._consumer.ends(place, cached=cached)
        except KafkaException as error:
            raise as_ours(error, f"asking for the ends of {place[0]}") from error

    def group_metadata(self) -> Any:
        return self._consumer.group_metadata()

    def close(self) -> None:
        self._release()
        self._consumer.close()

    def _release(self) -> None:
        held, self._held = self._held, 0
        if held:
            self._free_all(self._addresses[:held])

    def _free_all(self, addresses: Longs) -> None:
        free(addresses, len(addresses), self._free)


def _taken(consumer: NativeConsumer, addresses: Longs) -> Taken:
    """The messages at *addresses*. ``Retriable`` or ``Fatal`` for an error among them that does not heal by itself."""
    count = len(addresses)
    payload, size, offset = (np.empty(count, np.int64) for _ in range(3))
    place, places = np.empty(count, np.uint8), np.zeros((PLACES_MAX, 3), np.int64)
    place_count = heads(addresses, count, payload, size, offset, place, places)
    if place_count < 0:
        raise Retriable("more partitions in one batch than are told apart")
    for row in np.flatnonzero(place == NOWHERE).tolist():
        error = KafkaError(Message.from_address(int(addresses[row])).err)
        if error.code() not in CALM and not error.retriable():
            raise as_ours(KafkaException(error), "reading observations")
    found = places[:place_count].tolist()
    topics = {topic: consumer.topic_name(topic) for topic in {topic for topic, _, _ in found}}
    named = [(topics[topic], number) for topic, number, _ in found]
    ends = {where: end for where, (_, _, end) in zip(named, found, strict=True)}
    return Taken(payload, size, offset, place, named, ends, lambda row: consumer.record(int(addresses[row])))
