"""The settings of our consumers and producers, and reading of whole topics to their end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import ConfigResource, ResourceType

from schemas.errors import BongsuError, Fatal, Retriable, Unreachable
from streams.runtime.clients import admin_of, consumer_of, producer_of
from streams.runtime.records import Record, record_of
from streams.runtime.security import reader_group

SESSION_MS, SESSION_MS_USUAL_MIN = 3_000, 6_000
"""The session timeout wanted, if the brokers allow it, and the brokers' default minimum."""
UNKNOWN_END = sys.maxsize
"""The end of a partition that Kafka could not tell: no record reaches it."""
METADATA_TIMEOUT_S = 8.0
AT_END_MS = 10
"""The wait of a fetch at a partition's end, when only present records are wanted."""
PARTED = (
    "read it with bongsu tail TOPIC, since its records will be lost; delete it;"
    " create it again with bongsu topics apply"
)
HINT = "start it with: bongsu up (or set BONGSU_KAFKA to a cluster that runs)"
ANOTHER = "only one process may publish for a source: find the other home or machine that runs this city, and stop it"


class Fenced(Fatal):
    """Another producer has taken over our transactional id."""


def transactional_producer(
    bootstrap: str,
    transactional_id: str,
    *,
    make: Callable[[dict[str, Any]], Any] = producer_of,
    **settings: Any,
) -> Producer:
    """Return a producer with an open transactional id; any earlier producer with that id is fenced.

    *make*: makes confluent-kafka's producer from librdkafka's settings, or one with its methods.
    """
    producer: Producer = make(
        {
            "bootstrap.servers": bootstrap,
            "client.id": transactional_id,
            "transactional.id": transactional_id,
            "partitioner": "murmur2_random",
            "linger.ms": 20,  # a commit sends at once what waits
            "compression.type": "lz4",
            "message.max.bytes": 8_000_000,
            "log_level": 3,
            **settings,
        }
    )
    try:
        producer.init_transactions(30)
    except KafkaException as error:
        raise as_ours(error, f"transactional id {transactional_id}") from error
    return producer


def group_consumer(bootstrap: str, group: str, **settings: Any) -> Consumer:
    """Return a member of *group* that reads committed records only and commits nothing by itself."""
    return consumer_of(group_settings(bootstrap, group, **settings))


def group_settings(bootstrap: str, group: str, **settings: Any) -> dict[str, Any]:
    """Return librdkafka's settings of such a member."""
    session_ms = max(SESSION_MS, _session_min_ms(bootstrap))
    return {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "client.id": group,
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "partition.assignment.strategy": "range",
        "session.timeout.ms": session_ms,
        "heartbeat.interval.ms": session_ms // 6,
        "fetch.queue.backoff.ms": 2,
        "fetch.error.backoff.ms": 50,
        "topic.metadata.refresh.interval.ms": 5_000,
        "log_level": 3,
        **settings,
    }


def _session_min_ms(bootstrap: str) -> int:
    """Return the brokers' minimum session timeout; the default if they do not report it."""
    admin = admin_of(bootstrap, log_level=0)
    try:
        number = next(iter(admin.list_topics(timeout=METADATA_TIMEOUT_S).brokers))
        broker = ConfigResource(ResourceType.BROKER, str(number))
        settings = admin.describe_configs([broker], request_timeout=METADATA_TIMEOUT_S)[broker].result()
        return int(settings["group.min.session.timeout.ms"].value)
    except (KafkaException, StopIteration, KeyError, TypeError, ValueError):
        return SESSION_MS_USUAL_MIN


def reader(bootstrap: str, **settings: Any) -> Consumer:
    """Return a consumer outside groups: its partitions are assigned by hand, and it reports their ends."""
    return consumer_of(reader_settings(bootstrap, **settings))


def reader_settings(bootstrap: str, **settings: Any) -> dict[str, Any]:
    """Return librdkafka's settings of such a consumer."""
    return {
        "bootstrap.servers": bootstrap,
        "group.id": reader_group(),
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.queue.backoff.ms": 2,
        "log_level": 3,
        **settings,
    }


def known_topics(bootstrap: str) -> set[str]:
    """Return the names of all topics. ``Unreachable`` if Kafka is unavailable."""
    consumer = reader(bootstrap)
    try:
        return set(consumer.list_topics(timeout=METADATA_TIMEOUT_S).topics)
    except KafkaException as error:
        raise Unreachable("Kafka unavailable", hint=HINT) from error
    finally:
        consumer.close()


def partitions_of(consumer: Consumer, topics: Sequence[str]) -> list[TopicPartition]:
    """Return every partition of *topics*. ``Unreachable`` if Kafka is unavailable, ``Fatal`` if a topic is missing."""
    try:
        known = consumer.list_topics(timeout=METADATA_TIMEOUT_S).topics
    except KafkaException as error:
        raise Unreachable("Kafka unavailable", hint=HINT) from error
    missing = [topic for topic in topics if topic not in known]
    if missing:
        raise Fatal(f"no topic {', '.join(missing)}", hint="create it with: bongsu topics apply")
    return [TopicPartition(topic, number) for topic in topics for number in sorted(known[topic].partitions)]


Enough = Callable[[str, int, int], bool]
"""Returns whether reading a partition may stop at its current end, from (topic, partition, next offset)."""


def partition_of(consumer: Consumer, topic: str) -> TopicPartition:
    """Return the one partition of *topic*. ``Fatal`` if it has more: a reader of one would miss the others."""
    places = partitions_of(consumer, [topic])
    if len(places) != 1:
        raise Fatal(f"{topic} has {len(places)} partitions where 1 belongs", hint=PARTED)
    return places[0]


