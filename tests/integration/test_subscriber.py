"""The subscribers that ship (Python, Java, JavaScript) print what ``bongsu tail`` prints, without aborted records, and go on
where they ended."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.record_form import covered as as_shown
from deploy.settings import Endpoints
from schemas.catalogue import contract_name, load_catalogue, topic_name
from schemas.event import Event
from schemas.json_form import from_json_value
from schemas.registry import Registry
from schemas.wire import Wire
from streams.runtime.transaction import Outbox, transaction
from tests.living_city import LivingCity

pytestmark = pytest.mark.cluster

CITY = "subscribed"
NAMES = ("core.situation", "core.account", "mobility.position", "dlq")
EXAMPLES = {
    one: sorted((load_catalogue()["source.dlq" if one == "dlq" else one].folder / "examples").glob("*.json"))
    for one in NAMES
}
PROGRAMS = Path(__file__).resolve().parents[2] / "deploy" / "examples"
LANGUAGES = (
    "python",
    pytest.param("java", marks=pytest.mark.long),
    pytest.param("javascript", marks=pytest.mark.long),
)
SHARED = ("topic", "partition", "offset", "key", "headers", "value")


def events(name: str) -> list[Event]:
    contract = load_catalogue()["source.dlq" if name == "dlq" else name]
    shown = [json.loads(path.read_text(encoding="utf-8")) for path in EXAMPLES[name]]
    values = [from_json_value(contract.newest, one | {"city": CITY}) for one in shown]
    return [Event(contract.name, f"key-{number}", one) for number, one in enumerate(values)]


def a_producer(cluster: Endpoints, name: str) -> Producer:
    producer = Producer(
        {"bootstrap.servers": cluster.kafka, "transactional.id": name, "compression.type": "lz4"}
    )
    producer.init_transactions()
    return producer


def put_all(outbox: Outbox) -> None:
    for name in NAMES:
        for event in events(name):
            outbox.put(event)
    outbox.put(Event("core.account", "key-0", None))
    outbox.flush()


@pytest.fixture(scope="module")
def topics(cluster: Endpoints) -> list[str]:
    """Topics with a committed transaction, an aborted one, and another committed one with a tombstone.

    Another producer's aborted transaction lies around the last one, so that records of both alternate.
    """
    found = [topic_name(CITY, "source.dlq" if one == "dlq" else one) for one in NAMES]
    admin = AdminClient({"bootstrap.servers": cluster.kafka})
    made = admin.create_topics([NewTopic(one, 1, 1) for one in found])
    for future in made.values():
        future.result()
    wire = Wire(Registry(cluster.registry))
    for topic, name in zip(found, NAMES, strict=True):
        wire.registry.register(topic, load_catalogue()["source.dlq" if name == "dlq" else name])
    producer, other = (a_producer(cluster, name) for name in ("subscribed", "subscribed-other"))
    with transaction(producer, wire, CITY) as outbox:
        put_all(outbox)
    with suppress(LookupError), transaction(producer, wire, CITY) as outbox:
        put_all(outbox)
        raise LookupError
    with suppress(LookupError), transaction(other, wire, CITY) as around:
        put_all(around)
        with transaction(producer, wire, CITY) as outbox:
            put_all(outbox)
        put_all(around)
        raise LookupError
    return found


@pytest.fixture(scope="module", params=LANGUAGES)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the subscriber in a language, built as its first lines say."""
    language: str = request.param
    if language == "python":
        return [sys.executable, str(PROGRAMS / "subscribe.py")]
    folder = shutil.copytree(PROGRAMS / language, tmp_path_factory.mktemp("subscriber") / language)
    if language == "java":
        run_in(folder, "mvn", "-B", "-q", "process-classes")
        return [tool("java"), "-cp", f"{folder}/target/classes:{folder}/target/lib/*", "Subscribe"]
    run_in(folder, "npm", "install", "--no-audit", "--no-fund")
    return [tool("node"), str(folder / "subscribe.js")]


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}")
    return found


def run_in(folder: Path, name: str, *words: str) -> None:
    done = subprocess.run([tool(name), *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def subscribed(program: Sequence[str], cluster: Endpoints, topics: Sequence[str]) -> list[dict[str, Any]]:
    group = f"subscriber-{Path(program[-1]).name}"
    places = ("--kafka", cluster.kafka, "--registry", cluster.registry, "--group", group)
    command = [*program, *places, "--until-end", *topics]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def printed(program: list[str], topics: list[str], cluster: Endpoints) -> list[dict[str, Any]]:
    """Lines that a new group printed."""
    return subscribed(program, cluster, topics)


@pytest.fixture(scope="module")
def tailed(
    topics: list[str], cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    tail = LivingCity("tailed", tmp_path_factory.mktemp("tailed"), cluster).bongsu(
        "tail", *topics, "--from-beginning", "--until-idle", "--json"
    )
    return [json.loads(line) for line in tail.stdout.splitlines()]


def in_order(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    shared = [{name: one[name] for name in SHARED} for one in lines]
    return sorted(shared, key=lambda one: (one["topic"], one["offset"]))


def covered(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cover as tail does the hashes of passwords and links, which a subscriber of accounts gets."""
    return [
        {**one, "value": one["value"] and as_shown(contract_name(one["topic"]), one["value"])}
        for one in lines
    ]


def test_it_prints_the_values_that_tail_prints_and_nothing_aborted(
    printed: list[dict[str, Any]], tailed: list[dict[str, Any]]
) -> None:
    assert in_order(covered(printed)) == in_order(tailed)
    assert len(printed) == 2 * (sum(len(one) for one in EXAMPLES.values()) + 1)


def test_a_restart_goes_on_where_it_ended(
    program: list[str], printed: list[dict[str, Any]], topics: list[str], cluster: Endpoints
) -> None:
    assert printed
    assert subscribed(program, cluster, topics) == []
