"""The subscriber that ships prints what ``bongsu tail`` prints, without aborted records, and goes on where it ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.settings import Endpoints
from schemas.catalogue import load_catalogue, topic_name
from schemas.event import Event
from schemas.json_form import from_json_value
from schemas.registry import Registry
from schemas.wire import Wire
from streams.runtime.transaction import transaction
from tests.living_city import LivingCity

pytestmark = pytest.mark.cluster

CITY = "subscribed"
NAMES = ("core.situation", "core.account", "mobility.position", "dlq")
EXAMPLES = {
    one: sorted((load_catalogue()["source.dlq" if one == "dlq" else one].folder / "examples").glob("*.json"))
    for one in NAMES
}
PROGRAM = Path(__file__).resolve().parents[2] / "deploy" / "examples" / "subscribe.py"
SHARED = ("topic", "partition", "offset", "key", "headers", "value")


def events(name: str) -> list[Event]:
    contract = load_catalogue()["source.dlq" if name == "dlq" else name]
    shown = [json.loads(path.read_text(encoding="utf-8")) for path in EXAMPLES[name]]
    values = [from_json_value(contract.newest, one | {"city": CITY}) for one in shown]
    return [Event(contract.name, f"key-{number}", one) for number, one in enumerate(values)]


@pytest.fixture(scope="module")
def topics(cluster: Endpoints) -> list[str]:
    """Topics with a committed transaction, an aborted one, and another committed one with a tombstone."""
    found = [topic_name(CITY, "source.dlq" if one == "dlq" else one) for one in NAMES]
    admin = AdminClient({"bootstrap.servers": cluster.kafka})
    made = admin.create_topics([NewTopic(one, 1, 1) for one in found])
    for future in made.values():
        future.result()
    wire = Wire(Registry(cluster.registry))
    for topic, name in zip(found, NAMES, strict=True):
        wire.registry.register(topic, load_catalogue()["source.dlq" if name == "dlq" else name])
    producer = Producer(
        {"bootstrap.servers": cluster.kafka, "transactional.id": "subscribed", "compression.type": "lz4"}
    )
    producer.init_transactions()
    for is_aborted in (False, True, False):
        try:
            with transaction(producer, wire, CITY) as outbox:
                for name in NAMES:
                    for event in events(name):
                        outbox.put(event)
                outbox.put(Event("core.account", "key-0", None))
                outbox.flush()
                if is_aborted:
                    raise LookupError
        except LookupError:
            pass
    return found


def subscribed(cluster: Endpoints, topics: Sequence[str]) -> list[dict[str, Any]]:
    places = ("--kafka", cluster.kafka, "--registry", cluster.registry, "--group", "subscriber")
    command = [sys.executable, str(PROGRAM), *places, "--until-end", *topics]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def printed(topics: list[str], cluster: Endpoints) -> list[dict[str, Any]]:
    """Lines that a new group printed."""
    return subscribed(cluster, topics)


def in_order(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    shared = [{name: one[name] for name in SHARED} for one in lines]
    return sorted(shared, key=lambda one: (one["topic"], one["offset"]))


def test_it_prints_the_values_that_tail_prints_and_nothing_aborted(
    printed: list[dict[str, Any]], topics: list[str], cluster: Endpoints, tmp_path: Path
) -> None:
    tail = LivingCity("tailed", tmp_path, cluster).bongsu(
        "tail", *topics, "--from-beginning", "--until-idle", "--json"
    )
    assert in_order(printed) == in_order([json.loads(line) for line in tail.stdout.splitlines()])
    assert len(printed) == 2 * (sum(len(one) for one in EXAMPLES.values()) + 1)


def test_a_restart_goes_on_where_it_ended(
    printed: list[dict[str, Any]], topics: list[str], cluster: Endpoints
) -> None:
    assert printed
    assert subscribed(cluster, topics) == []
