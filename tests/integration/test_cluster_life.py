"""A local cluster from start to end: it starts, survives the kill of each component, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from deploy.local import cluster as local
from deploy.local import processes
from deploy.local.home import Home, Process
from deploy.local.ports import is_free
from deploy.settings import VARIABLES, Endpoints, endpoints
from schemas.errors import Fatal, Unreachable

pytestmark = pytest.mark.cluster

TOPIC = "testcity.fire.incident"
SUBJECT = f"{TOPIC}-value"
FIRST = '{"type": "record", "name": "Call", "fields": [{"name": "at", "type": "long"}]}'
UNREADABLE = '{"type": "record", "name": "Call", "fields": [{"name": "to", "type": "string"}]}'


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A cluster of this module's own, in a second home beside the one that all tests share."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-"))
    with pytest.MonkeyPatch.context() as environment:
        for variable in VARIABLES.values():
            environment.delenv(variable, raising=False)
        local.up(folder)
        try:
            yield folder
        finally:
            local.down(folder, erase=True)


def processes_of(home: Path) -> dict[str, Process]:
    return Home(home).recall().processes


def kill(home: Path, name: str) -> None:
    victim = psutil.Process(processes_of(home)[name].pid)
    victim.kill()
    psutil.wait_procs([victim], timeout=10)


def write(places: Endpoints, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": places.kafka, "transactional.id": "testcity.writer"})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(TOPIC, value)
    producer.commit_transaction(20)


def read_first(places: Endpoints) -> bytes | None:
    settings = {"bootstrap.servers": places.kafka, "group.id": "testcity.reader", "enable.auto.commit": False}
    reader = Consumer({**settings, "isolation.level": "read_committed"})
    try:
        reader.assign([TopicPartition(TOPIC, 0, 0)])
        record = reader.poll(20)
        return record.value() if record and not record.error() else None
    finally:
        reader.close()


def test_a_second_up_does_nothing(home: Path) -> None:
    before = processes_of(home)
    assert local.up(home) == endpoints(home)
    assert processes_of(home) == before
    assert all(standing.up for standing in local.status(home))


def test_two_homes_on_one_machine_do_not_disturb_each_other(home: Path, cluster: Endpoints) -> None:
    places = endpoints(home)
    for name in VARIABLES:
        assert getattr(places, name) != getattr(cluster, name)


def test_everything_listens_on_loopback_only(home: Path) -> None:
    for name, process in processes_of(home).items():
        listening = [
            connection.laddr.ip.removeprefix("::ffff:")
            for connection in psutil.Process(process.pid).net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert set(listening) == {"127.0.0.1"}, name


def test_a_broker_killed_outright_comes_back_with_its_data_and_the_others_stay(home: Path) -> None:
    places = endpoints(home)
    admin = AdminClient({"bootstrap.servers": places.kafka})
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(20)
    write(places, b"a fire on Main Street")
    before = processes_of(home)
    kill(home, "kafka")
    assert {standing.name for standing in local.status(home) if not standing.up} == {"kafka"}
    with pytest.raises(Unreachable, match="bongsu up"):
        endpoints(home)
    assert local.up(home) == places
    after = processes_of(home)
    assert {name for name in after if after[name] != before[name]} == {"kafka"}
    assert read_first(places) == b"a fire on Main Street"


def test_a_broker_that_was_forgotten_is_not_taken_for_a_dead_one(home: Path) -> None:
    remembered = Home(home).recall()
    Home(home).remember(remembered.with_process("kafka", None))
    with pytest.raises(Fatal, match="another Kafka holds"):
        local.up(home)
    Home(home).remember(remembered)
    assert local.up(home)
    assert processes_of(home) == remembered.processes


def test_a_topic_is_never_made_by_asking_for_it(home: Path) -> None:
    admin = AdminClient({"bootstrap.servers": endpoints(home).kafka})
    admin.list_topics("testcity.never.made", timeout=10)
    assert "testcity.never.made" not in admin.list_topics(timeout=10).topics


def test_the_registry_keeps_what_it_was_told_and_refuses_what_readers_could_not_read(home: Path) -> None:
    place = {"url": endpoints(home).registry}
    with SchemaRegistryClient(place) as registry:
        number = registry.register_schema(SUBJECT, Schema(FIRST, "AVRO"))
        registry.set_compatibility(SUBJECT, "BACKWARD")
    kill(home, "registry")
    local.up(home)
    with SchemaRegistryClient(place) as registry:
        assert registry.get_latest_version(SUBJECT).schema_id == number
        with pytest.raises(SchemaRegistryError, match="compatib"):
            registry.register_schema(SUBJECT, Schema(UNREADABLE, "AVRO"))


def test_down_ends_what_up_started_and_nothing_else(home: Path, cluster: Endpoints) -> None:
    remembered = Home(home).recall()
    local.down(home)
    assert not any(processes.is_running(process) for process in remembered.processes.values())
    assert all(is_free(port) for port in remembered.ports.values())
    assert Home(home).recall().ports == remembered.ports
    with pytest.raises(Unreachable):
        endpoints(home)
    assert AdminClient({"bootstrap.servers": cluster.kafka}).list_topics(timeout=10).brokers


def test_an_up_that_is_interrupted_leaves_nothing_running(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES.values()}
    home = tmp_path / "home"
    command = [sys.executable, "-m", "deploy.cli", "up", "--home", str(home)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as starting:
        assert starting.stderr
        assert any("starting Redis" in line for line in starting.stderr)
        while not processes_of(home) and starting.poll() is None:  # until the first of them runs
            pass
        begun = processes_of(home)
        starting.send_signal(signal.SIGINT)
        assert starting.wait(30) == 130
    assert begun
    assert processes_of(home) == {}
    assert [
        found.pid for found in psutil.process_iter(["cmdline"]) if str(home) in str(found.info["cmdline"])
    ] == []
