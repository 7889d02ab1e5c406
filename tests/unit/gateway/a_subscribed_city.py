"""A gateway with the subscriptions of a city: the real desk, sinks and secrets; its log is a list in memory. No Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson

from connectors.gateway.accounts import new_key, new_user, told
from connectors.gateway.app import app_of
from connectors.gateway.service import Gateway
from connectors.gateway.subscriptions import add
from deploy.assembly.gateway_subscriptions import CitySinks
from deploy.city.city import City, load_city
from streams.deliver.subscriptions import Subscription, event_of, of_row
from streams.operators.subscription_desk import LogSubscriptions, SinkRules
from streams.runtime.follower import Following
from tests.unit.gateway.an_app import NOON_MS, Here, a_gateway

CITY = "springfield"
FILE = """
name = "springfield"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 36.0
west = 127.0
north = 37.0
east = 128.0
[deliver]
allow_hosts = ["127.0.0.1"]
[[source]]
name = "reports"
type = "city_events"
contract = "police.incident"
push = true
[[subscription]]
name = "archive"
who = "operator"
sink = "json_lines"
path = "{path}"
"""


class MemoryDesk(LogSubscriptions):
    """The desk, whose writes are read at once."""

    written: list[Subscription]

    @property
    def trouble(self) -> str | None:
        return None

    def _publish(self, one: Subscription, now_ms: int) -> None:
        value = event_of(one, CITY, now_ms=now_ms).value
        assert value is not None
        self._of_rows[one.name] = of_row(value)
        self.written.append(one)

    def _lag(self, progress: Any) -> int | None:
        return 7


@dataclass
class Subscribed:
    """The gateway, its desk, the city, and keys and accounts by role."""

    here: Here
    desk: MemoryDesk
    city: City
    folder: Path
    keys: dict[str, str] = field(default_factory=dict)
    rows: dict[str, Any] = field(default_factory=dict)
    now_s: float = 0.0

    def add(self, role: str, key_and_event: tuple[str, Any]) -> None:
        key, event = key_and_event
        self.keys[role], self.rows[role] = key, event.value
        self.here.gateway.accounts.put(event.value)

    def change_account(self, role: str, **about: Any) -> None:
        """The account again, with other fields."""
        self.here.gateway.accounts.put(told(CITY, {**self.rows[role], **about}, now_ms=NOON_MS).value or {})

    def ask(
        self, method: str, path: str = "", body: Any = None, *, role: str = "agency", **headers: str
    ) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["authorization"] = f"Bearer {self.keys[role]}"
        content = body if isinstance(body, bytes) or body is None else orjson.dumps(body)

        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(self.here.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                return await client.request(
                    method, f"/v1/{CITY}/subscriptions{path}", content=content, headers=sent
                )

        return asyncio.run(go())

    def make(self, name: str = "desk", *, role: str = "agency", **about: Any) -> httpx.Response:
        """Ask for a webhook; fields given here stand beside its name and address."""
        wish = {"name": name, "settings": {"url": "https://desk.example/hook?key=k"}, **about}
        return self.ask("POST", "", wish, role=role)

    def secrets(self) -> Sequence[Path]:
        return sorted((self.folder / "home" / "secrets").glob("*"))


def city_in(folder: Path) -> City:
    file = folder / "springfield.toml"
    file.write_text(FILE.format(path=folder / "archive.jsonl"), encoding="utf-8")
    return load_city(str(file))


def desk_of(
    city: City, gateway: Gateway, *, kind: type[MemoryDesk] = MemoryDesk, sinks: SinkRules | None = None
) -> MemoryDesk:
    """The subscriptions of *city*; *sinks*: the city's own when not given."""
    desk = kind(
        CITY,
        city.file.subscriptions(),
        gateway.accounts,
        CitySinks(city) if sinks is None else sinks,
        Following("never started", bootstrap="127.0.0.1:1"),
        bootstrap="127.0.0.1:1",
        wire=None,  # type: ignore[arg-type]  # nothing is written to Kafka
        now_ms=lambda: gateway.now_ms(),  # noqa: PLW0108 (a test changes the clock later)
    )
    desk.written = []
    return desk


@contextmanager
def a_subscribed_city(folder: Path) -> Iterator[Subscribed]:
    """*folder* must be the parent of ``BONGSU_HOME``, which is ``home`` in it."""
    city = city_in(folder)
    with a_gateway(folder) as here:
        gateway = here.gateway
        desk = desk_of(city, gateway)
        made = Subscribed(here, desk, city, folder)
        gateway.now_s = lambda: made.now_s
        key = partial(new_key, CITY, now_ms=NOON_MS)
        reads: dict[str, Any] = {"subscribes": True, "purposes": ["rescue"]}
        made.add("agency", key("119", [], audience="119", **reads))
        made.add("other", key("112", [], audience="112", **reads))
        made.add("all", key("centre", [], audience="*", **reads))
        made.add("public", key("news", [], **reads))
        made.add("publisher", key("police", ["reports"]))
        for role in ("viewer", "supervisor", "administrator"):
            made.add(role, new_user(CITY, role, role, now_ms=NOON_MS))
        here.app = app_of(gateway, parts=[partial(add, desk=desk)])
        yield made
