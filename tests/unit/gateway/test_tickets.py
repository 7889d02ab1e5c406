"""Tickets for video over HTTP: one opens one viewing, and every refusal is on record."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from connectors.gateway.access import Grants
from connectors.gateway.accounts import new_key, told
from connectors.gateway.app import app_of
from connectors.gateway.ticket_form import asked_of
from connectors.gateway.ticket_keys import SIGNS_MS, VERIFIES_MS, TicketKeys
from connectors.gateway.tickets import COOKIE, Tickets, add
from connectors.gateway.viewings import MINUTE_MS, Refusals
from tests.unit.gateway.a_ticket_log import Log
from tests.unit.gateway.an_app import NOON_MS, Here, a_gateway

MINUTES = 60_000
CHECK = "/v1/springfield/tickets/check"


@dataclass
class Room:
    here: Here
    tickets: Tickets
    log: Log
    keys: dict[str, str]
    rows: dict[str, dict[str, Any]]
    at_ms: int = NOON_MS

    def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.here.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                sent = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, path, headers=sent)

        return asyncio.run(ask())

    def redeem(self, who: str = "119", grant: str = "g-1") -> httpx.Response:
        path = f"/v1/springfield/grants/{grant}/access"
        return self.ask("POST", path, authorization=f"Bearer {self.keys[who]}")

    def ticket(self, who: str = "119", grant: str = "g-1") -> str:
        answer = self.redeem(who, grant)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ticket"])

    def check(
        self, ticket: str | None, *, cookie: str | None = None, camera: str = "C-1", **more: str
    ) -> httpx.Response:
        query = f"?ticket={ticket}" if ticket else ""
        headers = {"x_original_uri": f"/video/{camera}/index.m3u8{query}", **more}
        if cookie:
            headers["cookie"] = f"{COOKIE}={cookie}"
        return self.ask("GET", CHECK, **headers)

    def viewing(self, ticket: str) -> str:
        answer = self.check(ticket)
        assert answer.status_code == 204, answer.text
        return str(answer.cookies[COOKIE])

    def grant(self, grant_id: str = "g-1", **about: Any) -> None:
        row = {
            "grant_id": grant_id,
            "camera_id": "C-1",
            "situation_id": "s-1",
            "granted_to": "119/rescue-3",
            "purpose": "fire-safety",
            "legal_ground": "danger-to-life",
            "opened_at": NOON_MS - 5_000,
            "expires_at": NOON_MS + 30 * MINUTES,
            "revoked_at": None,
            **about,
        }
        self.tickets.grants.put(row, now_ms=self.at_ms)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with a_gateway(tmp_path) as here:
        keys, rows = {}, {}
        for name in ("119", "112", "all", "pusher"):
            audience = {"all": "*", "pusher": None}.get(name, name)
            key, account = new_key(
                "springfield", name, [], now_ms=NOON_MS, subscribes=name != "pusher", audience=audience
            )
            keys[name], rows[name] = key, dict(account.value or {})
            here.gateway.accounts.put(rows[name])
        log = Log(lambda: NOON_MS)
        tickets = Tickets(Grants(), log, TicketKeys(tmp_path / "tickets"), Refusals())
        made = Room(here, tickets, log, keys, rows)
        here.gateway.now_ms = lambda: made.at_ms
        here.app = app_of(here.gateway, parts=[lambda app, gateway: add(app, gateway, tickets)])
        made.grant()
        yield made


def refused(answer: httpx.Response, room: Room, reason: str, status: int = 403) -> None:
    """Refused with that reason, which is the newest record's."""
    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert room.log.acts()[-1] == ("refused", reason)
    assert COOKIE not in answer.cookies


