"""Several processes of the stage of chargers for one city: all chargers connected, one process killed (-9), sessions exact.

Called by ``tests.bench.chargers`` where there are more processes than one. The fleet chooses a process as a load balancer
with least connections does. A kilowatt-hour is counted at the end, from what was told and from what the chargers did.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from connectors.simulation.chargers import SimulatedCharger
from connectors.transport.charger_fleet import ChargerFleet
from deploy.assembly.stages import free_port
from deploy.platform import Platform
from deploy.topics import ensure_topics
from schemas.catalogue import topic_name
from schemas.errors import Fatal
from streams.runtime.kafka import read_whole
from tests.bench.bench_city import remove_topics
from tests.bench.idle import CITY, pss_mb
from tests.bench.latency import percentile
from tests.charger_city import fleet_of, keys_of, list_of, names_of, served_at
from tests.charger_processes import ChargerProcesses
from tests.charger_truth import differences

BACK_S, LET_IN_S, ENDED_S = 30.0, 240.0, 90.0
ROOM = 1.3
"""Connections that a process takes, of those that it has while all processes run: one may be killed."""
LONG_S = 10**7


@dataclass(frozen=True, slots=True)
class ManyLoad:
    """*charging*: chargers of which sessions begin and end all the time; each charger has a heartbeat a minute."""

    processes: int = 6
    chargers: int = 10_500
    charging: int = 300
    seconds: float = 30.0
    seed: int = 1


@dataclass(slots=True)
class ManyFigures:
    connected: int = 0
    let_in_s: float = 0.0
    unanswered: int = 0
    p99_ms: float = 0.0
    moved: int = 0
    back_s: float = 0.0
    answered_s: float = 0.0
    sessions: int = 0
    faults: int = 0
    pss_mb: float = 0.0
    wanted: int = 0

    @property
    def meets_targets(self) -> bool:
        is_whole = self.connected == self.wanted and not self.unanswered and not self.faults
        return is_whole and self.sessions > 0 and self.answered_s <= BACK_S


def measure_many(platform: Platform, load: ManyLoad, places: dict[str, str]) -> ManyFigures:
    """One run. ``Fatal`` where chargers are not let in, or a process ends."""
    name, port = f"chargers-{uuid4().hex[:8]}", free_port()
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as folder:
        file = Path(folder) / f"{name}.toml"
        room = round(ROOM * load.chargers / load.processes)
        text = CITY.format(name=name, port=free_port()) + served_at(port, interval_s=300)
        file.write_text(f"{text}connections_max = {room}\n", encoding="utf-8")
        names = [f"SIM-{number:05}" for number in range(load.chargers)]
        (Path(folder) / "chargers.csv").write_text(list_of(names), encoding="utf-8")
        ensure_topics(platform.kafka, [name])
        processes = ChargerProcesses(name, file, port, places)
        try:
            processes.start(load.processes)
            chargers = chargers_of_many(load)
            keys = keys_of(names_of(chargers), name)
            fleet = ChargerFleet(chargers, url=[*processes.running], keys=keys, seed=load.seed, look_s=20)
            figures = asyncio.run(_measured(load, fleet, processes))
            topic = topic_name(name, "mobility.charge")
            told = [
                platform.wire.decode(one.topic, one.value)
                for one in read_whole(platform.kafka, [topic])
                if one.value is not None
            ]
            figures.faults = len(differences(told, chargers))
            figures.sessions = sum(len(one.ledger) for one in chargers)
            return figures
        finally:
            processes.end()
            remove_topics(platform, name)


def chargers_of_many(load: ManyLoad) -> list[SimulatedCharger]:
    about: dict[str, Any] = {"seed": load.seed, "heartbeat_s": 60, "interval_s": 15.0}
    busy = fleet_of(load.charging, session_s=(20, 60), pause_s=(1, 20), **about)
    calm = fleet_of(load.chargers, session_s=(20, 60), pause_s=(LONG_S, 2 * LONG_S), **about)
    # the first start is drawn from 0: the one or other of ten thousand may begin all the same, and is counted
    return [*busy, *calm[load.charging :]]


async def _measured(load: ManyLoad, fleet: ChargerFleet, processes: ChargerProcesses) -> ManyFigures:
    figures, begun = ManyFigures(wanted=load.chargers), time.monotonic()
    running = asyncio.create_task(fleet.run())
    await _until(lambda: fleet.connected == load.chargers, LET_IN_S, "chargers are not let in", fleet)
    await _until(lambda: len(fleet.answered_s) == load.chargers, BACK_S, "chargers are not answered", fleet)
    figures.let_in_s, figures.connected = time.monotonic() - begun, fleet.connected
    fleet.delays.clear()
    await asyncio.sleep(load.seconds)
    figures.p99_ms = percentile([1_000 * seconds for _, seconds in fleet.delays], 99)
    figures.pss_mb = max(pss_mb(psutil.Process(one.pid)) for one in processes.running.values())
    await _killed(load, fleet, processes, figures)
    if not await fleet.finish(ENDED_S):
        figures.unanswered = fleet.pending
    fleet.stop()
    await running
    return figures


async def _killed(
    load: ManyLoad, fleet: ChargerFleet, processes: ChargerProcesses, figures: ManyFigures
) -> None:
    """Kill the first process; measure until its chargers are connected, and answered, at others."""
    url = next(iter(processes.running))
    moved = [name for name, door in fleet.at.items() if door == url]
    processes.kill(url)
    killed = time.monotonic()
    fleet.answered_s.clear()
    figures.moved = len(moved)
    await _until(
        lambda: fleet.connected == load.chargers and url not in fleet.at.values(), LET_IN_S, "not back", fleet
    )
    figures.back_s = time.monotonic() - killed
    await _until(lambda: all(one in fleet.answered_s for one in moved), LET_IN_S, "not answered", fleet)
    figures.answered_s = max(fleet.answered_s[one] for one in moved) - killed


async def _until(is_so: Callable[[], bool], seconds: float, what: str, fleet: ChargerFleet) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise Fatal(f"void: {what}", hint=f"{fleet.connected} connected, {dict(fleet.counted)}")
        await asyncio.sleep(0.1)


def shown_many(figures: ManyFigures) -> dict[str, Any]:
    return {
        "connected": figures.connected,
        "all let in and answered after, s": round(figures.let_in_s, 1),
        "p99, ms": round(figures.p99_ms, 1),
        "PSS of the largest process, MB": round(figures.pss_mb, 1),
        "moved by the kill": figures.moved,
        "all back after, s": round(figures.back_s, 1),
        "first answer of the last moved after, s": round(figures.answered_s, 1),
        "sessions": figures.sessions,
        "sessions lost, doubled or wrong": figures.faults,
        "messages unanswered": figures.unanswered,
    }
