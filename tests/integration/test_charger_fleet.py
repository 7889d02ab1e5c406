"""Simulated chargers over real sockets, against a central system made of the package ``ocpp``, which is not ours."""

from __future__ import annotations

import asyncio
import logging
import random
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any, TypeVar, cast

from ocpp import routing
from ocpp.v16 import ChargePoint as Desk16
from ocpp.v16 import call as call_16
from ocpp.v16 import call_result as result_16
from ocpp.v201 import ChargePoint as Desk201
from ocpp.v201 import call_result as result_201
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from connectors.simulation.charger_plan import ChargerPlan
from connectors.simulation.chargers import SimulatedCharger
from connectors.transport.charger_fleet import BACK_OFF_S, ChargerFleet, back_off_s
from connectors.transport.web_page import wall_clock_ms

logging.getLogger("ocpp").setLevel(logging.WARNING)
NOW, ACCEPTED = "2026-01-01T00:00:00Z", {"status": "Accepted"}


F = TypeVar("F", bound=Callable[..., Any])


def on(action: str) -> Callable[[F], F]:
    """Serve *action*: the decorator of the package, which has no types."""
    return cast("Callable[[F], F]", routing.on(action))


class Heard:
    """All that the central system heard."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.desks: dict[str, Any] = {}
        self.energy_wh: Counter[str] = Counter()
        self.starts: dict[tuple[str, str], int] = {}


class Central16(Desk16):  # type: ignore[misc]  # the package has no types
    heard: Heard

    @on("BootNotification")
    def boot(self, **_: Any) -> Any:
        return result_16.BootNotification(current_time=NOW, interval=1, status="Accepted")

    @on("Heartbeat")
    def heartbeat(self) -> Any:
        self.heard.calls[self.id, "Heartbeat"] += 1
        return result_16.Heartbeat(current_time=NOW)

    @on("StatusNotification")
    def status(self, **_: Any) -> Any:
        self.heard.calls[self.id, "StatusNotification"] += 1
        return result_16.StatusNotification()

    @on("MeterValues")
    def values(self, **_: Any) -> Any:
        self.heard.calls[self.id, "MeterValues"] += 1
        return result_16.MeterValues()

    @on("StartTransaction")
    def start_transaction(self, timestamp: str, meter_start: int, **_: Any) -> Any:
        key = (self.id, timestamp)
        if key not in self.heard.starts:
            self.heard.starts[key] = len(self.heard.starts) + 1
            self.heard.energy_wh[self.id] -= meter_start
        return result_16.StartTransaction(transaction_id=self.heard.starts[key], id_tag_info=ACCEPTED)

    @on("StopTransaction")
    def stop_transaction(self, meter_stop: int, **_: Any) -> Any:
        self.heard.energy_wh[self.id] += meter_stop
        return result_16.StopTransaction()


class Central201(Desk201):  # type: ignore[misc]  # the package has no types
    heard: Heard

    @on("BootNotification")
    def boot(self, **_: Any) -> Any:
        return result_201.BootNotification(current_time=NOW, interval=1, status="Accepted")

    @on("Heartbeat")
    def heartbeat(self) -> Any:
        return result_201.Heartbeat(current_time=NOW)

    @on("StatusNotification")
    def status(self, **_: Any) -> Any:
        return result_201.StatusNotification()

    @on("TransactionEvent")
    def event(self, event_type: str, **_: Any) -> Any:
        self.heard.calls[self.id, event_type] += 1
        return result_201.TransactionEvent()


@asynccontextmanager
async def a_central_system(heard: Heard, keys: dict[str, str], port: int = 0) -> AsyncIterator[Server]:
    def let_in(connection: ServerConnection, request: Request) -> Response | None:
        name = request.path.rpartition("/")[2]
        word = b64encode(f"{name}:{keys.get(name, '')}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {word}":
            return connection.respond(HTTPStatus.UNAUTHORIZED, "no")
        return None

    async def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        name = connection.request.path.rpartition("/")[2]
        kind = Central16 if connection.subprotocol == "ocpp1.6" else Central201
        desk: Any = kind(name, connection)
        desk.heard = heard
        heard.desks[name] = desk
        with suppress(ConnectionClosed):
            await desk.start()

    protocols = [Subprotocol("ocpp1.6"), Subprotocol("ocpp2.0.1")]
    async with serve(talk, "127.0.0.1", port, subprotocols=protocols, process_request=let_in) as server:
        yield server


def a_charger(name: str, version: Any, **changes: Any) -> SimulatedCharger:
    about: dict[str, Any] = {"interval_s": 0.2, "session_s": (0.5, 1.0), "pause_s": (0.1, 0.3)}
    return SimulatedCharger(
        ChargerPlan(charger_id=name, version=version, seed=3, **{**about, **changes}),
        begin_ms=wall_clock_ms(),
    )


async def until(true: Any, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 (what it waits for has no event)
            await asyncio.sleep(0.02)


def test_a_fleet_talks_is_cut_comes_back_and_loses_nothing() -> None:
    asyncio.run(_cut())


async def _cut() -> None:
    heard = Heard()
    chargers = [a_charger(f"CP-{n}", ("1.6", "2.0.1")[n % 2]) for n in range(6)]
    keys = {one.plan.charger_id: f"key-{n}" for n, one in enumerate(chargers)}
    async with a_central_system(heard, keys) as server:
        port = server.sockets[0].getsockname()[1]
        fleet = ChargerFleet(chargers, url=f"ws://127.0.0.1:{port}/ocpp/here", keys=keys, seed=3, look_s=0.1)
        running = asyncio.create_task(fleet.run())
        await until(lambda: fleet.connected == 6)
        await until(lambda: all(len(one.ledger) > 1 for one in chargers))
        profile = {
            "charging_profile_id": 1,
            "stack_level": 0,
            "charging_profile_purpose": "TxDefaultProfile",
            "charging_profile_kind": "Absolute",
            "charging_schedule": {
                "charging_rate_unit": "W",
                "charging_schedule_period": [{"start_period": 0, "limit": 1_000}],
            },
        }
        order = call_16.SetChargingProfile(connector_id=0, cs_charging_profiles=profile)
        assert (await heard.desks["CP-0"].call(order)).status == "Accepted"
        assert len(chargers[0].meter.profiles) == 1
    await until(lambda: fleet.connected == 0)
    await until(lambda: fleet.pending > 20)
    async with a_central_system(heard, keys, port):
        await until(lambda: fleet.connected == 6)
        assert await fleet.finish(20)
        fleet.stop()
        await running
    assert fleet.connected == 0 and fleet.counted["cut"] >= 6
    for one in chargers:
        name = one.plan.charger_id
        if one.plan.version == "1.6":
            told = sum(int(energy) for session in one.ledger if (energy := session.energy_wh) is not None)
            assert heard.energy_wh[name] == told
            assert {int(session.transaction_id or 0) for session in one.ledger} == {
                number for (charger, _), number in heard.starts.items() if charger == name
            }
        else:
            assert heard.calls[name, "Started"] >= len(one.ledger)
            assert heard.calls[name, "Ended"] >= len(one.ledger)
    assert len(fleet.delays) == fleet.counted["answers"] > 50


def test_a_charger_with_a_wrong_key_is_counted_and_tries_again() -> None:
    async def refused() -> None:
        heard = Heard()
        async with a_central_system(heard, {"CP-1": "right"}) as server:
            port = server.sockets[0].getsockname()[1]
            fleet = ChargerFleet(
                [a_charger("CP-1", "1.6")],
                url=f"ws://127.0.0.1:{port}/ocpp/here",
                keys={"CP-1": "wrong"},
                seed=1,
            )
            running = asyncio.create_task(fleet.run())
            await until(lambda: fleet.counted["HTTP 401"] >= 2)
            assert fleet.connected == 0 and not heard.desks
            running.cancel()
            await asyncio.wait([running])
            assert running.cancelled()

    asyncio.run(refused())


def test_waits_grow_and_stay_within_their_bounds() -> None:
    chance = random.Random(1)
    for failures in range(1, 40):
        assert BACK_OFF_S[0] <= back_off_s(chance, failures) <= BACK_OFF_S[1]
    late = [back_off_s(chance, 10) for _ in range(50)]
    early = [back_off_s(chance, 1) for _ in range(50)]
    assert max(early) < 1 < max(late)