def test_a_ticket_says_what_it_opens_and_the_published_key_verifies_it(room: Room) -> None:
    ticket = room.ticket()
    keys = room.ask("GET", "/.well-known/jwks.json").json()
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(ticket)["kid"]]
    claims = jwt.decode(
        ticket,
        key.key,
        ["ES256"],
        audience="bongsu:springfield:video",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["mediamtx_permissions"] == [{"action": "read", "path": "C-1"}]
    assert claims["exp"] - claims["iat"] == 60
    assert (claims["camera"], claims["grant"], claims["situation"]) == ("C-1", "g-1", "s-1")
    assert (claims["purpose"], claims["sub"]) == ("fire-safety", room.rows["119"]["account_id"])
    assert not any("d" in one for one in keys["keys"]), "a private half is published"


def test_the_ticket_is_on_record_before_it_leaves_and_nothing_leaves_without(room: Room) -> None:
    room.ticket()
    (row,) = room.log.rows
    assert (row["act"], row["grant_id"], row["legal_ground"]) == ("redeemed", "g-1", "danger-to-life")
    room.log.is_away = True
    answer = room.redeem()
    assert (answer.status_code, "ticket" in answer.json()) == (503, False)


def test_nothing_is_shown_while_the_first_use_cannot_be_put_on_record(room: Room) -> None:
    ticket = room.ticket()
    room.log.is_away = True
    answer = room.check(ticket)
    assert (answer.status_code, COOKIE in answer.cookies) == (403, False)
    room.log.is_away = False
    assert room.check(ticket).status_code == 204


def test_the_viewing_goes_on_past_the_ticket_and_ends_with_the_grant(room: Room) -> None:
    ticket = room.ticket()
    cookie = room.viewing(ticket)
    room.at_ms += 10 * MINUTES
    assert room.check(None, cookie=cookie).status_code == 204
    assert (
        room.check(ticket, cookie=cookie).status_code == 204
    )  # the player repeats the address with its ticket
    room.grant(revoked_at=room.at_ms)
    refused(room.check(ticket, cookie=cookie), room, "revoked")


def test_a_viewing_ends_when_the_grant_expires(room: Room) -> None:
    cookie = room.viewing(room.ticket())
    room.at_ms = NOON_MS + 30 * MINUTES - 1
    assert room.check(None, cookie=cookie).status_code == 204
    room.at_ms += 1
    refused(room.check(None, cookie=cookie), room, "expired_grant")


def test_an_expired_ticket_is_refused(room: Room) -> None:
    ticket = room.ticket()
    room.at_ms += 60_000
    refused(room.check(ticket), room, "expired")
    assert room.log.rows[-1]["account_id"] == room.rows["119"]["account_id"]


def test_a_second_browser_with_the_same_ticket_is_refused(room: Room) -> None:
    ticket = room.ticket()
    room.viewing(ticket)
    refused(room.check(ticket), room, "used")


def test_a_ticket_and_a_viewing_open_no_other_camera(room: Room) -> None:
    ticket = room.ticket()
    refused(room.check(ticket, camera="C-2"), room, "other_camera")
    cookie = room.viewing(ticket)
    count = len(room.log.rows)
    assert room.check(None, cookie=cookie, camera="C-2").status_code == 403
    assert len(room.log.rows) == count, "the like refusal of the same minute is counted"


@pytest.mark.parametrize(
    ("who", "grant", "status", "reason"),
    [
        ("112", "g-1", 403, "other_audience"),
        ("pusher", "g-1", 403, "may_not_read"),
        ("119", "g-2", 404, "unknown_grant"),
        ("119", "over", 410, "expired_grant"),
        ("all", "taken", 410, "revoked"),
    ],
)
def test_who_may_not_redeem_is_refused(room: Room, who: str, grant: str, status: int, reason: str) -> None:
    room.grant("over", expires_at=NOON_MS - 1)
    room.grant("taken", revoked_at=NOON_MS - 1)
    refused(room.redeem(who, grant), room, reason, status)
    assert room.log.rows[-1]["account_id"] == room.rows[who]["account_id"]


def test_whoever_reads_everything_may_redeem_any_grant(room: Room) -> None:
    assert room.ticket("all")


def test_a_revoked_ticket_opens_nothing(room: Room) -> None:
    ticket = room.ticket()
    room.grant(revoked_at=room.at_ms)
    refused(room.check(ticket), room, "revoked")


def test_the_viewing_of_a_revoked_account_ends(room: Room) -> None:
    cookie = room.viewing(room.ticket())
    row = told("springfield", {**room.rows["119"], "revoked_at": NOON_MS}, now_ms=NOON_MS)
    room.here.gateway.accounts.put(row.value or {})
    refused(room.check(None, cookie=cookie), room, "account_ended")


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"audience": "112"}, "other_audience"),
        ({"roles": ["publish"]}, "may_not_read"),
        ({"roles": ["audit", "subscribe"]}, "only_audits"),
    ],
)
def test_the_viewing_of_an_account_with_other_rights_ends_and_its_ticket_opens_nothing(
    room: Room, about: dict[str, Any], reason: str
) -> None:
    cookie, unused = room.viewing(room.ticket()), room.ticket()
    row = told("springfield", {**room.rows["119"], **about}, now_ms=NOON_MS)
    room.here.gateway.accounts.put(row.value or {})
    refused(room.check(None, cookie=cookie), room, reason)
    assert room.check(unused).json()["reason"] == reason
    assert "first_use" not in [act for act, _ in room.log.acts()[2:]]


