"""A profile of the match: its loop in this process, with the CPU time of each step.

Slower than ``bench match``, as the clocks themselves cost time: read the shares. librdkafka's threads are all CPU time of
the process beside the loop's thread.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psutil
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from deploy.platform import Platform
from deploy.topics import ensure_topics
from schemas.errors import Fatal
from streams.match.core.config import MatchConfig
from streams.match.core.engine import Engine
from streams.match.core.recent import Recent
from streams.match.core.step import Match
from streams.match.native import decode as decoding
from streams.match.native import messages as objects
from streams.match.native.fetcher import Fetcher
from streams.match.native.unpack import Unpacker
from streams.match.worker.choice import make_producer, reader_opener
from streams.match.worker.loop import MatchLoop, MatchRun
from streams.match.worker.message_reader import PlainReader
from streams.match.worker.metrics import MatchMetrics
from streams.match.worker.publish import EvidencePublisher
from streams.match.worker.transaction import MatchTransaction
from tests.bench.match import committed_of, core_for_worker, remove
from tests.bench.match_load import Load, ground, publish

STEPS: tuple[tuple[str, Any, str], ...] = (
    ("rest of the loop", MatchRun, "turn"),
    ("fetch", Fetcher, "fetched"),
    ("unpack", Unpacker, "take"),
    ("consume", PlainReader, "read"),
    ("extract", decoding.Decoder, "batch"),
    ("extract", objects, "_taken"),
    ("decode", decoding, "_observe"),
    ("lateness", Match, "_timely"),
    ("join", Engine, "step"),
    ("evidence", Match, "_answer"),
    ("look back kept", Recent, "keep"),
    ("look back trimmed", Recent, "trim"),
    ("encode and produce", EvidencePublisher, "evidence"),
    ("commit", MatchTransaction, "commit"),
    ("count", MatchMetrics, "batch"),
    ("count", MatchMetrics, "now"),
)
END_S = 120.0


class Clock:
    """CPU and wall seconds of each step, without those of the steps within it. One thread."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = defaultdict(float)
        self.wall: dict[str, float] = defaultdict(float)
        self._inner = [(0.0, 0.0)]

    def around(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **about: Any) -> Any:
            self._inner.append((0.0, 0.0))
            cpu, wall = time.thread_time(), time.perf_counter()
            try:
                return work(*args, **about)
            finally:
                cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
                inner_cpu, inner_wall = self._inner.pop()
                self.cpu[name] += cpu - inner_cpu
                self.wall[name] += wall - inner_wall
                outer_cpu, outer_wall = self._inner[-1]
                self._inner[-1] = (outer_cpu + cpu, outer_wall + wall)

        return timed


def measure(platform: Platform, load: Load, reader: str = "auto") -> dict[str, Any]:
    """Microseconds an event, step by step: (CPU, wall)."""
    there = ground(f"bench-{uuid4().hex[:8]}", load)
    ensure_topics(platform.kafka, [there.city])
    clock, sound = Clock(), [(owner, name, getattr(owner, name)) for _, owner, name in STEPS]
    try:
        publish(platform, there)
        for step, owner, name in STEPS:
            setattr(owner, name, clock.around(step, getattr(owner, name)))
        with core_for_worker(platform) as core:
            spent_s, took_s = _run(platform, there.city, load, reader, core)
    finally:
        for owner, name, work in sound:
            setattr(owner, name, work)
        remove(platform, there.city)
    count = load.detections + load.bad
    found = {
        step: f"{clock.cpu[step] / count * 1e6:.4f} ({clock.wall[step] / count * 1e6:.4f})"
        for step in dict.fromkeys(step for step, _, _ in STEPS)
        if clock.wall[step]
    }
    main = sum(clock.cpu.values())
    return {
        **found,
        "librdkafka": f"{(spent_s - main) / count * 1e6:.4f}",
        "wall": f"{took_s / count * 1e6:.4f}",
    }


def _run(platform: Platform, city: str, load: Load, reader: str, core: int | None) -> tuple[float, float]:
    """(CPU seconds of the process, wall seconds) from the assignment to the last commit."""
    config = MatchConfig(look_back_s=load.look_back_s, per_second_max=10_000)
    registry = platform.wire.registry
    loop = MatchLoop(
        city,
        config,
        bootstrap=platform.kafka,
        wire=platform.wire,
        name=f"{city}.match.0",
        open_reader=reader_opener(
            city, bootstrap=platform.kafka, registry=registry, is_plain=reader == "plain"
        ),
        make_producer=Producer if reader == "plain" else make_producer,
    )

    def alone() -> None:
        os.sched_setaffinity(0, [core or 0])  # librdkafka's threads are its children, and inherit it
        loop.run()

    running = threading.Thread(target=alone, daemon=True)
    running.start()
    while not loop.is_ready and running.is_alive():
        time.sleep(0.001)
    begun, cpu = time.monotonic(), _cpu_s()
    admin = AdminClient({"bootstrap.servers": platform.kafka, "log_level": 3})
    while committed_of(admin, city) < load.detections + load.bad:
        time.sleep(0.05)
        if time.monotonic() - begun > END_S or not running.is_alive():
            raise Fatal("void: it did not come to its end")
    took_s, spent_s = time.monotonic() - begun, _cpu_s() - cpu
    loop.stop()
    running.join(10)
    return spent_s, took_s


def _cpu_s() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)
