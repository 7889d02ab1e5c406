"""The match on the real bus: each match is published once, with the record's place in the log and the distance."""

from __future__ import annotations

import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from subprocess import Popen
from typing import Any
from uuid import uuid4

import psutil
import pytest
from confluent_kafka import Consumer, TopicPartition

from deploy.assembly.stages import free_port
from deploy.demo.play import has_members
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.event import Event
from schemas.framing import frame
from streams.geo import distance_m
from streams.match.core.watches import Watch
from tests.living_city import LivingCity, answers, end, wait_until
from tests.match_city import Bus, Seen, expected, incident_event
from tests.match_oracle import LAT, LON, Sight, a_watch

pytestmark = pytest.mark.cluster

LABELS = ("person", "car", "smoke")
SETTLED_S = 30.0


@pytest.fixture
def city(cluster: Endpoints, tmp_path: Path) -> Iterator[LivingCity]:
    made = LivingCity(f"match-{uuid4().hex[:8]}", tmp_path, cluster)  # a name that no earlier run had
    ensure_topics(cluster.kafka, [made.name])
    yield made
    made.remove()


@pytest.fixture
def bus(city: LivingCity) -> Bus:
    return Bus(city.name, city.places.kafka, city.wire)


def now_ms() -> int:
    return int(time.time() * 1000)


def some_sights(count: int, at: int, *, chance: Random, prefix: str = "o") -> list[Seen]:
    """Detections and plates around the middle of the town, within the minute before *at*."""
    found = []
    for number in range(count):
        sight = Sight(
            LAT + chance.uniform(-0.02, 0.02),
            LON + chance.uniform(-0.02, 0.02),
            at - chance.randrange(30_000),
            chance.choice(LABELS),
            None,
            chance.choice([None, "t1", "t2"]),
            chance.choice([0.25, 0.5, 0.75]),
            chance.choice(["cctv.detection", "cctv.detection", "cctv.plate"]),
        )
        if sight.contract == "cctv.plate":
            token = chance.choice(["p1", "p2", "p3"])
            sight = replace(sight, label="licence_plate", token=token, thing=None)
        found.append(Seen(sight, f"{prefix}{number}", f"cam-{chance.randrange(40)}", received=at))
    return found


def some_watches(at: int) -> list[Watch]:
    hour = {"opens_at": at - 3_600_000, "closes_at": at + 3_600_000, "since": at, "per_second_max": 10_000}
    corners = ((LAT, LON), (LAT + 0.01, LON), (LAT + 0.01, LON + 0.01))
    return [
        a_watch("disc", labels=frozenset(["smoke"]), **hour),
        a_watch("sure", labels=frozenset(["person"]), radius_m=900.0, min_confidence=0.5, **hour),
        a_watch("plate", shape="anywhere", tokens=frozenset(["p2"]), **hour),
        a_watch("corner", shape="polygon", corners=corners, labels=frozenset(["car"]), **hour),
    ]


def test_what_is_looked_for_and_seen_is_told_once_with_its_origin_and_distance(
    city: LivingCity, bus: Bus
) -> None:
    at, chance = now_ms(), Random(5)
    watches, seen = some_watches(at), some_sights(3_000, at, chance=chance)
    bus.watch(watches[:2], at=at)
    bus.see(seen[:1_500])
    with city.running("--stage", "match"):
        wait_until(lambda: bus.pairs() == expected(watches[:2], seen[:1_500]), SETTLED_S, 0.2)
        bus.watch(watches[2:], at=at)  # look back
        wait_until(lambda: bus.pairs() == expected(watches, seen[:1_500]), SETTLED_S, 0.2)
        bus.see(seen[1_500:])
        wait_until(lambda: bus.pairs() == expected(watches, seen), SETTLED_S, 0.2)
    by_id = {one.event_id: one.sight for one in seen}
    cameras = {one.event_id: one.camera for one in seen}
    records = {
        (one.topic, one.partition, one.offset): city.wire.decode(one.topic, one.value or b"")["event_id"]
        for contract in ("cctv.detection", "cctv.plate")
        for one in city.records(contract)
    }
    for one in bus.evidence():
        sight = by_id[one["observation_id"]]
        assert records[one["topic"], one["partition"], one["offset"]] == one["observation_id"]
        assert one["seconds"] == (sight.time - at) / 1000
        assert (one["situation_id"], one["purpose"]) == ("s", "fire-safety")
        assert one["label"] == sight.label
        assert one["seen_by"] == cameras[one["observation_id"]]
        assert one["image_ref"] == (
            f"picture of {one['observation_id']}" if sight.contract == "cctv.plate" else None
        )
        if one["watch_id"] == "disc":
            assert one["distance_m"] == pytest.approx(
                distance_m(LAT, LON, sight.lat or 0, sight.lon or 0), abs=0.01
            )


