"""Sign-in by OpenID Connect: every token with a fault is refused with its reason, and nobody gets an account by default."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from connectors.gateway import oidc_paths
from connectors.gateway.account_hashes import subject_of
from connectors.gateway.accounts import Account, Accounts, new_user, told
from connectors.gateway.oidc_accounts import Admission, id_of_group
from connectors.gateway.oidc_issuer import BODY_BYTES_MAX, Issuer, is_safe
from connectors.gateway.oidc_paths import CALLBACK, COOKIE, LOGIN, Oidc
from connectors.gateway.oidc_tokens import REASONS, OidcClient, OidcRefused
from connectors.gateway.sessions import LIFE_MS, Sessions
from schemas.errors import Retriable
from schemas.event import Event
from tests.an_issuer import CLIENT, KEYS, SECRET, AnIssuer, a_key, an_issuer
from tests.unit.gateway.a_reading_city import CITY, SESSIONS_SECRET, Reader, a_reading_city
from tests.unit.gateway.an_app import NOON_MS

HERE = "http://gateway"
NOON_S = NOON_MS // 1_000
GROUPS = {"fire-room": "supervisor", "control-room": "operator"}


@dataclass
class Desk:
    """The gateway with its issuer, and a browser that begins at the one and comes back from the other."""

    reader: Reader
    issuer: AnIssuer
    oidc: Oidc
    cookies: dict[str, str] = field(default_factory=dict)
    clock: list[float] = field(default_factory=lambda: [0.0])
    told: list[Event] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def get(self, path: str, **query: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.reader.here.app)
            async with httpx.AsyncClient(transport=transport, base_url=HERE, cookies=self.cookies) as client:
                answer = await client.get(path, params=query)
                self.cookies.update(answer.cookies)
                return answer

        return asyncio.run(ask())

    def begin(self) -> str:
        """The address at the issuer to which the browser is sent."""
        answer = self.get(LOGIN)
        assert answer.status_code == 303
        return answer.headers["location"]

    def sign_in(self, **query: str) -> str:
        """Where the browser is at last; *query*: other parameters than the right ones."""
        address = self.begin()
        if "#refused" in address:
            return address
        state = parse_qs(urlsplit(address).query)["state"][0]
        answer = self.get(CALLBACK, **{"state": state, "code": self.issuer.code_for(address), **query})
        assert answer.status_code == 303
        return answer.headers["location"]

    def reason(self, **query: str) -> str:
        """Why the sign-in is refused; nobody is signed in then."""
        where, _, reason = self.sign_in(**query).partition("#refused=")
        assert where == "/console/"
        assert "bongsu-session" not in self.cookies
        assert reason in REASONS
        assert self.refused[-1] == reason
        return reason

    def who(self) -> dict[str, Any]:
        answer = self.get("/console/api/session")
        assert answer.status_code == 200, answer.text
        about: dict[str, Any] = answer.json()["account"]
        return about

    def put(self, name: str = "민지", role: str = "operator", **about: Any) -> dict[str, Any]:
        subject = subject_of(self.issuer.url, "minji")
        _, event = new_user(CITY, name, role, now_ms=NOON_MS, oidc_subject=subject)
        row = {**(event.value or {}), **about}
        self.reader.here.gateway.accounts.put(row)
        return row


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with a_reading_city(tmp_path) as reader, an_issuer(NOON_S) as issuer:
        sessions = reader.here.gateway.sessions
        assert sessions is not None
        client = OidcClient(issuer.url, CLIENT, f"{HERE}{CALLBACK}", SECRET)
        clock = [0.0]
        made = Oidc(
            reader.here.gateway,
            sessions,
            Issuer(client, lambda: clock[0]),
            Admission(CITY, issuer.url),
            lambda _: None,
        )
        found = Desk(reader, issuer, made, clock=clock)
        made.publish, made.refused = found.told.append, found.refused.append
        oidc_paths.add(reader.here.app, made)
        yield found
        assert issuer.faults == []


def test_who_is_named_by_an_account_signs_in_with_its_role_and_nothing_is_written(desk: Desk) -> None:
    desk.put()
    address = urlsplit(desk.begin())
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{desk.issuer.url}/authorize"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert (asked["redirect_uri"], asked["scope"]) == (f"{HERE}{CALLBACK}", "openid profile")
    assert desk.sign_in() == "/console/"
    assert (desk.who()["name"], desk.who()["role"]) == ("민지", "operator")
    assert desk.told == []


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer's": ({"claims": {"iss": "https://evil.example"}}, "issuer"),
    "for another program": ({"claims": {"aud": "other"}}, "audience"),
    "for several, and another was asked": (
        {"claims": {"aud": [CLIENT, "other"], "azp": "other"}},
        "audience",
    ),
    "of another sign-in": ({"claims": {"nonce": "another"}}, "nonce"),
    "without a nonce": ({"claims": {"nonce": None}}, "nonce"),
    "too old": ({"claims": {"exp": NOON_S - 61}}, "expired"),
    "without an end": ({"claims": {"exp": None}}, "expired"),
    "of tomorrow": ({"claims": {"iat": NOON_S + 3_600}}, "token"),
    "without a subject": ({"claims": {"sub": None}}, "token"),
    "with a subject that is none": ({"claims": {"sub": ["minji"]}}, "token"),
    "with an empty subject": ({"claims": {"sub": ""}}, "token"),
    "for another access token": ({"claims": {"at_hash": "abcdefghijklmnopqrstuv"}}, "token"),
    "not signed": ({"algorithm": "none"}, "algorithm"),
    "signed with a shared secret": ({"algorithm": "HS256"}, "algorithm"),
    "signed with an unknown key": ({"signs": KEYS[1]}, "key"),
    "no token": ({"token": "a.b.c"}, "token"),
    "a number": ({"token": 7}, "token"),
    "refused": ({"token_status": 400}, "code"),
    "broken": ({"token_status": 500}, "away"),
    "endless": ({"padding": BODY_BYTES_MAX}, "away"),
    "metadata of another": ({"metadata": {"issuer": "https://evil.example"}}, "issuer"),
    "keys over plain http": ({"metadata": {"jwks_uri": "http://evil.example/jwks"}}, "away"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_an_answer_with_a_fault_is_refused_with_its_reason(desk: Desk, what: str) -> None:
    about, reason = FAULTS[what]
    desk.put()
    for name, value in about.items():
        setattr(desk.issuer, name, value)
    assert desk.reason() == reason


def test_a_signature_that_was_changed_is_refused(desk: Desk) -> None:
    desk.put()
    parts = {**a_key().as_dict(private=True), "kid": str(KEYS[0].kid)}
    desk.issuer.signs = RSAKey.import_key(parts)
    assert desk.reason() == "signature"


def test_what_comes_back_belongs_to_the_browser_that_began(desk: Desk) -> None:
    desk.put()
    assert desk.reason(state="another") == "state"
    assert desk.reason(error="access_denied") == "denied"
    assert desk.reason(code="") == "denied"
    desk.begin()
    assert desk.get(CALLBACK, error="access_denied").headers["location"].endswith("#refused=denied")
    address = desk.begin()
    state = parse_qs(urlsplit(address).query)["state"][0]
    code, cookie = desk.issuer.code_for(address), desk.cookies.pop(COOKIE)
    assert desk.get(CALLBACK, state=state, code=code).headers["location"].endswith("#refused=state")
    for wrong in (
        f"{cookie}x",
        cookie.replace(state, "another"),
        f"{state}.9{cookie.partition('.')[2]}",
        state,
        "\x7f",
    ):
        desk.cookies[COOKIE] = wrong
        assert desk.get(CALLBACK, state=state, code=code).headers["location"].endswith("#refused=state"), (
            wrong
        )
    desk.cookies[COOKIE] = cookie
    later = NOON_MS + oidc_paths.LIFE_MS
    desk.reader.here.gateway.now_ms = lambda: later
    assert desk.get(CALLBACK, state=state, code=code).headers["location"].endswith("#refused=state")
    desk.reader.here.gateway.now_ms = lambda: later - 1
    desk.issuer.claims = {"exp": later // 1_000 + 60}
    assert desk.get(CALLBACK, state=state, code=code).headers["location"] == "/console/"


def test_the_issuer_may_change_its_keys_and_is_not_asked_for_them_by_every_bad_token(desk: Desk) -> None:
    desk.put()
    assert desk.sign_in() == "/console/"
    assert desk.sign_in() == "/console/"
    assert (
        desk.issuer.asked.count("/jwks") == desk.issuer.asked.count("/.well-known/openid-configuration") == 1
    )
    desk.issuer.signs, desk.issuer.shows = KEYS[1], [KEYS[1]]
    desk.cookies.clear()
    assert desk.reason() == "key"
    assert desk.issuer.asked.count("/jwks") == 1
    desk.clock[0] = 31
    assert desk.sign_in() == "/console/"
    desk.issuer.signs, desk.issuer.shows = KEYS[0], [KEYS[1]]
    desk.cookies.clear()
    assert [desk.reason() for _ in range(3)] == ["key"] * 3
    assert desk.issuer.asked.count("/jwks") == 2


def test_an_issuer_that_is_away_is_said_and_asked_again(desk: Desk) -> None:
    desk.put()
    port, desk.issuer.metadata = desk.issuer.port, {"token_endpoint": None}
    assert desk.reason() == "away"
    desk.issuer.metadata = {}
    assert desk.sign_in() == "/console/"
    assert port == desk.issuer.port


def test_nobody_gets_an_account_by_default(desk: Desk) -> None:
    desk.issuer.claims = {"groups": ["control-room"], "preferred_username": "민지"}
    assert desk.reason() == "unknown"
    assert desk.told == []


def test_an_account_that_ended_or_names_another_issuer_signs_nobody_in(desk: Desk) -> None:
    row = desk.put(revoked_at=NOON_MS)
    assert desk.reason() == "ended"
    desk.put(account_id=row["account_id"], oidc_subject=subject_of("https://other.example", "minji"))
    assert desk.reason() == "unknown"
    desk.put(account_id=row["account_id"], roles=["publish"])
    assert desk.reason() == "reads"


def with_groups(desk: Desk, **claims: Any) -> None:
    desk.oidc.admission = Admission(CITY, desk.issuer.url, GROUPS, purposes=["rescue"])
    desk.issuer.claims = claims


def test_a_group_gives_an_account_once_and_its_role_follows_the_group(desk: Desk) -> None:
    with_groups(desk, groups=["guests", "control-room"], preferred_username="민지")
    for _ in range(2):
        assert desk.sign_in() == "/console/"
    about = desk.who()
    assert (about["name"], about["role"], about["audience"], about["purposes"]) == (
        "민지",
        "operator",
        "*",
        ["rescue"],
    )
    assert len(desk.told) == 1
    row = desk.told[0].value or {}
    assert row["account_id"] == id_of_group(subject_of(desk.issuer.url, "minji"))
    desk.issuer.claims = {"groups": ["control-room", "fire-room"], "preferred_username": "somebody else"}
    assert desk.sign_in() == "/console/"
    assert (desk.who()["name"], desk.who()["role"]) == ("민지", "supervisor")
    desk.cookies.clear()
    desk.issuer.claims = {"groups": ["guests"]}
    assert desk.reason() == "unknown"
    gone = told(CITY, {**row, "revoked_at": NOON_MS}, now_ms=NOON_MS).value or {}
    desk.reader.here.gateway.accounts.put(gone)
    desk.issuer.claims = {"groups": ["control-room"]}
    assert desk.reason() == "ended"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"groups": ["control-room"], "preferred_username": "Operator"}, "name"),
        ({"groups": ["control-room"], "preferred_username": "\x00"}, "name"),
        ({"groups": ["control-room"]}, "name"),
        ({"groups": {"control-room": True}, "preferred_username": "민지"}, "unknown"),
        ({"groups": ["CONTROL-ROOM"], "preferred_username": "민지"}, "unknown"),
    ],
)
def test_a_name_that_is_taken_or_none_and_a_group_that_is_none_give_no_account(
    desk: Desk, claims: dict[str, Any], reason: str
) -> None:
    with_groups(desk, **claims)
    assert desk.reason() == reason
    assert desk.told == []


def test_an_account_that_cannot_be_written_signs_nobody_in(desk: Desk) -> None:
    with_groups(desk, groups="control-room", preferred_username="민지")

    def fail(_event: Event) -> None:
        raise Retriable("Kafka is away")

    desk.oidc.publish = fail
    assert desk.reason() == "away"
    assert desk.reader.here.gateway.accounts.of_subject(subject_of(desk.issuer.url, "minji")) is None


def test_sign_ins_that_fail_are_limited(desk: Desk) -> None:
    for _ in range(10):
        assert desk.reason() == "unknown"
    assert desk.reason() == "busy"


def test_a_session_of_the_issuers_people_is_not_renewed() -> None:
    sessions = Sessions(SESSIONS_SECRET, CITY)
    _, event = new_user(CITY, "민지", "operator", now_ms=NOON_MS, oidc_subject="https://a b")
    row, later = event.value or {}, NOON_MS + LIFE_MS - 1

    def account(**about: Any) -> Account:
        found = Accounts([{**row, **about}]).of_user("민지", now_ms=NOON_MS)
        assert found is not None
        return found

    session = sessions.begin(account(), now_ms=NOON_MS)
    assert sessions.renewed(session, account(), now_ms=later) is None
    assert sessions.renewed(session, account(oidc_subject=None), now_ms=later) is not None
    assert sessions.is_of(session, account(), now_ms=later)
    assert not sessions.is_of(session, account(oidc_subject="https://a c"), now_ms=later)


def test_the_issuer_is_asked_over_tls_unless_it_is_on_this_machine() -> None:
    assert all(
        map(is_safe, ("https://a.example/x", "http://127.0.0.1:1/x", "http://localhost/x", "http://[::1]:9/"))
    )
    assert not any(
        map(
            is_safe,
            (
                "http://a.example",
                "ftp://a",
                "https://",
                "",
                None,
                7,
                "http://localhost.evil.example/",
                "https://[",
            ),
        )
    )


def test_every_reason_can_be_raised_and_said() -> None:
    assert len(set(REASONS)) == len(REASONS)
    assert OidcRefused("key").reason in REASONS
