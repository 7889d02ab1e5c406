"""Reading again of what a group has already taken: a restart that keeps no state of its own begins with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.runtime.clients import consumer_of
from streams.runtime.inbox import Partition
from streams.runtime.kafka import AT_END_MS, METADATA_TIMEOUT_S, answered, as_ours, partitions_of, reader
from streams.runtime.records import Record, record_of

BATCH = 5_000


def committed_of(bootstrap: str, group: str, topics: Sequence[str]) -> dict[Partition, int]:
    """Return the committed offset of *group* in each partition of *topics*; without one, the partition is left out."""
    doing = f"reading the committed offsets of {group}"
    consumer = consumer_of({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 3})
    try:
        asked = partitions_of(consumer, topics)
        places = answered(consumer.committed(asked, timeout=METADATA_TIMEOUT_S), doing)
    except KafkaException as error:
        raise as_ours(error, doing) from error
    finally:
        consumer.close()
    return {(one.topic, one.partition): one.offset for one in places if one.offset >= 0}


def since_time(
    bootstrap: str, ends: Mapping[Partition, int], since_ms: Mapping[str, int]
) -> dict[Partition, int]:
    """Return of each partition of *ends* the first offset written at its topic's time of *since_ms* or later."""
    doing = "looking for the offsets of a time"
    consumer = reader(bootstrap)
    try:
        asked = [TopicPartition(topic, number, since_ms[topic]) for topic, number in ends]
        found = answered(
            consumer.offsets_for_times(asked, timeout=METADATA_TIMEOUT_S) if asked else [], doing
        )
    except KafkaException as error:
        raise as_ours(error, doing) from error
    finally:
        consumer.close()
    return {(one.topic, one.partition): one.offset for one in found if one.offset >= 0}


def read_between(
    bootstrap: str, begins: Mapping[Partition, int], ends: Mapping[Partition, int]
) -> Iterator[Record]:
    """Yield the committed records of each partition of *begins* from there to before its offset in *ends*."""
    left = {place for place, offset in begins.items() if offset < ends[place]}
    consumer = reader(bootstrap, **{"fetch.wait.max.ms": AT_END_MS})
    try:
        consumer.assign([TopicPartition(*place, begins[place]) for place in left])
        while left:
            for message in consumer.consume(BATCH, 0.05):
                place, error = (str(message.topic()), int(message.partition() or 0)), message.error()
                if error is None and int(message.offset() or 0) < ends[place]:
                    yield record_of(message)
                elif error is None or error.code() == KafkaError._PARTITION_EOF:
                    left.discard(place)
                elif not error.retriable():
                    raise as_ours(KafkaException(error), "reading again what was taken")
    finally:
        consumer.close()
