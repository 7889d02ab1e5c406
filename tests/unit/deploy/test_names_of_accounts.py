"""Agencies and people get keys under their own names, in their own script."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connectors.gateway.accounts import Accounts
from connectors.gateway.passwords import is_right
from connectors.gateway.sessions_link import account_of_link
from deploy.cli.key import key as key_command
from deploy.cli.user import user as user_command
from deploy.faults import UsageFault
from schemas.catalogue import load_catalogue
from schemas.event import Event
from schemas.rows import RowCodec

SIGN_IN = "deploy.cli.user_sign_in"
MODULES = ("deploy.cli.key", "deploy.cli.user", SIGN_IN)
NEED_NO_ROWS = (SIGN_IN,)
COMMANDS = {"key": key_command, "user": user_command}
KOREAN = "대전경찰청 상황실"


class Told:
    """Keeps the events that the commands publish and returns them as rows, without Kafka."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        codec = RowCodec(load_catalogue()["core.account"].newest)
        for at in ("deploy.account_rows", *MODULES):
            monkeypatch.setattr(
                f"{at}.rows_of", lambda _platform, _city, kind: self.of(kind), raising=at not in NEED_NO_ROWS
            )
        for at in MODULES:
            monkeypatch.setattr(f"{at}.reach", lambda: None)
            monkeypatch.setattr(f"{at}.publish", lambda _platform, _city, event: self.put(event, codec))

    def put(self, event: Event, codec: RowCodec) -> None:
        assert codec.encode(event.value or {})
        self.rows[event.key] = dict(event.value or {})

    def of(self, kind: str) -> Mapping[str, dict[str, Any]]:
        return {key: row for key, row in self.rows.items() if row["kind"] == kind}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


def run(command: str, *words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(COMMANDS[command], [*words, "--city", "demo"], input=stdin)


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


def test_a_password_is_asked_for_twice_and_shown_nowhere(told: Told) -> None:
    assert run("user", "add", KOREAN, "--role", "operator").exit_code == 0
    password = "민지의 비밀번호는 이것"  # noqa: S105 (of nobody)
    done = run("user", "password", KOREAN, stdin=f"{password}\n{password}\n")
    assert done.exit_code == 0, done.exception
    (row,) = told.rows.values()
    assert is_right(row["password_hash"], password)
    assert password not in done.output
    other = run("user", "password", KOREAN, "--from-stdin", stdin="four words of mine\n")
    assert other.exit_code == 0, other.exception
    assert is_right(told.rows[row["account_id"]]["password_hash"], "four words of mine")


@pytest.mark.parametrize("given", ["short", "", "x" * 300])
def test_what_can_be_no_password_is_refused_and_not_repeated(told: Told, given: str) -> None:
    assert run("user", "add", KOREAN, "--role", "operator").exit_code == 0
    fault = run("user", "password", KOREAN, "--from-stdin", stdin=f"{given}\n").exception
    assert isinstance(fault, UsageFault) and fault.hint
    assert not given or given not in fault.what
    assert all(row["password_hash"] is None for row in told.rows.values())


def test_a_link_is_printed_whole_and_kept_as_a_hash(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.assembly.gateway_sessions.gateway_url", lambda _city: "http://127.0.0.1:5")
    assert run("user", "add", KOREAN, "--role", "operator").exit_code == 0
    done = run("user", "link", KOREAN)
    assert done.exit_code == 0, done.exception
    address, _, token = done.output.splitlines()[0].partition("#link=")
    assert address == "http://127.0.0.1:5/console/"
    (row,) = told.rows.values()
    found = account_of_link(Accounts([row]), token, now_ms=row["link_expires_at"] - 1)
    assert found is not None
    assert token.partition(".")[2] not in str(row)


def test_who_is_disabled_gets_neither_password_nor_link(told: Told) -> None:
    assert run("user", "add", KOREAN, "--role", "operator").exit_code == 0
    assert run("user", "disable", KOREAN).exit_code == 0
    for words in (("password", KOREAN, "--from-stdin"), ("link", KOREAN), ("passwd", KOREAN)):
        fault = run("user", *words, stdin="four words of mine\n").exception
        assert isinstance(fault, UsageFault) and "disabled" in fault.what


def test_a_wall_is_of_a_viewer_alone(told: Told) -> None:
    assert isinstance(run("user", "add", "wall", "--role", "operator", "--wall").exception, UsageFault)
    assert not told.rows
    assert run("user", "add", "wall", "--role", "viewer", "--wall").exit_code == 0
    assert [row["is_wall"] for row in told.rows.values()] == [True]
