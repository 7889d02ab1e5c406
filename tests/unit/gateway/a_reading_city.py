"""A gateway with a city to read: rows made of the contracts' examples, and a key for each role and reader. No Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from connectors.formats.cap_out import Publisher
from connectors.gateway import access_list, deliveries, figures
from connectors.gateway.access_shelf import AccessShelf
from connectors.gateway.accounts import new_key, new_user
from connectors.gateway.app import app_of
from connectors.gateway.cap import CapPart
from connectors.gateway.deliveries import AlertReceiver, WrittenRevision
from connectors.gateway.desk import Done
from connectors.gateway.health import add as add_health
from connectors.gateway.published import PublishedAlerts
from connectors.gateway.read_documents import example_of
from connectors.gateway.recorded import add as add_recorded
from connectors.gateway.recorded_log import RecordedEvent
from connectors.gateway.sessions import Sessions
from connectors.gateway.sessions_link import UsedLinks
from connectors.gateway.sessions_signs import Signs
from connectors.gateway.shelf import KEYS, Shelf, ShelfRow
from schemas.catalogue import load_catalogue
from schemas.errors import Retriable
from schemas.json_form import from_json_value
from streams.deliver.subscriptions import Subscription
from streams.figures.board import board_of
from streams.figures.known import Facts
from streams.operators.alert_receivers import receivers_of
from tests.unit.gateway.a_recorded_log import MemoryRecordedLog
from tests.unit.gateway.a_ticket_log import Log
from tests.unit.gateway.an_app import NOON_MS, Here, a_gateway

CITY = "springfield"
PURPOSE = "rescue"
CASES = "missing-person"
"""The purpose of cases; it is none of the law's, and so clears nobody."""
ALERTS = f"{CITY}.core.alert"
SESSIONS_SECRET = b"s" * 32
ROLES = (
    "publisher",
    "no-purpose",
    "with-purpose",
    "public",
    "viewer",
    "operator",
    "supervisor",
    "auditor",
    "administrator",
)


PUBLISHER = Publisher(
    city=CITY,
    title="Springfield",
    sender="alerts@springfield.example",
    timezone=ZoneInfo("Asia/Seoul"),
    languages=("ko",),
    restrictions={},
)


class NoDesk:
    """A desk that takes no action (``connectors.gateway.desk.Desk``)."""

    actions: Sequence[str] = ("note",)

    def may(self, roles: Sequence[str]) -> Sequence[str]:
        return self.actions

    def act(self, action: Mapping[str, Any], roles: Sequence[str]) -> Done:
        raise Retriable("nothing is done here")


@dataclass
class PlainHealth:
    """The health (``connectors.gateway.health.Health``) of a city that holds nothing."""

    trouble: str | None = None

    def told(self) -> Mapping[str, Any]:
        return {"sources": [], "stages": [], "set_aside": []}


@dataclass
class ReadCity:
    """The readings (``connectors.gateway.readings.Readings``) of plain rows."""

    trouble: str | None = None
    shelves: dict[str, Shelf] = field(default_factory=lambda: {name: Shelf(name) for name in KEYS})
    cameras: list[tuple[float, Mapping[str, Any]]] = field(default_factory=list)
    places: int = 0
    health: PlainHealth = field(default_factory=PlainHealth)
    recorded: MemoryRecordedLog = field(default_factory=MemoryRecordedLog)
    published: PublishedAlerts = field(default_factory=lambda: PublishedAlerts(PUBLISHER))

    def clear(self) -> None:
        self.trouble = self.health.trouble = None
        self.cameras.clear()
        self.recorded.events.clear()
        for shelf in self.shelves.values():
            shelf.clear()

    def put(self, contract: str, **about: Any) -> dict[str, Any]:
        """A revision of the contract's example with these fields; *at_ms*: the time of its record."""
        at_ms = about.pop("at_ms", NOON_MS)
        value = {**example_of(contract), "city": CITY, **about}
        if contract == "core.alert":
            schema = load_catalogue()[contract].newest
            self.published.put(from_json_value(schema, value))
        self.shelves[contract].put(value, place=self.places, changed_ms=at_ms)
        self.recorded.events.append(RecordedEvent(contract, at_ms, value))
        self.places += 1
        return value

    def rows(self, contract: str, *, now_ms: int) -> Sequence[ShelfRow]:
        return self.shelves[contract].rows(now_ms=now_ms)

    def row(self, contract: str, key: str, *, now_ms: int) -> ShelfRow | None:
        return self.shelves[contract].row(key, now_ms=now_ms)

    def of_situation(self, contract: str, situation_id: str, *, now_ms: int) -> Sequence[ShelfRow]:
        return self.shelves[contract].of_situation(situation_id, now_ms=now_ms)

    def cameras_near(
        self, lat: float, lon: float, radius_m: float
    ) -> Sequence[tuple[float, Mapping[str, Any]]]:
        return [one for one in self.cameras if one[0] <= radius_m]


