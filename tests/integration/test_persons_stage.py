"""Missing persons over the real bus: candidates sealed, each once, though the stage is killed; the route by people alone."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from connectors.transport.case_keys import CaseKeys
from deploy.laws import case_law_named
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.catalogue import contract_name
from schemas.event import Event
from schemas.registry import Registry
from schemas.wire import Wire
from streams.cases.sealing import opened
from streams.runtime import transaction
from streams.runtime.clients import consumer_of
from streams.runtime.kafka import read_whole
from streams.runtime.read_back import committed_of
from streams.runtime.records import RecordBatch
from streams.stages.persons import BESIDE, PersonsStage
from tests.hub_bus import whole
from tests.living_city import wait_until
from tests.person_town import (
    CAMERAS,
    HOUR_MS,
    LAT,
    LON,
    LOOKS,
    METRE,
    NOON,
    NUMBERS,
    OUTSIDE,
    TownBus,
    a_camera,
    a_crowd,
    a_missing,
    a_person,
    a_stop,
    a_tick,
    a_trip,
    an_act,
    an_answer,
    can_be,
)

pytestmark = pytest.mark.cluster

BATCH_MAX = 150
Row = dict[str, Any]


class Killed(BaseException):
    """The end of a process within a transaction: nothing is aborted, nothing is answered."""


class Town:
    """A town of this test's own, its stage, and what the stage wrote."""

    def __init__(self, cluster: Endpoints, folder: Path) -> None:
        self.name, self.places = f"town-{uuid4().hex[:8]}", cluster
        self.wire, self.keys = Wire(Registry(cluster.registry)), CaseKeys(folder / "cases")
        ensure_topics(cluster.kafka, [self.name])
        self.bus = TownBus(self.name, cluster.kafka, self.wire, self.keys)
        self.consumer = consumer_of({"bootstrap.servers": cluster.kafka, "group.id": f"{self.name}.persons"})
        self.law = case_law_named("kr")

    def stage(self, **settings: Any) -> PersonsStage:
        """A new process' stage."""
        return PersonsStage(
            self.name,
            NUMBERS,
            self.law,
            self.keys,
            bootstrap=self.places.kafka,
            wire=self.wire,
            **settings,
        )

    def run(
        self, random: Random, *, batch_max: int = BATCH_MAX, is_restarted: bool = False, **settings: Any
    ) -> None:
        """Take all that was put and is not committed yet, in batches of random sizes; *is_restarted*: anew before each."""
        stage, records = self.stage(**settings), self.bus.records()
        stage.assigned()
        topics = [f"{self.name}.{one}" for one in (*BESIDE, "core.tick")]
        ends = committed_of(self.places.kafka, stage.group, topics)
        taken = [one.offset < ends.get((one.topic, one.partition), 0) for one in records]
        assert taken == sorted(taken, reverse=True), "what is committed is a beginning of what was put"
        at = sum(taken)
        while at < len(records):
            end = at + random.randrange(1, batch_max)
            if is_restarted:
                stage.revoked()
                stage = self.stage(**settings)
                stage.assigned()
            stage.take(RecordBatch(records[at:end], self.consumer.consumer_group_metadata()))
            at = end
        stage.revoked()

    def raw(self, contract: str) -> list[tuple[bytes, list[tuple[str, bytes]]]]:
        """The bytes that the stage wrote, without what tells one run from another."""
        topic = f"{self.name}.{contract}"
        return [
            (one.value or b"", sorted(one.headers.items())) for one in read_whole(self.places.kafka, [topic])
        ]

    def rows(self, contract: str) -> list[Row]:
        """Open those rows."""
        found = []
        for one in read_whole(self.places.kafka, [f"{self.name}.{contract}"]):
            value = self.wire.decode(one.topic, one.value or b"")
            event = opened(Event(contract_name(one.topic), "", value), self.keys.key(value["case_id"]))
            assert event is not None and event.value is not None
            found.append(dict(event.value))
        return found

    def newest(self, case_id: str = "case-1") -> dict[str, Row]:
        """Sighting → the newest row of its candidate."""
        return {one["sighting_id"]: one for one in self.rows("core.candidate") if one["case_id"] == case_id}