def test_a_bad_record_is_set_aside_alone_with_its_cause(city: LivingCity, bus: Bus) -> None:
    at = now_ms()
    watch = some_watches(at)[2]
    seen = some_sights(60, at, chance=Random(6))
    bus.watch([watch], at=at)
    bus.see(seen[:30])
    bus.put_bytes("cctv.plate", b"cam-1", b"\x01nonsense")
    bus.put_bytes("cctv.plate", b"cam-1", frame(4_711_000, b"of nobody's schema"))
    bus.put_bytes("cctv.detection", b"cam-1", None)
    bus.see(seen[30:])
    with city.running("--stage", "match"):
        wait_until(lambda: bus.pairs() == expected([watch], seen), SETTLED_S, 0.2)
        wait_until(lambda: len(city.values("cctv.plate.dlq")) == 2, SETTLED_S, 0.2)
        wait_until(lambda: len(city.values("cctv.detection.dlq")) == 1, SETTLED_S, 0.2)
    reasons = Counter(one["field"] for one in city.values("cctv.plate.dlq"))
    assert reasons["value"] == 1
    assert all(one["origin_offset"] is not None for one in city.values("cctv.plate.dlq"))


def test_a_worker_that_is_started_again_looks_back_and_repeats_nothing(city: LivingCity, bus: Bus) -> None:
    at = now_ms()
    watches, seen = some_watches(at), some_sights(1_200, at, chance=Random(7))
    bus.watch(watches[:1], at=at)
    bus.see(seen[:1_000])
    with city.running("--stage", "match"):
        wait_until(lambda: bus.pairs() == expected(watches[:1], seen[:1_000]), SETTLED_S, 0.2)
    bus.watch(watches[1:3], at=at)  # no match runs while they are open
    bus.see(seen[1_000:])
    with city.running("--stage", "match"):
        wait_until(lambda: bus.pairs() == expected(watches[:3], seen), SETTLED_S, 0.2)
        bus.watch(watches[3:], at=at)
        wait_until(lambda: bus.pairs() == expected(watches, seen), SETTLED_S, 0.2)


def test_a_tombstone_ends_a_watch(city: LivingCity, bus: Bus) -> None:
    at = now_ms()
    watches, seen = some_watches(at), some_sights(400, at, chance=Random(8))
    bus.watch(watches, at=at)
    bus.put([Event("core.watch", "plate", None)])
    bus.see(seen)
    others = [one for one in watches if one.watch_id != "plate"]
    with city.running("--stage", "match"):
        wait_until(lambda: bus.pairs() == expected(others, seen), SETTLED_S, 0.2)


def test_ready_and_counted(city: LivingCity, bus: Bus) -> None:
    at, port = now_ms(), free_port()
    seen = some_sights(500, at, chance=Random(9))
    late = [Seen(Sight(time=at - 3_600_000), f"late{n}", "cam-1", "slow-yard", received=at) for n in range(3)]
    bus.watch(some_watches(at), at=at)
    bus.see([*seen, *late])
    worker = city.start("run", str(city.file), "--quiet", "--stage", "match", "--web-port", str(port))
    try:
        wait_until(lambda: answers(port), SETTLED_S)
        wait_until(lambda: bus.pairs() == expected(some_watches(at), seen), SETTLED_S, 0.2)
        wait_until(
            lambda: "bongsu_watches_open" in page(port) and shown(port, "bongsu_watches_open") == 4, SETTLED_S
        )
        assert shown(port, "bongsu_records_taken_total") == len(seen) + len(late)
        assert shown(port, "bongsu_matches_total") == sum(expected(some_watches(at), seen).values())
        wait_until(lambda: shown(port, "bongsu_look_back_observations") > 0, SETTLED_S)
        assert f'bongsu_observations_late_total{{city="{city.name}",source="slow-yard"}} 3.0' in page(port)
    finally:
        end(worker)
    assert worker.returncode == 0


