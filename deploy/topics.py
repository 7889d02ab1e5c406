"""The catalogue's topics in a cluster: what is missing or otherwise, and making it so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from schemas.catalogue import Contract, load_catalogue, topic_name
from schemas.errors import Unreachable

REPLICAS_MAX = 3
TIMEOUT_S = 20
CREATE_S = 60


@dataclass(frozen=True, slots=True)
class Change:
    """One topic that is not as its contract says. *settings* are those that differ (all, when it is missing)."""

    topic: str
    is_missing: bool
    partitions: int
    settings: dict[str, str]


def settings_of(contract: Contract) -> dict[str, str]:
    """The broker's words for what a contract says."""
    settings = {
        "cleanup.policy": contract.cleanup,
        "retention.ms": str(contract.retention_ms if contract.retention_ms is not None else -1),
        "compression.type": "producer",
        "max.message.bytes": str(max(1_048_588, contract.max_bytes + 65_536)),
        "message.timestamp.type": "CreateTime",
    }
    if contract.cleanup == "compact":  # a restart reads it whole: keep what is stale small
        settings |= {
            "min.cleanable.dirty.ratio": "0.1",
            "segment.ms": "600000",
            "delete.retention.ms": "86400000",
        }
    return settings


def plan(bootstrap: str, cities: Iterable[str]) -> list[Change]:
    """What would have to change for every city to have every topic as its contract says."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 3})
    try:
        known = admin.list_topics(timeout=TIMEOUT_S).topics
    except KafkaException as error:
        raise Unreachable("Kafka does not answer", hint="start it with: bongsu up") from error
    wanted = {
        topic_name(city, contract.name): contract for city in cities for contract in load_catalogue().values()
    }
    present = [topic for topic in wanted if topic in known]
    current = _settings_now(admin, present)
    changes = []
    for topic, contract in wanted.items():
        settings = settings_of(contract)
        if topic not in known:
            changes.append(Change(topic, True, contract.partitions, settings))
        elif different := {
            name: value for name, value in settings.items() if current[topic].get(name) != value
        }:
            changes.append(Change(topic, False, contract.partitions, different))
    return changes


def apply(bootstrap: str, changes: Sequence[Change]) -> None:
    """Create what is missing, alter what differs. Partitions of a topic that exists are never changed."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 3})
    copies = min(REPLICAS_MAX, len(admin.list_topics(timeout=TIMEOUT_S).brokers))
    missing = [
        NewTopic(one.topic, one.partitions, copies, config=one.settings) for one in changes if one.is_missing
    ]
    created = admin.create_topics(missing, operation_timeout=CREATE_S) if missing else {}
    for future in created.values():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another worker was quicker
                raise
    altered = [
        ConfigResource(
            ResourceType.TOPIC,
            one.topic,
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in one.settings.items()
            ],
        )
        for one in changes
        if not one.is_missing
    ]
    for future in admin.incremental_alter_configs(altered).values() if altered else ():
        future.result()


def ensure_topics(bootstrap: str, cities: Iterable[str]) -> None:
    """Every topic of *cities* is there, as its contract says."""
    changes = plan(bootstrap, cities)
    if changes:
        apply(bootstrap, changes)


def _settings_now(admin: AdminClient, topics: Sequence[str]) -> dict[str, dict[str, str | None]]:
    resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    described = admin.describe_configs(resources) if resources else {}
    return {
        resource.name: {name: entry.value for name, entry in future.result().items()}
        for resource, future in described.items()
    }
