"""The gateway under load: detections pushed as JSON, in batches and singly, answered when they are safe on disk.

Throughput is a closed loop over a few connections; latency an open loop, counted from the moment a request was due.
The gateway drains into Kafka all the time, and at the end every acknowledged event must be in its topic.
"""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import psutil

from connectors.gateway.accounts import new_key
from deploy.assembly.stages import free_port
from deploy.platform import Platform
from deploy.topics import ensure_topics
from schemas.catalogue import topic_name
from schemas.errors import Fatal
from streams.runtime.kafka import read_whole, transactional_producer
from streams.runtime.transaction import transaction
from tests.bench.bench_city import remove_topics
from tests.bench.machine import described

EVENTS_PER_S, REQUESTS_PER_S, P99_MS = 5_000, 1_000, 50.0
CONNECTIONS = 16
WARM_UP_S = 2.0
READY_S, DRAINED_S = 30.0, 120.0
CITY = """
name = "{name}"
timezone = "Etc/UTC"
law = "us"
[bounds]
south = 0
west = 0
north = 1
east = 1
[gateway]
port = {port}
[[source]]
name = "cameras"
type = "city_events"
contract = "cctv.detection"
push = true
"""


@dataclass(frozen=True, slots=True)
class Load:
    """*seconds* of each phase; *batch* events a request in the first."""

    seconds: float = 20.0
    batch: int = 100


@dataclass(slots=True)
class Phase:
    """The figures of one phase. Milliseconds; CPU-seconds of the gateway's process."""

    requests: int = 0
    events: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    refused: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    def quantile_ms(self, share: float) -> float:
        ranked = sorted(self.latencies_ms)
        return ranked[min(len(ranked) - 1, math.ceil(share * len(ranked)) - 1)] if ranked else math.nan


@dataclass(slots=True)
class Figures:
    batches: Phase
    singles: Phase
    paced: Phase

    @property
    def meets_targets(self) -> bool:
        return (
            self.batches.events / self.batches.seconds >= EVENTS_PER_S
            and self.singles.requests / self.singles.seconds >= REQUESTS_PER_S
            and self.paced.quantile_ms(0.99) <= P99_MS
        )


def measure(platform: Platform, load: Load) -> Figures:
    """All three phases against one gateway. ``Fatal`` when an acknowledged event is not in its topic."""
    city = f"bench-{uuid4().hex[:8]}"
    with (
        tempfile.TemporaryDirectory() as folder,
        _gateway(platform, city, Path(folder)) as (port, key, process),
    ):
        caller = _Caller(port, city, key, psutil.Process(process.pid))
        asyncio.run(caller.closed(WARM_UP_S, 1))
        figures = Figures(
            asyncio.run(caller.closed(load.seconds, load.batch)),
            asyncio.run(caller.closed(load.seconds, 1)),
            asyncio.run(caller.open(load.seconds, REQUESTS_PER_S / 2)),
        )
        _await_drained(port)
        published = sum(1 for _ in read_whole(platform.kafka, [topic_name(city, "cctv.detection")]))
        if published != caller.acknowledged:
            raise Fatal(f"void: {caller.acknowledged} events were acknowledged, {published} are in the topic")
    return figures


