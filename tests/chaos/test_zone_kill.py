"""Zones on the real bus, while two workers of the match and one of the situations are killed in turn: each breach and each
clear is told once, also of what stands inside all the time."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.catalogue import load_catalogue
from schemas.event import Event, derived_id, event_fields
from tests.living_city import LivingCity, end, wait_until
from tests.match_city import Bus

pytestmark = pytest.mark.cluster

SEED = int(os.environ.get("BONGSU_SEED", "20261130"))
DRONES, PARKED = 30, 5
SECONDS, KILL_EVERY_S, KILLS = 100, 9, 10
LAT, LON, APART_DEG, FAR_DEG = 36.35, 127.32, 0.001, 0.05
ZONE_RULE = '\n[[rule]]\nname = "zone"\nsilent_s = 90\nmove_m = 100000\nzone_things_max = 500\n'
SETTLED_S = 90.0


def stays(chance: random.Random) -> dict[int, list[tuple[int, int]]]:
    """Drone → (second of coming in, of leaving). The first stay inside from the beginning to the end."""
    found = {number: [(1, SECONDS + 10)] for number in range(PARKED)}
    for number in range(PARKED, DRONES):
        first = chance.randrange(2, 30)
        found[number] = [(first, first + chance.randrange(5, 25))]
        again = found[number][0][1] + chance.randrange(5, 15)
        found[number].append((again, min(SECONDS, again + chance.randrange(5, 25))))
    return found


class City:
    """The living city with its workers, which may be killed."""

    def __init__(self, city: LivingCity, stack: ExitStack) -> None:
        self._city, self._stack = city, stack
        self.workers = {name: self._started(name) for name in ("match-1", "match-2", "situations")}

    def _started(self, name: str) -> subprocess.Popen[bytes]:
        words = ("run", str(self._city.file), "--quiet", "--stage", name.partition("-")[0], "--web-port", "0")
        worker = self._city.start(*words)
        self._stack.callback(end, worker)
        return worker

    def kill(self, name: str) -> None:
        os.killpg(self.workers[name].pid, signal.SIGKILL)
        self.workers[name].wait()
        self.workers[name] = self._started(name)


def usual(contract: str) -> dict[str, Any]:
    return {one["name"]: one.get("default") for one in load_catalogue()[contract].newest["fields"]}


def a_zone(city: str, now_ms: int) -> Event:
    corners = [[LON - 1, LAT - 0.01], [LON + 1, LAT - 0.01], [LON + 1, LAT + 0.01], [LON - 1, LAT + 0.01]]
    value = usual("place.zone") | event_fields(
        city, "zones", event_id=derived_id("zone"), event_time_ms=now_ms, received_ms=now_ms
    )
    geometry = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    value |= {
        "zone_id": "z",
        "kind": "park",
        "sense": "exclusion",
        "geometry": orjson.dumps(geometry).decode(),
    }
    return Event("place.zone", "z", value)


def a_position(city: str, drone: int, is_in: bool, now_ms: int) -> Event:
    place = {"lat": LAT if is_in else LAT + FAR_DEG, "lon": LON + drone * APART_DEG, "accuracy_m": None}
    value = usual("drone.position") | event_fields(
        city,
        "test",
        event_id=derived_id(drone, now_ms),
        event_time_ms=now_ms,
        received_ms=now_ms,
        position=place,
    )
    return Event("drone.position", f"d{drone}", value | {"drone_id": f"d{drone}"})


def a_tick(city: str, now_ms: int) -> Event:
    value = usual("core.tick") | event_fields(
        city, "clock", event_id=derived_id("tick", now_ms), event_time_ms=now_ms, received_ms=now_ms
    )
    return Event("core.tick", city, value | {"barrier": None, "played": False})


@contextmanager
def living(cluster: Endpoints, folder: Path) -> Iterator[LivingCity]:
    city = LivingCity(f"zones-{uuid4().hex[:8]}", folder, cluster, of="demo")
    city.file.write_text(city.file.read_text(encoding="utf-8") + ZONE_RULE, encoding="utf-8")
    ensure_topics(cluster.kafka, [city.name])
    try:
        yield city
    finally:
        city.remove()


def told(city: LivingCity) -> Counter[tuple[int, str]]:
    """(drone, alert or cancel) → how often the operator was told."""
    drones: dict[str, int] = {}
    found: Counter[tuple[int, str]] = Counter()
    for one in city.values("core.alert"):
        if one["audience"] == "operator" and one["kind"].startswith("intrusion"):
            if one["position"] is not None:
                drones[one["alert_id"]] = round((one["position"]["lon"] - LON) / APART_DEG)
            if one["message_type"] in ("alert", "cancel"):
                found[drones[one["alert_id"]], one["message_type"]] += 1
    return found


@pytest.mark.long
@pytest.mark.timeout(400)
def test_each_breach_and_each_clear_is_told_once_whoever_is_killed(
    cluster: Endpoints, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    plan = stays(chance)
    wanted = {(drone, kind): len(its) for drone, its in plan.items() for kind in ("alert", "cancel")}
    with living(cluster, tmp_path) as city, ExitStack() as stack:
        bus, workers = Bus(city.name, cluster.kafka, city.wire), City(city, stack)
        bus.put([a_tick(city.name, _now()), a_zone(city.name, _now())])
        wait_until(lambda: bool(city.records("core.watch")), SETTLED_S, 0.5)
        killed = _flown(bus, city.name, workers, plan, chance)
        assert sum(killed.values()) == KILLS and len(killed) == 3, killed

        def is_all_told() -> bool:
            now_ms = _now()
            bus.put([a_tick(city.name, now_ms), *(a_position(city.name, one, False, now_ms) for one in plan)])
            return told(city).total() >= sum(wanted.values())

        wait_until(is_all_told, SETTLED_S, 1.0)
        time.sleep(5)
        assert dict(told(city)) == wanted


def _flown(
    bus: Bus, city: str, workers: City, plan: Mapping[int, list[tuple[int, int]]], chance: random.Random
) -> Counter[str]:
    """Fly for ``SECONDS``, a position of each drone a second, and kill somebody every ``KILL_EVERY_S``; who was killed."""
    killed: Counter[str] = Counter()
    names = [*workers.workers] * KILLS
    for second in range(SECONDS):
        begun = time.monotonic()
        now_ms = _now()
        are_in = {one: any(a <= second < b for a, b in its) for one, its in plan.items()}
        bus.put(
            [a_tick(city, now_ms), *(a_position(city, one, is_in, now_ms) for one, is_in in are_in.items())]
        )
        if second % KILL_EVERY_S == KILL_EVERY_S - 1 and sum(killed.values()) < KILLS:
            name = names[sum(killed.values())]
            time.sleep(chance.uniform(0, 0.5))
            workers.kill(name)
            killed[name] += 1
        time.sleep(max(0.0, 1.0 - (time.monotonic() - begun)))
    return killed


def _now() -> int:
    return time.time_ns() // 1_000_000
