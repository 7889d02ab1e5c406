"""Sightings of persons are gone from the broker's disk at most two hours after their retention, by its settings and seen."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from string import Template
from time import monotonic
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from deploy.laws import case_law_named
from deploy.local import cluster as local_cluster
from deploy.local import kafka
from deploy.settings import Endpoints
from deploy.topics import ensure_topics, settings_of
from schemas.catalogue import load_catalogue
from tests.living_city import wait_until

pytestmark = pytest.mark.cluster
HOUR_MS = 3_600_000
OF_PERSONS = ("cctv.person", "cctv.person.dlq")
QUICK = "log.retention.check.interval.ms=500\nlog.initial.task.delay.ms=500\n"
KEPT_MS, SEGMENT_MS, FILE_MS = 3_000, 2_000, 500
"""The seconds of this test: a day, an hour, and the minute after which Kafka removes a file."""


def settings(admin: AdminClient, kind: ResourceType, name: str) -> dict[str, str]:
    (answer,) = admin.describe_configs([ConfigResource(kind, name)]).values()
    return {one: str(entry.value) for one, entry in answer.result(20).items()}


@pytest.mark.parametrize("law", ["kr", "eu"])
def test_a_day_and_two_hours_hold_all_that_the_broker_takes_to_remove_a_sighting(
    cluster: Endpoints, law: str
) -> None:
    """The newest of a segment is as old as the segment, the broker looks now and then, and a removed file stays a while."""
    city = f"kept-{uuid4().hex[:8]}"
    ensure_topics(cluster.kafka, [city])
    admin = AdminClient({"bootstrap.servers": cluster.kafka})
    looks_ms = int(settings(admin, ResourceType.BROKER, "1")["log.retention.check.interval.ms"])
    for name in OF_PERSONS:
        told = settings(admin, ResourceType.TOPIC, f"{city}.{name}")
        assert (
            told["retention.ms"]
            == str(24 * HOUR_MS)
            == str(round(case_law_named(law).sighting_hours * HOUR_MS))
        )
        assert told["cleanup.policy"] == "delete"
        assert int(told["segment.ms"]) <= HOUR_MS
        late_ms = int(told["segment.ms"]) + looks_ms + int(told["file.delete.delay.ms"])
        assert late_ms <= 2 * HOUR_MS


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Endpoints]]:
    """A broker of this test's own that looks twice a second."""
    monkeypatch.setattr(kafka, "SETTINGS", Template(kafka.SETTINGS.template + QUICK))
    home = Path(tempfile.mkdtemp(prefix="bongsu-"))
    try:
        yield home, local_cluster.up(home)
    finally:
        local_cluster.down(home, erase=True)


@pytest.mark.long
@pytest.mark.timeout(180)
def test_the_bytes_of_a_sighting_leave_the_disk_soon_after_its_retention(
    quick: tuple[Path, Endpoints],
) -> None:
    """With the settings that cities get, but seconds in them; in a topic where more comes, and in one where nothing does."""
    home, places = quick
    wanted = settings_of(load_catalogue()["cctv.person"]) | {
        "retention.ms": str(KEPT_MS),
        "segment.ms": str(SEGMENT_MS),
        "file.delete.delay.ms": str(FILE_MS),
    }
    busy, quiet = "town.busy", "town.quiet"
    admin = AdminClient({"bootstrap.servers": places.kafka})
    made = admin.create_topics([NewTopic(one, 1, 1, config=wanted) for one in (busy, quiet)])
    for future in made.values():
        future.result(20)
    producer, begun = Producer({"bootstrap.servers": places.kafka}), monotonic()
    for topic in (busy, quiet):
        producer.produce(topic, b"sighted-first")
    assert producer.flush(10) == 0
    written = {topic: holders(home, topic) for topic in (busy, quiet)}
    assert all(written.values()), "it stands on the disk at first"

    def is_gone() -> bool:
        producer.produce(busy, b"sighted-later")
        producer.flush(10)
        return not any(holders(home, topic) for topic in (busy, quiet))

    wait_until(is_gone, 2 * (KEPT_MS + SEGMENT_MS) / 1000 + 10, 0.2)
    assert monotonic() - begun > KEPT_MS / 1000, "and not before"


def holders(home: Path, topic: str) -> list[str]:
    """The files of the broker in which the first sighting stands."""
    found = (home / "kafka" / "data").glob(f"{topic}-0*/*")
    return [one.name for one in found if one.is_file() and b"sighted-first" in one.read_bytes()]
