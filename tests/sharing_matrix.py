"""Rights of a principal at a running secured Kafka, found by trying: operations on topics, groups, transactions.

Nothing here knows how rights are derived. Requests that would change something ask the broker to check alone, but for
records written and for deletions: those are asked of agencies, which must be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from time import monotonic
from typing import Any

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from streams.runtime.security import Security

Allowed = set[tuple[str, str]]
"""Pairs of topic and operation."""
DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}
ASK_S, READ_S = 20.0, 40.0


class Asking:
    """One principal at one cluster. *is_safe*: whether deletions may be asked for, since they must be refused."""

    def __init__(self, bootstrap: str, security: Security, own_group: str, *, is_safe: bool) -> None:
        self._settings = {"bootstrap.servers": bootstrap, "log_level": 0, **security.settings()}
        self._group, self._is_safe = own_group, is_safe
        self._admin = AdminClient(self._settings)

    def allowed(self, partitions: dict[str, int]) -> Allowed:
        """All operations that are let through, on the topics of *partitions* (topic → how many)."""
        topics = [*partitions]
        visible = self._visible() & set(topics)
        found = {(topic, "describe") for topic in visible}
        # Kafka tells of a topic whoever may read it, so one that it does not tell of cannot be read
        found |= {(topic, "read") for topic in self._read({one: partitions[one] for one in visible})}
        found |= {(topic, "write") for topic in self._written(topics)}
        found |= {(topic, "describe_configs") for topic in self._configs_told(topics)}
        found |= {(topic, "alter_configs") for topic in self._altered(topics)}
        if self._is_safe:
            found |= {
                (topic, "delete") for topic in _let(self._admin.delete_topics(topics, request_timeout=ASK_S))
            }
        return found

    def may_create(self, names: Iterable[str]) -> set[str]:
        wanted = [NewTopic(name, 1, 1) for name in names]
        return _let(self._admin.create_topics(wanted, validate_only=True, request_timeout=ASK_S))

    def may_use_group(self, group: str, topic: str) -> bool:
        """Whether offsets of *topic*, which the principal may read, can be committed in *group*."""
        wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 0)])
        (future,) = self._admin.alter_consumer_group_offsets([wanted], request_timeout=ASK_S).values()
        try:
            future.result(ASK_S)
        except KafkaException as error:
            if not _is_denied(error.args[0]):
                raise
            return False
        return True

    def may_begin(self, transactional_id: str) -> bool:
        producer = Producer({**self._settings, "transactional.id": transactional_id})
        try:
            producer.init_transactions(ASK_S)
        except KafkaException as error:
            if not _is_denied(error.args[0]):
                raise
            return False
        return True

    def _visible(self) -> set[str]:
        return {
            name for name, one in self._admin.list_topics(timeout=ASK_S).topics.items() if one.error is None
        }

    def _read(self, partitions: dict[str, int]) -> set[str]:
        """The topics of which the end can be fetched."""
        left, found = set(partitions), set[str]()
        consumer = Consumer(
            {
                **self._settings,
                "group.id": self._group,
                "enable.partition.eof": True,
                "auto.offset.reset": "latest",
            }
        )
        try:
            places = [
                TopicPartition(topic, n, 0) for topic, count in partitions.items() for n in range(count)
            ]
            consumer.assign(places)
            until = monotonic() + READ_S
            while left:
                assert monotonic() < until, f"neither let through nor refused: {sorted(left)[:3]}"
                for message in consumer.consume(500, 0.2):
                    error, topic = message.error(), str(message.topic())
                    left.discard(topic)
                    if error is None or error.code() == KafkaError._PARTITION_EOF:
                        found.add(topic)
        finally:
            consumer.close()
        return found

    def _written(self, topics: Collection[str]) -> set[str]:
        told: dict[str, KafkaError | None] = {}
        producer = Producer({**self._settings, "message.timeout.ms": int(ASK_S * 1000), "linger.ms": 0})
        for topic in topics:
            producer.produce(topic, b"matrix", b"k", 0, on_delivery=_into(told, topic))
        producer.flush(2 * ASK_S)
        assert told.keys() == set(topics)
        return {topic for topic, error in told.items() if error is None or not _is_denied(error)}

    def _configs_told(self, topics: Collection[str]) -> set[str]:
        return _let(self._admin.describe_configs([_of(one) for one in topics], request_timeout=ASK_S))

    def _altered(self, topics: Collection[str]) -> set[str]:
        entry = ConfigEntry("retention.ms", "60000", incremental_operation=AlterConfigOpType.SET)
        wanted = [_of(one, entry) for one in topics]
        return _let(self._admin.incremental_alter_configs(wanted, validate_only=True, request_timeout=ASK_S))


def _into(told: dict[str, KafkaError | None], topic: str) -> Callable[[KafkaError | None, Any], None]:
    def take(error: KafkaError | None, _message: Any) -> None:
        told[topic] = error

    return take


def _of(topic: str, *entries: ConfigEntry) -> ConfigResource:
    return ConfigResource(ResourceType.TOPIC, topic, incremental_configs=list(entries))


def _let(answers: dict[Any, Future[Any]]) -> set[str]:
    """Names of what was not refused for want of a right."""
    found = set()
    for asked, future in answers.items():
        try:
            future.result(ASK_S)
        except KafkaException as error:
            if _is_denied(error.args[0]):
                continue
        found.add(asked if isinstance(asked, str) else asked.name)
    return found


def _is_denied(error: KafkaError) -> bool:
    # never ==: comparing a KafkaError with another kind of value crashes the interpreter
    return error.code() in DENIED
