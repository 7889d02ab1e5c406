"""A closure on the real bus closes the chargers in its area and no other, and opens them again at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from connectors.transport.charger_fleet import ChargerFleet
from connectors.transport.web_page import wall_clock_ms
from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from streams.closures.closure_rows import closure_event, ended
from tests.charger_city import SECRET, SECRET_NAME, fleet_of, keys_of, names_of, served_at
from tests.closed_places import a_closure
from tests.living_city import LivingCity, answers, end, wait_until
from tests.match_city import Bus

pytestmark = pytest.mark.cluster

ARRIVES_S = 10.0
PLACES = "id,operator,lat,lon\nSIM-00000,x,33.5,126.5\nSIM-00001,x,33.5,126.5\nSIM-00002,x,33.7,126.5\n"
AREA = {"type": "Polygon", "coordinates": [[[126.4, 33.4], [126.6, 33.4], [126.6, 33.6], [126.4, 33.6]]]}


async def within(seconds: float, holds: Callable[[], object]) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 (a state of chargers)
            await asyncio.sleep(0.02)


@pytest.mark.timeout(90)
def test_a_closure_closes_the_chargers_in_it_until_it_is_over(cluster: Endpoints, tmp_path: Path) -> None:
    city = LivingCity(f"closed-{uuid4().hex[:8]}", tmp_path, cluster, of="demo")
    port, web = free_port(), free_port()
    chargers = fleet_of(3, seed=3, heartbeat_s=2, session_s=(0.5, 1), pause_s=(0.1, 0.3))
    names = names_of(chargers)
    with city.file.open("a", encoding="utf-8") as file:
        file.write(served_at(port))
    (tmp_path / "chargers.csv").write_text(PLACES, encoding="utf-8")
    ensure_topics(cluster.kafka, [city.name])
    bus = Bus(city.name, cluster.kafka, city.wire)
    words = ("run", str(city.file), "--stage", "chargers", "--quiet", "--web-port", str(web))
    stage = city.start(*words, environment={SECRET_NAME: SECRET})
    closure = a_closure(AREA)

    def operative() -> list[bool]:
        return [one.orders.is_operative for one in chargers]

    async def story() -> None:
        keys, url = keys_of(names, city.name), f"ws://127.0.0.1:{port}/ocpp/{city.name}"
        fleet = ChargerFleet(chargers, url=url, keys=keys, seed=3, look_s=0.1)
        running = asyncio.create_task(fleet.run())
        try:
            await within(10, lambda: fleet.connected == 3)
            bus.put([closure_event(city.name, "test", closure, now_ms=wall_clock_ms())])
            await within(ARRIVES_S, lambda: operative() == [False, False, True])
            await within(5, lambda: not any(one.session for one in chargers[:2]))
            begun = [len(one.ledger) for one in chargers]
            await within(5, lambda: len(chargers[2].ledger) > begun[2] + 1)
            assert [len(one.ledger) for one in chargers[:2]] == begun[:2], "none begins in a closed area"
            bus.put([closure_event(city.name, "test", ended(closure, "action-2"), now_ms=wall_clock_ms())])
            await within(ARRIVES_S, lambda: operative() == [True] * 3)
            await within(5, lambda: all(len(one.ledger) > n for one, n in zip(chargers, begun, strict=True)))
        finally:
            fleet.stop()
            await running

    try:
        wait_until(lambda: answers(web) or stage.poll() is not None, 30)
        asyncio.run(story())
    finally:
        end(stage)
        city.remove()
