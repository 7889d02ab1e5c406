"""A member of a consumer group, independent of how its partitions are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.match.core.flow import Partition
from streams.match.worker.reader import FAST, Assigned, Lost, Revoked, fast_topics
from streams.runtime.kafka import as_ours, group_consumer

OFFSETS_TIMEOUT_S = 10.0

Begin = Callable[[Mapping[Partition, int]], list[TopicPartition]]
"""Gets the offsets from which our partitions are read; returns the partitions that librdkafka itself reads."""


class Member:
    """A member of *group* for a city's fast topics. Used by one thread."""

    def __init__(self, city: str, group: str, *, bootstrap: str) -> None:
        self.consumer = group_consumer(bootstrap, group, **FAST)
        self.topics = fast_topics(city)

    def subscribe(self, assigned: Assigned, revoked: Revoked, lost: Lost, *, begin: Begin) -> None:
        """Subscribe. *begin* gets no partitions as soon as they are revoked or lost."""

        def on_assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            consumer.assign(begin(assigned([(one.topic, one.partition) for one in partitions])))

        def on_revoke(_consumer: Consumer, _partitions: list[TopicPartition]) -> None:
            begin({})
            revoked()

        def on_lost(_consumer: Consumer, _partitions: list[TopicPartition]) -> None:
            begin({})
            lost()

        self.consumer.subscribe(self.topics, on_assign=on_assign, on_revoke=on_revoke, on_lost=on_lost)

    def begin_of(self, place: Partition) -> int:
        return self.offsets(place, cached=False)[0]

    def offsets(self, place: Partition, *, cached: bool) -> tuple[int, int]:
        """Return the first offset of *place*, and its end; -1001 for one not known, if *cached*."""
        try:
            found = self.consumer.get_watermark_offsets(
                TopicPartition(*place), timeout=OFFSETS_TIMEOUT_S, cached=cached
            )
        except KafkaException as error:
            raise as_ours(error, f"reading the offsets of {place[0]}") from error
        return found or (0, -1)

    def group_metadata(self) -> Any:
        """Return the metadata for the transaction that commits the offsets."""
        return self.consumer.consumer_group_metadata()

    def close(self) -> None:
        self.consumer.close()
