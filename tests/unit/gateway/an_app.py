"""A gateway in this process: the real application, the real spool, a source of our own form. No Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import orjson
from fastapi import FastAPI

from connectors.base import Bounds, SourceContext
from connectors.discovery import load_source
from connectors.gateway.accounts import Accounts, new_key
from connectors.gateway.app import app_of
from connectors.gateway.examination import PushedSource
from connectors.gateway.service import Gateway
from connectors.gateway.spool import Spool

NOON_MS = 1_780_000_000_000
CONTEXT = SourceContext("springfield", "reports", ZoneInfo("Asia/Seoul"), Bounds(36.0, 127.0, 37.0, 128.0))
REPORT = {
    "agency": "police",
    "agency_case_no": "26-1",
    "kind": "crash",
    "kind_text": "교통사고",
    "status": "open",
    "units": [],
    "revision": 1,
    "event_time": NOON_MS,
    "position": {"lat": 36.5, "lon": 127.5},
}


@dataclass
class Here:
    """The gateway, its spool, and keys of two accounts."""

    gateway: Gateway
    spool: Spool
    key: str
    other_key: str = ""
    app: FastAPI = field(init=False)
    is_stopped: bool = False
    over: str | None = None
    spool_file: Path = Path()

    def __post_init__(self) -> None:
        self.app = app_of(self.gateway)

    def post(
        self, body: Any, *, path: str = "/v1/springfield/sources/reports", **headers: str
    ) -> httpx.Response:
        """Push *body*; ``header_name="…"`` for headers, ``authorization=""`` for none."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return asyncio.run(self._post(path, content, {name: value for name, value in sent.items() if value}))

    async def _post(
        self,
        path: str,
        content: bytes | AsyncIterator[bytes],
        headers: dict[str, str] | list[tuple[str, str]],
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.post(path, content=content, headers=headers)

    def post_with(self, body: Any, headers: list[tuple[str, str]]) -> httpx.Response:
        """Push *body* with these headers, of which one may come twice, and the key."""
        sent = [("authorization", f"Bearer {self.key}"), *headers]
        return asyncio.run(self._post("/v1/springfield/sources/reports", orjson.dumps(body), sent))

    def post_in_pieces(self, pieces: Sequence[bytes]) -> httpx.Response:
        """Push a body of unknown length (``Transfer-Encoding: chunked``)."""

        async def body() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        return asyncio.run(self._post("/v1/springfield/sources/reports", body(), headers))

    def get(self, path: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                return await client.get(path)

        return asyncio.run(ask())

    def bodies(self) -> list[bytes]:
        """The bodies in the spool."""
        return [one.body for one in self.spool.waiting("reports")]


@contextmanager
def a_gateway(
    folder: Path,
    *,
    spool_bytes: int = 1 << 20,
    requests_per_s: float | None = None,
    body_bytes: int = 100_000,
) -> Iterator[Here]:
    spool = Spool(folder / "spool.sqlite", bytes_max=spool_bytes, reserve_bytes=1 << 20)
    key, account = new_key(
        "springfield", "police", ["reports"], now_ms=NOON_MS, requests_per_s=requests_per_s
    )
    other_key, other = new_key("springfield", "police-2", ["reports"], now_ms=NOON_MS)
    source = load_source("city_events", CONTEXT, {"contract": "police.incident"})
    accounts = Accounts([account.value or {}, other.value or {}])
    sources: dict[str, PushedSource] = {}
    here = Here(
        Gateway("springfield", sources, accounts, spool, lambda: NOON_MS, body_bytes_max=body_bytes),
        spool,
        key,
        other_key,
    )
    here.spool_file = folder / "spool.sqlite"
    sources["reports"] = PushedSource(
        "reports",
        source,
        is_stopped=lambda: here.is_stopped,
        over=lambda: here.over,
        agencies=("police", "112"),
    )
    try:
        yield here
    finally:
        spool.close()
