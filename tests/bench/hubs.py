"""From an input of a hub to its board, at the rate of a day: 23 hubs, a worker of its own, counts and vehicles.

Open loop: inputs are published at their scheduled times, and each delay counts from the scheduled time until the board
that shows the input is readable (read_committed). Each input gives its hub a number of docks that no other has.

    python -m tests.bench.hubs --seconds 30
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from confluent_kafka import TopicPartition

from deploy.assembly.child import worker_running
from deploy.city.city import load_city
from deploy.demo.play import has_members
from deploy.platform import ALL, Platform, reach
from deploy.topics import ensure_topics
from schemas.catalogue import topic_name
from schemas.errors import Fatal
from streams.runtime.kafka import reader
from tests.bench.bench_city import remove_topics
from tests.bench.latency import percentile
from tests.bench.machine import described, stolen_percent
from tests.hub_bus import HubBus, whole
from tests.hub_day import Input, a_row

P95_TARGET_MS = 1_000.0
HUBS, EVERY_S = 23, 0.1
"""Each hub every 2.3 s, far more often than its feeds of a minute."""
TICK_S, WARM_UP_S, READY_S, LAST_S = 1.0, 5.0, 90.0, 10.0
CITY = """\
name = "{name}"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 33
west = 126
north = 34
east = 127
[hubs]
tell_s = 30
[[source]]
name = "reports"
type = "generated_cameras"
live = false
"""


@dataclass(slots=True)
class ReadBoards:
    """When a board with each number of docks was readable."""

    bootstrap: str
    topic: str
    seen_s: dict[int, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, decode: Any) -> None:
        consumer = reader(self.bootstrap, **{"enable.partition.eof": False})
        try:
            consumer.assign([TopicPartition(self.topic, 0, 0)])
            while not self._stop.is_set():
                message = consumer.poll(0.1)
                if message is not None and message.error() is None and message.value() is not None:
                    docks = decode(self.topic, message.value())["docks"]
                    if docks is not None:
                        self.seen_s.setdefault(docks["free"], time.perf_counter())
        finally:
            consumer.close()

    def stop(self) -> None:
        self._stop.set()


def counts(number: int, now_ms: int) -> Input:
    hub_id = f"H-{number % HUBS}"
    docks = {"free": number, "total": number}
    return "mobility.hub", hub_id, a_row("mobility.hub", now_ms, hub_id=hub_id, docks=docks)


def measure(platform: Platform, seconds: int) -> Mapping[str, Any]:
    """One run. ``Fatal`` when an input reached no board: then no figure counts."""
    name = f"bench-{uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.toml"
        file.write_text(CITY.format(name=name), encoding="utf-8")
        ensure_topics(platform.kafka, [name])
        boards = ReadBoards(platform.kafka, topic_name(name, "core.hub"))
        following = threading.Thread(target=boards.run, args=(platform.wire.decode,), daemon=True)
        following.start()
        try:
            with worker_running(load_city(str(file)), "--stage", "hubs") as check:
                due_s = _send(platform, name, seconds, check)
                until_s = time.perf_counter() + LAST_S
                while time.perf_counter() < until_s and not due_s.keys() <= boards.seen_s.keys():
                    time.sleep(0.05)
        finally:
            boards.stop()
            following.join(10)
            remove_topics(platform, name)
    if missing := due_s.keys() - boards.seen_s.keys():
        raise Fatal(f"void: {len(missing)} of {len(due_s)} inputs reached no board")
    told = [(boards.seen_s[one] - due) * 1_000 for one, due in due_s.items() if one * EVERY_S >= WARM_UP_S]
    return {
        **described(),
        "stolen_percent": stolen_percent(),
        "hubs": HUBS,
        "inputs": len(told),
        "input → board readable, ms": {f"p{one}": round(percentile(told, one), 1) for one in (50, 95, 99)},
        "meets_target": percentile(told, 95) <= P95_TARGET_MS,
    }


def _send(platform: Platform, city: str, seconds: int, check: Any) -> dict[int, float]:
    """Publish the inputs and ticks; return when each input was due."""
    until_s = time.monotonic() + READY_S
    while not has_members(platform.kafka, f"{city}.hubs"):
        check()
        if time.monotonic() > until_s:
            raise Fatal("void: the stage of hubs did not start")
        time.sleep(0.2)
    bus, begun_s, due_s = HubBus(city, platform.kafka, platform.wire), time.perf_counter(), dict[int, float]()
    for number in range(round(seconds / EVERY_S)):
        due = begun_s + number * EVERY_S
        time.sleep(max(0.0, due - time.perf_counter()))
        now_ms = time.time_ns() // 1_000_000
        rows = [counts(number, now_ms)]
        if number % round(TICK_S / EVERY_S) == 0:
            rows.append(("core.tick", city, a_row("core.tick", now_ms)))
        bus.put(whole(rows))
        due_s[number] = due
        check()
    bus.put(whole([("core.tick", city, a_row("core.tick", time.time_ns() // 1_000_000))]))
    return due_s


def main() -> None:
    """Measure once, and print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=30)
    seconds = options.parse_args().seconds
    print(json.dumps(measure(reach(need=ALL), seconds), indent=2, ensure_ascii=False))  # noqa: T201 (words of a command)


if __name__ == "__main__":
    main()
