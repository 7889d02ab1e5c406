"""A charger that speaks OCPP by the package ``ocpp``, an independent client, and a city that serves it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint as ChargePoint16
from ocpp.v16 import call_result
from ocpp.v201 import ChargePoint as ChargePoint201
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from connectors.subjects.charger_keys import charger_key

SECRET = "a secret of the tests, long enough"  # noqa: S105 (of no real city)
SECRET_NAME = "CHARGERS_SECRET"  # noqa: S105 (the name of a variable)
IDS = ("C-1", "C-2", "C-3")
LIST = "id,operator,lat,lon\n" + "".join(f"{one},greego,33.5,126.5\n" for one in IDS)


def chargers_toml(port: int, more: str = "") -> str:
    """``[chargers]`` of a city's file."""
    return f'\n[chargers]\nport = {port}\nsecret = "${{{SECRET_NAME}}}"\nlist = "chargers.csv"\n{more}\n'


class Charger16(ChargePoint16):  # type: ignore[misc] # the package has no types
    """A charger of OCPP 1.6 that takes profiles. *profiles*: those that it was given."""

    def __init__(self, *about: Any, **more: Any) -> None:
        super().__init__(*about, **more)
        self.profiles: list[dict[str, Any]] = []

    @on("SetChargingProfile")  # type: ignore[untyped-decorator] # as above
    def take(self, **said: Any) -> call_result.SetChargingProfile:
        self.profiles.append(said)
        return call_result.SetChargingProfile(status="Accepted")


@asynccontextmanager
async def socket_of(
    city: str,
    port: int,
    charger_id: str,
    *,
    subprotocol: str = "ocpp1.6",
    key: str | None = None,
    user: str | None = None,
) -> AsyncIterator[ClientConnection]:
    """A connection of *charger_id*, with the right key if none is given."""
    key = charger_key(SECRET, city, charger_id) if key is None else key
    packed = base64.b64encode(f"{charger_id if user is None else user}:{key}".encode()).decode()
    async with connect(
        f"ws://127.0.0.1:{port}/ocpp/{city}/{charger_id}",
        subprotocols=[Subprotocol(subprotocol)],
        additional_headers={"Authorization": f"Basic {packed}"},
        proxy=None,
        close_timeout=1,
    ) as connection:
        yield connection


@asynccontextmanager
async def charger_16(
    city: str, port: int, charger_id: str, *, timeout_s: float = 30
) -> AsyncIterator[Charger16]:
    """A charger of OCPP 1.6 that is connected."""
    async with socket_of(city, port, charger_id) as connection:
        charger = Charger16(charger_id, connection, response_timeout=timeout_s)
        listening = asyncio.create_task(charger.start())
        try:
            yield charger
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


@asynccontextmanager
async def charger_201(city: str, port: int, charger_id: str) -> AsyncIterator[ChargePoint201]:
    """A charger of OCPP 2.0.1 that is connected."""
    async with socket_of(city, port, charger_id, subprotocol="ocpp2.0.1") as connection:
        charger = ChargePoint201(charger_id, connection)
        listening = asyncio.create_task(charger.start())
        try:
            yield charger
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
