"""Buses' positions over the real bus: each cell's speed once a minute, also after kills; a jam is published."""

from __future__ import annotations

import math
import os
import signal
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.catalogue import load_catalogue
from schemas.event import Event
from streams.geo import EARTH_RADIUS_M, distance_m
from streams.speed.cells import cell_at, centre_of
from tests.living_city import LivingCity, wait_until
from tests.match_city import Bus, incident_event
from tests.match_oracle import LAT, LON

pytestmark = pytest.mark.cluster

POSITION, SPEED = "mobility.position", "mobility.speed"
MINUTE_MS = 60_000
SETTLED_S = 60.0
Told = dict[tuple[str, int], tuple[int, float]]
"""(cell, minute) → (vehicles, metres a second)."""


def speeds_of(told: Iterable[Mapping[str, Any]]) -> Told:
    """The expected speeds of a day's rows, one by one in plain Python."""
    ways: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in told:
        ways[one["vehicle_id"]].append(one)
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    for way in ways.values():
        for cell, minute, speed in moving(sorted(way, key=time_and_place)):
            found[cell, minute].append(speed)
    return {key: (len(some), math.fsum(some) / len(some)) for key, some in found.items()}


def time_and_place(one: Mapping[str, Any]) -> tuple[int, float, float]:
    return one["event_time"], one["position"]["lat"], one["position"]["lon"]


def moving(way: list[Mapping[str, Any]]) -> Iterable[tuple[str, int, float]]:
    """The minutes in which one vehicle counts: its places in that minute and the five before are 50 m apart."""
    minutes: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for one in way:
        minutes[one["event_time"] // MINUTE_MS * MINUTE_MS].append(one)
    for minute, rows in sorted(minutes.items()):
        places = [
            (one["position"]["lat"], one["position"]["lon"])
            for before in range(6)
            for one in minutes.get(minute - before * MINUTE_MS, ())
        ]
        corners = [pick(one[axis] for one in places) for axis in (0, 1) for pick in (min, max)]
        if distance_m(corners[0], corners[2], corners[1], corners[3]) >= 50:
            last = rows[-1]["position"]
            yield (
                cell_at(last["lat"], last["lon"]),
                minute,
                math.fsum(one["speed_mps"] for one in rows) / len(rows),
            )


def told_of(city: LivingCity) -> Told:
    rows = city.values(SPEED)
    found = {(one["cell"], one["event_time"]): (one["vehicles"], one["mean_speed_mps"]) for one in rows}
    assert len(found) == len(rows), "a cell and minute was told twice"
    return found


def test_a_day_of_buses_is_told_as_speeds_each_minute_once_though_the_worker_is_killed(
    cluster: Endpoints, tmp_path: Path, data_dir: Path
) -> None:
    city = LivingCity(f"speed-{uuid4().hex[:8]}", tmp_path, cluster, of="austin")
    ensure_topics(cluster.kafka, [city.name])
    day = data_dir / "mobility" / "austin_capmetro" / "vehicle_positions_2016-11-25.csv.gz"
    play = ("play", str(city.file), "--source", "bus-positions", str(day), "--ingest-only")
    try:
        with city.running("--stage", "speed") as worker:
            player = city.start(*play)
            wait_until(lambda: len(city.records(SPEED)) > 500, SETTLED_S, 0.2)
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        before = told_of(city)
        assert player.wait(SETTLED_S) == 0
        rows = city.values(POSITION)
        last_ms = max(one["event_time"] for one in rows)
        with city.running("--stage", "speed"):
            wait_until(
                lambda: max(minute for _, minute in told_of(city)) > last_ms - 15 * MINUTE_MS, SETTLED_S, 0.5
            )
        found = told_of(city)
        until = max(minute for _, minute in found)
        wanted = {key: one for key, one in speeds_of(rows).items() if key[1] <= until}
        assert 500 < len(before) < len(found)
        assert {key: count for key, (count, _) in found.items()} == {
            key: count for key, (count, _) in wanted.items()
        }
        assert all(abs(found[key][1] - wanted[key][1]) < 0.001 for key in wanted)
    finally:
        city.remove()


NOON_MS = 1_767_322_800_000
"""A winter's day in Seoul."""
DAY_MS = 24 * 60 * MINUTE_MS
RULE = """
[speed]

[[rule]]
name = "traffic-impact"
usual_minutes_min = 15
"""


def driving(city: str, begin_ms: int, minutes: int, mps: float) -> Iterable[Event]:
    """Positions of eight cars that drive up and down the middle 300 m of a cell."""
    lat, lon = centre_of(cell_at(LAT, LON))
    for at in range(0, minutes * MINUTE_MS, 15_000):
        for car in range(8):
            way = mps * at / 1000 % 600
            north = (way if way < 300 else 600 - way) - 150
            position = {
                "lat": lat + math.degrees(north / EARTH_RADIUS_M),
                "lon": lon,
                "accuracy_m": None,
            }
            yield a_position(city, f"car-{car}", begin_ms + at, position, mps)


def a_position(city: str, vehicle: str, at: int, position: Mapping[str, Any], mps: float) -> Event:
    fields = [one["name"] for one in load_catalogue()[POSITION].newest["fields"]]
    value = dict.fromkeys(fields) | {
        "event_id": f"{vehicle} {at}",
        "city": city,
        "source": "taxis",
        "event_time": at,
        "received_time": at,
        "position": position,
        "vehicle_id": vehicle,
        "vehicle_type": "car",
        "operator": "taxis",
        "speed_mps": mps,
        "is_stale": False,
    }
    return Event(POSITION, vehicle, value)


def impacts(city: LivingCity) -> list[tuple[str, str, str]]:
    alerts = [one for one in city.values("core.alert") if one["rule"] == "traffic-impact"]
    return sorted((one["audience"], one["kind"], one["message_type"]) for one in alerts)


def test_a_crash_that_holds_traffic_up_is_told_to_transit_until_it_flows_again(
    cluster: Endpoints, tmp_path: Path
) -> None:
    city = LivingCity(f"jam-{uuid4().hex[:8]}", tmp_path, cluster, of="demo")
    city.file.write_text(city.file.read_text(encoding="utf-8") + RULE, encoding="utf-8")
    ensure_topics(cluster.kafka, [city.name])
    bus, crash_ms = Bus(city.name, cluster.kafka, city.wire), NOON_MS + DAY_MS
    usually = [*driving(city.name, NOON_MS, 50, 15.0), *driving(city.name, crash_ms - 5 * MINUTE_MS, 5, 15.0)]
    ended = {(who, "traffic.jam", "cancel") for who in ("operator", "transit")}
    begun = {(who, "traffic.jam", "alert") for who in ("operator", "transit")}
    try:
        with city.running("--only-stages"):
            bus.put(usually)
            wait_until(lambda: len(city.records(SPEED)) >= 50, SETTLED_S, 0.2)
            bus.put([incident_event(city.name, crash_ms, 1, "open", kind="crash.injury")])
            wait_until(lambda: len(city.situations()) == 1, SETTLED_S, 0.2)
            bus.put(driving(city.name, crash_ms, 10, 3.0))
            wait_until(lambda: set(impacts(city)) >= begun, SETTLED_S, 0.2)
            bus.put(driving(city.name, crash_ms + 10 * MINUTE_MS, 15, 15.0))
            wait_until(lambda: set(impacts(city)) >= ended, SETTLED_S, 0.2)
        assert [one[2] for one in impacts(city)].count("alert") == 2
        assert "byte-identical" in city.bongsu("replay", str(city.file), "--verify").stdout
    finally:
        city.remove()