class _Caller:
    """An HTTP/1.1 client with persistent connections; every event has a time of its own."""

    def __init__(self, port: int, city: str, key: str, process: psutil.Process) -> None:
        self._port = port
        self._head = (
            f"POST /v1/{city}/sources/cameras HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._process = process
        self._number = 0
        self._first_ms = int(time.time() * 1000) - 3_600_000
        self.acknowledged = 0

    async def closed(self, seconds: float, batch: int) -> Phase:
        phase, until = Phase(), time.monotonic() + seconds
        return await self._timed(phase, [self._push_until(phase, until, batch) for _ in range(CONNECTIONS)])

    async def open(self, seconds: float, rate: float) -> Phase:
        """Send each request at its time, on any free connection. Latency counts from the scheduled time."""
        phase, due = Phase(), asyncio.Queue[float | None]()
        workers = [self._push_due(phase, due) for _ in range(CONNECTIONS)]
        return await self._timed(phase, [*workers, _schedule(due, seconds, rate)])

    async def _timed(self, phase: Phase, work: list[Any]) -> Phase:
        started, cpu = time.monotonic(), _cpu_s(self._process)
        await asyncio.gather(*work)
        phase.seconds, phase.cpu_s = time.monotonic() - started, _cpu_s(self._process) - cpu
        return phase

    async def _push_until(self, phase: Phase, until: float, batch: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while (due := time.monotonic()) < until:
            await self._push(phase, reader, writer, due, batch)
        writer.close()

    async def _push_due(self, phase: Phase, due: asyncio.Queue[float | None]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while (at := await due.get()) is not None:
            await self._push(phase, reader, writer, at, 1)
        writer.close()

    async def _push(
        self, phase: Phase, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, due: float, batch: int
    ) -> None:
        body = orjson.dumps([self._event() for _ in range(batch)])
        writer.write(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        phase.latencies_ms.append((time.monotonic() - due) * 1000)
        phase.requests += 1
        if head.startswith(b"HTTP/1.1 202"):
            phase.events += batch
            self.acknowledged += batch
        else:
            phase.refused += 1

    def _event(self) -> dict[str, Any]:
        self._number += 1
        return {
            "camera_id": f"C-{self._number % 500}",
            "track_id": str(self._number % 10_000),
            "label": "person",
            "label_text": "Human",
            "confidence": 0.75,
            "event_time": self._first_ms + self._number,
            "bounding_box": {"x": 0.25, "y": 0.25, "width": 0.125, "height": 0.25},
            "position": {"lat": 0.5, "lon": 0.5, "accuracy_m": 10.0},
            "position_source": "analytics",
        }


async def _schedule(due: asyncio.Queue[float | None], seconds: float, rate: float) -> None:
    started = time.monotonic()
    for number in range(round(seconds * rate)):
        at = started + number / rate
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        due.put_nowait(at)
    for _ in range(CONNECTIONS):
        due.put_nowait(None)


@contextmanager
def _gateway(
    platform: Platform, city: str, folder: Path
) -> Iterator[tuple[int, str, subprocess.Popen[bytes]]]:
    """A gateway in a process of its own, on the second core where there is one: (port, key, process)."""
    port, file = free_port(), folder / "city.toml"
    file.write_text(CITY.format(name=city, port=port))
    ensure_topics(platform.kafka, [city])
    key, account = new_key(city, "bench", ["*"], now_ms=int(time.time() * 1000), requests_per_s=1e9)
    with transaction(
        transactional_producer(platform.kafka, f"{city}.accounts"), platform.wire, city
    ) as outbox:
        outbox.put(account)
    command = [sys.executable, "-m", "deploy.cli", "run", str(file), "--stage", "gateway", "--quiet"]
    environment = {**os.environ, **platform.endpoints.as_environment(), "BONGSU_HOME": str(folder)}
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        cores = sorted(psutil.Process().cpu_affinity() or [])
        if len(cores) > 1:
            psutil.Process(process.pid).cpu_affinity(cores[-1:])
        _await(lambda: httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200, READY_S)
        yield port, key, process
    finally:
        process.terminate()
        process.wait()
        remove_topics(platform, city)


def _await_drained(port: int) -> None:
    def is_empty() -> bool:
        told = httpx.get(f"http://127.0.0.1:{port}/readyz").json()
        return all(one["pushes"] == 0 for one in told["sources"].values())

    _await(is_empty, DRAINED_S)


def _await(is_so: Any, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if is_so():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise Fatal(f"the gateway was not there within {seconds:.0f} s")


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def surroundings(load: Load) -> dict[str, Any]:
    """The machine and settings, reported beside the figures."""
    return {
        "benchmark": "gateway",
        "seconds": load.seconds,
        "batch": load.batch,
        "connections": CONNECTIONS,
        **described(),
    }


def shown(figures: Figures) -> dict[str, Any]:
    """Rates a second; CPU-microseconds an event, Kafka's producer and the drain included."""

    def rates(phase: Phase) -> dict[str, Any]:
        return {
            "requests_per_s": round(phase.requests / phase.seconds),
            "events_per_s": round(phase.events / phase.seconds),
            "p50_ms": round(phase.quantile_ms(0.5), 1),
            "p99_ms": round(phase.quantile_ms(0.99), 1),
            "cpu_us_per_event": round(phase.cpu_s / max(1, phase.events) * 1e6, 1),
            "cores": round(phase.cpu_s / phase.seconds, 2),
            "refused": phase.refused,
        }

    return {
        "batches": rates(figures.batches),
        "singles": rates(figures.singles),
        f"paced at {REQUESTS_PER_S // 2} a second": rates(figures.paced),
    }