def first_half(random: Random) -> list[Any]:
    """Places, passers-by of the hour before the case, the case, and its opening."""
    walked = [a_person(900 + n, f"cam-{n}", NOON - HOUR_MS + n * 180_000, LOOKS) for n in range(1, 5)]
    crowd = a_crowd(random, 0, 500, NOON - 3 * HOUR_MS, NOON)
    past = sorted([*crowd, *walked], key=lambda one: one[2]["event_time"])  # type: ignore[index] # each has a row
    places = [a_camera(name, at) for name, at in {**CAMERAS, **OUTSIDE}.items()]
    return whole([*places, a_tick(NOON - 1000), *past, an_act("case-1"), an_act("case-2")])


def allowed(rows: list[Row], now_ms: int) -> set[str]:
    """By hand: the sightings of *rows* that case-1 may see, that look alike, and that the person can have reached."""
    found = set()
    for row in rows:
        words = {one["name"]: one["word"] for one in row["attributes"]}
        inside = row["camera_id"] in CAMERAS and NOON - 2 * HOUR_MS <= row["event_time"] < now_ms
        if (
            words == LOOKS
            and inside
            and row["event_time"] <= NOON - HOUR_MS + (NUMBERS.route.window_s + 5.0) * 1000
            and can_be(row["camera_id"], row["event_time"])
        ):
            found.add(row["event_id"])
    return found