def in_base64(told: bytes) -> str:
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def signed_with(secret: bytes, head: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token under an HMAC, which the library does not make of a public key."""
    body = f"{in_base64(orjson.dumps(head))}.{in_base64(orjson.dumps(claims))}"
    return f"{body}.{in_base64(hmac.digest(secret, body.encode(), 'sha256'))}"


def forgeries(room: Room) -> Iterator[str]:
    good = room.ticket()
    claims = jwt.decode(good, options={"verify_signature": False})
    head = {"kid": jwt.get_unverified_header(good)["kid"], "typ": "JWT"}
    other = generate_private_key(SECP256R1())
    public = room.ask("GET", "/.well-known/jwks.json").content
    yield jwt.encode(claims, other, "ES256", head)  # another key under our key's name
    yield jwt.encode(claims, other, "ES256", {**head, "kid": "mine"})
    yield signed_with(b"", {**head, "alg": "none"}, claims).rpartition(".")[0] + "."
    yield jwt.encode(claims, "a secret of thirty-two bytes, more", "HS256", head)
    yield signed_with(public, {**head, "alg": "HS256"}, claims)  # the public key taken for a secret
    yield jwt.encode(claims, other, "ES256", {**head, "kid": "../../etc/passwd"})
    yield jwt.encode(claims, other, "ES256", {**head, "jwk": orjson.loads(public)["keys"][0]})
    signed, _, mark = good.rpartition(".")
    first, _, body = signed.partition(".")
    told_otherwise = in_base64(orjson.dumps({**claims, "camera": "C-2"}))
    yield f"{first}.{told_otherwise}.{mark}"
    yield f"{first}.{body}."
    yield room.viewing(good)  # the cookie taken for a ticket
    yield "a.b.c"
    yield "x" * 20_000


def test_a_forged_ticket_is_refused(room: Room) -> None:
    for number, forged in enumerate(forgeries(room)):
        room.tickets.refusals = Refusals()  # each one's first
        answer = room.check(None, authorization=f"Bearer {forged}")
        assert (answer.status_code, answer.json()["reason"]) == (403, "forged"), number
        assert room.log.acts()[-1] == ("refused", "forged"), number


def test_a_ticket_is_no_cookie(room: Room) -> None:
    refused(room.check(None, cookie=room.ticket()), room, "forged")


def test_without_a_ticket_one_is_asked_for(room: Room) -> None:
    assert room.check(None).status_code == 401


def test_the_cookie_is_for_this_camera_alone_and_for_no_script(room: Room) -> None:
    told_by = room.check(room.ticket(), host="video.example").headers["set-cookie"].lower()
    assert {"httponly", "secure", "samesite=strict", "path=/video/c-1", "max-age=1800"} <= set(
        told_by.split("; ")
    )
    plain = room.check(room.ticket(), host="127.0.0.1:8080").headers["set-cookie"].lower()
    assert "secure" not in plain.split("; ")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/",
        "/C-1",
        "video/C-1/x",
        "/video/C-2/../C-1/x",
        "/video/C-2/%2e%2e/C-1/x",
        "/video/C-2%2fC-1/x",
        "/video//C-1/x",
        "/video/C-1/",
        "/video/C-2#/C-1/x",
        "/video/C-2\\C-1/x",
        "/video/C-2/C-1/x%00",
    ],
)
def test_a_path_that_can_be_read_in_two_ways_names_no_camera(uri: str) -> None:
    assert asked_of(uri) is None


def test_a_path_names_its_camera_and_its_ticket() -> None:
    asked = asked_of("/video/%EA%B5%AC-7/a.ts?x=1&ticket=t.t.t")
    assert asked is not None
    assert (asked.camera_id, asked.folder, asked.ticket) == ("구-7", "/video/%EA%B5%AC-7", "t.t.t")


def test_keys_outlive_a_restart_are_replaced_in_turn_and_are_their_owners_alone(tmp_path: Path) -> None:
    keys = TicketKeys(tmp_path / "tickets")
    first = keys.signing(NOON_MS)
    again = TicketKeys(tmp_path / "tickets")
    assert again.signing(NOON_MS + 1).kid == first.kid
    second = again.signing(NOON_MS + SIGNS_MS)
    assert second.kid != first.kid
    assert {one["kid"] for one in again.jwks(NOON_MS + SIGNS_MS)["keys"]} == {first.kid, second.kid}
    assert {one["kid"] for one in again.jwks(NOON_MS + VERIFIES_MS)["keys"]} == {second.kid}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "tickets").iterdir()} == {0o600}


def test_like_refusals_of_a_minute_are_one_record_with_their_count() -> None:
    refusals = Refusals()
    act = {"act": "refused", "reason": "forged"}
    assert refusals.told(act, NOON_MS) == act
    assert [refusals.told(act, NOON_MS + number) for number in range(1, 1_000)] == [None] * 999
    assert refusals.due(NOON_MS + MINUTE_MS - 1) == []
    assert refusals.due(NOON_MS + MINUTE_MS) == [{**act, "count": 999}]
    assert refusals.due(NOON_MS + 2 * MINUTE_MS) == []
    assert refusals.told(act, NOON_MS + 2 * MINUTE_MS) == act


def test_a_flood_of_refusals_of_many_kinds_is_bounded() -> None:
    refusals = Refusals()
    told_at_once = [
        refusals.told({"act": "refused", "reason": "used", "grant_id": str(n)}, NOON_MS) for n in range(9_999)
    ]
    assert sum(one is not None for one in told_at_once) == 257
    assert len(refusals.due(NOON_MS + MINUTE_MS)) == 1


def test_a_viewing_whose_grant_is_over_gets_its_end_once(room: Room) -> None:
    room.viewing(room.ticket())
    room.grant(revoked_at=NOON_MS)
    viewings, grants = room.log.viewings, room.tickets.grants
    (ended,) = viewings.ended(lambda its_id: grants.ending(its_id, now_ms=NOON_MS))
    assert (ended["act"], ended["reason"], ended["grant_id"]) == ("ended", "revoked", "g-1")
    viewings.take(ended)
    assert list(viewings.ended(lambda its_id: grants.ending(its_id, now_ms=NOON_MS))) == []