@dataclass
class CityFigures:
    """The figures (``connectors.gateway.figures.Figures``) of plain facts."""

    trouble: str | None = None
    zone: ZoneInfo = ZoneInfo("Asia/Seoul")  # noqa: RUF009 - immutable
    facts: Facts = field(default_factory=Facts)

    def told(self, first: date, last: date, *, now_ms: int) -> Mapping[str, Any]:
        board = board_of(self.facts, first=first, last=last, zone=self.zone, now_ms=now_ms)
        return {**board, "as_of": now_ms}


@dataclass
class CityReceivers:
    """The receivers (``connectors.gateway.deliveries.Receivers``) of plain subscriptions and rows of ``core.delivery``."""

    trouble: str | None = None
    subscriptions: list[Subscription] = field(default_factory=list)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    held: dict[str, str | None] = field(default_factory=dict)

    def of_alert(
        self, revisions: Sequence[WrittenRevision], purposes_of_law: Collection[str]
    ) -> Sequence[AlertReceiver]:
        return receivers_of(
            self.subscriptions, self.rows, revisions, topic=ALERTS, purposes=purposes_of_law, held=self.held
        )


@dataclass
class Reader:
    """The gateway, its rows, and keys by role."""

    here: Here
    city: ReadCity
    keys: dict[str, str]
    figures: CityFigures = field(default_factory=CityFigures)
    receivers: CityReceivers = field(default_factory=CityReceivers)
    accesses: AccessShelf = field(default_factory=lambda: AccessShelf(trouble=None))
    access_log: Log = field(default_factory=lambda: Log(lambda: NOON_MS))

    def get(self, path: str, *, role: str | None = "with-purpose", **headers: str) -> httpx.Response:
        """*path* within the city, or from ``/`` on."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if role is not None:
            sent["authorization"] = f"Bearer {self.keys[role]}"
        return asyncio.run(self.ask("GET", path if path.startswith("/") else f"/v1/{CITY}/{path}", sent))

    async def ask(self, method: str, path: str, headers: Mapping[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.here.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, path, headers=headers)

    def ids(self, path: str, *, role: str = "with-purpose") -> list[str]:
        """The ids of the rows of a list."""
        answer = self.get(path, role=role)
        assert answer.status_code == 200, answer.text
        name = path.partition("?")[0]
        key = {"situations": "situation_id", "alerts": "alert_id", "grants": "grant_id"}[name]
        return [one[key] for one in answer.json()[name]]


def _keys(add: Any) -> dict[str, str]:
    return {
        "publisher": add(*new_key(CITY, "police", ["reports"], now_ms=NOON_MS)),
        "no-purpose": add(*new_key(CITY, "119", [], now_ms=NOON_MS, subscribes=True, audience="119")),
        "with-purpose": add(
            *new_key(CITY, "119", [], now_ms=NOON_MS, subscribes=True, audience="119", purposes=[PURPOSE])
        ),
        "public": add(*new_key(CITY, "news", [], now_ms=NOON_MS, subscribes=True, purposes=[PURPOSE])),
        **{
            role: add(*new_user(CITY, role, role, now_ms=NOON_MS, purposes=[CASES]))
            for role in ("viewer", "operator", "supervisor", "auditor", "administrator")
        },
    }


@contextmanager
def a_reading_city(folder: Path) -> Iterator[Reader]:
    with a_gateway(folder) as here:
        city = ReadCity()
        here.gateway.readings = city
        here.gateway.purposes = lambda: {PURPOSE}

        def add(key: str, event: Any) -> str:
            here.gateway.accounts.put(event.value)
            return key

        keys = _keys(add)
        here.gateway.desk = NoDesk()
        here.gateway.sessions = Sessions(SESSIONS_SECRET, CITY)
        here.gateway.signs = Signs(here.gateway.sessions, UsedLinks(folder / "used-links"))
        reader = Reader(here, city, keys)
        parts = [
            partial(add_health, health=city.health),
            partial(figures.add, figures=reader.figures),
            partial(deliveries.add, readings=city, receivers=reader.receivers),
            partial(add_recorded, log=city.recorded),
            partial(access_list.add, shelf=reader.accesses, log=reader.access_log),
        ]
        here.app = app_of(here.gateway, CapPart(city.published, NOON_MS), parts)
        yield reader


__all__ = ["ALERTS", "CITY", "PURPOSE", "ROLES", "ReadCity", "Reader", "a_reading_city"]
