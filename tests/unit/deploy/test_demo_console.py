"""The demo's operator: one account, a new link each time, and a browser only where somebody sees it."""

from __future__ import annotations

import webbrowser
from typing import Any

import pytest

from connectors.gateway.accounts import Accounts
from connectors.gateway.sessions_link import account_of_link
from deploy.city.city import load_city
from deploy.demo.console import has_display, link_of_operator, offer
from schemas.event import Event

LINK = "http://127.0.0.1:5/console/#link=x"


def test_the_operator_is_made_once_and_has_a_new_link_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: dict[str, dict[str, Any]] = {}

    def put(_platform: object, _city: object, event: Event) -> None:
        rows[event.key] = dict(event.value or {})

    monkeypatch.setattr("deploy.demo.console.rows_of", lambda *_: rows)
    monkeypatch.setattr("deploy.demo.console.publish", put)
    monkeypatch.setattr("deploy.assembly.gateway_sessions.gateway_url", lambda _city: "http://127.0.0.1:5")
    city = load_city("demo")
    first, second = (link_of_operator(None, city) for _ in range(2))  # type: ignore[arg-type]  # nothing is reached
    (row,) = rows.values()
    accounts = Accounts([row])
    now_ms = row["link_expires_at"] - 1
    assert account_of_link(accounts, first.partition("#link=")[2], now_ms=now_ms) is None
    account = account_of_link(accounts, second.partition("#link=")[2], now_ms=now_ms)
    assert account is not None
    assert account.acts_as == ("operator",)
    assert account.expires_at is not None
    assert account.purposes


def test_a_browser_is_opened_where_a_display_is_and_it_was_not_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    offer(LINK, opens=False)
    assert opened == []
    offer(LINK, opens=True)
    assert opened == [LINK]
    told = capsys.readouterr()
    assert told.err.count(f"open the console: {LINK}") == 2
    assert told.out == ""


def test_a_display_is_known_by_the_environment() -> None:
    assert has_display("darwin", {})
    assert has_display("linux", {"WAYLAND_DISPLAY": "wayland-0"})
    assert not has_display("linux", {})
    assert not has_display("linux", {"DISPLAY": ":0", "SSH_CONNECTION": "x"})
