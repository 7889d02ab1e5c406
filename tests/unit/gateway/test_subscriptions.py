"""Subscriptions over HTTP: made for oneself, never with more than one's account, and with no secret but one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from connectors.base import Delivery
from connectors.contract_suite.receivers import a_web_receiver
from connectors.gateway import subscription_documents
from deploy.assembly.deliver import sink_of
from schemas.errors import Fatal
from streams.deliver.subscriptions import Subscription
from tests.unit.gateway.a_subscribed_city import Subscribed, a_subscribed_city
from tests.unit.gateway.an_app import NOON_MS


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subscribed]:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CITY_SECRET", "whsec_of-the-city")
    with a_subscribed_city(tmp_path) as made:
        yield made


def problem(city: Subscribed, role: str = "agency", **about: Any) -> tuple[int, str | None]:
    """(status, field) of a refused wish, which leaves nothing behind."""
    answer = city.make(role=role, **about)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = answer.json()
    assert city.desk.written == [] and city.secrets() == []
    assert "field" not in told or told["expected"], told
    return answer.status_code, told.get("field")


def test_an_agency_makes_a_webhook_for_itself_and_sees_its_secret_once(city: Subscribed) -> None:
    answer = city.make(kinds=["crash"], severity_from="severe")
    assert (answer.status_code, answer.headers["location"]) == (201, "/v1/springfield/subscriptions/desk")
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    shown = told["subscription"]
    assert set(shown) == set(subscription_documents.SHOWN["properties"])
    assert (shown["who"], shown["audience"], shown["purposes"]) == ("119", "119", ["rescue"])
    assert (shown["state"], shown["held"], shown["lag"], shown["origin"]) == ("active", None, None, "http")
    assert shown["settings"] == {"url": "https://desk.example/…"}
    (file,) = city.secrets()
    assert file.read_text().strip() == told["secret"] and file.stat().st_mode & 0o777 == 0o600
    (row,) = city.desk.written
    assert row.settings["secrets"] == [f"${{FILE:{file.name}}}"]
    again = city.ask("GET", "/desk")
    assert again.json() == shown and told["secret"] not in again.text and "key=k" not in again.text


@pytest.mark.parametrize(
    ("role", "about", "field"),
    [
        ("agency", {"audience": "112"}, "audience"),
        ("agency", {"audience": "*"}, "audience"),
        ("public", {"audience": "119"}, "audience"),
        ("agency", {"purposes": ["rescue", "crime-prevention"]}, "purposes"),
        ("viewer", {"purposes": ["rescue"]}, "purposes"),
    ],
)
def test_no_subscription_has_more_than_its_account(
    city: Subscribed, role: str, about: dict[str, Any], field: str
) -> None:
    assert problem(city, role, **about) == (403, field)


@pytest.mark.parametrize(
    ("role", "about"),
    [
        ("all", {"audience": "119"}),
        ("all", {"audience": None}),
        ("agency", {"purposes": []}),
        ("agency", {"audience": None, "purposes": []}),
    ],
)
def test_one_may_ask_for_less(city: Subscribed, role: str, about: dict[str, Any]) -> None:
    shown = city.make(role=role, format="cap", **about).json()["subscription"]
    assert {name: shown[name] for name in about} == about


@pytest.mark.parametrize("role", ["publisher", "administrator"])
def test_who_may_not_read_makes_none(city: Subscribed, role: str) -> None:
    assert problem(city, role) == (403, None)


@pytest.mark.parametrize(
    ("about", "field"),
    [
        ({"sink": "json_lines", "settings": {"path": "of-the-host.jsonl"}}, "sink"),
        ({"sink": "json-lines", "settings": {"path": "of-the-host.jsonl"}}, "sink"),
        ({"sink": "redis_view", "settings": {}}, "sink"),
        ({"sink": "none-such", "settings": {}}, "sink"),
        ({"settings": {"url": "https://desk.example/${CITY_SECRET}"}}, "settings.url"),
        ({"settings": {"url": "https://desk.example/${FILE:springfield.desk.1}"}}, "settings.url"),
        ({"settings": {"url": "https://d.example", "x": {"y": ["${CITY_SECRET}"]}}}, "settings.x"),
        ({"settings": {"url": "https://d.example", "${CITY_SECRET}": 1}}, "settings.${CITY_SECRET}"),
        ({"settings": {"url": "https://d.example", "secrets": ["${CITY_SECRET}"]}}, "settings.secrets"),
        ({"settings": {"url": "https://d.example", "token": "clear"}}, "settings.token"),
        ({"settings": {"url": "http://desk.example/hook"}}, "settings.url"),
        ({"settings": {"url": "https://10.0.0.1/hook"}}, "settings.url"),
        ({"settings": {}}, "settings.url"),
        ({"who": "112"}, "who"),
        ({"format": "xml"}, "format"),
        ({"format": "cap", "contracts": ["core.situation"]}, "contracts"),
        ({"name": "A b"}, "name"),
        ({"kinds": ["no-such-kind"]}, "kinds"),
        ({"contracts": ["core.account"]}, "contracts"),
        ({"severity_from": "dire"}, "severity_from"),
        ({"area": [[36.0, 127.0]]}, "area"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(
    city: Subscribed, about: dict[str, Any], field: str
) -> None:
    assert problem(city, **about) == (422, field)


def test_a_body_that_is_none_is_refused(city: Subscribed) -> None:
    too_big = b'{"name":"desk","settings":{"url":"https://d.example","big":1%s}}' % (b"0" * 30)
    for body in (too_big, b"[]", b"{", b'{"name":"desk","settings":[]}', b"null", b'"\xff"'):
        assert city.ask("POST", "", body).status_code == 422
    assert city.ask("POST", "", b"").status_code == 400


def test_a_name_is_taken_once_and_accounts_have_a_bound(
    city: Subscribed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.operators.subscription_desk.OF_ACCOUNT_MAX", 2)
    assert city.make("desk").status_code == 201
    for name, role in (("desk", "agency"), ("desk", "other"), ("archive", "agency")):
        answer = city.make(name, role=role)
        assert (answer.status_code, answer.json()["field"]) == (409, "name")
    assert city.make("second").status_code == 201
    assert city.make("third").status_code == 409
    assert city.make("third", role="other").status_code == 201


def test_each_sees_and_changes_its_own_and_an_administrator_all(city: Subscribed) -> None:
    city.make("desk")
    city.make("post", role="other")

    def names(role: str) -> list[str]:
        return [one["name"] for one in city.ask("GET", role=role).json()["subscriptions"]]

    assert [names(role) for role in ("agency", "other", "all", "viewer")] == [["desk"], ["post"], [], []]
    assert names("supervisor") == names("administrator") == ["archive", "desk", "post"]
    assert city.ask("GET", role="publisher").status_code == 403
    for method, path in (("GET", ""), ("DELETE", ""), *(("POST", f"/{one}") for one in WAYS)):
        assert city.ask(method, f"/post{path}").status_code == 404, path
    assert city.ask("POST", "/post/pause", role="supervisor").status_code == 403
    assert city.ask("POST", "/post/pause", role="administrator").json()["state"] == "paused"
    assert city.ask("DELETE", "/archive", role="administrator").status_code == 409
    assert city.ask("POST", "/archive/rotate", role="administrator").status_code == 409


WAYS = ("test", "pause", "resume", "retry", "rotate")


def test_pause_resume_retry_and_remove(city: Subscribed) -> None:
    city.make()
    assert city.ask("POST", "/desk/pause").json()["state"] == "paused"
    assert city.ask("POST", "/desk/resume").json()["state"] == "active"
    assert city.desk.written[-1].retried_at is None
    city.ask("POST", "/desk/retry")
    last = city.desk.written[-1]
    assert (last.state, last.retried_at) == ("active", NOON_MS)
    assert city.ask("DELETE", "/desk").status_code == 204
    assert city.desk.written[-1].state == "removed" and city.secrets() == []
    assert city.ask("GET", "/desk").status_code == 404
    assert city.make().status_code == 201


def test_progress_is_shown_of_this_subscription_alone(city: Subscribed) -> None:
    city.make()
    row = {
        "begun_at": NOON_MS,
        "state": "waiting",
        "places": [{"topic": "springfield.core.alert", "next_offset": 4, "done_above": [6]}],
        "delivered": 3,
        "set_aside": 1,
        "attempts": 2,
        "failing_since": NOON_MS,
        "next_at": NOON_MS + 1_000,
        "last_error": "desk.example answered 500",
        "last_set_aside": None,
    }
    city.desk._deliveries["desk"] = row
    shown = city.ask("GET", "/desk").json()
    assert (shown["state"], shown["lag"], shown["delivered"]) == ("waiting", 7, 3)
    assert shown["places"] == [{"topic": "springfield.core.alert", "next_offset": 4}]
    assert (shown["last_error"], shown["next_at"][:10]) == ("desk.example answered 500", "2026-05-28")
    city.desk._deliveries["desk"] = {**row, "begun_at": 1}
    assert city.ask("GET", "/desk").json()["places"] == []


def test_rotation_keeps_the_last_secret_and_the_files_of_two_changes(city: Subscribed) -> None:
    issued = [city.make().json()["secret"]]
    for number in (1, 2, 3):
        city.now_s += 60
        city.here.gateway.now_ms = partial(NOON_MS.__add__, number)
        issued.append(city.ask("POST", "/desk/rotate").json()["secret"])
    kept = [file.read_text().strip() for file in city.secrets()]
    assert len(set(issued)) == 4 and kept[-2:] == issued[-2:]
    assert len(city.desk.written[-1].settings["secrets"]) == 2


def test_an_idempotency_key_makes_one_and_rotates_once(city: Subscribed) -> None:
    wish = {"name": "desk", "settings": {"url": "https://desk.example/hook"}}
    first = city.ask("POST", "", wish, idempotency_key="k")
    assert city.ask("POST", "", wish, idempotency_key="k").json() == first.json()
    other = city.ask("POST", "", {**wish, "name": "d2"}, idempotency_key="k")
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
    assert city.ask("POST", "", wish, role="other", idempotency_key="k").status_code == 409
    assert city.ask("POST", "", wish).status_code == 409
    secrets = {city.ask("POST", "/desk/rotate", idempotency_key="r").json()["secret"] for _ in range(5)}
    assert len(secrets) == 1 and len(city.desk.written) == 2
    city.now_s += 3_601
    assert city.ask("POST", "", wish, idempotency_key="k").status_code == 409  # an hour is over


def test_a_test_event_goes_out_signed_and_its_answer_is_told(city: Subscribed) -> None:
    with a_web_receiver() as receiver:
        secret = city.make(settings=receiver.settings).json()["secret"]
        told = city.ask("POST", "/desk/test").json()
        (asked,) = receiver.taken
        assert Verifier(secret).verify(asked.body, dict(asked.headers))
        assert (told["is_delivered"], told["why"]) == (True, None)
        assert asked.headers["webhook-id"] == told["event_id"]
        receiver.fail()
        city.now_s += 60
        told = city.ask("POST", "/desk/test").json()
        assert (told["is_delivered"], told["why"]) == (False, "127.0.0.1 answered 503")
    statuses = {city.ask("POST", "/desk/test").status_code for _ in range(3)}
    assert 429 in statuses


def test_a_subscription_of_a_revoked_account_is_held(city: Subscribed) -> None:
    city.make()
    beyond: list[dict[str, Any]] = [
        {"revoked_at": NOON_MS},
        {"audience": "112"},
        {"roles": []},
        {"purposes": []},
    ]
    for about in beyond:
        city.change_account("agency", **about)
        city.now_s += 60
        shown = city.ask("GET", "/desk", role="supervisor").json()
        assert shown["state"] == "paused" and shown["held"], about
        assert city.ask("POST", "/desk/test", role="administrator").status_code == 409
    city.change_account("agency")
    assert city.ask("GET", "/desk", role="supervisor").json()["held"] is None


# -- the stage ---------------------------------------------------------------------------------------------------------


def by_account(name: str = "desk", **about: Any) -> Subscription:
    return Subscription(name, "119", account_id="a1", created_at=NOON_MS, **{"sink": "webhook", **about})


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "https://d.example/${CITY_SECRET}", "secrets": []},
        {"url": "https://d.example", "secrets": ["${CITY_SECRET}"]},
        {"url": "https://d.example", "secrets": ["${FILE:springfield.other.1780000000001}"]},
        {"url": "https://d.example", "secrets": ["${FILE:springfield.desk.1}"]},
        {"url": "https://d.example", "secrets": "${FILE:springfield.desk.1780000000000}"},
        {"url": "${FILE:springfield.desk.1780000000000}", "secrets": []},
    ],
)
def test_the_stage_fills_in_no_secret_but_its_own(city: Subscribed, settings: dict[str, Any]) -> None:
    with pytest.raises(Fatal, match="not its own"):
        sink_of(city.city, by_account(settings=settings))


def test_the_stage_refuses_a_sink_that_is_not_open(city: Subscribed, tmp_path: Path) -> None:
    target = tmp_path / "written.jsonl"
    mine = by_account(sink="json_lines", settings={"path": str(target)})
    with pytest.raises(Fatal, match="not open to subscribers"):
        sink_of(city.city, mine)
    event = Delivery("e-1", "core.alert", "core.alert", "a", b"{}", "application/json", NOON_MS)
    asyncio.run(sink_of(city.city, replace(mine, account_id=None)).deliver([event]))  # an operator may
    assert target.exists()
