"""Drones' positions over the real bus: the verdicts of each drone once, also after a kill."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.event import Event
from streams.drones.fleet import Fleet
from tests.drone_flights import NOON_MS, Row, lying
from tests.living_city import LivingCity, wait_until
from tests.match_city import Bus

pytestmark = pytest.mark.cluster

POSITION, VERDICT, TICK = "drone.position", "drone.verdict", "core.tick"
SETTLED_S = 60.0
HALF_MS, END_MS = NOON_MS + 62_000, NOON_MS + 120_000
KINDS = ("jump", "two_places", "operator_follows", "replayed", "frozen", "address_changed")
Told = Counter[tuple[str, int, str, tuple[str, ...]]]


def flights(city: str) -> list[Row]:
    """A flight of each of six kinds in the order of hearing; one of them is silent for a quarter of a minute."""
    rows = [
        {**row, "drone_id": f"D-{kind}", "city": city, "event_id": f"{kind} {number}"}
        for kind in KINDS
        for number, row in enumerate(lying(kind, 7))
        if kind != "jump" or not 30 <= number < 45
    ]
    return sorted(rows, key=lambda row: row["received_time"])


def expected(rows: Iterable[Row]) -> Told:
    """The verdicts of each drone alone, in one go, and that each is stale at the end."""
    found: Told = Counter()
    for name in {row["drone_id"] for row in rows}:
        fleet = Fleet()
        told = [one for row in rows if row["drone_id"] == name for one in fleet.take(row)]
        told += fleet.pass_time(END_MS)
        found.update((one.drone_id, one.at_ms, one.verdict, one.reasons) for one in told)
    return found


def told_of(city: LivingCity) -> Told:
    return Counter(
        (one["drone_id"], one["event_time"], one["verdict"], tuple(one["reasons"]))
        for one in city.values(VERDICT)
    )


def a_tick(city: str, at_ms: int) -> Event:
    value = {
        "event_id": f"tick {at_ms}",
        "city": city,
        "source": "clock",
        "event_time": at_ms,
        "event_time_accuracy_s": None,
        "received_time": at_ms,
        "position": None,
        "barrier": None,
        "played": False,
    }
    return Event(TICK, city, value)


def test_each_verdict_is_told_once_though_the_worker_is_killed(cluster: Endpoints, tmp_path: Path) -> None:
    city = LivingCity(f"drones-{uuid4().hex[:8]}", tmp_path, cluster, of="demo")
    ensure_topics(cluster.kafka, [city.name])
    bus, rows = Bus(city.name, cluster.kafka, city.wire), flights(city.name)
    early = [row for row in rows if row["received_time"] < HALF_MS]
    late = rows[len(early) :]
    wanted = expected(rows)
    begun = sum(count for (_, _, verdict, _), count in expected(early).items() if verdict != "stale")
    try:
        with city.running("--stage", "drones") as worker:
            bus.put(Event(POSITION, row["drone_id"], row) for row in early)
            wait_until(lambda: told_of(city).total() >= begun // 2, SETTLED_S, 0.2)
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        before = told_of(city)
        bus.put(Event(POSITION, row["drone_id"], row) for row in late)
        with city.running("--stage", "drones"):

            def is_all_told() -> bool:
                bus.put([a_tick(city.name, END_MS)])  # as the city's clock does
                return told_of(city).total() >= wanted.total()

            wait_until(is_all_told, SETTLED_S, 0.5)
        assert 0 < before.total() < wanted.total()
        assert told_of(city) == wanted
        assert {reason for *_, reasons in wanted for reason in reasons} >= {*KINDS, "silent"}
    finally:
        city.remove()
