"""Agreements at the gateway: a key has no more than what is agreed now, whatever it was made with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.gateway.agreed import AgreedRights, Agreements
from connectors.gateway.problems import Problem
from tests.unit.gateway.a_reading_city import Reader, a_reading_city
from tests.unit.gateway.a_subscribed_city import Subscribed, a_subscribed_city
from tests.unit.gateway.an_app import NOON_MS, REPORT, Here, a_gateway

ALERTS = AgreedRights("agreement 1 (line 4)", reads=frozenset({"core.alert"}), purposes=frozenset({"rescue"}))


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with a_reading_city(tmp_path) as made:
        yield made


@pytest.fixture
def subscribed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subscribed]:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CITY_SECRET", "whsec_of-the-city")
    with a_subscribed_city(tmp_path) as made:
        yield made


def until(end_ms: int, agreed: AgreedRights = ALERTS, agency: str = "119") -> Agreements:
    """*agreed* for *agency* before *end_ms*; for others no agreement has a say."""

    def at(name: str, now_ms: int) -> AgreedRights | None:
        if name != agency:
            return None
        return agreed if now_ms < end_ms else AgreedRights("agreement 1 (line 4) ended")

    return at


def test_a_key_reads_the_agreed_contracts_and_no_other(reader: Reader) -> None:
    reader.city.put("core.situation", situation_id="a", agencies=["119"], status="open")
    reader.city.put("core.grant", grant_id="g", granted_to="119/unit-1")
    reader.city.put("core.alert", alert_id="l", audience="119")
    assert reader.ids("situations"), "else the emptiness below says nothing"
    assert reader.ids("grants")
    alerts = reader.ids("alerts")
    assert alerts
    reader.here.gateway.agreements = until(NOON_MS + 1)
    assert reader.ids("alerts") == alerts
    assert reader.ids("situations") == reader.ids("grants") == []


def test_a_key_is_cleared_for_agreed_purposes_alone(reader: Reader) -> None:
    gateway = reader.here.gateway
    account = gateway.accounts.of_key(reader.keys["with-purpose"], now_ms=NOON_MS)
    assert account is not None
    gateway.agreements = until(NOON_MS + 1)
    assert gateway.subscriber_of(account).is_cleared
    gateway.agreements = until(NOON_MS + 1, replace(ALERTS, purposes=frozenset({"disaster"})))
    assert not gateway.subscriber_of(account).is_cleared


def test_at_the_end_of_the_agreement_every_request_is_refused_and_says_which(reader: Reader) -> None:
    reader.here.gateway.agreements = until(NOON_MS)
    answer = reader.get("alerts")
    assert (answer.status_code, answer.json()["code"]) == (403, "not-agreed")
    assert answer.json()["agreement"] == "agreement 1 (line 4) ended"
    assert reader.get("alerts", role="public").status_code == 200, "another agency's key"
    assert reader.get("alerts", role="operator").status_code == 200, "a person's account"


def test_a_key_that_only_reads_by_its_agreement_pushes_nothing(tmp_path: Path) -> None:
    with a_gateway(tmp_path) as here:
        assert pushed(here) == 202
        here.gateway.agreements = until(NOON_MS + 1, agency="police")
        assert pushed(here) == 403
        may = AgreedRights("agreement 2 (line 9)", publishes=frozenset({"police.incident"}))
        here.gateway.agreements = until(NOON_MS + 1, may, agency="police")
        assert pushed(here) == 202
        account = here.gateway.accounts.of_key(here.key, now_ms=NOON_MS)
        assert account is not None
        with pytest.raises(Problem):
            here.gateway.subscriber_of(account)


def pushed(here: Here) -> int:
    return here.post(REPORT).status_code


def test_a_subscription_may_only_narrow_the_agreement(subscribed: Subscribed) -> None:
    subscribed.here.gateway.agreements = until(NOON_MS + 1)
    wide = subscribed.make()
    assert (wide.status_code, wide.json()["code"]) == (403, "not-agreed")
    assert "core.grant" in wide.json()["detail"]
    assert subscribed.desk.written == []
    assert subscribed.make(contracts=["core.alert"]).status_code == 201
    assert subscribed.make("other", role="other").status_code == 201, "an agency without an agreement"
