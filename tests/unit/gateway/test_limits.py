"""Bounds of the gateway by figures, and each status that it answers with."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from connectors.gateway import metrics, service
from connectors.gateway.account_hashes import check_account
from connectors.gateway.accounts import Accounts, new_key, new_user, with_new_secret
from connectors.gateway.connections import VISITOR
from connectors.gateway.limits import Rates, Room
from connectors.gateway.problems import Problem
from connectors.gateway.readiness import readiness
from connectors.gateway.spool_values import Depth
from connectors.gateway.trouble import Trouble, worst
from schemas.errors import Invalid
from tests.unit.gateway.an_app import NOON_MS, REPORT, Here, a_gateway


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    with a_gateway(tmp_path) as made:
        yield made


# -- rates and room -------------------------------------------------------------------------------------------


def passes(rates: Rates, rate: float | None, now_s: float = 100.0) -> int:
    """The number of requests that pass at once."""
    count = 0
    while rates.wait_s("a", rate, now_s) == 0.0:
        count += 1
    return count


def test_a_caller_without_a_rate_of_its_own_has_the_usual_one() -> None:
    assert passes(Rates(), None) == 4_000
    assert passes(Rates(5.0), None) == 10
    assert passes(Rates(5.0), 2.0) == 4


def test_a_slow_caller_may_always_make_one_request_and_waits_its_time_for_the_next() -> None:
    rates = Rates()
    assert passes(rates, 0.1) == 1
    assert rates.wait_s("a", 0.1, 100.0) == pytest.approx(10.0)
    assert rates.wait_s("a", 0.1, 105.0) == pytest.approx(5.0)
    assert rates.wait_s("a", 0.1, 110.0) == 0.0


def test_time_without_a_request_saves_no_more_than_a_burst() -> None:
    rates = Rates()
    assert passes(rates, 2.0) == 4
    assert passes(rates, 2.0, 10_000.0) == 4


def test_of_very_many_callers_the_oldest_is_forgotten_and_memory_is_bounded() -> None:
    rates = Rates(0.5)
    for number in range(10_000):
        rates.wait_s(str(number), None, 0.0)
    assert rates.wait_s("0", None, 0.0) > 0
    assert rates.wait_s("new", None, 0.0) == 0.0
    assert len(rates._buckets) == 10_000
    assert rates.wait_s("0", None, 0.0) == 0.0, "forgotten"


def test_room_that_is_taken_to_the_last_byte_is_room() -> None:
    room = Room(100, 60)
    with room.place("a") as first, room.place("b") as second:
        assert [first(60), first(1), second(40), second(1)] == [True, False, True, False]
    assert (room.taken, dict(room._of_account)) == (0, {})
    with pytest.raises(ValueError, match="a fault"), room.place("a") as third:
        third(60)
        raise ValueError("a fault")
    assert room.taken == 0


def test_a_gateway_has_room_for_two_of_the_longest_bodies_of_an_account_and_eight_of_all(here: Here) -> None:
    def room_of(**about: Any) -> tuple[int, int]:
        one = here.gateway
        room = service.Gateway("x", {}, one.accounts, one.spool, one.now_ms, **about).room
        return room.of_account_max, room.bytes_max

    assert room_of(body_bytes_max=16 << 20) == (32 << 20, 128 << 20)
    assert room_of() == (8 << 20, 32 << 20)
    assert room_of(body_bytes_max=100) == (200, 32 << 20)


# -- accounts -------------------------------------------------------------------------------------------------


def test_a_key_is_long_enough_that_nobody_guesses_it_and_its_row_says_what_it_may() -> None:
    key, event = new_key("town", "police", ["b", "a"], now_ms=5, requests_per_s=3.0, expires_at=9)
    prefix, account_id, secret = key.split("_", 2)
    assert (prefix, len(account_id), len(secret)) == ("bongsu", 12, 43)
    row = event.value or {}
    about = ("kind", "name", "roles", "sources", "requests_per_s", "created_at", "expires_at", "revoked_at")
    assert [row[name] for name in about] == ["key", "police", ["publish"], ["a", "b"], 3.0, 5, 9, None]
    assert (event.topic, event.key, row["city"], row["event_time"]) == ("core.account", account_id, "town", 5)
    _, user = new_user("town", "kim", "operator", now_ms=5, expires_at=9)
    assert ((user.value or {})["kind"], (user.value or {})["expires_at"]) == ("user", 9)
    again, event = with_new_secret("town", row, now_ms=6)
    assert again.split("_")[1] == account_id
    known = Accounts([event.value or {}])
    assert len(known) == 1
    assert known.of_key(again, now_ms=6) is not None
    assert known.of_key(key, now_ms=6) is None


def test_a_row_of_which_the_hash_is_none_is_refused_by_its_field() -> None:
    check_account("a", {"secret_hash": "00ff"})
    with pytest.raises(Invalid) as caught:
        check_account("a", {"secret_hash": "xyz"})
    assert caught.value.field == "secret_hash"


@pytest.mark.parametrize("change", [{"hash_method": "none"}, {"kind": "robot"}])
def test_a_row_that_one_of_an_unknown_form_replaced_opens_nothing_any_more(change: dict[str, str]) -> None:
    key, event = new_key("town", "police", ["a"], now_ms=5)
    row = event.value or {}
    accounts = Accounts([row])
    accounts.put({**row, **change})
    assert (accounts.of_key(key, now_ms=5), len(accounts)) == (None, 0)
    accounts.forget("nobody")


# -- statuses -------------------------------------------------------------------------------------------------


def counted(label: str, status: int) -> float:
    return float(metrics.requests.labels(label, status)._value.get())


def test_the_description_names_every_status_and_has_one_page(here: Here) -> None:
    about = here.get("/openapi.json").json()
    operation = about["paths"]["/v1/{city}/sources/{source}"]["post"]
    assert set(operation["responses"]) == {
        "202", "400", "401", "403", "404", "408", "413", "415", "422", "429", "503"
    }  # fmt: skip
    assert operation["requestBody"]["required"] is True
    assert set(about["paths"]) == {"/v1/{city}/sources/{source}"}
    assert here.get("/docs").status_code == 200 and here.get("/redoc").status_code == 404


def test_the_description_is_written_once_whoever_asks_for_it(here: Here) -> None:
    about = here.get("/openapi.json").json()
    here.app.openapi_schema = {"info": {"title": ""}, "paths": {}}  # seen if it were written again
    assert here.get("/openapi.json").json() == about
    assert "/v1/{city}/sources/{source}" in here.get("/docs").text


@pytest.mark.parametrize(
    ("how", "status", "headers"),
    [
        ({"authorization": ""}, 401, {"www-authenticate": "Bearer"}),
        ({"authorization": "Bearer"}, 401, {"www-authenticate": "Bearer"}),
        ({"authorization": "Bearer bongsu_0_x"}, 401, {"www-authenticate": 'Bearer error="invalid_token"'}),
        ({"content_encoding": "gzip"}, 415, {}),
        ({"idempotency_key": "k" * 201}, 422, {}),
    ],
)
def test_a_refusal_has_its_status_and_headers_and_is_counted(
    here: Here, how: dict[str, str], status: int, headers: dict[str, str]
) -> None:
    before = counted("reports", status)
    answer = here.post(REPORT, **how)
    assert answer.status_code == answer.json()["status"] == status
    assert {name: answer.headers.get(name) for name in headers} == headers
    assert counted("reports", status) == before + 1


def test_two_words_for_one_request_are_refused(here: Here) -> None:
    answer = here.post_with(REPORT, [("idempotency-key", "a"), ("idempotency-key", "b")])
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")
    assert "more than one" in answer.json()["detail"]
    same = here.post_with(REPORT, [("idempotency-key", "a"), ("idempotency-key", "a ")])
    assert same.status_code == 202


def test_a_source_that_nobody_pushes_is_told_to_who_may_push_it_only(here: Here) -> None:
    key, row = new_key("springfield", "x", ["cameras"], now_ms=NOON_MS)
    here.gateway.accounts.put(row.value or {})
    before = counted("unknown", 404)
    answer = here.post(REPORT, path="/v1/springfield/sources/cameras", authorization=f"Bearer {key}")
    assert (answer.status_code, answer.json()["pushed"]) == (404, ["reports"])
    assert counted("unknown", 404) == before + 1, "no label of a caller's own"


@pytest.mark.parametrize(
    ("change", "after_s"),
    [({"is_stopped": True}, 60), ({"over": "fenced, another"}, 5)],
    ids=["stopped", "over"],
)
def test_a_source_that_takes_nothing_says_when_to_come_again(
    here: Here, change: dict[str, Any], after_s: int
) -> None:
    for name, value in change.items():
        setattr(here, name, value)
    answer = here.post(REPORT)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, str(after_s))


def test_until_keys_are_known_nobody_is_called_unknown(here: Here) -> None:
    here.gateway.accounts = Accounts()
    here.gateway.trouble = lambda: "Kafka unavailable"
    answer = here.post(REPORT)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "no keys are known yet: Kafka unavailable" in answer.json()["detail"]
    assert here.get("/readyz").status_code == 503
    here.gateway.trouble = lambda: None
    assert here.post(REPORT).status_code == 401
    assert here.get("/readyz").status_code == 200


def test_keys_known_from_before_are_heeded_while_kafka_is_away(here: Here) -> None:
    here.gateway.trouble = lambda: "Kafka unavailable"
    assert here.post(REPORT).status_code == 202
    assert here.get("/readyz").json()["ready"] is True


def a_request(here: Here, receive: Any = None, *, key: str | None = None, **scope: Any) -> Request:
    headers = [(b"authorization", f"Bearer {key or here.key}".encode())]
    return Request({"type": "http", "method": "POST", "headers": headers, **scope}, receive)


def problem_of(ask: Callable[[], object]) -> tuple[int, dict[str, str]]:
    with pytest.raises(Problem) as caught:
        ask()
    answer = caught.value.answer()
    return answer.status_code, dict(answer.headers)


def test_an_address_that_guesses_keys_is_slowed_and_a_good_key_from_there_is_not(here: Here) -> None:
    here.gateway.now_s = lambda: 7.0
    wrong = a_request(here, key="bongsu_0_x")
    statuses = [problem_of(lambda: here.gateway.account_of(wrong))[0] for _ in range(101)]
    assert statuses == [401] * 100 + [429]
    _, headers = problem_of(lambda: here.gateway.account_of(wrong))
    assert headers["connection"] == "close"
    assert int(headers["retry-after"]) >= 1
    assert here.gateway.account_of(a_request(here))


def test_the_addresses_of_one_ipv6_network_guess_together(here: Here) -> None:
    here.gateway.now_s = lambda: 7.0

    def status(address: str) -> int:
        asked = a_request(here, key="bongsu_0_x", client=(address, 1))
        return problem_of(lambda: here.gateway.account_of(asked))[0]

    assert [status(f"2001:db8:1:2::{number:x}") for number in range(101)] == [401] * 100 + [429]
    assert status("2001:db8:1:3::1") == 401


class Visitor:
    """A connection that the door knows, or has no room for."""

    def __init__(self, *, is_known: bool) -> None:
        self.is_known = is_known
        self.accounts: list[str] = []

    def know(self, account_id: str) -> bool:
        self.accounts.append(account_id)
        return self.is_known


def test_a_connection_for_which_there_is_no_room_is_closed(here: Here) -> None:
    known, other = Visitor(is_known=True), Visitor(is_known=False)
    account = here.gateway.account_of(a_request(here, state={VISITOR: known}))
    assert known.accounts == [account.account_id]
    refused = a_request(here, state={VISITOR: other})
    status, headers = problem_of(lambda: here.gateway.account_of(refused))
    assert (status, headers["connection"], headers["retry-after"]) == (429, "close", "1")


def body_of(here: Here, receive: Callable[[], Any], bytes_max: int = 10) -> bytes:
    account = here.gateway.account_of(a_request(here))
    return asyncio.run(here.gateway.body(a_request(here, receive), account, bytes_max=bytes_max))


def pieces(*bodies: bytes) -> Callable[[], Any]:
    left = list(bodies)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    return receive


def test_a_body_ends_at_its_bound_and_not_before(here: Here) -> None:
    assert body_of(here, pieces(b"12345", b"67890")) == b"1234567890"
    assert problem_of(lambda: body_of(here, pieces(b"12345", b"678901")))[0] == 413
    assert here.gateway.room.taken == 0
    most = b"," * 50_000
    assert body_of(here, pieces(most), 1 << 20) == most
    assert problem_of(lambda: body_of(here, pieces(most + b","), 1 << 20))[0] == 413


def test_a_caller_that_went_away_and_one_that_says_no_more_have_no_body(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def silent() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    assert problem_of(lambda: body_of(here, gone))[0] == 400
    monkeypatch.setattr(service, "BODY_S_MAX", 0.001)
    assert problem_of(lambda: body_of(here, silent))[0] == 408


def test_one_account_that_fills_its_room_is_told_to_come_again(here: Here) -> None:
    account = here.gateway.account_of(a_request(here))
    with here.gateway.room.place(account.account_id) as takes:
        assert takes(200_000)
        status, headers = problem_of(lambda: body_of(here, pieces(b"1")))
    assert (status, headers["retry-after"]) == (503, "1")


def test_a_declared_length_is_believed_only_where_it_is_a_number(here: Here) -> None:
    gateway: Any = here.gateway

    def declares(length: str) -> None:
        gateway._check_declared(SimpleNamespace(headers={"content-length": length}), 100)

    for length in ("100", "", "x", "-5"):
        declares(length)
    assert problem_of(lambda: declares("101"))[0] == 413


def test_a_long_body_is_read_in_a_thread_and_a_short_one_at_once(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_threads: list[int] = []
    real = run_in_threadpool

    async def threaded(work: Any) -> Any:
        in_threads.append(1)
        return await real(work)

    monkeypatch.setattr(service, "run_in_threadpool", threaded)
    body = orjson.dumps(REPORT)
    assert here.post(body.ljust(32_768)).status_code == 202
    assert in_threads == []
    assert here.post(body.ljust(32_769)).status_code == 202
    assert in_threads == [1]


def test_what_was_taken_refused_and_repeated_is_counted_and_the_drain_is_woken(here: Here) -> None:
    woken: list[int] = []
    source: Any = here.gateway.sources["reports"]
    source.wake = lambda: woken.append(1)
    counts = [metrics.records.labels("reports", one) for one in ("accepted", "refused")]
    counts.append(metrics.repeats.labels("reports"))
    before = [one._value.get() for one in counts]

    def more() -> list[float]:
        return [one._value.get() - was for one, was in zip(counts, before, strict=True)]

    here.post([REPORT, {}])
    assert (more(), woken) == ([1, 1, 0], [1])
    here.post([REPORT, {}])
    assert (more(), woken) == ([2, 2, 1], [1, 1])
    assert here.post([{}]).status_code == 422
    assert (more(), woken) == ([2, 3, 1], [1, 1])


# -- readiness ------------------------------------------------------------------------------------------------


class ASpool:
    """Parts of a spool that readiness asks."""

    trouble: str | None = None
    is_full = False
    room_bytes = 7
    oldest: int | None = None
    error: Exception | None = None

    def depth(self, _source: str) -> Depth:
        if self.error is not None:
            raise self.error
        return Depth(2, 300)

    def oldest_ms(self, _source: str) -> int | None:
        return self.oldest


def ready(here: Here, **about: Any) -> tuple[int, dict[str, Any]]:
    gateway: Any = here.gateway
    spool = ASpool()
    for name, value in about.items():
        setattr(spool, name, value)
    kept, gateway.spool = gateway.spool, spool
    try:
        return readiness(gateway)
    finally:
        gateway.spool = kept


def test_a_gateway_says_what_waits_and_for_how_long(here: Here) -> None:
    status, told = ready(here, oldest=NOON_MS - 1_500)
    assert (status, told["ready"], told["trouble"], told["publishing"]) == (200, True, None, True)
    assert told["room_bytes"] == 7
    assert told["sources"] == {"reports": {"pushes": 2, "bytes": 300, "age_s": 1.5, "stopped": False}}
    assert "since" not in told
    assert ready(here, oldest=None)[1]["sources"]["reports"]["age_s"] == 0.0
    ahead = ready(here, oldest=NOON_MS + 9)[1]
    assert ahead["sources"]["reports"]["age_s"] == 0.0, "a clock that was set back"


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"trouble": "the spool cannot be written"}, "the spool cannot be written"),
        ({"is_full": True}, "the spool is full: it has room for 7 bytes until Kafka takes some"),
        ({"error": sqlite3.OperationalError("locked")}, "the spool cannot be read: locked"),
    ],
)
def test_a_gateway_whose_spool_takes_nothing_is_not_ready(
    here: Here, about: dict[str, Any], why: str
) -> None:
    status, told = ready(here, **about)
    assert (status, told["ready"], told["trouble"]) == (503, False, why)


def test_the_trouble_that_stays_is_told_before_one_that_may_pass_and_the_oldest_first() -> None:
    old, new = Trouble("old", 1), Trouble("new", 2)
    over, longer = Trouble("over", 9, is_over=True), Trouble("longer", 8, is_over=True)
    assert worst([new, None, old]) is old
    assert worst([old, over, longer]) is longer
    assert worst([None]) is None


def test_the_figures_of_the_spool_are_those_of_its_sources(here: Here) -> None:
    here.post(REPORT)
    size = here.spool.depth("reports").bytes
    assert f'bongsu_spool_bytes{{source="reports"}} {float(size)}' in here.get("/metrics").text
