"""Hubs over the real bus: the boards are those of a fold written apart, each once, though the stage is killed."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.registry import Registry
from schemas.wire import Wire
from streams.hubs.boards import Boards
from streams.hubs.hub_numbers import HubNumbers
from streams.runtime import transaction
from streams.runtime.clients import consumer_of
from streams.runtime.read_back import committed_of
from streams.runtime.records import Record, RecordBatch
from streams.stages.hubs import BESIDE, HubsStage
from tests.hub_bus import HUBS_TOML, SETTINGS, HubBus, Told, said, whole
from tests.hub_day import BEGIN_MS, Input, Row, a_day, a_row, a_stop
from tests.hub_oracle import Oracle
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

HALF_HOUR_S, KILLS, BATCH_MAX = 1_800, 10, 60
SETTLED_S = 60.0
NUMBERS = HubNumbers.model_validate(SETTINGS)


class Killed(BaseException):
    """The end of a process within a transaction: nothing is aborted, nothing is answered."""


def expected(inputs: list[Input]) -> Told:
    """The boards of each hub after each input: what the oracle has, whenever the fold has something to tell."""
    fold, oracle, now_ms = Boards(NUMBERS), Oracle(), 0
    told: Told = {}
    for one in inputs:
        topic, _, row = one
        now_ms = row["event_time"] if topic == "core.tick" and row is not None else now_ms
        oracle.take(one)
        for board in fold.take(*one):
            stands = oracle.boards(now_ms).get(board.hub_id)
            if stands is not None:
                stands = stands | {"revision": board.revision, "event_time": now_ms}
            assert (stands is None) == (board.said is None)
            told.setdefault(board.hub_id, []).append(stands)
    return told


def shown(told: Told) -> Told:
    return {
        hub: [one and said(one) | {name: one[name] for name in ("revision", "event_time")} for one in boards]
        for hub, boards in told.items()
    }


class Driven:
    """The stage over records in the order in which they were put, from its committed offsets on."""

    def __init__(self, city: str, places: Endpoints, records: list[Record]) -> None:
        self._city, self._kafka, self._records = city, places.kafka, records
        self._wire = Wire(Registry(places.registry))
        self._topics = [f"{city}.{one}" for one in (*BESIDE, "core.tick")]
        self._consumer = consumer_of({"bootstrap.servers": places.kafka, "group.id": f"{city}.hubs"})

    def begun(self) -> tuple[HubsStage, int]:
        """A new process' stage, and the number of records that were taken before it."""
        stage = HubsStage(self._city, NUMBERS, bootstrap=self._kafka, wire=self._wire)
        stage.assigned()
        ends = committed_of(self._kafka, stage.group, self._topics)
        taken = [one.offset < ends.get((one.topic, one.partition), 0) for one in self._records]
        assert taken == sorted(taken, reverse=True), "what is committed is a beginning of what was put"
        return stage, sum(taken)

    def run(self, random: Random) -> None:
        """Take batches of random sizes up to the last record."""
        stage, at = self.begun()
        while at < len(self._records):
            end = at + random.randrange(1, BATCH_MAX)
            stage.take(RecordBatch(self._records[at:end], self._consumer.consumer_group_metadata()))
            at = end


def test_boards_are_those_of_the_oracle_after_each_input_though_the_stage_is_killed_ten_times(
    cluster: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(7)
    city = LivingCity(f"hubs-{uuid4().hex[:8]}", tmp_path, cluster, of="demo")
    ensure_topics(cluster.kafka, [city.name])
    # a start takes all places that there are, so they come first: a restart may not know one before its time
    inputs = sorted(whole(a_day(3, 900, HALF_HOUR_S)), key=lambda one: one[0] != "place.hub")
    bus = HubBus(city.name, cluster.kafka, city.wire)
    commit, ways = transaction._commit, []

    def dies(producer: Producer) -> None:
        """Commit; or die before it, or after it and before anybody knows of it."""
        way = random.choice(("lives", "lives", "before", "after"))
        if way != "before":
            commit(producer)
        if way != "lives":
            ways.append(way)
            raise Killed

    try:
        bus.put(inputs)
        driven = Driven(city.name, cluster, bus.records())
        monkeypatch.setattr(transaction, "_commit", dies)
        monkeypatch.setattr(transaction, "_abort", lambda _producer: None)
        is_over = False
        while not is_over:
            with suppress(Killed):
                driven.run(random)
                is_over = True
        told, wanted = shown(bus.boards()), expected(inputs)
        for hub in wanted:
            for number, (one, other) in enumerate(zip(told.get(hub, []), wanted[hub], strict=False)):
                assert one == other, (hub, number)
        assert told == wanted
        assert ways.count("before") + ways.count("after") >= KILLS and {*ways} == {"before", "after"}
    finally:
        city.remove()


def test_a_killed_worker_ends_with_the_boards_that_stand_and_tells_what_becomes_stale(
    cluster: Endpoints, tmp_path: Path
) -> None:
    city = LivingCity(f"hubs-{uuid4().hex[:8]}", tmp_path, cluster, of="demo")
    city.file.write_text(city.file.read_text(encoding="utf-8") + HUBS_TOML, encoding="utf-8")
    ensure_topics(cluster.kafka, [city.name])
    bus, inputs, oracle = (
        HubBus(city.name, cluster.kafka, city.wire),
        whole(a_day(5, 400, HALF_HOUR_S)),
        Oracle(),
    )
    for one in inputs:
        oracle.take(one)
    half, end_ms = len(inputs) // 2, BEGIN_MS + (HALF_HOUR_S + 60) * 1000
    trip = a_row(
        "mobility.trip",
        end_ms,
        trip_id="last",
        source="buses",
        relationship="added",
        delays=[a_stop("S-1", end_ms + 900_000)],
    )
    (last,) = whole([("mobility.trip", "last", trip)])
    oracle.take(last)

    def tick(at_ms: int) -> Input:
        (row,) = whole([("core.tick", "demo", a_row("core.tick", at_ms))])
        return row

    def newest() -> dict[str, Row]:
        return {hub: said(board) for hub, boards in bus.boards().items() if (board := boards[-1]) is not None}

    try:
        with city.running("--stage", "hubs") as worker:
            bus.put(inputs[:half])
            wait_until(lambda: len(bus.boards()) >= 3, SETTLED_S, 0.2)
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        bus.put(inputs[half:])
        with city.running("--stage", "hubs"):
            bus.put([tick(end_ms), last, tick(end_ms + 1_000)])  # a board is told once a second at most
            wait_until(lambda: (newest()["H-1"]["arrivals"] or {}).get("as_of") == end_ms, SETTLED_S, 0.2)
            bus.put([tick(end_ms + 89_000), tick(end_ms + 90_000)])
            wait_until(lambda: newest() == oracle.boards(end_ms + 90_000), SETTLED_S, 0.2)
            assert newest()["H-1"]["arrivals"]["is_stale"] is False
            bus.put([tick(end_ms + 90_001)])
            wait_until(lambda: newest()["H-1"]["arrivals"]["is_stale"], SETTLED_S, 0.2)
        for boards in bus.boards().values():
            revisions = [0 if one is None else one["revision"] for one in boards]
            assert all(after in (before + 1, 0) for before, after in pairwise(revisions)), revisions
    finally:
        city.remove()
