"""Secrets of webhooks where ``deliver`` has a home of its own: sealed in the row, opened with the shared key."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from connectors.base import Delivery, Sink
from connectors.contract_suite.receivers import a_web_receiver
from deploy.assembly.deliver import secrets_folder, sink_of, with_own_secrets
from deploy.city.city import City
from deploy.sealed_secrets import opened, sealed
from deploy.subscription_rows import new_secret, rotated
from schemas.errors import Fatal
from streams.deliver.account_bounds import is_own_secret, strange_setting
from streams.deliver.subscriptions import Subscription, event_of, faults_of
from tests.unit.gateway.a_subscribed_city import city_in

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
NOON_MS = 1_780_000_000_000


@pytest.fixture
def city(tmp_path: Path) -> City:
    return city_in(tmp_path)


def at(monkeypatch: pytest.MonkeyPatch, home: Path, key: bytes | None) -> None:
    """Be the process of that home and shared key."""
    monkeypatch.setenv("BONGSU_HOME", str(home))
    monkeypatch.setenv("BONGSU_SHARED_KEY", "" if key is None else key.hex())


def made(city: City, *, account_id: str | None = "a1", **settings: Any) -> tuple[str, Subscription]:
    secret, setting = new_secret(city.name, "desk", number=NOON_MS)
    about = {"secrets": [setting], **settings}
    return secret, Subscription("desk", "119", "webhook", about, account_id=account_id, created_at=NOON_MS)


@pytest.mark.parametrize("account_id", ["a1", None])
def test_deliver_signs_with_a_secret_that_was_made_in_another_home(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account_id: str | None
) -> None:
    with a_web_receiver() as receiver:
        at(monkeypatch, tmp_path / "gateway-0", KEY)
        secret, one = made(city, account_id=account_id, **receiver.settings)
        assert not secrets_folder().exists()
        at(monkeypatch, tmp_path / "deliver", KEY)
        asyncio.run(deliver(sink_of(city, one)))
        (got,) = receiver.taken
    Webhook(secret).verify(got.body, dict(got.headers))


def test_a_row_holds_no_secret_in_clear_and_is_taken(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, tmp_path, KEY)
    secret, one = made(city)
    assert faults_of(one) == [] and strange_setting(one, city.name) is None
    row = str(event_of(one, city.name, now_ms=NOON_MS))
    assert "SEALED" in row and secret not in row and secret.removeprefix("whsec_") not in row


def test_after_a_rotation_a_sealed_secret_and_one_of_a_file_both_sign(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, tmp_path, None)
    first, one = made(city, url="https://desk.example")
    at(monkeypatch, tmp_path, KEY)
    second, setting = new_secret(city.name, "desk", number=NOON_MS + 1)
    assert with_own_secrets(city, rotated(one, setting))["secrets"] == [second, first]


@pytest.mark.parametrize("key", [None, OTHER], ids=["none", "another"])
def test_without_the_gateways_key_the_fault_says_what_to_do_and_no_part_of_it(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: bytes | None
) -> None:
    at(monkeypatch, tmp_path, KEY)
    secret, one = made(city, url="https://desk.example")
    at(monkeypatch, tmp_path, key)
    with pytest.raises(Fatal, match="BONGSU_SHARED_KEY") as raised:
        sink_of(city, one)
    told = f"{raised.value} {raised.value.hint}"
    assert raised.value.hint is not None and "SEALED" not in told and secret not in told


def test_a_sealed_secret_serves_its_own_city_subscription_and_number_alone() -> None:
    setting = sealed("whsec_x", KEY, "town", "desk", NOON_MS, nonce=bytes(12))
    assert opened(setting, KEY, "town", "desk") == "whsec_x"
    later = setting.replace(str(NOON_MS), str(NOON_MS + 1))
    for moved in ((setting, "other", "desk"), (setting, "town", "desk-2"), (later, "town", "desk")):
        with pytest.raises(Fatal, match="does not open"):
            opened(moved[0], KEY, *moved[1:])
    for spoilt in (setting[:-6] + "AAAAA}", "${SEALED:1.AA}", "${SEALED:1.A}"):
        with pytest.raises(Fatal, match="does not open"):
            opened(spoilt, KEY, "town", "desk")


def test_a_sealed_secret_of_an_earlier_subscription_of_the_name_is_strange() -> None:
    setting = sealed("whsec_x", KEY, "town", "desk", NOON_MS, nonce=bytes(12))
    one = Subscription("desk", "119", "webhook", {"secrets": [setting]}, account_id="a1", created_at=NOON_MS)
    assert is_own_secret(setting, one, "town")
    assert not is_own_secret(setting, replace(one, created_at=NOON_MS + 1), "town")
    assert not is_own_secret("${SEALED:}", one, "town")
    assert strange_setting(replace(one, settings={"url": setting}), "town") == "url"


async def deliver(sink: Sink) -> None:
    await sink.deliver([Delivery("e-1", "core.alert", "core.alert", "a", b"{}", "application/json", NOON_MS)])
    await sink.close()
