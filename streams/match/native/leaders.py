"""The brokers that lead partitions, as a consumer's metadata names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, KafkaException

from schemas.errors import Retriable
from streams.match.core.flow import Partition
from streams.match.native.secure_socket import Broker
from streams.runtime.kafka import as_ours

LEADERS_TIMEOUT_S = 1.0


def leaders_of(consumer: Consumer, places: Sequence[Partition]) -> Mapping[Partition, Broker]:
    """Return the leaders of *places*, as far as they are known and a broker responds."""
    found: dict[Partition, Broker] = {}
    for topic in {topic for topic, _ in places}:
        try:
            known = consumer.list_topics(topic, timeout=LEADERS_TIMEOUT_S)
        except KafkaException as error:
            ours = as_ours(error, "reading the partition leaders")
            if isinstance(ours, Retriable):
                continue
            raise ours from error
        for number, one in known.topics[topic].partitions.items():
            if one.leader in known.brokers:
                broker = known.brokers[one.leader]
                found[topic, number] = (broker.host, broker.port)
    return {place: found[place] for place in places if place in found}