def page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def shown(port: int, name: str) -> float:
    """The sum over all labels."""
    lines = [line for line in page(port).splitlines() if line.startswith((name + "{", name + " "))]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def test_what_was_seen_around_an_incident_comes_back_to_its_situation_and_its_alerts(
    cluster: Endpoints, tmp_path: Path
) -> None:
    city = LivingCity(f"match-{uuid4().hex[:8]}", tmp_path, cluster, of="demo")
    ensure_topics(cluster.kafka, [city.name])
    bus, at = Bus(city.name, cluster.kafka, city.wire), now_ms()
    seen = [
        Seen(Sight(LAT + north / 1e5, LON, at - ago, label), name, received=at)
        for name, north, ago, label in (
            ("before", 100, 60_000, "smoke"),  # 111 m to the north, a minute before it was reported
            ("far", 900, 60_000, "smoke"),
            ("else", 100, 60_000, "car"),
            ("after", 200, -1_000, "fire"),
        )
    ]
    try:
        with city.running("--stage", "situations"), city.running("--stage", "match"):
            bus.see(seen[:3])
            wait_until(lambda: taken(city) == 3, SETTLED_S, 0.1)
            bus.put([incident_event(city.name, at, 1, "open")])
            wait_until(lambda: listed(city) == ["before"], SETTLED_S, 0.1)
            bus.see(seen[3:])
            wait_until(lambda: listed(city) == ["before", "after"], SETTLED_S, 0.1)
            bus.put([incident_event(city.name, at, 2, "dispatched")])
            wait_until(lambda: newest(city)["status"] == "dispatched", SETTLED_S, 0.1)
            bus.put([incident_event(city.name, at, 3, "closed")])
            wait_until(lambda: newest(city)["status"] == "closed", SETTLED_S, 0.1)
        alert = [one for one in city.values("core.alert") if one["message_type"] == "update"][-1]
        (before, after) = [one for one in alert["evidence"] if one["topic"] == city.topic("cctv.detection")]
        assert (before["event_id"], before["seconds"]) == ("before", -60.0)
        assert before["distance_m"] == pytest.approx(111.2, abs=0.1)
        assert after["distance_m"] == pytest.approx(222.4, abs=0.1)
        watches = city.values("core.watch")
        assert [one["closes_at"] is None for one in watches] == [True, False]
        assert "byte-identical" in city.bongsu("replay", str(city.file), "--verify").stdout
    finally:
        city.remove()


def taken(city: LivingCity) -> int:
    """The number of detections that the match has committed."""
    consumer = Consumer({"bootstrap.servers": city.places.kafka, "group.id": f"{city.name}.match"})
    try:
        asked = [TopicPartition(city.topic("cctv.detection"), number) for number in range(4)]
        return sum(max(0, one.offset) for one in consumer.committed(asked, timeout=10))
    finally:
        consumer.close()


def newest(city: LivingCity) -> dict[str, Any]:
    return next(iter(city.situations().values()), {"evidence": [], "status": None})


def listed(city: LivingCity) -> list[str]:
    """The evidence as the situation lists it."""
    return [
        one["event_id"] for one in newest(city)["evidence"] if one["topic"] == city.topic("cctv.detection")
    ]


def test_the_match_lives_beside_the_other_stages_and_is_started_again_when_it_dies(
    cluster: Endpoints, tmp_path: Path
) -> None:
    city = LivingCity(f"match-{uuid4().hex[:8]}", tmp_path, cluster, of="demo")
    ensure_topics(cluster.kafka, [city.name])
    try:
        with city.running("--only-stages") as worker:
            wait_until(lambda: the_match_of(worker) is not None, SETTLED_S)
            first = the_match_of(worker)
            wait_until(lambda: has_members(cluster.kafka, f"{city.name}.match"), SETTLED_S, 0.2)
            first.kill()
            wait_until(lambda: the_match_of(worker) not in (None, first), SETTLED_S, 0.1)
            last = the_match_of(worker)
            assert worker.poll() is None, "the other stages ended with the match"
        assert not last.is_running()
    finally:
        city.remove()


def the_match_of(worker: Popen[bytes]) -> Any:
    """The process of the match that *worker* keeps; ``None`` while there is none."""
    found = [one for one in psutil.Process(worker.pid).children() if is_match(one)]
    return found[0] if found else None


def is_match(process: psutil.Process) -> bool:
    try:
        words = " ".join(process.cmdline()).split()  # a forked child has one text for all
        return (
            bool(process.status() != psutil.STATUS_ZOMBIE)
            and "match" in words
            and words[words.index("match") - 1] == "--stage"
        )
    except psutil.NoSuchProcess:
        return False
