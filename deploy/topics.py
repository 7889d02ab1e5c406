"""Compare the catalogue's topics with a cluster, then create and alter them. Brokers create no topic by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

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
from schemas.errors import Fatal, Unreachable
from streams.runtime.clients import admin_of
from streams.runtime.kafka import PARTED

REPLICAS_MAX = 3
TIMEOUT_S = 8
CREATE_S = 60
SETTLE_S, SETTLE_EVERY_S, SETTLE_EACH_S = 15, 0.02, 0.0002
"""The longest time without a change for the better, and the pauses between two looks: at the least, and for each topic."""
AT_ONCE = 500
"""Topics created by one request: a controller refuses one that makes more than 10,000 records, some ten a topic."""
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
SILENT = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT, KafkaError._RESOLVE)


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic in the cluster beside its contract.

    *partitions* is ``None`` when the topic is missing. *settings*: each one that differs, as (now, wanted).
    """

    topic: str
    contract: Contract
    partitions: int | None
    settings: Mapping[str, tuple[str | None, str]]

    @property
    def state(self) -> str:
        """``missing``, ``differs``, ``repartition`` (a person must do it) or ``well``."""
        if self.partitions is None:
            return "missing"
        if self.settings:
            return "differs"
        return "well" if self.partitions == self.contract.partitions else "repartition"

    @property
    def needs_applying(self) -> bool:
        return self.state in ("missing", "differs")


