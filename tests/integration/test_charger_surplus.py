"""A window of surplus on the real bus reaches chargers of both versions in its area, and is undone at its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from connectors.simulation.chargers import SimulatedCharger
from connectors.transport.charger_fleet import ChargerFleet
from connectors.transport.web_page import wall_clock_ms
from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.event import Event, event_fields
from tests.charger_city import SECRET, SECRET_NAME, fleet_of, keys_of, list_of, names_of, served_at
from tests.living_city import LivingCity, answers, end, wait_until
from tests.match_city import Bus

pytestmark = pytest.mark.cluster

SURPLUS = "energy.surplus"
ARRIVES_S = 5.0
AREAS = '\n[energy]\nprice = "50"\n[energy.areas.east]\nchargers = ["SIM-00000", "SIM-00001"]\n'


def window(city: str, window_id: str, state: str, begins_at: int, seconds: int, **more: Any) -> Event:
    at_ms = wall_clock_ms()
    value = event_fields(
        city, "feed", event_id=f"{window_id}-{state}", event_time_ms=at_ms, received_ms=at_ms
    ) | {
        "area": "east",
        "window_id": window_id,
        "state": state,
        "begins_at": begins_at,
        "ends_at": begins_at + seconds * 1_000,
        "kwh": None,
        "price": None,
        "limit_w": 3_500,
        "announced_by": None,
        "command_id": None,
        **more,
    }
    return Event(SURPLUS, "east", value)


async def within(seconds: float, holds: Callable[[], object]) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 (a state of chargers)
            await asyncio.sleep(0.02)


def limits(chargers: list[SimulatedCharger], at_ms: int) -> list[int | None]:
    return [next((one.watts(at_ms, at_ms) for one in each.meter.profiles), None) for each in chargers]


def shown(charger: SimulatedCharger) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(charger.orders.shown or "{}")
    return told


@pytest.mark.long
@pytest.mark.timeout(90)
def test_a_window_of_surplus_reaches_its_chargers_and_is_undone(cluster: Endpoints, tmp_path: Path) -> None:
    city = LivingCity(f"surplus-{uuid4().hex[:8]}", tmp_path, cluster, of="demo")
    port, web = free_port(), free_port()
    chargers = fleet_of(3, seed=3, heartbeat_s=2)
    names = names_of(chargers)
    with city.file.open("a", encoding="utf-8") as file:
        file.write(served_at(port) + AREAS)
    (tmp_path / "chargers.csv").write_text(list_of(names), encoding="utf-8")
    ensure_topics(cluster.kafka, [city.name])
    bus = Bus(city.name, cluster.kafka, city.wire)
    words = ("run", str(city.file), "--stage", "chargers", "--quiet", "--web-port", str(web))
    stage = city.start(*words, environment={SECRET_NAME: SECRET})

    async def story() -> None:
        keys, url = keys_of(names, city.name), f"ws://127.0.0.1:{port}/ocpp/{city.name}"
        fleet = ChargerFleet(chargers, url=url, keys=keys, seed=3, look_s=0.1)
        running = asyncio.create_task(fleet.run())
        try:
            await within(10, lambda: fleet.connected == 3)
            begins = wall_clock_ms() // 1_000 * 1_000 + 1_000
            bus.put([window(city.name, "short", "planned", begins, 4)])
            await asyncio.sleep((begins - wall_clock_ms()) / 1_000)
            await within(ARRIVES_S, lambda: all(map(shown, chargers[:2])))
            assert limits(chargers, begins + 1_000) == [3_500, 3_500, None]
            assert limits(chargers, begins + 4_000) == [None] * 3
            assert shown(chargers[0])["reward_per_kwh"] == "50" and not shown(chargers[2])
            begins = wall_clock_ms() // 1_000 * 1_000
            bus.put([window(city.name, "long", "planned", begins, 3_600, area="*", price="70.50")])
            at_ms = begins + 1_800_000  # the short one ends first
            await within(4 + ARRIVES_S, lambda: limits(chargers, at_ms) == [3_500] * 3)
            await within(ARRIVES_S, lambda: {shown(one)["reward_per_kwh"] for one in chargers} == {"70.5"})
            ends = {shown(one)["ends_at"] for one in chargers}
            bus.put([window(city.name, "long", "withdrawn", begins, 3_600, area="*", price="70.50")])
            await within(ARRIVES_S, lambda: not any(limit for limit in limits(chargers, at_ms)))
            await within(ARRIVES_S, lambda: not any(shown(one)["ends_at"] in ends for one in chargers))
        finally:
            fleet.stop()
            await running

    try:
        wait_until(lambda: answers(web) or stage.poll() is not None, 30)
        asyncio.run(story())
    finally:
        end(stage)
        city.remove()
