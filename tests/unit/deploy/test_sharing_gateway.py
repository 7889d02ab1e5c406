"""At the gateway agreements narrow keys and subscriptions, and end those that have more."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.gateway.accounts import KEY
from connectors.gateway.agreed import AgreedRights
from deploy.faults import UsageFault
from deploy.sharing.agreement_file import VARIABLE
from deploy.sharing.agreements import Agreement, CitySharing, Sharing
from deploy.sharing.gateway_agreements import CityAgreements, agreed_rights_of, check_agreed
from deploy.sharing.gateway_ends import keys_beyond, subscriptions_beyond
from streams.deliver.subscriptions import Subscription

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
END = NOW + timedelta(hours=1)
READS = Agreement(1, 4, "demo", "hospital", "read", ("core.alert",), "disaster", "Act, section 1", END)
OPEN, CLOSED = CitySharing(closed=False), CitySharing(closed=True)
AGREED = Sharing((READS,), {"demo": OPEN})


def rights(agency: str = "hospital", now: datetime = NOW, about: CitySharing = OPEN) -> AgreedRights | None:
    return agreed_rights_of(replace(AGREED, cities={"demo": about}), "demo", agency, now)


def a_key(name: str = "hospital", *, roles: tuple[str, ...] = ("subscribe",), **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "account_id": "k1",
        "kind": KEY,
        "name": name,
        "roles": roles,
        "purposes": [],
        "revoked_at": None,
    }
    return {**row, **more}


def test_an_agency_without_an_agreement_is_as_before_unless_the_city_is_closed() -> None:
    assert rights("police") is None
    closed = rights("police", about=CLOSED)
    assert closed is not None
    assert closed.is_over
    assert agreed_rights_of(AGREED, "houston", "police", NOW) is None


def test_an_agreement_lets_no_more_than_its_topics_and_its_purpose() -> None:
    found = rights()
    assert found is not None
    assert found.lacks_for_key(subscribes=True, publishes=False, purposes=["disaster"]) is None
    assert found.lacks_for_key(subscribes=True, publishes=True) == "no publishing is agreed"
    assert "crime-prevention" in (
        found.lacks_for_key(subscribes=True, publishes=False, purposes=["crime-prevention"]) or ""
    )
    assert found.lacks_for_subscription(["core.alert"], ["disaster"]) is None
    assert "core.grant" in (found.lacks_for_subscription([], []) or ""), "all of them are more"
    assert "agreement 1 (line 4)" in found.told


def test_at_its_end_it_lets_nothing_at_once() -> None:
    before, after = rights(now=END - timedelta(milliseconds=1)), rights(now=END)
    assert before is not None
    assert after is not None
    assert [before.is_over, after.is_over] == [False, True]
    assert f"ended {END.isoformat()}" in after.told


def test_keys_with_more_than_what_is_agreed_are_ended_and_others_stay() -> None:
    wide = a_key(roles=("publish",), account_id="k2")
    rows = [a_key(), wide, a_key("police", account_id="k3"), {**wide, "revoked_at": 1}]
    assert [one.about for one in keys_beyond(AGREED, "demo", rows, NOW)] == ["k2"]
    assert [one.about for one in keys_beyond(AGREED, "demo", rows, END)] == ["k1", "k2"]
    assert all("ended" in one.why for one in keys_beyond(AGREED, "demo", rows, END))


def test_subscriptions_with_more_than_what_is_agreed_are_ended_and_others_stay() -> None:
    narrow = Subscription("a", who="hospital", sink="json_lines", settings={}, contracts=("core.alert",))
    ones = [
        narrow,
        replace(narrow, name="b", contracts=()),
        replace(narrow, name="c", contracts=(), format="cap"),
        replace(narrow, name="d", who="police", contracts=()),
        replace(narrow, name="e", contracts=(), state="removed"),
    ]
    assert [one.about for one in subscriptions_beyond(AGREED, "demo", ones, NOW)] == ["b"]
    assert [one.about for one in subscriptions_beyond(AGREED, "demo", ones, END)] == ["a", "b", "c"]


FILE = """[city.demo]
agencies = ["hospital"]
closed = false
[[agreement]]
city = "demo"
agency = "hospital"
may = "read"
topics = "core.alert"
purpose = "disaster"
legal_ground = "a test"
valid_until = {}
"""


def test_a_gateway_reads_the_file_again_and_keeps_the_last_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sharing.toml"
    file.write_text(FILE.format("2026-03-01T13:00:00Z"), encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(file))
    agreements, at = CityAgreements("demo"), int(NOW.timestamp() * 1000)

    def reads_at(ms: int) -> set[str]:
        found = agreements("hospital", ms)
        assert found is not None
        return set(found.reads)

    assert reads_at(at) == {"core.alert"}
    assert reads_at(at + 3_600_000) == set()
    file.write_text(FILE.format("2026-03-02T13:00:00Z"), encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert reads_at(at + 3_602_000) == {"core.alert"}
    file.write_text("wrong", encoding="utf-8")
    assert reads_at(at + 3_604_000) == {"core.alert"}


def test_a_command_that_asks_for_more_is_refused_with_the_agreement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sharing.toml"
    file.write_text(FILE.format("2036-03-01T13:00:00Z"), encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(file))
    with pytest.raises(UsageFault, match=r"core\.grant") as refused:
        check_agreed("demo", "hospital", lambda one: one.lacks_for_subscription(["core.grant"], []))
    assert "agreement 1 (line 4)" in refused.value.hint
    check_agreed("demo", "hospital", lambda one: one.lacks_for_subscription(["core.alert"], []))
    check_agreed("demo", "police", lambda one: one.lacks_for_subscription([], []))