def settings_of(contract: Contract) -> dict[str, str]:
    """A contract's settings in the broker's terms."""
    settings = {
        "cleanup.policy": contract.cleanup,
        "retention.ms": str(-1 if contract.retention_ms is None else contract.retention_ms),
        "compression.type": "producer",
        "max.message.bytes": str(max(1_048_588, contract.max_bytes + 65_536)),
        "message.timestamp.type": "CreateTime",
    }
    if contract.retention_ms is not None:
        # Kafka deletes closed segments only: a topic kept for an hour must close them within it
        # and one kept for a day, which holds persons, within the hour
        longest_ms = HOUR_MS if contract.retention_ms <= DAY_MS else 7 * DAY_MS
        segment_ms = min(max(contract.retention_ms // 4, 10 * MINUTE_MS), longest_ms)
        return settings | {"segment.ms": str(segment_ms)}
    return settings | {  # a restart reads it whole: compact early, and drop tombstones after a day
        "min.cleanable.dirty.ratio": "0.1",
        "segment.ms": str(10 * MINUTE_MS),
        "delete.retention.ms": str(DAY_MS),
        "max.compaction.lag.ms": str(DAY_MS),
    }


def topic_states(bootstrap: str, cities: Iterable[str]) -> list[TopicState]:
    """Every topic of *cities*, as the catalogue wants it, beside what is in the cluster."""
    wanted = {topic_name(city, one.name): one for city in cities for one in load_catalogue().values()}
    return _states(_admin(bootstrap), wanted)


def plan(bootstrap: str, cities: Iterable[str]) -> list[TopicState]:
    """The changes that give every city every topic as its contract says."""
    return [one for one in topic_states(bootstrap, cities) if one.needs_applying]


def apply(
    bootstrap: str, changes: Sequence[TopicState], *, tell: Callable[[int], object] = lambda _done: None
) -> None:
    """Create what is missing, alter what differs; return once the brokers show it. *tell* is told how many more are done.

    Partitions of a topic that exists are never changed: keys would move.
    """
    admin = _admin(bootstrap)
    left, asked = list(changes), set[str]()
    deadline = time.monotonic() + SETTLE_S
    while left:
        if time.monotonic() > deadline:
            raise Fatal(
                f"{len(left)} topics are still not as their contracts say, {left[0].topic} among them",
                hint="somebody may change them too: 'bongsu topics list' shows what differs",
            )
        _create(admin, [one for one in left if one.partitions is None and one.topic not in asked])
        asked.update(one.topic for one in left)
        # Again each time: another may have created a topic that looked missing, with settings of its own.
        _alter(admin, [one for one in left if one.partitions is not None and one.settings])
        # a broker learns the controller's decision a moment later, and opens some hundred topics a second
        time.sleep(max(SETTLE_EVERY_S, len(left) * SETTLE_EACH_S))
        wanted = {one.topic: one.contract for one in left}
        still = [one for one in _states(admin, wanted) if one.needs_applying]
        if len(still) < len(left):
            deadline = time.monotonic() + SETTLE_S
        tell(len(left) - len(still))
        left = still


def ensure_topics(bootstrap: str, cities: Iterable[str]) -> Sequence[TopicState]:
    """Create or alter the topics of *cities*; return how each was before."""
    found = topic_states(bootstrap, cities)
    changes = [one for one in found if one.needs_applying]
    if changes:
        apply(bootstrap, changes)
    return found


def demand_order(found: Sequence[TopicState]) -> None:
    """Raise ``Fatal`` where a topic that needs one order of all its records has several partitions: each stage would see
    the records in another order, or only a part of them."""
    split = [one for one in found if one.contract.partitions == 1 and (one.partitions or 1) > 1]
    if split:
        first, more = split[0], f", and {len(split) - 1} topics more" if len(split) > 1 else ""
        raise Fatal(f"{first.topic} has {first.partitions} partitions where 1 belongs{more}", hint=PARTED)


def _states(admin: AdminClient, wanted: Mapping[str, Contract]) -> list[TopicState]:
    known = _metadata(admin).topics
    current = _settings_now(admin, [topic for topic in wanted if topic in known])
    return [
        TopicState(
            topic,
            contract,
            len(known[topic].partitions) if topic in known else None,
            {
                name: (current.get(topic, {}).get(name), value)
                for name, value in settings_of(contract).items()
                if current.get(topic, {}).get(name) != value
            },
        )
        for topic, contract in wanted.items()
    ]


def _create(admin: AdminClient, missing: Sequence[TopicState]) -> None:
    if not missing:
        return
    copies = min(REPLICAS_MAX, len(_metadata(admin).brokers))
    topics = [
        NewTopic(one.topic, one.contract.partitions, copies, config=settings_of(one.contract))
        for one in missing
    ]
    for first in range(0, len(topics), AT_ONCE):
        for topic, future in admin.create_topics(
            topics[first : first + AT_ONCE], operation_timeout=CREATE_S
        ).items():
            # another worker created it at the same time
            _done(future, f"topic {topic} cannot be created", but_not=KafkaError.TOPIC_ALREADY_EXISTS)


def _alter(admin: AdminClient, differing: Sequence[TopicState]) -> None:
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            one.topic,
            incremental_configs=[
                ConfigEntry(name, wanted, incremental_operation=AlterConfigOpType.SET)
                for name, (_now, wanted) in one.settings.items()
            ],
        )
        for one in differing
    ]
    futures = admin.incremental_alter_configs(resources) if resources else {}
    for resource, future in futures.items():
        _done(future, f"topic {resource.name} cannot be changed")


def _settings_now(admin: AdminClient, topics: Sequence[str]) -> dict[str, dict[str, str | None]]:
    resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    described = admin.describe_configs(resources) if resources else {}
    return {
        resource.name: {
            name: entry.value
            for name, entry in _done(future, f"topic {resource.name} cannot be read").items()
        }
        for resource, future in described.items()
    }


def _admin(bootstrap: str) -> AdminClient:
    return admin_of(bootstrap)


def _metadata(admin: AdminClient) -> Any:
    try:
        return admin.list_topics(timeout=TIMEOUT_S)
    except KafkaException as error:
        raise _fault(error, "the list of topics cannot be read") from error


def _done(future: Future[Any], what: str, *, but_not: int | None = None) -> Any:
    try:
        return future.result()
    except KafkaException as error:
        if error.args[0].code() == but_not:
            return None
        raise _fault(error, what) from error


def _fault(error: KafkaException, what: str) -> Fatal:
    cause = error.args[0]
    if cause.code() in SILENT:
        return Unreachable("Kafka does not answer", hint="start it with: bongsu up (or correct BONGSU_KAFKA)")
    return Fatal(f"{what}: {cause.str()}", hint="the broker's log says more: bongsu logs kafka")
