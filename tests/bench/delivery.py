"""From an incident being accepted to its alert outside: in a webhook, in server-sent events, and in the CAP feed.

Open loop: incidents are pushed to the gateway at their scheduled times, and each delay counts from the scheduled time. The
receivers are this process; the city is a worker of its own with all stages.
"""

from __future__ import annotations

import asyncio
import base64
import math
import os
import re
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson

from connectors.gateway.accounts import new_key
from deploy.assembly.child import worker_running
from deploy.assembly.stages import free_port
from deploy.city.city import load_city
from deploy.platform import Platform
from deploy.topics import ensure_topics
from schemas.errors import Fatal
from streams.runtime.kafka import transactional_producer
from streams.runtime.transaction import transaction
from tests.bench.bench_city import remove_topics
from tests.bench.machine import described

P99_TARGET_MS = 250.0
WARM_UP_S, READY_S, LAST_S = 5.0, 60.0, 15.0
FEED_EVERY_S = 0.05
APART_DEG = 0.05
"""About 5 km: no two incidents are one happening."""
WAYS = ("webhook", "sse", "cap")
CITY = """
name = "{name}"
timezone = "Etc/UTC"
law = "us"
[bounds]
south = 0
west = 0
north = 60
east = 60
[gateway]
port = {port}
[deliver]
allow_hosts = ["127.0.0.1"]
[cap]
public = ["operator"]
[[source]]
name = "reports"
type = "city_events"
contract = "fire.incident"
push = true
[[subscription]]
name = "bench"
who = "bench"
sink = "webhook"
audience = "*"
contracts = ["core.alert"]
url = "http://127.0.0.1:{hook}/hook"
secrets = ["${{BENCH_SECRET}}"]
"""


@dataclass(frozen=True, slots=True)
class Load:
    """*rate* incidents a second for *seconds*, after the warm-up."""

    rate: float = 20.0
    seconds: float = 60.0

    @property
    def incidents(self) -> int:
        return round(self.rate * (WARM_UP_S + self.seconds))


@dataclass(slots=True)
class Figures:
    """Milliseconds from the scheduled time, by way; *accepted_ms*: until the gateway's answer."""

    accepted_ms: list[float] = field(default_factory=list)
    delays_ms: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    repeats: int = 0

    @property
    def meets_targets(self) -> bool:
        return all(percentile(self.delays_ms[way], 99) <= P99_TARGET_MS for way in WAYS)


@dataclass(slots=True)
class Seen:
    """The time at which each way first told of each incident, by its latitude's number."""

    at_s: dict[str, dict[int, float]] = field(default_factory=lambda: {way: {} for way in WAYS})
    numbers: dict[str, int] = field(default_factory=dict)
    """Alert id → the number of its incident, as the webhook tells: CAP has the alert's id and no number."""
    unnumbered: dict[str, float] = field(default_factory=dict)
    repeats: int = 0

    def event(self, way: str, event: Mapping[str, Any]) -> None:
        data = event["data"]
        if data["audience"] != "operator" or data["position"] is None:
            return
        number = number_of(data["position"])
        if number in self.at_s[way]:
            self.repeats += data["revision"] == 1 and way == "webhook"
            return
        self.at_s[way][number] = time.perf_counter()
        self.numbers[data["alert_id"]] = number
        if (at := self.unnumbered.pop(data["alert_id"], None)) is not None:
            self.at_s["cap"].setdefault(number, at)

    def cap(self, alert_id: str) -> None:
        now = time.perf_counter()
        if (number := self.numbers.get(alert_id)) is not None:
            self.at_s["cap"].setdefault(number, now)
        else:
            self.unnumbered.setdefault(alert_id, now)


def place_of(number: int) -> dict[str, float]:
    row, column = divmod(number, 1_000)
    return {"lat": 1 + column * APART_DEG, "lon": 1 + row * APART_DEG, "accuracy_m": 10.0}


def number_of(position: Mapping[str, Any]) -> int:
    row, column = ((float(position[name]) - 1) / APART_DEG for name in ("lon", "lat"))
    return round(row) * 1_000 + round(column)


def measure(platform: Platform, load: Load) -> Figures:
    """One run. ``Fatal`` when an incident's alert did not come out by every way: then no figure counts."""
    hook, port = free_port(), free_port()
    with _city(platform, hook, port) as (city, key):
        os.environ["BENCH_SECRET"] = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        with worker_running(load_city(city)):
            return asyncio.run(_measured(load, Path(city).stem, hook, port, key))


async def _measured(load: Load, city: str, hook: int, port: int, key: str) -> Figures:
    seen = Seen()
    root = f"http://127.0.0.1:{port}/v1/{city}"
    headers = {"Authorization": f"Bearer {key}"}
    async with _receiver(hook, seen), httpx.AsyncClient(headers=headers, timeout=10) as client:
        await _ready(client, f"http://127.0.0.1:{port}/readyz")
        async with asyncio.TaskGroup() as group:
            watching = [
                group.create_task(_stream(client, root, seen)),
                group.create_task(_feed(client, root, seen)),
            ]
            await asyncio.sleep(1)
            due_s, figures = await _push(client, root, load, seen)
            for one in watching:
                one.cancel()
    figures.repeats = seen.repeats
    first = round(WARM_UP_S * load.rate)
    for way in WAYS:
        missing = [number for number in due_s if number not in seen.at_s[way]]
        if missing:
            raise Fatal(f"void: {len(missing)} of {len(due_s)} incidents never came out by {way}")
        figures.delays_ms[way] = [
            (seen.at_s[way][number] - due) * 1_000 for number, due in due_s.items() if number >= first
        ]
    return figures