def test_candidates_are_those_that_can_be_each_told_once_though_the_stage_is_killed(
    cluster: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(5)
    killed, whole_town = Town(cluster, tmp_path / "a"), Town(cluster, tmp_path / "b")
    for one in (killed, whole_town):
        half = Random(5)
        one.bus.put(first_half(half))
        one.bus.put_sealed([a_missing("case-1"), a_missing("case-2", attributes=[])])
        one.bus.put(whole([a_tick(NOON)]))
        live = a_crowd(half, 500, 60, NOON - HOUR_MS // 2, NOON + 10_000)
        one.bus.put(whole([*live, a_tick(NOON + 6_000)]))
    commit, ways = transaction._commit, Counter[str]()

    def dies(producer: Producer) -> None:
        """Commit; or die before it, or after it and before anybody knows of it."""
        way = random.choice(("lives", "lives", "before", "after"))
        if way != "before":
            commit(producer)
        if way != "lives":
            ways[way] += 1
            raise Killed

    def to_the_end(town: Town) -> None:
        is_over = False
        while not is_over:
            with suppress(Killed):
                town.run(random)
                is_over = True

    whole_town.run(Random(9))
    with monkeypatch.context() as dying:
        dying.setattr(transaction, "_commit", dies)
        dying.setattr(transaction, "_abort", lambda _producer: None)
        to_the_end(killed)
        told = killed.newest()
        seen = [
            killed.wire.decode(r.topic, r.value or b"")
            for r in killed.bus.records()
            if r.topic.endswith("cctv.person")
        ]
        wanted = allowed(seen, NOON + 48 * HOUR_MS)
        assert len(wanted) > 15
        open_now = {its_id for its_id, row in told.items() if row["state"] == "open"}
        assert open_now == wanted

        answers = []
        for number, (its_id, verdict) in enumerate(
            (its_id, "confirm")
            for its_id, row in sorted(told.items())
            if row["track_id"] in ("901", "902", "903")
        ):
            row = told[its_id]
            seen = row["revision"] + 1
            answers.append(an_answer("case-1", row["candidate_id"], verdict, number, NOON + 7_000, saw=seen))
            # one by somebody who saw an earlier revision: the gateway refuses it, so it counts nothing
            answers.append(
                an_answer("case-1", row["candidate_id"], "part", 20 + number, NOON + 7_000, saw=seen - 1)
            )
        assert len(answers) == 6
        answers.append(an_answer("case-1", "no-candidate", "confirm", 8, NOON + 7_000))
        for town in (killed, whole_town):
            town.bus.put_sealed(answers)
            later = a_crowd(Random(6), 700, 30, NOON, NOON + 20_000)
            town.bus.put(whole([*later, a_tick(NOON + 12_000)]))
        to_the_end(killed)
    whole_town.run(Random(10))
    assert ways["before"] >= 1 and ways["after"] >= 1 and ways.total() >= 4

    routes = killed.rows("core.route")
    assert [one["camera_id"] for one in routes[-1]["hops"]] == ["cam-1", "cam-2", "cam-3"]
    assert {one["confirmed_by"] for one in routes[-1]["hops"]} == {"acc-7"}
    assert [one["revision"] for one in routes] == list(range(len(routes)))
    for contract in ("core.candidate", "core.route"):
        assert unkeyed(killed.rows(contract)) == unkeyed(whole_town.rows(contract)), contract
        assert b"canary" not in b"".join(value for value, _ in killed.raw(contract))
        revisions = Counter(
            (one.get("candidate_id"), one["case_id"], one["revision"]) for one in killed.rows(contract)
        )
        assert set(revisions.values()) <= {1}

    look_back_in_a_thread(whole_town)
    before = len(killed.raw("core.candidate"))
    killed.keys.destroy("case-1")
    killed.bus.put(whole([*a_crowd(Random(8), 900, 40, NOON, NOON + 30_000), a_tick(NOON + 30_000)]))
    killed.run(Random(11))
    told_after = [
        one.key for one in list(read_whole(cluster.kafka, [f"{killed.name}.core.candidate"]))[before:]
    ]
    assert b"case-1" not in told_after


def test_a_ride_by_bus_is_followed_and_told_the_same_after_each_restart(
    cluster: Endpoints, tmp_path: Path
) -> None:
    """The person is seen at cam-1 and, eight minutes later, 2.5 km away: a bus called at both."""
    restarted, unbroken = Town(cluster, tmp_path / "a"), Town(cluster, tmp_path / "b")
    far = (LAT + 2_600 * METRE, LON)
    begun = NOON - HOUR_MS // 2
    for town, batch_max in ((restarted, 14), (unbroken, BATCH_MAX)):
        town.bus.put(
            whole(
                [
                    *(a_camera(name, at) for name, at in {**CAMERAS, "cam-far": far}.items()),
                    a_stop("stop-1", CAMERAS["cam-1"]),
                    a_stop("stop-far", far),
                    an_act("case-1"),
                    a_trip(begun, {"stop-1": begun + 60_000, "stop-far": begun + 400_000}),
                    a_person(1, "cam-1", begun + 20_000, LOOKS),
                    a_person(2, "cam-far", begun + 500_000, LOOKS),
                    *a_crowd(Random(3), 10, 40, begun, NOON),
                    a_trip(begun + 410_000, {}),
                    a_tick(NOON),
                ]
            )
        )
        town.bus.put_sealed([a_missing("case-1")])
        town.bus.put(whole([a_tick(NOON + 6_000)]))
        town.run(Random(1))
        told = {row["track_id"]: row for row in town.newest().values()}
        answers = [
            an_answer(
                "case-1", told[track]["candidate_id"], "confirm", number, NOON, saw=told[track]["revision"]
            )
            for number, track in enumerate(("1", "2"))
        ]
        later = a_crowd(Random(4), 100, 20, NOON, NOON + 10_000)
        town.bus.put_sealed(answers)
        town.bus.put(whole([*later, a_tick(NOON + 12_000), a_tick(NOON + 18_000)]))
        town.run(Random(2), batch_max=batch_max, is_restarted=batch_max < BATCH_MAX)
    hops = restarted.rows("core.route")[-1]["hops"]
    assert [(one["camera_id"], one["mode"]) for one in hops] == [("cam-1", None), ("cam-far", "vehicle")]
    for contract in ("core.candidate", "core.route"):
        assert unkeyed(restarted.rows(contract)) == unkeyed(unbroken.rows(contract)), contract


def test_a_camera_that_is_placed_later_gives_candidates_as_if_it_had_always_been_there(
    cluster: Endpoints, tmp_path: Path
) -> None:
    late, early = Town(cluster, tmp_path / "a"), Town(cluster, tmp_path / "b")
    begun = NOON - HOUR_MS // 2
    new = a_camera("cam-3", CAMERAS["cam-3"])
    for town in (late, early):
        others = [a_camera(name, at) for name, at in CAMERAS.items() if name != "cam-3"]
        walked = [a_person(n, f"cam-{n}", begun + n * 200_000, LOOKS) for n in (1, 2, 3)]
        seen = [*a_crowd(Random(3), 10, 60, begun, NOON), *walked]
        town.bus.put(
            whole([*others, *([new] if town is early else []), an_act("case-1"), *seen, a_tick(NOON)])
        )
        town.bus.put_sealed([a_missing("case-1")])
        town.bus.put(whole([a_tick(NOON + 6_000)]))
        town.run(Random(1))
        one = next(row for row in town.newest().values() if row["track_id"] == "1")
        town.bus.put_sealed(
            [an_answer("case-1", one["candidate_id"], "confirm", 1, NOON, saw=one["revision"])]
        )
        town.bus.put(whole([a_tick(NOON + 12_000)]))
        town.run(Random(2))
    assert {row["camera_id"] for row in late.newest().values()}.isdisjoint({"cam-3"})
    for town in (late, early):
        town.bus.put(whole([*([new] if town is late else []), a_tick(NOON + 18_000), a_tick(NOON + 24_000)]))
        town.run(Random(3))

    def stands(town: Town) -> dict[str, tuple[Any, ...]]:
        return {
            # an answered one is not told again for how likely it is
            its_id: (
                row["state"],
                row["camera_id"],
                row["rank"],
                row["state"] == "open" and round(row["travel_log_ratio"]),
            )
            for its_id, row in town.newest().items()
            if row["state"] != "dropped"
        }

    assert stands(late) == stands(early) and "cam-3" in {one[1] for one in stands(late).values()}
    assert [one["camera_id"] for one in late.rows("core.route")[-1]["hops"]] == ["cam-1"]
    rows = [(one["candidate_id"], one["revision"]) for one in late.rows("core.candidate")]
    assert len(rows) == len(set(rows))
    late.bus.put(whole([a_tick(NOON + 30_000)]))
    late.run(Random(4))
    assert len(late.rows("core.candidate")) == len(rows), "a restart tells nothing anew"


def look_back_in_a_thread(town: Town) -> None:
    """Start anew with a past that is too long to be read at once: an answer given meanwhile waits, and is told once."""
    told = next(one for one in town.newest().values() if one["state"] == "open")
    stage, put = town.stage(at_once_max=0), len(town.bus.records())
    stage.assigned()
    town.bus.put_sealed(
        [an_answer("case-1", told["candidate_id"], "reject", 50, NOON + 13_000, saw=told["revision"])]
    )
    town.bus.put(whole([a_person(2_000, "cam-2", NOON + 12_500, LOOKS)]))

    def is_told() -> bool:
        nonlocal put
        town.bus.put(whole([a_tick(NOON + 13_000 + put)]))
        records = town.bus.records()[put:]
        stage.take(RecordBatch(records, town.consumer.consumer_group_metadata()))
        put += len(records)
        return bool(town.newest()[told["sighting_id"]]["state"] == "rejected")

    wait_until(is_told, 10.0, 0.1)
    stage.revoked()
    rows = [one for one in town.rows("core.candidate") if one["candidate_id"] == told["candidate_id"]]
    assert [one["state"] for one in rows].count("rejected") == 1
    assert [one["revision"] for one in rows] == list(range(len(rows)))


def unkeyed(rows: list[Row]) -> list[Row]:
    """Rows of two towns, which differ in their names and so in the ids of events."""
    return [{name: said for name, said in one.items() if name not in ("city", "event_id")} for one in rows]