def read_whole(
    bootstrap: str, topics: Sequence[str], *, is_enough: Enough = lambda *_place: True
) -> Iterator[Record]:
    """Yield every committed record now in *topics*, each partition in order.

    If *is_enough* returns no at the end of a partition, more records are waited for.
    """
    return map(record_of, _whole(bootstrap, topics, is_enough))


def ends_of(bootstrap: str, topics: Sequence[str], *, is_committed: bool) -> dict[tuple[str, int], int]:
    """Return the offset behind the last record of each partition; with *is_committed*, behind the last
    committed one.
    """
    isolation = "read_committed" if is_committed else "read_uncommitted"
    return {place: end for place, (_, end) in _watermarks(bootstrap, topics, isolation).items()}


def beginnings_of(bootstrap: str, topics: Sequence[str]) -> dict[tuple[str, int], int]:
    """Return the offset of the first record of each partition that retention has left."""
    return {place: first for place, (first, _) in _watermarks(bootstrap, topics, "read_committed").items()}


def _watermarks(
    bootstrap: str, topics: Sequence[str], isolation: str
) -> dict[tuple[str, int], tuple[int, int]]:
    consumer = reader(bootstrap, **{"isolation.level": isolation})
    try:
        return {
            (p.topic, p.partition): consumer.get_watermark_offsets(p, timeout=METADATA_TIMEOUT_S)
            for p in partitions_of(consumer, topics)
        }
    except KafkaException as error:
        raise as_ours(error, f"reading the offsets of {', '.join(topics)}") from error
    finally:
        consumer.close()


def _whole(
    bootstrap: str, topics: Sequence[str], is_enough: Enough = lambda *_place: True
) -> Iterator[Message]:
    consumer = reader(bootstrap, **{"fetch.wait.max.ms": AT_END_MS})
    try:
        places = partitions_of(consumer, topics)
        consumer.assign([TopicPartition(p.topic, p.partition, 0) for p in places])
        left = {(p.topic, p.partition) for p in places}
        at_end: dict[tuple[str, int], int] = {}
        while left:
            for message in consumer.consume(5_000, 0.05):
                if (error := message.error()) is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    at_end[str(message.topic()), int(message.partition() or 0)] = int(message.offset() or 0)
                elif not error.retriable():
                    raise as_ours(KafkaException(error), f"reading {', '.join(topics)}")
            left -= {place for place, offset in at_end.items() if is_enough(*place, offset)}
    finally:
        consumer.close()


def end_of(consumer: Consumer, place: TopicPartition) -> int:
    """Return the end of a partition at this time: what is written from now on has that offset or a later one.

    ``UNKNOWN_END`` where Kafka cannot say, as when the partition has just been made: then only a told end counts.
    """
    try:
        _, high = consumer.get_watermark_offsets(place, timeout=METADATA_TIMEOUT_S)
    except KafkaException as error:
        ours = as_ours(error, f"reading the end of {place.topic}")
        if isinstance(ours, Retriable):
            return UNKNOWN_END
        raise ours from error
    return int(high)


def newest_of(bootstrap: str, topic: str) -> dict[bytes, Record]:
    """Return the newest record of each key of a compacted topic, tombstones too, in the order of the keys'
    first records.
    """
    newest: dict[bytes, Message] = {}
    for message in _whole(bootstrap, [topic]):
        newest[message.key() or b""] = message
    return {key: record_of(message) for key, message in newest.items()}


def answered(places: Iterable[TopicPartition], doing: str) -> list[TopicPartition]:
    """Return *places* as Kafka filled them in. An error of one is raised as one of ours: it is not "no offset"."""
    found = list(places)
    for error in (one.error for one in found if one.error is not None):
        raise as_ours(KafkaException(error), doing)
    return found


def as_ours(error: KafkaException, doing: str) -> BongsuError:
    """Return a Kafka error as one of ours: fenced or denied is fatal, all others may be retried."""
    cause: KafkaError = error.args[0]
    fatal = {
        KafkaError._FENCED,
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError._FATAL,
    }
    refused = {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
    }
    if cause.code() == KafkaError.INVALID_TXN_STATE:
        # not fenced: the coordinator compares who we are first. It was away in the middle of a transaction, and a new
        # producer begins anew, though librdkafka calls the old one's error fatal
        return Retriable(f"{doing}: the coordinator lost the transaction ({cause.name()})")
    if cause.code() in fatal or cause.fatal():
        return Fenced(f"{doing}: fenced, another worker has taken over ({cause.name()})", hint=ANOTHER)
    if cause.code() in refused:
        return Fatal(f"{doing}: Kafka denied access ({cause.name()})", hint="check the principal's ACLs")
    return Retriable(f"{doing}: {cause.name()}")


def read_tail(bootstrap: str, topic: str, *, count: int = 200) -> list[Record]:
    """Return the committed records among the last *count* offsets of a topic of one partition."""
    consumer = reader(bootstrap, **{"fetch.wait.max.ms": AT_END_MS})
    try:
        place = partition_of(consumer, topic)
        try:
            low, high = consumer.get_watermark_offsets(place, timeout=METADATA_TIMEOUT_S)
        except KafkaException as error:
            raise as_ours(error, f"reading the offsets of {topic}") from error
        consumer.assign([TopicPartition(topic, place.partition, max(low, high - count))])
        records: list[Record] = []
        while True:
            for message in consumer.consume(count, 0.1):
                if message.error() is None:
                    records.append(record_of(message))
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    return records
    finally:
        consumer.close()
