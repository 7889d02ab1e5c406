"""Agencies and people get keys under their own names, in their own script."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connectors.gateway.accounts import Accounts
from deploy.cli.key import key as key_command
from deploy.cli.user import user as user_command
from deploy.faults import UsageFault
from schemas.catalogue import load_catalogue
from schemas.event import Event
from schemas.rows import RowCodec

COMMANDS = {"key": key_command, "user": user_command}
KOREAN = "대전경찰청 상황실"


class Told:
    """Keeps the events that the commands publish and returns them as rows, without Kafka."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        codec = RowCodec(load_catalogue()["core.account"].newest)
        for name in COMMANDS:
            at = f"deploy.cli.{name}"
            monkeypatch.setattr(f"{at}.reach", lambda: None)
            monkeypatch.setattr(f"{at}.rows_of", lambda _platform, _city, kind: self.of(kind))
            monkeypatch.setattr(f"{at}.publish", lambda _platform, _city, event: self.put(event, codec))

    def put(self, event: Event, codec: RowCodec) -> None:
        assert codec.encode(event.value or {})
        self.rows[event.key] = dict(event.value or {})

    def of(self, kind: str) -> Mapping[str, dict[str, Any]]:
        return {key: row for key, row in self.rows.items() if row["kind"] == kind}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


def run(command: str, *words: str) -> Result:
    return CliRunner().invoke(COMMANDS[command], [*words, "--city", "demo"])


@pytest.mark.parametrize("agency", [KOREAN, "ตำรวจ", "City Police (HQ)", "POLICE"])
def test_an_agency_gets_a_key_under_its_own_name(told: Told, agency: str) -> None:
    made = run("key", "add", unicodedata.normalize("NFD", agency))
    assert made.exit_code == 0, made.exception
    key = made.output.splitlines()[0]
    account = Accounts(told.rows.values()).of_key(key, now_ms=1)
    assert account is not None and account.name == agency
    assert key.isascii()  # it goes into an HTTP header
    assert agency in run("key", "list").output
    assert run("key", "revoke", account.account_id).exit_code == 0
    assert Accounts(told.rows.values()).of_key(key, now_ms=1) is None


def test_a_person_is_found_again_however_the_name_is_typed(told: Told) -> None:
    assert run("user", "add", KOREAN, "--role", "operator").exit_code == 0
    assert run("user", "add", "Desk-3", "--role", "viewer").exit_code == 0
    again = run("user", "add", unicodedata.normalize("NFD", KOREAN), "--role", "viewer")
    assert isinstance(again.exception, UsageFault) and f"passwd '{KOREAN}'" in again.exception.hint
    assert isinstance(run("user", "add", "desk-3", "--role", "viewer").exception, UsageFault)
    assert run("user", "passwd", unicodedata.normalize("NFD", KOREAN)).exit_code == 0
    assert run("user", "disable", "DESK-3").exit_code == 0
    assert {row["name"]: row["revoked_at"] is not None for row in told.rows.values()} == {
        KOREAN: False,
        "Desk-3": True,
    }


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a/b", "..", "a\u202eb", "x" * 65])
@pytest.mark.parametrize("words", [("key", "add"), ("user", "add", "--role", "viewer")])
def test_what_can_be_no_name_is_refused_and_not_printed_raw(
    told: Told, words: tuple[str, ...], name: str
) -> None:
    fault = run(words[0], words[1], name, *words[2:]).exception
    assert isinstance(fault, UsageFault) and fault.hint
    assert fault.what.isprintable() and not told.rows


def test_an_unknown_name_is_not_printed_raw(told: Told) -> None:
    fault = run("user", "disable", "a\x1b[2Jb").exception
    assert isinstance(fault, UsageFault) and fault.what.isprintable()