async def _push(
    client: httpx.AsyncClient, root: str, load: Load, seen: Seen
) -> tuple[dict[int, float], Figures]:
    """Push the load; return each incident's scheduled time."""
    figures, due_s = Figures(), dict[int, float]()
    begun = time.perf_counter() + 0.5

    async def one(number: int) -> None:
        answer = await client.post(f"{root}/sources/reports", json=_incident(number))
        if answer.status_code != 202:
            raise Fatal(f"void: the gateway answered {answer.status_code} to incident {number}")
        figures.accepted_ms.append((time.perf_counter() - due_s[number]) * 1_000)

    async with asyncio.TaskGroup() as group:
        for number in range(load.incidents):
            due_s[number] = begun + number / load.rate
            await asyncio.sleep(max(0.0, due_s[number] - time.perf_counter()))
            group.create_task(one(number))
    until = time.perf_counter() + LAST_S
    while (  # noqa: ASYNC110 (told by three ways: a look now and then is simpler)
        any(len(seen.at_s[way]) < load.incidents for way in WAYS) and time.perf_counter() < until
    ):
        await asyncio.sleep(0.1)
    return due_s, figures


def _incident(number: int) -> dict[str, Any]:
    return {
        "agency": "119",
        "agency_case_no": f"B-{number}",
        "kind": "fire.structure",
        "kind_text": "building fire",
        "status": "open",
        "units": [],
        "revision": 1,
        "event_time": time.time_ns() // 1_000_000,
        "position": place_of(number),
    }


async def _stream(client: httpx.AsyncClient, root: str, seen: Seen) -> None:
    """Read the server-sent events line by line: ``data`` has the whole event."""
    async with client.stream("GET", f"{root}/events?contract=core.alert", timeout=None) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line.startswith("data:") and '"specversion"' in line:
                seen.event("sse", orjson.loads(line[5:]))


async def _feed(client: httpx.AsyncClient, root: str, seen: Seen) -> None:
    """Ask for the feed again and again, as a reader without a key that knows what it had."""
    tag = ""
    told = set[str]()
    async with httpx.AsyncClient(timeout=10) as anybody:
        while True:
            answer = await anybody.get(f"{root}/cap", headers={"If-None-Match": tag} if tag else {})
            if answer.status_code == 200:
                tag = answer.headers.get("etag", "")
                for alert_id in _ALERT.findall(answer.text):
                    if alert_id not in told:
                        told.add(alert_id)
                        seen.cap(alert_id)
            await asyncio.sleep(FEED_EVERY_S)


_ALERT = re.compile(r"/cap/([0-9a-f]{32})-\d+\.xml")


@asynccontextmanager
async def _receiver(port: int, seen: Seen) -> AsyncIterator[None]:
    """A receiver of webhooks, which says yes at once."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
                seen.event("webhook", orjson.loads(await reader.readexactly(length)))
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


async def _ready(client: httpx.AsyncClient, url: str) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        with suppress(httpx.TransportError):
            if (await client.get(url)).status_code == 200:
                return
        await asyncio.sleep(0.2)
    raise Fatal(f"the gateway was not there within {READY_S:.0f} s")


@contextmanager
def _city(platform: Platform, hook: int, port: int) -> Iterator[tuple[str, str]]:
    """The city's file and a key that pushes and reads; its topics are removed at the end."""
    name = f"bench-{uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as folder:
        file = Path(folder) / f"{name}.toml"
        file.write_text(CITY.format(name=name, port=port, hook=hook), encoding="utf-8")
        ensure_topics(platform.kafka, [name])
        key, account = new_key(
            name, "bench", ["reports"], now_ms=time.time_ns() // 1_000_000, requests_per_s=1e9,
            subscribes=True, audience="*",
        )  # fmt: skip
        producer = transactional_producer(platform.kafka, f"{name}.accounts")
        with transaction(producer, platform.wire, name) as outbox:
            outbox.put(account)
        try:
            yield str(file), key
        finally:
            remove_topics(platform, name)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that *percent* of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def surroundings(load: Load) -> dict[str, Any]:
    """The machine and settings, reported beside the figures."""
    return {
        "benchmark": "delivery",
        **described(),
        "rate_per_s": load.rate,
        "seconds": load.seconds,
        "warm_up_s": WARM_UP_S,
        "kafka": "one node, transactions on all hops, read_committed",
    }


def shown(figures: Figures) -> dict[str, Any]:
    def of(values: Sequence[float]) -> dict[str, float]:
        return {f"p{at}": round(percentile(values, at), 1) for at in (50, 90, 99, 100)}

    return {
        "incidents": len(figures.delays_ms["webhook"]),
        "pushed → accepted, ms": of(figures.accepted_ms),
        **{f"pushed → {way}, ms": of(figures.delays_ms[way]) for way in WAYS},
        "webhooks sent twice": figures.repeats,
    }
