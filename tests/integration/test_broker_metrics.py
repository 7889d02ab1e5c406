"""A real broker with the agent: its page has each metric of the rules and of the panels, and promtool is content."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import NewTopic

from deploy.assembly.stages import free_port
from deploy.local import broker_metrics
from deploy.local import cluster as local
from deploy.manifests.alarms import alarms
from deploy.manifests.broker_panels import PANELS
from deploy.settings import VARIABLES, Endpoints
from streams.runtime.clients import admin_of
from tests.prometheus_text import complaints, series_of, twice
from tests.unit.deploy.test_broker_rules import asked, rules

pytestmark = [pytest.mark.cluster]

TOPIC = "testcity.metrics"


class Broker:
    """A cluster of a home of its own, with the page of its broker's metrics."""

    def __init__(self, home: Path, places: Endpoints, url: str) -> None:
        self.home, self.places, self.url = home, places, url

    def page(self) -> str:
        return httpx.get(self.url).raise_for_status().text

    def value(self, series: str) -> float:
        (line,) = [one for one in self.page().splitlines() if one.startswith(f"{series} ")]
        return float(line.rpartition(" ")[2])


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    home, port = Path(tempfile.mkdtemp(prefix="bongsu-")), free_port()
    with pytest.MonkeyPatch.context() as environment:
        for variable in VARIABLES.values():
            environment.delenv(variable, raising=False)
        try:
            begun = time.monotonic()
            places = local.up(home, ports={broker_metrics.PORT: port})
            print(f"up with metrics in {time.monotonic() - begun:.1f} s")  # noqa: T201 (shown with -s)
            admin = admin_of(places.kafka)
            admin.create_topics([NewTopic(TOPIC, num_partitions=2)])[TOPIC].result(20)
            yield Broker(home, places, f"http://127.0.0.1:{port}/metrics")
        finally:
            local.down(home, erase=True)


def written_and_read(kafka: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": kafka})
    for number in range(count):
        producer.produce(TOPIC, b"x" * 1_000, key=str(number).encode())
    assert producer.flush(20) == 0
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "g", "auto.offset.reset": "earliest"})
    consumer.subscribe([TOPIC])
    try:
        read = 0
        while read < count:
            messages = consumer.consume(count, timeout=30)
            assert messages
            read += len(messages)
    finally:
        consumer.close()


@pytest.mark.long
def test_the_page_has_every_metric_and_is_clean_and_follows_what_the_broker_does(broker: Broker) -> None:
    before = broker.value("kafka_messages_in_total")
    written_and_read(broker.places.kafka, 50)
    page = broker.page()
    found = {series.partition("{")[0] for series in series_of(page)}
    wanted = {name for _, query, _ in PANELS for name in asked(query)}
    wanted |= {one["name"] for one in rules()} | {name for one in alarms() for name in asked(one["expr"])}
    assert wanted <= found
    assert {name for name in found if name.startswith("kafka_")} == {one["name"] for one in rules()}
    assert complaints(page) == ""
    assert twice(page) == []
    assert broker.value("kafka_messages_in_total") >= before + 50
    assert broker.value("kafka_bytes_in_total") > 50_000 < broker.value("kafka_bytes_out_total")
    assert broker.value("kafka_active_controllers") == 1
    assert broker.value("kafka_offline_partitions") == broker.value("kafka_under_replicated_partitions") == 0
    sizes = [
        float(one.split()[-1]) for one in page.splitlines() if re.search(rf'^kafka_log_size.*"{TOPIC}"', one)
    ]
    assert len(sizes) == 2 and sum(sizes) > 50_000


@pytest.mark.long
def test_the_page_can_be_found_by_status_and_listens_on_loopback_alone(broker: Broker) -> None:
    command = [sys.executable, "-m", "deploy.cli", "status", "--home", str(broker.home), "--json"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(told.stdout)["kafka"]["metrics"] == broker.url
    listening = Path("/proc/net/tcp").read_text("ascii") + Path("/proc/net/tcp6").read_text("ascii")
    port = f":{int(broker.url.split(':')[2].split('/')[0]):04X} "
    where = {line.split()[1] for line in listening.splitlines() if port in line and line.split()[3] == "0A"}
    assert len(where) == 1 and where.pop().partition(":")[0].endswith("0100007F")
