"""Closures over HTTP: two gateways, one log, one end. The log is a list; each gateway reads it late."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from connectors.gateway import closure_list, closures
from connectors.gateway.app import app_of
from connectors.gateway.closure_desk import EndWish
from schemas.catalogue import load_catalogue
from schemas.errors import Retriable
from schemas.event import Event
from schemas.rows import RowCodec
from streams.operators.closure_desk import LogClosures
from streams.runtime.follower import Following
from streams.runtime.records import Record
from tests.unit.gateway.an_app import NOON_MS, Here
from tests.unit.gateway.test_ride_desk import JsonWire

TOPIC = "springfield.core.closure"
CODEC = RowCodec(load_catalogue()["core.closure"].newest)
SQUARE = {"type": "Polygon", "coordinates": [[[126.5, 33.2], [126.6, 33.2], [126.6, 33.3], [126.5, 33.2]]]}
CLOSE = {"geometry": SQUARE, "reason": "flood"}


@dataclass
class ClosureLog:
    """The topic of closures, and the desks that follow it. *fails*: nothing can be written."""

    records: list[Record] = field(default_factory=list)
    desks: list[LogClosures] = field(default_factory=list)
    fails: bool = False

    def publish(self, event: Event) -> None:
        if self.fails:
            raise Retriable("no broker")
        CODEC.encode(dict(event.value or {}))
        number = len(self.records)
        value = orjson.dumps(event.value)
        self.records.append(Record(TOPIC, 0, number, NOON_MS, event.key.encode(), value, {}))
        for desk in self.desks:
            desk._follower.pass_on([self.records[-1]], is_at_end=True)

    def desk(self) -> LogClosures:
        found = LogClosures(
            "springfield",
            Following("test", bootstrap="nowhere"),
            bootstrap="nowhere",
            wire=JsonWire(),
            now_ms=lambda: NOON_MS,
            publish=self.publish,
        )
        found._follower.begin()
        found._follower.pass_on(self.records, is_at_end=True)
        self.desks.append(found)
        return found


@dataclass
class Gateways:
    """Two gateways at one log."""

    here: Here
    log: ClosureLog
    apps: list[Any]

    def ask(self, method: str, path: str, role: str = "operator", gateway: int = 0, **about: Any) -> httpx.Response:
        key = about.pop("key", None)
        sent = {"authorization": f"Bearer {self.here.keys[role]}", "content-type": "application/json"}
        sent |= {} if key is None else {"idempotency-key": key}

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.apps[gateway])
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                return await client.request(method, f"/v1/springfield/closures{path}", headers=sent, **about)

        return asyncio.run(asked())

    def close(self, body: dict[str, Any] | None = None, **about: Any) -> httpx.Response:
        return self.ask("POST", "", content=json.dumps(CLOSE if body is None else body), **about)
