"""Responses to an operator's action: done when it is safe, else the reason, the field, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.gateway.accounts import Accounts, new_key, new_user, told, with_new_secret
from connectors.gateway.desk import Done
from connectors.gateway.roles import ROLES, role_of, roles_as
from connectors.gateway.service import Gateway
from connectors.gateway.spool import Spool
from schemas.errors import Retriable
from streams.operators.desk import action_event
from streams.situations.entry import Entry
from streams.situations.operators.actions import ACTIONS, action_of, check, is_done
from tests.unit.gateway.an_app import NOON_MS, Here
from tests.unit.situations.a_city import City, a_city, an_incident

REASON = "seen on the camera"


@dataclass
class CityDesk:
    """A desk on a city in this process: the real rules check, and their entries are the log."""

    city: City
    is_away: bool = False
    log: list[Mapping[str, Any]] = field(default_factory=list)
    actions: Sequence[str] = ACTIONS

    def may(self, roles: Sequence[str]) -> Sequence[str]:
        return self.actions

    def act(self, action: Mapping[str, Any], roles: Sequence[str]) -> Done:
        if self.is_away:
            raise Retriable("no broker answers")
        wanted = action_of(Entry("action", "core.action", 0, 0, {**action, "role": roles[-1]}))
        situation = self.city.state.now_told_as(wanted.situation_id)
        if situation is not None and is_done(wanted, situation):
            return Done(wanted.action_id, situation.situation_id, wanted.role, is_repeat=True)
        other = self.city.state.now_told_as(wanted.other_situation_id)
        check(wanted, situation, other, self.city.config)
        assert situation is not None
        value = action_event("springfield", wanted, now_ms=self.city.state.now_ms).value or {}
        self.log.append(value)
        self.city.take(Entry("action", "springfield.core.action", 0, len(self.log), value))
        return Done(wanted.action_id, situation.situation_id, wanted.role, is_repeat=False)


@dataclass
class Room(Here):
    """A gateway with a desk, and a key for each role."""

    desk: CityDesk = field(default_factory=lambda: CityDesk(a_city(an_incident())))
    keys: Mapping[str, str] = field(default_factory=dict)

    def act(self, action: str, *, role: str = "operator", **about: Any) -> httpx.Response:
        situation = about.pop("situation", self.desk.city.the_situation()["situation_id"])
        key, city = about.pop("key", None), about.pop("city", "springfield")
        headers = {"authorization": f"Bearer {self.keys[role]}"}
        headers |= {} if key is None else {"idempotency_key": key}
        body = {"action": action, "reason": REASON, **about}
        sent = {name: value for name, value in body.items() if value is not None}
        return self.post(sent, path=f"/v1/{city}/situations/{situation}/actions", **headers)

    def newest(self) -> dict[str, Any]:
        return self.desk.city.the_situation()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = {role: new_user("springfield", f"desk-{role}", role, now_ms=NOON_MS) for role in ROLES}
    made["agency"] = new_key("springfield", "police", ["*"], now_ms=NOON_MS)
    accounts = Accounts([event.value or {} for _, event in made.values()])
    desk = CityDesk(a_city(an_incident(), filing={"fire": "119", "police": "112"}))
    spool = Spool(tmp_path / "spool.sqlite", bytes_max=1 << 20)
    gateway = Gateway("springfield", {}, accounts, spool, lambda: NOON_MS, desk=desk)
    keys = {role: key for role, (key, _) in made.items()}
    try:
        yield Room(gateway, spool, keys["agency"], desk=desk, keys=keys)
    finally:
        spool.close()


def test_an_operator_acknowledges_and_it_stands_in_the_log_with_who_when_and_why(room: Room) -> None:
    answer = room.act("acknowledge")
    assert answer.status_code == 202
    said = answer.json()
    assert (said["action"], said["role"], said["repeated"]) == ("acknowledge", "operator", False)
    (kept,) = room.desk.log
    assert (kept["account_id"], kept["reason"], kept["event_time"]) == (
        said["account_id"],
        REASON,
        room.desk.city.state.now_ms,
    )
    assert room.newest()["acknowledged_by"] == said["account_id"]


@pytest.mark.parametrize("word", ["take over", "take-over", "Take_Over"])
def test_a_word_may_be_written_as_people_write_it(room: Room, word: str) -> None:
    assert room.act(word).json()["action"] == "take_over"


def test_the_same_request_twice_is_done_once_and_says_so(room: Room) -> None:
    first, again = room.act("close", key="k-1"), room.act("close", key="k-1")
    assert [one.json()["repeated"] for one in (first, again)] == [False, True]
    assert first.json()["action_id"] == again.json()["action_id"]
    assert len(room.desk.log) == 1
    assert room.act("note", key="k-2").json()["repeated"] is False


def test_an_empty_word_is_none(room: Room) -> None:
    first, again = room.act("note", key=" "), room.act("note", key=" ")
    assert first.json()["action_id"] != again.json()["action_id"]


def test_another_account_with_the_same_word_does_something_else(room: Room) -> None:
    first, other = room.act("note", key="k"), room.act("note", key="k", role="supervisor")
    assert first.json()["action_id"] != other.json()["action_id"]
    assert other.json()["repeated"] is False


REFUSED: dict[str, tuple[str, dict[str, Any], int, str, str]] = {
    "for an unknown situation": ("note", {"situation": "none"}, 404, "situation_id", "not forgotten"),
    "in another city": ("note", {"city": "shelbyville"}, 404, "", ""),
    "by a viewer": ("note", {"role": "viewer"}, 403, "role", "operator"),
    "by an agency's key": ("note", {"role": "agency"}, 403, "role", "operator"),
    "by an administrator": ("note", {"role": "administrator"}, 403, "role", "operator"),
    "against the law": ("override", {"ground": "danger-to-life"}, 403, "role", "supervisor"),
    "without a reason": ("note", {"reason": None}, 422, "reason", "sentence"),
    "with an empty reason": ("note", {"reason": "  "}, 422, "reason", "characters"),
    "that nobody knows": ("explode", {}, 422, "action", "acknowledge"),
    "with a word too many": ("note", {"colour": "red"}, 422, "colour", "other_situation_id"),
    "to join nothing": ("join", {}, 422, "other_situation_id", "situation"),
    "to separate all of it": ("separate", {"incident_ids": ["F1"]}, 422, "incident_ids", "not all"),
    "to reopen what is open": ("reopen", {}, 409, "action", "closed situation"),
    "to file with nobody": ("file", {}, 422, "to_domain", "fire or police"),
    "to file with who takes none": ("file", {"to_domain": "civil"}, 422, "to_domain", "fire or police"),
    "to file with who reported it": ("file", {"to_domain": "fire"}, 409, "action", "has not reported"),
    "on a ground the law lacks": (
        "override",
        {"role": "supervisor", "ground": "curiosity"},
        422,
        "ground",
        "danger-to-life",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_action_is_refused_with_what_which_and_how_to_mend_it(room: Room, case: str) -> None:
    action, about, status, where, word = REFUSED[case]
    answer = room.act(action, **about)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    said = answer.json()
    assert said["detail"]
    assert said.get("field", "") == where
    assert word in said.get("expected", "")
    assert not room.desk.log


def test_a_situation_is_filed_once_with_an_agency_and_the_filing_is_told(room: Room) -> None:
    answers = [room.act("file", to_domain="police", key="k") for _ in range(2)]
    assert [(one.status_code, one.json()["repeated"]) for one in answers] == [(202, False), (202, True)]
    (kept,) = room.desk.log
    assert (kept["action"], kept["to_domain"]) == ("file", "police")
    (filing,) = room.desk.city.all("core.filing")
    assert (filing["status"], filing["agency"]) == ("filed", "112")
    again = room.act("file", to_domain="police")
    assert (again.status_code, again.json()["field"]) == (409, "action")
    assert filing["filing_id"] in again.json()["detail"]


def test_what_is_closed_can_be_noted_and_reopened_and_nothing_else(room: Room) -> None:
    room.act("close")
    for action in ("acknowledge", "take_over", "confirm", "file", "close"):
        answer = room.act(action, to_domain="police" if action == "file" else None)
        assert (answer.status_code, answer.json()["expected"]) == (409, "note or reopen, while it is closed")
    assert [room.act(action).status_code for action in ("note", "reopen", "acknowledge")] == [202] * 3


def test_while_the_log_is_away_nothing_is_promised(room: Room) -> None:
    room.desk.is_away = True
    answer = room.act("close", key="k")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "Idempotency-Key" in answer.json()["how"]
    room.desk.is_away = False
    assert room.act("close", key="k").json()["repeated"] is False


def test_a_body_that_is_no_json_or_far_too_long_is_refused(room: Room) -> None:
    path = f"/v1/springfield/situations/{room.newest()['situation_id']}/actions"
    headers = {"authorization": f"Bearer {room.keys['operator']}"}
    assert room.post(b"{", path=path, **headers).status_code == 422
    assert room.post(b'{"reason":"' + b"x" * 20_000 + b'"}', path=path, **headers).status_code == 413


def test_a_user_has_a_role_and_a_secret_that_is_not_kept() -> None:
    key, event = new_user("springfield", "desk-1", "supervisor", now_ms=NOON_MS)
    row = dict(event.value or {})
    assert (row["kind"], row["roles"]) == ("user", ["operate", "subscribe", "supervise"])
    assert role_of(row["roles"]) == "supervisor"
    assert key.split("_", 2)[2] not in str(row)
    account = Accounts([row]).of_key(key, now_ms=NOON_MS)
    assert account is not None
    assert account.acts_as == ("operator", "supervisor")
    assert not account.may_publish("reports")


def test_a_new_secret_ends_the_old_one_and_a_disabled_user_is_refused(room: Room) -> None:
    old, event = new_user("springfield", "desk-1", "operator", now_ms=NOON_MS)
    new, changed = with_new_secret("springfield", event.value or {}, now_ms=NOON_MS + 1)
    accounts = Accounts([changed.value or {}])
    assert accounts.of_key(old, now_ms=NOON_MS) is None
    assert accounts.of_key(new, now_ms=NOON_MS) is not None
    accounts.put(
        told("springfield", {**(changed.value or {}), "revoked_at": NOON_MS}, now_ms=NOON_MS).value or {}
    )
    assert accounts.of_key(new, now_ms=NOON_MS) is None


def test_every_role_has_a_name_of_its_own() -> None:
    assert [role_of(roles_as(role)) for role in ROLES] == list(ROLES)
    assert role_of(["publish"]) == "publish"
