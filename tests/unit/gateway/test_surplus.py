"""Windows of surplus over HTTP: announced once, withdrawn, refused, and listed as the log tells them. The log is a list."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from connectors.gateway import surplus, surplus_list
from connectors.gateway.accounts import Accounts, new_key, new_user
from connectors.gateway.app import app_of
from connectors.gateway.roles import ROLES
from connectors.gateway.service import Gateway
from connectors.gateway.spool import Spool
from schemas.catalogue import load_catalogue
from schemas.errors import Retriable
from schemas.event import Event
from schemas.rows import RowCodec
from streams.operators.surplus_log import LogSurplus
from streams.runtime.follower import Following
from streams.runtime.records import Record
from tests.unit.gateway.an_app import NOON_MS, Here
from tests.unit.gateway.test_ride_desk import JsonWire

CODEC = RowCodec(load_catalogue()["energy.surplus"].newest)
WINDOW = {"area": "east", "begins_at": "2100-03-08T13:00:00+09:00", "ends_at": "2100-03-08T15:00:00+09:00"}


class SurplusDoor(Here):
    """A gateway. *fails*: the next record is lost, or its safety unknown."""

    def __init__(self, gateway: Gateway, spool: Spool, keys: dict[str, str]) -> None:
        self.gateway, self.spool, self.keys, self.key = gateway, spool, keys, keys["operator"]
        self.log: list[Record] = []
        self.fails = ""
        self.start()

    def start(self) -> None:
        """Begin with nothing known, as after a kill."""
        self.desk = LogSurplus(
            "springfield",
            Following("here", bootstrap=""),
            areas=["east"],
            bootstrap="",
            wire=JsonWire(),
            now_ms=lambda: NOON_MS,
            publish=self.publish,
        )
        parts = [partial(one.add, desk=self.desk) for one in (surplus_list, surplus)]
        self.app = app_of(self.gateway, None, parts)
        self.desk._follower.pass_on(self.log, is_at_end=True)

    def publish(self, event: Event) -> None:
        assert event.value is not None
        CODEC.check(dict(event.value))
        fails, self.fails = self.fails, ""
        if fails != "before":
            offset = len(self.log)
            body = orjson.dumps(event.value)
            self.log.append(Record("springfield.energy.surplus", 0, offset, NOON_MS, b"east", body, {}))
        if fails:
            raise Retriable("no broker answers")
        self.desk._follower.pass_on(self.log[-1:], is_at_end=True)

    def announce(
        self, role: str = "operator", key: str = "", city: str = "springfield", **body: Any
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.keys[role]}", **({"idempotency_key": key} if key else {})}
        return self.post({**WINDOW, **body}, path=f"/v1/{city}/surplus", **headers)

    def listed(self, query: str = "", reader: str = "plain", **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                sent = {"authorization": f"Bearer {self.keys[reader]}", **headers}
                return await client.get(f"/v1/springfield/surplus{query}", headers=sent)

        return asyncio.run(ask())


@pytest.fixture
def door(tmp_path: Path) -> Iterator[SurplusDoor]:
    made = {role: new_user("springfield", f"desk-{role}", role, now_ms=NOON_MS) for role in ROLES}
    readers: dict[str, tuple[str | None, list[str]]] = {
        "plain": ("*", []),
        "cleared": ("*", ["dispatch"]),
        "public": (None, []),
    }
    for name, (audience, purposes) in readers.items():
        about: dict[str, Any] = {"subscribes": True, "audience": audience, "purposes": purposes}
        made[name] = new_key("springfield", name, [], now_ms=NOON_MS, **about)
    accounts = Accounts([event.value or {} for _, event in made.values()])
    spool = Spool(tmp_path / "spool.sqlite", bytes_max=1 << 20)
    gateway = Gateway("springfield", {}, accounts, spool, lambda: NOON_MS)
    gateway.purposes = lambda: {"dispatch"}
    try:
        yield SurplusDoor(gateway, spool, {role: key for role, (key, _) in made.items()})
    finally:
        spool.close()


def test_a_window_is_planned_changed_and_withdrawn(door: SurplusDoor) -> None:
    made = door.announce(price="70.5", limit_w=7_000)
    assert made.status_code == 200, made.text
    window = made.json()["window"]
    assert (window["price"], window["limit_w"], window["state"]) == ("70.5", 7_000, "planned")
    assert window["begins_at"].startswith("2100-03-08T04:00:00")
    name = window["window_id"]
    assert door.announce("supervisor", window_id=name, kwh="900").json()["window"]["kwh"] == "900"
    gone = door.announce(window_id=name, state="withdrawn").json()["window"]
    assert (gone["state"], gone["kwh"], gone["ends_at"]) == ("withdrawn", "900", window["ends_at"])
    again = door.announce(window_id=name, state="withdrawn")
    assert (again.status_code, again.json()["code"]) == (409, "window-withdrawn")
    assert len(door.log) == 3


@pytest.mark.parametrize("fails", ["before", "after"])
def test_a_repeat_is_told_once_also_after_a_kill(door: SurplusDoor, fails: str) -> None:
    door.fails = fails
    away = door.announce(key="k-1")
    assert (away.status_code, away.json()["code"]) == (503, "log-away")
    door.start()
    again = door.announce(key="k-1")
    assert (again.status_code, again.json()["repeated"]) == (200, fails == "after")
    door.start()
    assert door.announce(key="k-1").json() == {**again.json(), "repeated": True}
    assert len(door.log) == 1
    other = door.announce(key="k-1", price="1")
    assert (other.status_code, other.json()["code"]) == (422, "key-used")


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "of another city": ({"city": "shelbyville"}, 404, "no-city"),
    "by a viewer": ({"role": "viewer"}, 403, "may-not-act"),
    "by a subscriber": ({"role": "plain"}, 403, "may-not-act"),
    "in no area": ({"area": "nowhere"}, 422, "wrong-field"),
    "without an offset": ({"begins_at": "2100-03-08T13:00:00"}, 422, "wrong-field"),
    "without an end": ({"ends_at": None}, 422, "wrong-field"),
    "that ends before": ({"ends_at": "2100-03-08T12:00:00+09:00"}, 422, "wrong-field"),
    "for a float": ({"price": 1.5}, 422, "wrong-field"),
    "for less than nothing": ({"price": "-1"}, 422, "wrong-field"),
    "with a word too many": ({"colour": "red"}, 422, "wrong-field"),
    "that is over": (
        {"begins_at": "2020-03-08T13:00:00Z", "ends_at": "2020-03-08T14:00:00Z"},
        409,
        "window-over",
    ),
    "unnamed, to withdraw": ({"state": "withdrawn"}, 422, "wrong-field"),
    "unknown, to withdraw": ({"state": "withdrawn", "window_id": "w-9"}, 404, "no-window"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_window_is_not_announced(door: SurplusDoor, case: str) -> None:
    about, status, code = REFUSED[case]
    answer = door.announce(**about)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert door.log == []


def test_windows_are_listed_the_newest_first_in_pages_with_an_etag(door: SurplusDoor) -> None:
    for number in range(3):
        assert door.announce(window_id=f"w-{number}").status_code == 200
    door.announce(window_id="w-1", state="withdrawn")
    first = door.listed("?limit=2")
    assert [one["window_id"] for one in first.json()["surplus"]] == ["w-1", "w-2"]
    rest = door.listed(f"?limit=2&cursor={first.json()['next']}").json()
    assert [one["window_id"] for one in rest["surplus"]] == ["w-0"] and rest["next"] is None
    assert [one["window_id"] for one in door.listed("?state=withdrawn").json()["surplus"]] == ["w-1"]
    assert door.listed("?limit=2", **{"if-none-match": first.headers["etag"]}).status_code == 304
    assert door.listed("?state=maybe").status_code == 422
    for reader in ("plain", "public"):
        assert {one["announced_by"] for one in door.listed(reader=reader).json()["surplus"]} == {None}
    assert None not in {one["announced_by"] for one in door.listed(reader="cleared").json()["surplus"]}


def test_while_the_log_is_not_read_nothing_is_listed_or_announced(door: SurplusDoor) -> None:
    door.desk._follower.trouble = "the windows are being read"
    assert (door.listed().status_code, door.announce().status_code) == (503, 503)
    assert door.log == []
