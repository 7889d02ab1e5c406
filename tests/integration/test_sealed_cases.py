"""A case's note, photo and attributes on a real Kafka: in no raw segment, record or log, before its key ends or after."""

from __future__ import annotations

import logging
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from connectors.transport.case_keys import CaseKeys
from deploy.settings import Endpoints, given, home_folder
from schemas.catalogue import load_catalogue, topic_name
from schemas.errors import Fatal
from schemas.event import Event
from schemas.registry import Registry
from schemas.wire import Wire
from streams.cases.sealing import opened, sealed
from streams.operators.publisher import Publisher
from streams.runtime.kafka import read_whole
from tests.unit.cases.a_case import a_missing, an_answer

pytestmark = pytest.mark.cluster
CANARY = b"canary"


@pytest.fixture
def town(cluster: Endpoints) -> str:
    """A city of this test's own, with the two topics of its events."""
    name = f"town-{secrets.token_hex(4)}"
    topics = {topic_name(name, one): load_catalogue()[one] for one in ("police.missing", "core.action")}
    admin = AdminClient({"bootstrap.servers": cluster.kafka})
    made = admin.create_topics([NewTopic(one, 1, 1) for one in topics])
    for future in made.values():
        future.result(20)
    registry = Registry(cluster.registry)
    for topic, contract in topics.items():
        registry.register(topic, contract)
    return name


def events_of(town: str) -> list[Event]:
    return [replace(one, value={**(one.value or {}), "city": town}) for one in (a_missing(), an_answer())]


def segments(topic: str) -> Iterator[bytes]:
    """The raw files of a topic's log, where its broker runs on this machine."""
    homes = [home_folder(), *Path(tempfile.gettempdir()).glob("bongsu-*")]
    for home in homes:
        for path in home.rglob(f"{topic}-0/*.log"):
            yield path.read_bytes()


def found_in(cluster: Endpoints, topic: str) -> tuple[int, int]:
    """The places at which the canary stands in *topic*: in its segments, and in its records as a reader gets them."""
    records = list(read_whole(cluster.kafka, [topic]))
    assert records
    told = [repr((one.key, one.value, one.headers)).encode() for one in records]
    return sum(one.count(CANARY) for one in segments(topic)), sum(one.count(CANARY) for one in told)


def test_nothing_of_a_case_stands_readable_before_its_key_is_destroyed_or_after(
    cluster: Endpoints,
    town: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    wire = Wire(Registry(cluster.registry))
    publisher = Publisher(town, "cases", bootstrap=cluster.kafka, wire=wire)
    keys = CaseKeys(tmp_path / "cases")
    key = keys.make("case-1")
    events = events_of(town)
    for event in events:
        publisher.publish(sealed(event, key))
    topics = [topic_name(town, one.topic) for one in events]
    assert [found_in(cluster, one) for one in topics] == [(0, 0), (0, 0)]

    hidden = [
        Event(event.topic, "case-1", wire.decode(topic, record.value or b""))
        for event, topic in zip(events, topics, strict=True)
        for record in read_whole(cluster.kafka, [topic])
    ]
    assert [opened(one, keys.key("case-1")) for one in hidden] == events, "with its key all is there"
    again = [wire.encode(town, sealed(one, key)) for one in events]
    assert again == [wire.encode(town, one) for one in hidden], "byte for byte"
    with pytest.raises(Fatal) as refused:
        opened(hidden[0], bytes(64))

    keys.destroy("case-1")
    assert [opened(one, keys.key("case-1")) for one in hidden] == [None, None]
    assert [found_in(cluster, one) for one in topics] == [(0, 0), (0, 0)]
    heard = capfd.readouterr()
    assert "canary" not in "".join([caplog.text, heard.out, heard.err, str(refused.value)])
    files = [one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()]
    assert not any(key in one or CANARY in one for one in files)

    publisher.publish(events[0])  # so this search can find something
    in_segments, in_records = found_in(cluster, topics[0])
    assert in_records >= 5
    assert in_segments >= 5 or given()  # a broker elsewhere keeps its files for itself
