"""Two processes of the stage of chargers for one city: one is killed (-9), and its chargers go on at the other.

The seed is printed; ``BONGSU_SEED`` gives another.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from connectors.transport.charger_fleet import ChargerFleet
from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from tests.charger_city import fleet_of, keys_of, list_of, names_of, served_at
from tests.charger_processes import ChargerProcesses
from tests.charger_truth import differences, energy_wh
from tests.living_city import LivingCity

pytestmark = pytest.mark.cluster

SEED = int(os.environ.get("BONGSU_SEED", "20261130"))
CHARGERS, BACK_S = 60, 30.0


async def until(true: Callable[[], object], seconds: float, fleet: ChargerFleet) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110 (a state of chargers)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{fleet.connected} connected, {dict(fleet.counted)}") from None


async def killed(fleet: ChargerFleet, processes: ChargerProcesses) -> None:
    running = asyncio.create_task(fleet.run())
    await until(lambda: fleet.connected == CHARGERS and len(fleet.answered_s) == CHARGERS, 20, fleet)
    await until(lambda: all(one.session for one in fleet.chargers[:20]), 20, fleet)
    one, other = processes.running
    moved = [name for name, url in fleet.at.items() if url == one]
    assert 20 < len(moved) < 40, "they are shared out"
    processes.kill(one)
    killed_s = time.monotonic()
    fleet.answered_s.clear()
    await until(lambda: all(name in fleet.answered_s for name in moved), BACK_S, fleet)
    print(f"{len(moved)} chargers were answered again {time.monotonic() - killed_s:.1f} s after the kill")
    assert {*fleet.at.values()} == {other}
    assert await fleet.finish(20), f"{fleet.pending} messages were not answered"
    fleet.stop()
    await running


@pytest.mark.long
@pytest.mark.timeout(120)
def test_chargers_of_a_killed_process_go_on_at_another_and_no_session_is_lost_or_doubled(
    cluster: Endpoints, tmp_path: Path
) -> None:
    print(f"BONGSU_SEED={SEED}")
    city = LivingCity(f"moved-{uuid4().hex[:8]}", tmp_path, cluster, of="demo")
    chargers = fleet_of(
        CHARGERS,
        seed=SEED,
        interval_s=0.5,
        heartbeat_s=2,
        session_s=(3, 8),
        pause_s=(0.3, 1),
        answer_s=10,
        retry_s=0.5,
    )
    port, names = free_port(), names_of(chargers)
    with city.file.open("a", encoding="utf-8") as file:
        file.write(served_at(port))
    (tmp_path / "chargers.csv").write_text(list_of(names), encoding="utf-8")
    ensure_topics(cluster.kafka, [city.name])
    processes = ChargerProcesses(city.name, city.file, port, cluster.as_environment())
    try:
        processes.start(2)
        keys = keys_of(names, city.name)

        async def story() -> None:
            fleet = ChargerFleet(chargers, url=[*processes.running], keys=keys, seed=SEED, look_s=0.2)
            await killed(fleet, processes)

        asyncio.run(story())
        told = city.values("mobility.charge")
    finally:
        processes.end()
        city.remove()
    ledgers = [session for one in chargers for session in one.ledger]
    assert differences(told, chargers) == []
    assert energy_wh(told) == sum(session.energy_wh or 0 for session in ledgers) > 0
