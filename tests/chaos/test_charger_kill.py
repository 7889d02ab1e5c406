"""Simulated chargers on the real bus, while their central system is killed (-9): each watt-hour is told once.

The seed is printed; ``BONGSU_SEED`` gives another.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from connectors.simulation.chargers import SimulatedCharger
from connectors.transport.charger_fleet import ChargerFleet
from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from tests.charger_city import SECRET, SECRET_NAME, fleet_of, keys_of, list_of, names_of, served_at
from tests.charger_truth import differences, energy_wh
from tests.living_city import LivingCity, answers, end

pytestmark = pytest.mark.cluster

SEED = int(os.environ.get("BONGSU_SEED", "20261130"))
POINTS = ("random", "after", "held", "before")
READY_S, A_LIFE_S, DELIVERED_S = 40.0, 60.0, 60.0
LOST_PERCENT, UNHEARD_PERCENT = 8.0, 5.0


class KilledCity(LivingCity):
    """A city whose central system of chargers kills itself at *point*."""

    point = ""

    def command(self, *words: str) -> tuple[list[str], dict[str, str]]:
        command, environment = super().command(*words)
        if self.point and words[0] == "run":
            command = [sys.executable, "-m", "tests.chaos.killed_charger_stage", self.point, *words]
        return command, {**environment, SECRET_NAME: SECRET}


class ChargerStage:
    """The stage in its lives."""

    def __init__(self, city: KilledCity, chance: random.Random) -> None:
        self._city, self._chance = city, chance
        self.process: subprocess.Popen[bytes] | None = None
        self.killed: list[str] = []

    async def live(self, point: str) -> None:
        """Start it; let it be killed at *point*, or live on where there is none."""
        self._city.point = f"{point}:{self._chance.randrange(3, 20)}" if point not in ("", "random") else ""
        web = free_port()
        words = ("run", str(self._city.file), "--stage", "chargers", "--quiet", "--web-port", str(web))
        self.process = process = self._city.start(*words)
        if point in ("", "random"):
            async with asyncio.timeout(READY_S):
                while not await asyncio.to_thread(answers, web):
                    assert process.poll() is None, "the stage ended by itself"
                    await asyncio.sleep(0.1)
        if point == "":
            return
        if point == "random":
            await asyncio.sleep(self._chance.uniform(0, 2.5))
            os.killpg(process.pid, signal.SIGKILL)
        async with asyncio.timeout(A_LIFE_S):
            await asyncio.to_thread(process.wait, A_LIFE_S)
        assert process.returncode == -signal.SIGKILL
        self.killed.append(point)


async def killed_and_finished(fleet: ChargerFleet, stage: ChargerStage, points: Sequence[str]) -> None:
    running = asyncio.create_task(fleet.run())
    for point in points:
        await stage.live(point)
    await stage.live("")
    is_delivered = await fleet.finish(DELIVERED_S)
    fleet.stop()
    await running
    assert is_delivered, f"{fleet.pending} messages were not answered"


def kill(
    cluster: Endpoints, folder: Path, chargers: Sequence[SimulatedCharger], points: Sequence[str]
) -> None:
    """Kill the central system of *chargers* at each of *points*, and hold what is told against what they did."""
    print(f"BONGSU_SEED={SEED}")
    city = KilledCity(f"kill-{uuid4().hex[:8]}", folder, cluster, of="demo")
    port, names = free_port(), names_of(chargers)
    with city.file.open("a", encoding="utf-8") as file:
        file.write(served_at(port))
    (folder / "chargers.csv").write_text(list_of(names), encoding="utf-8")
    ensure_topics(cluster.kafka, [city.name])
    stage = ChargerStage(city, random.Random(SEED))
    url = f"ws://127.0.0.1:{port}/ocpp/{city.name}"

    async def all_of_it() -> ChargerFleet:
        fleet = ChargerFleet(chargers, url=url, keys=keys_of(names, city.name), seed=SEED, look_s=0.2)
        await killed_and_finished(fleet, stage, points)
        return fleet

    try:
        fleet = asyncio.run(all_of_it())
        told = city.values("mobility.charge")
    finally:
        if stage.process is not None:
            end(stage.process)
        city.remove()
    ledgers = [session for one in chargers for session in one.ledger]
    assert stage.killed == list(points)
    assert differences(told, chargers) == []
    assert energy_wh(told) == sum(session.energy_wh or 0 for session in ledgers) > 0
    unheard = sum(one.noted["answers that got lost"] for one in chargers)
    lost = sum(len(session.lost) for session in ledgers)
    assert unheard > 0 and lost > 0 and fleet.counted["cut"] > 0  # a kill may come before all are connected
    print(
        f"{len(points)} kills, {len(ledgers)} sessions, {len(told)} events, {energy_wh(told)} Wh, {lost} readings lost on"
    )
    print(
        f"purpose, {unheard} answers unheard, {fleet.counted['calls']} calls, {fleet.counted['cut']} connections cut"
    )


def chargers_of(count: int) -> list[SimulatedCharger]:
    return fleet_of(
        count,
        seed=SEED,
        interval_s=0.5,
        heartbeat_s=5,
        session_s=(2, 6),
        pause_s=(0.3, 2),
        answer_s=3,
        retry_s=0.5,
        lost_percent=LOST_PERCENT,
        unheard_percent=UNHEARD_PERCENT,
    )


@pytest.mark.timeout(120)
def test_no_watt_hour_is_lost_or_told_twice_when_the_central_system_is_killed(
    cluster: Endpoints, tmp_path: Path
) -> None:
    kill(cluster, tmp_path, chargers_of(10), ["held"])


@pytest.mark.long
@pytest.mark.timeout(600)
def test_no_watt_hour_is_lost_or_told_twice_by_ten_kills(cluster: Endpoints, tmp_path: Path) -> None:
    kill(cluster, tmp_path, chargers_of(50), [POINTS[n % 4] for n in range(10)])
