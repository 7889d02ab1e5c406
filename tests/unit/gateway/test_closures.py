"""Closures over HTTP: two gateways, one log, one end. The log is a list; each gateway reads it late."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.gateway import closure_list, closures
from connectors.gateway.accounts import Accounts, new_key, new_user
from connectors.gateway.app import app_of
from connectors.gateway.closure_desk import EndWish
from connectors.gateway.roles import ROLES
from connectors.gateway.service import Gateway
from connectors.gateway.spool import Spool
from streams.operators import closure_desk
from tests.unit.gateway.a_closure_log import ClosureLog
from tests.unit.gateway.an_app import NOON_MS

SQUARE = {"type": "Polygon", "coordinates": [[[126.5, 33.2], [126.6, 33.2], [126.6, 33.3], [126.5, 33.2]]]}
CLOSE = {"geometry": SQUARE, "reason": "flood"}


@dataclass
class Gateways:
    """Two gateways at one log."""

    keys: dict[str, str]
    log: ClosureLog
    apps: list[Any]

    def ask(
        self, method: str, path: str, role: str = "operator", gateway: int = 0, **about: Any
    ) -> httpx.Response:
        key = about.pop("key", None)
        sent = {"authorization": f"Bearer {self.keys[role]}", "content-type": "application/json"}
        sent |= {} if key is None else {"idempotency-key": key}

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.apps[gateway])
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                return await client.request(method, f"/v1/springfield/closures{path}", headers=sent, **about)

        return asyncio.run(asked())

    def close(self, body: dict[str, Any] | None = None, **about: Any) -> httpx.Response:
        return self.ask("POST", "", content=json.dumps(CLOSE if body is None else body), **about)


@pytest.fixture
def gateways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateways]:
    monkeypatch.setattr(closure_desk, "SETTLES_S", 0.02)
    monkeypatch.setattr(closure_desk, "DECIDES_S", 0.05)
    made = {role: new_user("springfield", f"desk-{role}", role, now_ms=NOON_MS) for role in ROLES}
    for audience in (None, "119"):
        made[audience or "public"] = new_key(
            "springfield",
            f"reader-{audience}",
            [],
            now_ms=NOON_MS,
            subscribes=True,
            audience=audience,
            purposes=["rescue"],
        )
    spool = Spool(tmp_path / "spool.sqlite", bytes_max=1 << 20)
    accounts = Accounts([event.value or {} for _, event in made.values()])
    gateway = Gateway("springfield", {}, accounts, spool, lambda: NOON_MS, purposes=lambda: ["rescue"])
    log = ClosureLog()
    desks = [log.desk(), log.desk()]
    apps = [
        app_of(gateway, None, [partial(part.add, desk=desk) for part in (closure_list, closures)])
        for desk in desks
    ]
    try:
        yield Gateways({role: key for role, (key, _) in made.items()}, log, apps)
    finally:
        spool.close()


def test_an_area_is_closed_once_and_opened_once_whoever_asks(gateways: Gateways) -> None:
    first = gateways.close(key="k-1")
    again = gateways.close(key="k-1", gateway=1)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == {**first.json(), "repeated": True}
    its_id = first.json()["closure_id"]
    (listed,) = gateways.ask("GET", "").json()["closures"]
    assert (listed["closure_id"], listed["state"], json.loads(listed["geometry"])) == (its_id, "open", SQUARE)
    assert listed["account_id"] is None
    over = gateways.ask("POST", f"/{its_id}/end", role="supervisor", key="k-2")
    late = gateways.ask("POST", f"/{its_id}/end", gateway=1, key="k-3")
    same = gateways.ask("POST", f"/{its_id}/end", role="supervisor", gateway=1, key="k-2")
    assert (over.status_code, over.json()["state"], over.json()["repeated"]) == (200, "over", False)
    assert (late.status_code, late.json()["code"]) == (409, "closure-over")
    assert late.json()["ended_by"] == over.json()["ended_by"]
    assert (same.status_code, same.json()["repeated"]) == (200, True)
    assert len(gateways.log.records) == 2
    assert gateways.ask("GET", "").json()["closures"] == []
    assert len(gateways.ask("GET", "?state=over&state=open").json()["closures"]) == 1


def test_a_gateway_that_starts_anew_knows_what_is_closed(gateways: Gateways) -> None:
    its_id = gateways.close().json()["closure_id"]
    fresh = gateways.log.desk()
    row = fresh.closure(its_id)
    assert row is not None and row.state == "open"
    assert fresh.end(EndWish("a-9", "op", its_id)).refused is None
    assert fresh.end(EndWish("a-8", "op", its_id)).refused == "closure-over"


BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "no area": ({"reason": "flood"}, "geometry"),
    "a point": ({"geometry": {"type": "Point", "coordinates": [126.5, 33.2]}}, "geometry"),
    "no reason": ({"geometry": SQUARE, "reason": ""}, "reason"),
    "a blank reason": ({"reason": " \u3000\t"}, "reason"),
    "a time that is a number": ({"ends_at": 4_000_000_000}, "ends_at"),
    "a time that is a number as text": ({"starts_at": "4000000000"}, "starts_at"),
    "a time without offset": ({"ends_at": "2026-03-08T12:00:00"}, "ends_at"),
    "an end in the past": ({"ends_at": "2001-03-08T12:00:00Z"}, "ends_at"),
    "an end before the beginning": (
        {"starts_at": "2091-03-08T12:00:00Z", "ends_at": "2091-03-08T11:00:00Z"},
        "ends_at",
    ),
    "an end in a year that no calendar has": ({"ends_at": "9999-12-31T23:59:59-12:00"}, "ends_at"),
    "a number that is no degree": ({"geometry": {**SQUARE, "coordinates": [[[10**30, 0]]]}}, "geometry"),
    "a word too many": ({"colour": "red"}, "colour"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_is_refused_by_its_field(gateways: Gateways, name: str) -> None:
    body, named = BODIES[name]
    answer = gateways.close(body if "geometry" not in body and name == "no area" else {**CLOSE, **body})
    assert (answer.status_code, answer.json()["field"]) == (422, named)
    assert gateways.log.records == []


@pytest.mark.parametrize("role", ["viewer", "auditor", "administrator"])
def test_who_may_not_act_closes_nothing_and_ends_nothing(gateways: Gateways, role: str) -> None:
    its_id = gateways.close().json()["closure_id"]
    assert gateways.close(role=role).status_code == 403
    assert gateways.ask("POST", f"/{its_id}/end", role=role).status_code == 403
    assert len(gateways.log.records) == 1


def test_a_key_used_for_another_area_and_an_unknown_closure_are_refused(gateways: Gateways) -> None:
    gateways.close(key="k-1")
    other = gateways.close({**CLOSE, "reason": "fire"}, key="k-1")
    assert (other.status_code, other.json()["code"]) == (422, "key-used")
    unknown = gateways.ask("POST", "/nothing/end")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "no-closure")


def test_without_kafka_nothing_is_closed_and_the_same_key_closes_it_later(gateways: Gateways) -> None:
    gateways.log.fails = True
    away = gateways.close(key="k-1")
    assert (away.status_code, away.json()["code"]) == (503, "log-away")
    gateways.log.fails = False
    assert gateways.close(key="k-1").json()["repeated"] is False


def test_the_public_never_sees_who_closed_an_area_whatever_its_purposes(gateways: Gateways) -> None:
    gateways.close()
    seen = {
        role: gateways.ask("GET", "", role=role).json()["closures"][0] for role in ("public", "119", "viewer")
    }
    assert seen["119"]["account_id"] is not None, "for a purpose of the law"
    assert seen["public"]["account_id"] is seen["viewer"]["account_id"] is None
