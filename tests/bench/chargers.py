"""Chargers over OCPP: how fast they are answered, what it costs, and how soon all are back after a kill (-9).

Simulated chargers of both versions in this process, on one core; the stage of chargers on the other, alone but for Kafka and
the system. A delay counts from the sent call to its answer, which comes when its events are durable.

    python -m tests.bench.chargers --chargers 1000 --seconds 30
    python -m tests.bench.chargers --processes 6 --chargers 10500
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from connectors.simulation.chargers import SimulatedCharger
from connectors.transport.charger_fleet import ChargerFleet
from deploy.assembly.stages import free_port
from deploy.platform import ALL, Platform, reach
from deploy.topics import ensure_topics
from schemas.errors import Fatal
from tests.bench.bench_city import remove_topics
from tests.bench.charger_processes import ManyLoad, measure_many, shown_many
from tests.bench.idle import CITY, pss_mb
from tests.bench.latency import percentile
from tests.bench.machine import described, stolen_percent
from tests.charger_city import SECRET, SECRET_NAME, fleet_of, keys_of, list_of, names_of, served_at

P99_MS, MEMORY_MB, BACK_S = 250.0, 150.0, 30.0
READY_S, WARM_UP_S, GONE_S = 90.0, 5.0, 120.0
GENERATOR_CORE, STAGE_CORE = 0, 1
LONG_S = 10**7


@dataclass(frozen=True, slots=True)
class Load:
    """*chargers* that are connected; *charging* of them tell their meter each second, the others give *beats* a second."""

    chargers: int = 1_000
    charging: int = 200
    beats: int = 100
    seconds: float = 30.0
    seed: int = 1


@dataclass(slots=True)
class Figures:
    connected: int = 0
    seconds: float = 0.0
    delays_ms: list[float] = field(default_factory=list)
    pss_mb: float = 0.0
    rss_mb: float = 0.0
    core_percent: float = 0.0
    back_s: float = 0.0
    back_percentile_s: float = 0.0

    @property
    def p99_ms(self) -> float:
        return percentile(self.delays_ms, 99)

    @property
    def meets_targets(self) -> bool:
        return self.p99_ms <= P99_MS and self.pss_mb <= MEMORY_MB and self.back_s <= BACK_S


def measure(platform: Platform, load: Load) -> Figures:
    """One run. ``Fatal`` where chargers are not let in, or the stage ends."""
    if (psutil.cpu_count() or 1) > STAGE_CORE:
        psutil.Process().cpu_affinity([GENERATOR_CORE])
    chargers = chargers_of(load)
    with _stage(platform, chargers) as (url, keys, start):
        return asyncio.run(
            _measured(load, ChargerFleet(chargers, url=url, keys=keys, seed=load.seed, look_s=5), start)
        )


def chargers_of(load: Load) -> list[SimulatedCharger]:
    """Chargers that charge all the time, and such as never do."""
    idle = load.chargers - load.charging
    heartbeat_s = max(1.0, idle / max(1, load.beats))
    about: dict[str, Any] = {"seed": load.seed, "interval_s": 1.0, "session_s": (LONG_S, LONG_S)}
    busy = fleet_of(load.charging, pause_s=(0.0, WARM_UP_S), heartbeat_s=LONG_S, **about)
    calm = fleet_of(load.chargers, pause_s=(LONG_S, 2 * LONG_S), heartbeat_s=heartbeat_s, **about)
    return [*busy, *calm[load.charging :]]


async def _measured(load: Load, fleet: ChargerFleet, start: Callable[[], psutil.Process]) -> Figures:
    figures = Figures()
    stage = start()
    running = asyncio.create_task(fleet.run())
    await _until(lambda: fleet.connected == load.chargers, GONE_S, f"{load.chargers} are not let in", fleet)
    await asyncio.sleep(WARM_UP_S + 5)
    fleet.delays.clear()
    begun, busy_s = time.monotonic(), _busy_s(stage)
    await asyncio.sleep(load.seconds)
    figures.seconds = time.monotonic() - begun
    figures.core_percent = 100 * (_busy_s(stage) - busy_s) / figures.seconds
    figures.connected = fleet.connected
    figures.delays_ms = [seconds * 1_000 for _, seconds in fleet.delays]
    figures.pss_mb, figures.rss_mb = pss_mb(stage), stage.memory_info().rss / 2**20
    await _killed(load, fleet, stage, start, figures)
    fleet.stop()
    await running
    return figures


async def _killed(
    load: Load,
    fleet: ChargerFleet,
    stage: psutil.Process,
    start: Callable[[], psutil.Process],
    figures: Figures,
) -> None:
    """Kill the stage, start it again at once, and measure until all, and 99 of 100, are connected again."""
    killed = time.monotonic()
    stage.kill()
    await _until(lambda: fleet.connected == 0, GONE_S, "connections outlive the stage", fleet)
    await asyncio.to_thread(start)
    await _until(lambda: fleet.connected >= 0.99 * load.chargers, GONE_S, "chargers did not come back", fleet)
    figures.back_percentile_s = time.monotonic() - killed
    await _until(lambda: fleet.connected == load.chargers, GONE_S, "chargers did not come back", fleet)
    figures.back_s = time.monotonic() - killed


async def _until(is_so: Callable[[], bool], seconds: float, what: str, fleet: ChargerFleet) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise Fatal(f"void: {what}", hint=f"{fleet.connected} connected, {dict(fleet.counted)}")
        await asyncio.sleep(0.02)


def _busy_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _stage(
    platform: Platform, chargers: Sequence[SimulatedCharger]
) -> Iterator[tuple[str, Mapping[str, str], Callable[[], psutil.Process]]]:
    """A city with these chargers: its URL, their keys, and what starts its stage and returns when it is ready."""
    name, port, names = f"chargers-{uuid4().hex[:8]}", free_port(), names_of(chargers)
    started: list[subprocess.Popen[bytes]] = []  # two
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as folder:
        file = Path(folder) / f"{name}.toml"
        text = CITY.format(name=name, port=free_port()) + served_at(port, interval_s=300)
        file.write_text(text, encoding="utf-8")
        (Path(folder) / "chargers.csv").write_text(list_of(names), encoding="utf-8")
        ensure_topics(platform.kafka, [name])

        def start() -> psutil.Process:
            web = free_port()
            words = ("run", str(file), "--stage", "chargers", "--quiet", "--web-port", str(web))
            process = subprocess.Popen(
                [sys.executable, "-m", "deploy.cli", *words], env={**os.environ, SECRET_NAME: SECRET}
            )
            started.append(process)
            found = psutil.Process(process.pid)
            if (psutil.cpu_count() or 1) > STAGE_CORE:
                found.cpu_affinity([STAGE_CORE])
            _wait(web, process)
            return found

        try:
            yield f"ws://127.0.0.1:{port}/ocpp/{name}", keys_of(names, name), start
        finally:
            for process in started:
                process.terminate()
                process.wait()
            remove_topics(platform, name)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise Fatal("void: the stage was not ready")


def surroundings(load: Load) -> dict[str, Any]:
    """The machine and settings, reported beside the figures."""
    return {
        "benchmark": "chargers",
        **described(),
        "chargers": load.chargers,
        "charging": load.charging,
        "heartbeats/s": load.beats,
        "seconds": load.seconds,
        "seed": load.seed,
    }


def shown(figures: Figures) -> dict[str, Any]:
    return {
        "connected": figures.connected,
        "answers/s": round(len(figures.delays_ms) / figures.seconds, 1),
        "p50, ms": round(percentile(figures.delays_ms, 50), 1),
        "p99, ms": round(figures.p99_ms, 1),
        "PSS, MB": round(figures.pss_mb, 1),
        "RSS, MB": round(figures.rss_mb, 1),
        "percent of a core": round(figures.core_percent, 1),
        "99 of 100 back after, s": round(figures.back_percentile_s, 1),
        "all back after, s": round(figures.back_s, 1),
    }


def run(*, processes: int, **about: Any) -> dict[str, Any]:
    """One run, with its surroundings and whether it meets its targets."""
    load = Load(**about)
    told, platform = surroundings(load), reach(need=ALL)
    if processes == 1:
        figures = measure(platform, load)
        return {**told, **shown(figures), "meets_targets": figures.meets_targets}
    many = ManyLoad(processes, load.chargers, load.charging, load.seconds, load.seed)
    found = measure_many(platform, many, platform.endpoints.as_environment())
    told = {**told, "processes": processes, "heartbeats/s": round(load.chargers / 60)}
    return {**told, **shown_many(found), "meets_targets": found.meets_targets}


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--chargers", type=int, default=1_000)
    said.add_argument("--charging", type=int, default=200, help="of them, a reading a second each")
    said.add_argument("--beats", type=int, default=100, help="heartbeats a second of the others")
    said.add_argument("--seconds", type=float, default=30.0)
    said.add_argument("--seed", type=int, default=1)
    said.add_argument("--processes", type=int, default=1, help="more: one of them is killed (-9)")
    found = run(**vars(said.parse_args())) | {"stolen_percent": stolen_percent()}
    print(json.dumps(found, indent=2))  # noqa: T201 (words of a command)
    sys.exit(0 if found["meets_targets"] else 1)


if __name__ == "__main__":
    main()
