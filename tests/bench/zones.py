"""From a drone's position inside a zone to the alert of its breach, at 1,000 positions a second.

Open loop: positions are published at their scheduled times, and each delay counts from the scheduled time until the alert is
readable (read_committed). The city is a worker of its own with all stages.

    python -m tests.bench.zones --seconds 30
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from confluent_kafka import Producer, TopicPartition

from deploy.assembly.child import worker_running
from deploy.city.city import load_city
from deploy.demo.play import has_members
from deploy.platform import ALL, Platform, reach
from deploy.topics import ensure_topics
from schemas.catalogue import load_catalogue, topic_name
from schemas.errors import Fatal
from schemas.event import Event, derived_id, event_fields
from streams.runtime.kafka import reader
from tests.bench.bench_city import remove_topics
from tests.bench.latency import percentile
from tests.bench.machine import described, stolen_percent

P99_TARGET_MS = 500.0
RATE, BREACHES, STAY_S = 1_000, 20, 5
ZONES, APART_DEG, HALF_DEG = 40, 0.05, 0.01
WARM_UP_S, READY_S, LAST_S = 5.0, 90.0, 15.0
CITY = """\
name = "{name}"
timezone = "Etc/UTC"
law = "us"
[bounds]
south = 0
west = 0
north = 60
east = 60
[match]
look_back_s = 60
[[source]]
name = "reports"
type = "generated_cameras"
live = false
[[rule]]
name = "joint-incident"
[[rule]]
name = "zone"
"""


@dataclass(slots=True)
class Alerts:
    """When the first alert, and the cancel, of each drone was readable; drones by their longitude."""

    bootstrap: str
    topic: str
    opened_s: dict[int, float] = field(default_factory=dict)
    ended_s: dict[int, float] = field(default_factory=dict)
    repeats: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _drones: dict[str, int] = field(default_factory=dict)

    def run(self, decode: Any) -> None:
        consumer = reader(self.bootstrap, **{"enable.partition.eof": False})
        try:
            consumer.assign([TopicPartition(self.topic, 0, 0)])
            while not self._stop.is_set():
                message = consumer.poll(0.1)
                if message is not None and message.error() is None:
                    self._one(decode(self.topic, message.value()), time.perf_counter())
        finally:
            consumer.close()

    def _one(self, alert: Mapping[str, Any], now_s: float) -> None:
        if alert["audience"] != "operator":
            return
        if alert["message_type"] == "alert":
            drone = number_of(alert["position"]["lon"])
            self.repeats += drone in self.opened_s
            self.opened_s.setdefault(drone, now_s)
            self._drones[alert["alert_id"]] = drone
        elif alert["message_type"] == "cancel":
            self.ended_s.setdefault(self._drones[alert["alert_id"]], now_s)

    def stop(self) -> None:
        self._stop.set()


def number_of(lon: float) -> int:
    return round((lon % 1) * 1e6)


def zone_event(city: str, number: int, now_ms: int) -> Event:
    lat, lon = 1 + number * APART_DEG, 1.0
    corners = [
        [lon, lat - HALF_DEG],
        [lon + 0.5, lat - HALF_DEG],
        [lon + 0.5, lat + HALF_DEG],
        [lon, lat + HALF_DEG],
    ]
    fields = {one["name"]: one.get("default") for one in load_catalogue()["place.zone"].newest["fields"]}
    value = fields | event_fields(
        city, "zones", event_id=derived_id("zone", number), event_time_ms=now_ms, received_ms=now_ms
    )
    value |= {
        "zone_id": f"z{number}",
        "name": f"zone {number}",
        "kind": "park",
        "sense": "exclusion",
        "geometry": orjson.dumps({"type": "Polygon", "coordinates": [[*corners, corners[0]]]}).decode(),
        "ceiling_m": 120.0,
        "ceiling_reference": "above_ground",
    }
    return Event("place.zone", f"z{number}", value)


class Positions:
    """The positions of each second: ``BREACHES`` drones come into a zone and leave it ``STAY_S`` later, the others fly
    outside."""

    def __init__(self, city: str) -> None:
        self._city = city
        self._usual = {
            one["name"]: one.get("default") for one in load_catalogue()["drone.position"].newest["fields"]
        }

    def of(self, second: int, n: int, now_ms: int) -> tuple[int | None, Event]:
        """The *n*th position of a second, and the drone that comes in with it."""
        ago, which = divmod(n, BREACHES)
        if ago <= STAY_S and second >= ago:  # a drone that came in *ago* seconds before
            drone = (second - ago) * BREACHES + which
            is_in = ago < STAY_S
            return (drone if ago == 0 else None), self._event(drone, is_in, now_ms)
        return None, self._event(500_000 + n, False, now_ms)

    def _event(self, drone: int, is_in: bool, now_ms: int) -> Event:
        zone = drone % ZONES
        lat = 1 + zone * APART_DEG + (0.0 if is_in else APART_DEG / 2)
        value = self._usual | event_fields(
            self._city,
            "bench",
            event_id=derived_id("bench", drone, now_ms),
            event_time_ms=now_ms,
            received_ms=now_ms,
            position={"lat": lat, "lon": 1 + drone / 1e6 % 0.5, "accuracy_m": None},
        )
        heights = dict.fromkeys(("above_ground_low_m", "above_ground_high_m"), 80.0)
        return Event("drone.position", f"d{drone}", value | heights | {"drone_id": f"d{drone}"})


def measure(platform: Platform, seconds: int) -> Mapping[str, Any]:
    """One run. ``Fatal`` when a breach was not told, or told twice: then no figure counts."""
    with _city(platform) as (name, file):
        alerts = Alerts(platform.kafka, topic_name(name, "core.alert"))
        following = threading.Thread(target=alerts.run, args=(platform.wire.decode,), daemon=True)
        following.start()
        with worker_running(load_city(file)) as check:
            due_s = _send(platform, name, seconds, check)
            until_s = time.perf_counter() + LAST_S
            while time.perf_counter() < until_s and not due_s.keys() <= alerts.ended_s.keys():
                time.sleep(0.1)
        alerts.stop()
        following.join(10)
    missing = due_s.keys() - alerts.opened_s.keys()
    if missing or alerts.repeats:
        raise Fatal(
            f"void: {len(missing)} of {len(due_s)} breaches were not told, {alerts.repeats} told twice"
        )
    kept = [drone for drone in due_s if drone >= WARM_UP_S * BREACHES]
    told = [(alerts.opened_s[drone] - due_s[drone]) * 1_000 for drone in kept]
    ended = [
        (alerts.ended_s[drone] - due_s[drone] - STAY_S) * 1_000 for drone in kept if drone in alerts.ended_s
    ]
    return {
        **described(),
        "stolen_percent": stolen_percent(),
        "positions_per_s": RATE,
        "breaches": len(kept),
        "clears": len(ended),
        "position → alert readable, ms": _shown(told),
        "position → cancel readable, ms": _shown(ended),
        "meets_target": percentile(told, 99) <= P99_TARGET_MS,
    }


def _shown(values: list[float]) -> dict[str, float]:
    return {f"p{at:g}": round(percentile(values, at), 1) for at in (50, 90, 99, 100)}


def _send(platform: Platform, name: str, seconds: int, check: Any) -> dict[int, float]:
    """Publish zones, wait until they are watched, then the positions; when each drone's coming in was due."""
    producer = Producer(
        {"bootstrap.servers": platform.kafka, "linger.ms": 2, "partitioner": "murmur2_random"}
    )

    def publish(event: Event) -> None:
        topic, key, frame = platform.wire.encode(name, event)
        producer.produce(topic, frame, key=key)

    until_s = time.perf_counter() + READY_S
    while not has_members(platform.kafka, f"{name}.match") and time.perf_counter() < until_s:
        check()
        time.sleep(0.2)
    for number in range(ZONES):
        publish(zone_event(name, number, time.time_ns() // 1_000_000))
    producer.flush(10)
    time.sleep(5)
    positions, due_s = Positions(name), dict[int, float]()
    begun_s = time.perf_counter()
    for second in range(round(WARM_UP_S) + seconds):
        for n in range(RATE):
            at_s = begun_s + second + n / RATE
            if n % 10 == 0 and (ahead_s := at_s - time.perf_counter()) > 0:
                time.sleep(ahead_s)
            drone, event = positions.of(second, n, time.time_ns() // 1_000_000)
            if drone is not None:
                due_s[drone] = at_s
            publish(event)
            if n % 50 == 0:
                producer.poll(0)
        check()
    producer.flush(10)
    last = (round(WARM_UP_S) + seconds - STAY_S) * BREACHES
    return {drone: at for drone, at in due_s.items() if drone < last}


@contextmanager
def _city(platform: Platform) -> Iterator[tuple[str, str]]:
    name = f"bench-{uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as folder:
        path = Path(folder) / f"{name}.toml"
        path.write_text(CITY.format(name=name), encoding="utf-8")
        ensure_topics(platform.kafka, [name])
        try:
            yield name, str(path)
        finally:
            remove_topics(platform, name)


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--seconds", type=int, default=30, help="measured seconds, after the warm-up")
    print(json.dumps(measure(reach(need=ALL), said.parse_args().seconds), indent=2, ensure_ascii=False))  # noqa: T201 (words of a command)


if __name__ == "__main__":
    main()
