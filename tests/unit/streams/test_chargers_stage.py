"""The stage over a socket with a ledger in memory: orders, silence, and answers that wait for the commit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any
from zoneinfo import ZoneInfo

from ocpp.v16 import call
from prometheus_client import REGISTRY

from connectors.base import Bounds, SourceContext
from connectors.subjects.charger_list import charger_list
from deploy.assembly.stages import free_port
from schemas.event import Event
from streams.chargers.charging_settings import ChargersSettings
from streams.chargers.rows import PLACE, charger_of, memory_of
from streams.chargers.wishes import Circumstances, PowerWindow
from streams.stages.chargers import ChargersStage
from tests.a_charger import LIST, SECRET, charger_16, socket_of

CITY = "jeju"
CONTEXT = SourceContext(CITY, "chargers", ZoneInfo("Asia/Seoul"), Bounds(33.1, 126.1, 33.6, 127.0))
HEARTBEAT = call.Heartbeat()


class MemoryLedger:
    """Keeps events as a topic does. *gate*: commits wait while it is shut."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.gate = threading.Event()
        self.gate.set()

    def open(self, charger_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        rows = {one.key: memory_of(one.value) for one in self.events if one.topic == PLACE and one.value}
        return {charger_of("chargers", key) or "": memory for key, memory in rows.items()}

    def commit(self, events: Sequence[Event]) -> None:
        self.gate.wait(10)
        self.events += events

    def hubs(self) -> list[tuple[str, bool]]:
        """The hubs told: the state of the first connectors, and whether it is stale."""
        values = [one.value for one in self.events if one.topic == "mobility.hub" and one.value]
        return [(one["chargers"][0]["state"], one["is_stale"]) for one in values]


class City:
    """A city of chargers in this process. *now_ms*: its clock."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.port = free_port()
        self.now_ms = 1_772_960_400_000
        self.circumstances = Circumstances()

    @asynccontextmanager
    async def served(self) -> AsyncIterator[ChargersStage]:
        settings = ChargersSettings(
            CITY, "chargers", "127.0.0.1", self.port, charger_list(LIST), SECRET, refused=frozenset({"C-3"})
        )
        stage = ChargersStage(
            settings,
            CONTEXT,
            ledger=self.ledger,
            group="jeju.chargers",
            circumstances=lambda: self.circumstances,
            now_ms=lambda: self.now_ms,
            look_every_s=0.02,
        )
        running = asyncio.create_task(stage.run())
        try:
            async with asyncio.timeout(10):
                while not stage.is_ready:  # noqa: ASYNC110 (a state of the stage)
                    await asyncio.sleep(0.01)
            yield stage
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def until(holds: Any) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 (any state)
            await asyncio.sleep(0.01)


def accepted() -> float:
    labels = {"group": "jeju.chargers", "action": "SetChargingProfile", "outcome": "Accepted"}
    return REGISTRY.get_sample_value("bongsu_charger_orders_total", labels) or 0.0


def test_a_window_becomes_one_profile_also_after_a_restart_and_one_unanswered_is_given_again() -> None:
    async def story() -> None:
        city, before = City(), accepted()
        window = PowerWindow(city.now_ms, city.now_ms + 3_600_000, 11_000)
        async with city.served() as stage:
            async with socket_of(CITY, city.port, "C-1") as deaf:
                city.circumstances = Circumstances([window])
                assert b"SetChargingProfile" in await asyncio.wait_for(deaf.recv(decode=False), 5)
            async with charger_16(CITY, city.port, "C-1") as one:
                await until(lambda: one.profiles)
                await until(lambda: stage.posts["C-1"].memory.get("asked"))
                assert one.profiles[0]["cs_charging_profiles"]["charging_schedule"][
                    "charging_schedule_period"
                ] == [{"start_period": 0, "limit": 11_000}]
        async with city.served(), charger_16(CITY, city.port, "C-1") as one:
            await one.call(HEARTBEAT)
            await asyncio.sleep(0.2)
            assert one.profiles == []
        assert accepted() == before + 1

    asyncio.run(story())


def test_a_silent_charger_is_told_once_though_the_stage_starts_anew() -> None:
    async def story() -> None:
        city = City()
        async with city.served(), charger_16(CITY, city.port, "C-1") as one:
            await one.call(call.StatusNotification(connector_id=1, error_code="NoError", status="Charging"))
            city.now_ms += 900_001
            await until(lambda: len(city.ledger.hubs()) == 2)
        async with city.served():
            city.now_ms += 2_000_000
            await asyncio.sleep(0.2)
            async with charger_16(CITY, city.port, "C-1") as one:
                await one.call(HEARTBEAT)
        assert city.ledger.hubs() == [("charging", False), ("unknown", True), ("charging", False)]

    asyncio.run(story())


def test_an_answer_waits_for_the_commit_and_a_heartbeat_does_not() -> None:
    async def story() -> None:
        city = City()
        begin = call.StartTransaction(
            connector_id=1, id_tag="CARD", meter_start=0, timestamp="2026-03-08T09:00:00Z"
        )
        async with (
            city.served(),
            charger_16(CITY, city.port, "C-1") as one,
            charger_16(CITY, city.port, "C-2") as two,
        ):
            await two.call(HEARTBEAT)
            city.ledger.gate.clear()
            asked = asyncio.create_task(one.call(begin))
            await two.call(HEARTBEAT)
            await asyncio.sleep(0.2)
            assert not asked.done()
            city.ledger.gate.set()
            assert (await asked).transaction_id > 0
        assert "CARD" not in str(city.ledger.events)

    asyncio.run(story())


def test_an_answer_of_a_charger_that_has_gone_writes_over_no_memory() -> None:
    async def story() -> None:
        city, before = City(), accepted()
        async with city.served() as stage, charger_16(CITY, city.port, "C-1") as one:
            post = stage.posts["C-1"]
            await until(lambda: post.is_joined)
            async with post.lock:  # as a call that waits for its commit holds it
                city.circumstances = Circumstances(
                    [PowerWindow(city.now_ms, city.now_ms + 3_600_000, 11_000)]
                )
                await until(lambda: one.profiles)
                await until(lambda: accepted() == before + 1)
                stage.server.end(post)  # another process has it now
            await asyncio.sleep(0.1)
            assert [one.key for one in city.ledger.events if one.topic == PLACE] == []

    asyncio.run(story())
