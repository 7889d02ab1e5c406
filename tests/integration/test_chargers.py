"""Chargers of an independent client over the real bus: each call is answered once it is durable, and told once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from ocpp.v16 import call
from ocpp.v201 import call as call_201
from websockets.exceptions import ConnectionClosed, InvalidStatus

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from tests.a_charger import LIST, SECRET, SECRET_NAME, charger_16, charger_201, chargers_toml, socket_of
from tests.living_city import LivingCity, answers, end, wait_until

pytestmark = pytest.mark.cluster

CHARGE, HUB = "mobility.charge", "mobility.hub"
READY_S = 30


class Chargers:
    """A city of chargers, and its stage as a process."""

    def __init__(self, cluster: Endpoints, folder: Path) -> None:
        self.city = LivingCity(f"ocpp-{uuid4().hex[:8]}", folder, cluster, of="demo")
        self.port = free_port()
        with self.city.file.open("a", encoding="utf-8") as file:
            file.write(chargers_toml(self.port))
        (folder / "chargers.csv").write_text(LIST, encoding="utf-8")
        ensure_topics(cluster.kafka, [self.city.name])

    @contextmanager
    def served(self) -> Iterator[int]:
        """The stage runs; its process id."""
        web = free_port()
        words = ("run", str(self.city.file), "--stage", "chargers", "--quiet", "--web-port", str(web))
        stage = self.city.start(*words, environment={SECRET_NAME: SECRET})
        try:
            wait_until(lambda: answers(web) or stage.poll() is not None, READY_S)
            assert stage.poll() is None
            yield stage.pid
        finally:
            end(stage)


@pytest.fixture
def chargers(cluster: Endpoints, tmp_path: Path) -> Chargers:
    return Chargers(cluster, tmp_path)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def start(meter: int = 1_000) -> call.StartTransaction:
    return call.StartTransaction(connector_id=1, id_tag="CARD", meter_start=meter, timestamp=now())


def test_a_session_is_told_from_its_start_to_its_end(chargers: Chargers) -> None:
    name, port = chargers.city.name, chargers.port

    async def charge() -> int:
        async with charger_16(name, port, "C-1") as one:
            booted = await one.call(call.BootNotification(charge_point_model="M", charge_point_vendor="V"))
            assert booted.status == "Accepted"
            assert booted.interval == 300
            await one.call(
                call.StatusNotification(
                    connector_id=1, error_code="NoError", status="Charging", timestamp=now()
                )
            )
            begun = await one.call(start())
            sample = {"value": "1500", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
            value = [{"timestamp": now(), "sampledValue": [sample]}]
            await one.call(
                call.MeterValues(connector_id=1, transaction_id=begun.transaction_id, meter_value=value)
            )
            stop = call.StopTransaction(
                meter_stop=2_000, timestamp=now(), transaction_id=begun.transaction_id, reason="Local"
            )
            await one.call(stop)
            return int(begun.transaction_id)

    async def charge_201() -> None:
        async with charger_201(name, port, "C-2") as one:
            await one.call(
                call_201.StatusNotification(
                    timestamp=now(), connector_status="Occupied", evse_id=1, connector_id=1
                )
            )
            await one.call(
                call_201.TransactionEvent(
                    event_type="Started",
                    timestamp=now(),
                    trigger_reason="Authorized",
                    seq_no=0,
                    transaction_info={"transactionId": "T-1"},
                )
            )

    with chargers.served():
        number = asyncio.run(charge())
        asyncio.run(charge_201())
        told = chargers.city.values(CHARGE)  # at once: it was durable before the answer
        hubs = chargers.city.values(HUB)
        wait_until(lambda: bool(chargers.city.values("core.source")), 15)
    assert [(one["charger_id"], one["kind"], one["register_wh"]) for one in told] == [
        ("C-1", "started", "1000"),
        ("C-1", "reading", "1500"),
        ("C-1", "ended", "2000"),
        ("C-2", "started", None),
    ]
    assert {one["transaction_id"] for one in told} == {str(number), "T-1"}
    assert [(one["hub_id"], one["chargers"][0]["state"]) for one in hubs] == [
        ("C-1", "charging"),
        ("C-2", "blocked"),
    ]
    report = chargers.city.values("core.source")[-1]
    assert (report["source"], report["state"], report["events"]) == ("chargers", "hearing", 6)


def test_only_a_known_charger_with_its_own_key_comes_in(chargers: Chargers) -> None:
    name, port = chargers.city.name, chargers.port

    async def status(charger_id: str = "C-1", city: str = name, **about: str) -> int:
        try:
            async with socket_of(city, port, charger_id, **about):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    async def all_of_them() -> None:
        assert await status() == 101
        assert await status(key="0" * 40) == 401
        assert await status(user="C-2") == 401
        assert await status("C-9") == 404
        assert await status(city="elsewhere") == 404
        assert await status(subprotocol="ocpp1.5") == 400
        async with socket_of(name, port, "C-1") as first, socket_of(name, port, "C-1") as second:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(first.recv(), 5)
            await second.ping()
        counts = [await status(key="0" * 40) for _ in range(40)]
        assert counts.count(401) + 2 == 30
        assert set(counts) == {401, 429}
        assert await status() == 101

    with chargers.served():
        asyncio.run(all_of_them())


def test_an_answer_is_withheld_while_kafka_takes_nothing(chargers: Chargers) -> None:
    name, port = chargers.city.name, chargers.port
    begin = start()

    async def begun(timeout_s: float) -> int:
        async with charger_16(name, port, "C-1", timeout_s=timeout_s) as one:
            return int((await one.call(begin)).transaction_id)

    admin = AdminClient({"bootstrap.servers": chargers.city.places.kafka})
    with chargers.served():
        assert asyncio.run(begun(20)) > 0
        config = ConfigResource(
            ResourceType.TOPIC,
            chargers.city.topic("source.place"),
            incremental_configs=[
                ConfigEntry("max.message.bytes", "1", incremental_operation=AlterConfigOpType.SET)
            ],
        )
        admin.incremental_alter_configs([config])[config].result()

        async def is_withheld() -> None:
            async with charger_16(name, port, "C-2", timeout_s=2) as one:
                with pytest.raises(TimeoutError):
                    await one.call(begin)

        asyncio.run(is_withheld())
        assert [one["charger_id"] for one in chargers.city.values(CHARGE)] == ["C-1"]


def test_a_call_repeated_after_a_kill_has_the_same_number_and_is_told_once(chargers: Chargers) -> None:
    name, port = chargers.city.name, chargers.port
    begin = start()

    async def begun() -> int:
        async with charger_16(name, port, "C-3") as one:
            return int((await one.call(begin)).transaction_id)

    with chargers.served() as pid:
        first = asyncio.run(begun())
        os.kill(pid, signal.SIGKILL)
    with chargers.served():
        again = asyncio.run(begun())
    assert first == again
    assert [one["transaction_id"] for one in chargers.city.values(CHARGE)] == [str(first)]
