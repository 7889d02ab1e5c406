"""Sessions: who signs in gets a cookie that counts as the key does, until it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from connectors.gateway.accounts import Account, Accounts, new_user, with_new_secret
from connectors.gateway.networks import network_of
from connectors.gateway.sessions import LIFE_MS, RENEWED_AFTER_MS, Sessions
from connectors.gateway.sessions_key import kept_secret
from connectors.gateway.sessions_limits import Attempts
from deploy.assembly.gateway_sessions import sessions_of
from deploy.city.city import load_city
from deploy.replica import ONLY, Replica
from schemas.errors import Fatal
from tests.unit.gateway.a_reading_city import CITY, SESSIONS_SECRET, Reader, a_reading_city
from tests.unit.gateway.an_app import NOON_MS, REPORT

PATH = "/console/api/session"


def an_account(**about: Any) -> Account:
    _, event = new_user(CITY, "desk-3", "operator", now_ms=NOON_MS)
    accounts = Accounts([{**(event.value or {}), **about}])
    account = accounts.of_id(event.key)
    assert account is not None
    return account


@pytest.fixture
def sessions() -> Sessions:
    return Sessions(SESSIONS_SECRET, CITY)


def test_a_token_is_read_by_every_replica_with_the_secret_until_its_end(sessions: Sessions) -> None:
    session = sessions.begin(an_account(), now_ms=NOON_MS)
    replica = Sessions(SESSIONS_SECRET, CITY)
    assert replica.read(sessions.token(session), now_ms=NOON_MS + LIFE_MS - 1) == session
    assert replica.csrf(session) == sessions.csrf(session)
    assert replica.read(sessions.token(session), now_ms=NOON_MS + LIFE_MS) is None


def test_a_token_of_another_city_or_secret_is_none(sessions: Sessions) -> None:
    token = sessions.token(sessions.begin(an_account(), now_ms=NOON_MS))
    assert Sessions(SESSIONS_SECRET, "other").read(token, now_ms=NOON_MS) is None
    assert Sessions(b"t" * 32, CITY).read(token, now_ms=NOON_MS) is None


def test_a_token_with_any_letter_changed_is_none(sessions: Sessions) -> None:
    token = sessions.token(sessions.begin(an_account(), now_ms=NOON_MS))
    for at, letter in enumerate(
        token[:-1]
    ):  # the last letter has spare bits: refused as well, as texts are compared
        changed = token[:at] + ("A" if letter != "A" else "B") + token[at + 1 :]
        assert sessions.read(changed, now_ms=NOON_MS) is None, at
    for other in ("", ".", "x", token + "A", token.partition(".")[0], "é\udcff.ü", "A" * 100_000):
        assert sessions.read(other, now_ms=NOON_MS) is None


def test_a_csrf_value_is_none_of_a_token_and_of_one_session(sessions: Sessions) -> None:
    one, other = (sessions.begin(an_account(), now_ms=NOON_MS) for _ in range(2))
    assert sessions.csrf(one) != sessions.csrf(other)
    assert sessions.csrf(one) not in sessions.token(one)


def test_a_new_key_ends_the_sessions_of_the_account(sessions: Sessions) -> None:
    _, event = new_user(CITY, "desk-3", "operator", now_ms=NOON_MS)
    _, later = with_new_secret(CITY, event.value or {}, now_ms=NOON_MS + 1)
    accounts = Accounts([event.value or {}])
    before = accounts.of_id(event.key)
    assert before is not None
    session = sessions.begin(before, now_ms=NOON_MS)
    assert sessions.is_of(session, before, now_ms=NOON_MS)
    accounts.put(later.value or {})
    after = accounts.of_id(event.key)
    assert after is not None
    assert not sessions.is_of(session, after, now_ms=NOON_MS)


def test_a_session_is_renewed_when_it_is_used_after_a_while(sessions: Sessions) -> None:
    account = an_account()
    session = sessions.begin(account, now_ms=NOON_MS)
    assert sessions.renewed(session, account, now_ms=NOON_MS + RENEWED_AFTER_MS - 1) is None
    fresh = sessions.renewed(session, account, now_ms=NOON_MS + RENEWED_AFTER_MS)
    assert fresh is not None
    assert fresh.until_ms == NOON_MS + RENEWED_AFTER_MS + LIFE_MS
    assert sessions.csrf(fresh) == sessions.csrf(session)


def test_an_ended_session_is_over_with_its_renewals(sessions: Sessions) -> None:
    account = an_account()
    session = sessions.begin(account, now_ms=NOON_MS)
    fresh = sessions.renewed(session, account, now_ms=NOON_MS + RENEWED_AFTER_MS)
    assert fresh is not None
    sessions.end(session, now_ms=NOON_MS + RENEWED_AFTER_MS)
    at_its_end = NOON_MS + RENEWED_AFTER_MS + LIFE_MS - 1
    sessions.end(sessions.begin(account, now_ms=at_its_end), now_ms=at_its_end)
    for one in (session, fresh):
        assert sessions.read(sessions.token(one), now_ms=at_its_end) is None
        assert not sessions.is_of(one, account, now_ms=NOON_MS)


def test_ended_sessions_are_forgotten_in_time_and_never_too_many(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.gateway.sessions.ENDED_MAX", 3)
    account = an_account()
    for _ in range(5):
        sessions.end(sessions.begin(account, now_ms=NOON_MS), now_ms=NOON_MS)
    assert len(sessions._ended) == 3
    sessions.end(sessions.begin(account, now_ms=NOON_MS + LIFE_MS), now_ms=NOON_MS + LIFE_MS)
    assert len(sessions._ended) == 1


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "sessions" / "secret"
    secret = kept_secret(file)
    assert len(secret) == 32
    assert kept_secret(file) == secret
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("half", encoding="ascii")
    with pytest.raises(Fatal, match="no secret of sessions"):
        kept_secret(file)


def test_a_gateway_reads_its_sessions_after_a_restart_and_replicas_read_each_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path))
    city = load_city("demo")
    alone = [sessions_of(city, ONLY) for _ in range(2)]
    shared = [sessions_of(city, Replica(name, b"r" * 32)) for name in ("a", "b")]
    for before, after in (alone, shared):
        session = before.begin(an_account(), now_ms=NOON_MS)
        assert after.read(before.token(session), now_ms=NOON_MS) == session
        assert before.csrf(session) == after.csrf(session)
    assert alone[0].secret != shared[0].secret


def test_attempts_have_a_burst_then_a_pace() -> None:
    attempts = Attempts(3, 10.0)
    assert [attempts.wait_s("a", 0.0) for _ in range(4)] == [0, 0, 0, 10]
    assert attempts.wait_s("b", 0.0) == 0
    assert attempts.wait_s("a", 4.0) == pytest.approx(6)
    assert attempts.wait_s("a", 10.0) == 0
    assert attempts.wait_s("a", 10.0) > 0
    attempts.give_back("a", 10.0)
    assert attempts.wait_s("a", 10.0) == 0


def test_an_ipv6_network_is_one_caller() -> None:
    assert (
        network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:3:4:5:6") != network_of("2001:db8:1:3::1")
    )
    assert network_of("203.0.113.7") == "203.0.113.7"
    assert network_of("") == ""


# -- over HTTP ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with a_reading_city(tmp_path) as made:
        yield made


def ask(reader: Reader, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(reader.here.app, client=("203.0.113.7", 5))
        base = "https://gateway" if headers.pop("scheme", "") == "https" else "http://gateway"
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            if body is not None:
                sent.setdefault("content-type", "application/json")
            content = body if isinstance(body, bytes | None) else orjson.dumps(body)
            return await client.request(method, path, content=content, headers=sent)

    return asyncio.run(asked())


def sign_in(reader: Reader, role: str = "operator") -> tuple[Mapping[str, Any], str]:
    """The body of the response, and the header ``Cookie`` of the next request."""
    answer = ask(reader, "POST", PATH, {"key": reader.keys[role]})
    assert answer.status_code == 200, answer.text
    return answer.json(), answer.headers["set-cookie"].partition(";")[0]


def test_who_signs_in_is_told_who_they_are_and_what_they_may_do(reader: Reader) -> None:
    told, cookie = sign_in(reader)
    assert told["account"]["name"] == "operator"
    assert told["account"]["kind"] == "user"
    assert told["account"]["role"] == "operator"
    assert told["account"]["may"] == {
        "act": ["note"],
        "administer": False,
        "audit": False,
        "oversee": False,
        "read": True,
    }
    assert ask(reader, "GET", PATH, cookie=cookie).json() == told
    assert sign_in(reader, "viewer")[0]["account"]["may"]["act"] == []
    assert sign_in(reader, "administrator")[0]["account"]["may"]["administer"] is True


def test_the_cookie_is_for_this_site_alone_and_no_script_reads_it(reader: Reader) -> None:
    body = {"key": reader.keys["viewer"]}
    plain = ask(reader, "POST", PATH, body).headers["set-cookie"].lower()
    for word in ("bongsu-session=", "httponly", "samesite=strict", "path=/;", "max-age=43200"):
        assert word in plain + ";"
    assert "secure" not in plain
    assert "; secure" in ask(reader, "POST", PATH, body, scheme="https").headers["set-cookie"].lower()


@pytest.mark.parametrize("key", ["x", "bongsu_00_x", "bongsu_{id}_wrong"])
def test_every_wrong_sign_in_has_one_answer(reader: Reader, key: str) -> None:
    its_id = reader.keys["viewer"].split("_")[1]
    answer = ask(reader, "POST", PATH, {"key": key.format(id=its_id)})
    assert answer.status_code == 401
    assert answer.json()["detail"] == "the sign-in is wrong, or no longer good"
    assert "set-cookie" not in answer.headers


def test_a_body_that_is_no_sign_in_is_refused_and_not_repeated(reader: Reader) -> None:
    for body in (
        {"key": 5},
        {"key": "x", "secret-word": 1},
        {},
        b"[",
        b'{"key": "' + b"secret-word" * 50 + b'"}',
    ):
        answer = ask(reader, "POST", PATH, body)
        assert answer.status_code == 422, body
        assert "secret-word" not in answer.text
    assert ask(reader, "POST", PATH, b"key=x", content_type="text/plain").status_code == 415


def test_an_account_that_only_publishes_signs_in_to_nothing(reader: Reader) -> None:
    assert ask(reader, "POST", PATH, {"key": reader.keys["publisher"]}).status_code == 403


def test_the_attempts_of_an_address_are_limited(reader: Reader) -> None:
    statuses = [ask(reader, "POST", PATH, {"key": "x"}).status_code for _ in range(21)]
    assert statuses == [401] * 20 + [429]
    answer = ask(reader, "POST", PATH, {"key": reader.keys["viewer"]})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_right_sign_ins_do_not_count_against_an_address(reader: Reader) -> None:
    for _ in range(30):
        sign_in(reader)


def test_the_cookie_reads_as_the_key_does(reader: Reader) -> None:
    reader.city.put("core.situation", situation_id="s1")
    _, cookie = sign_in(reader, "viewer")
    for path in ("/v1/springfield/situations", "/v1/springfield/situations/s1", "/readyz", "/metrics"):
        by_cookie = ask(reader, "GET", path, cookie=cookie)
        by_key = ask(reader, "GET", path, authorization=f"Bearer {reader.keys['viewer']}")
        assert by_cookie.status_code == by_key.status_code
        assert by_cookie.status_code != 401
        if path.startswith("/v1"):
            assert by_cookie.content == by_key.content
            assert "cookie" in by_cookie.headers["vary"].lower()


def test_a_key_wins_over_a_cookie(reader: Reader) -> None:
    _, cookie = sign_in(reader, "viewer")
    answer = ask(reader, "GET", "/v1/springfield/situations", cookie=cookie, authorization="Bearer wrong")
    assert answer.status_code == 401


def act(reader: Reader, **headers: str) -> httpx.Response:
    body = {"action": "note", "reason": "seen"}
    return ask(reader, "POST", "/v1/springfield/situations/s1/actions", body, **headers)


def test_acting_with_a_cookie_needs_the_csrf_value(reader: Reader) -> None:
    told, cookie = sign_in(reader)
    other, _ = sign_in(reader)
    assert act(reader, cookie=cookie).status_code == 403
    assert act(reader, cookie=cookie, x_bongsu_csrf=other["csrf"]).status_code == 403
    assert (
        act(reader, cookie=cookie, x_bongsu_csrf=told["csrf"]).status_code == 503
    )  # of the desk, which takes none
    assert act(reader, x_bongsu_csrf=told["csrf"]).status_code == 401


def test_a_viewer_who_signed_in_acts_on_nothing(reader: Reader) -> None:
    told, cookie = sign_in(reader, "viewer")
    answer = act(reader, cookie=cookie, x_bongsu_csrf=told["csrf"])
    assert answer.status_code == 403
    assert "may not act" in answer.json()["detail"]


def test_a_push_takes_no_cookie(reader: Reader) -> None:
    key, path = reader.keys["publisher"], "/v1/springfield/sources/reports"
    accounts, sessions = reader.here.gateway.accounts, reader.here.gateway.sessions
    account = accounts.of_key(key, now_ms=NOON_MS)
    assert account is not None
    assert sessions is not None
    session = sessions.begin(account, now_ms=NOON_MS)
    headers = {"cookie": f"bongsu-session={sessions.token(session)}", "x_bongsu_csrf": sessions.csrf(session)}
    assert ask(reader, "POST", path, REPORT, **headers).status_code == 401
    assert ask(reader, "POST", path, REPORT, authorization=f"Bearer {key}").status_code == 202


def test_who_signs_out_is_out(reader: Reader) -> None:
    told, cookie = sign_in(reader)
    assert ask(reader, "DELETE", PATH, cookie=cookie).status_code == 403
    gone = ask(reader, "DELETE", PATH, cookie=cookie, x_bongsu_csrf=told["csrf"])
    assert gone.status_code == 204
    assert "max-age=0" in gone.headers["set-cookie"].lower()
    after = ask(reader, "GET", PATH, cookie=cookie)
    assert after.status_code == 401
    assert "max-age=0" in after.headers["set-cookie"].lower()


@pytest.mark.parametrize("field", ["revoked_at", "expires_at"])
def test_an_account_that_ends_ends_its_sessions(reader: Reader, field: str) -> None:
    _, cookie = sign_in(reader)
    accounts = reader.here.gateway.accounts
    assert ask(reader, "GET", PATH, cookie=cookie).status_code == 200
    key, event = new_user(CITY, "desk-9", "operator", now_ms=NOON_MS)
    accounts.put(event.value or {})
    reader.keys["desk-9"] = key
    _, other = sign_in(reader, "desk-9")
    accounts.put({**(event.value or {}), field: NOON_MS})
    assert ask(reader, "GET", PATH, cookie=other).status_code == 401
    assert ask(reader, "GET", "/v1/springfield/situations", cookie=other).status_code == 401
    assert ask(reader, "GET", PATH, cookie=cookie).status_code == 200


def test_a_used_session_gets_a_new_cookie_wherever_it_is_used(reader: Reader) -> None:
    told, cookie = sign_in(reader)
    gateway = reader.here.gateway
    path = "/v1/springfield/situations"
    assert "set-cookie" not in ask(reader, "GET", path, cookie=cookie).headers
    later = NOON_MS + RENEWED_AFTER_MS
    gateway.now_ms = lambda: later
    for asked in (path, PATH):
        fresh = ask(reader, "GET", asked, cookie=cookie).headers["set-cookie"].partition(";")[0]
        assert fresh != cookie
    gateway.now_ms = lambda: NOON_MS + LIFE_MS
    assert ask(reader, "GET", path, cookie=cookie).status_code == 401
    again = ask(reader, "GET", PATH, cookie=fresh)
    assert again.status_code == 200
    assert again.json()["csrf"] == told["csrf"]


def test_a_session_before_the_accounts_are_known_is_asked_to_wait(reader: Reader) -> None:
    _, cookie = sign_in(reader)
    gateway = reader.here.gateway
    gateway.accounts, gateway.trouble = Accounts(), lambda: "no broker answers"
    answer = ask(reader, "GET", PATH, cookie=cookie)
    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers
