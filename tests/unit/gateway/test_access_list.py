"""The list of who looked at what: for auditors and administrators, in pages, masked, with the state of its chains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.gateway import access_shelf
from connectors.gateway.accounts import new_user
from connectors.gateway.chain import Head, appended, head_after
from connectors.subscribers import ALL
from tests.unit.gateway.a_reading_city import CITY, PURPOSE, ROLES, Reader, a_reading_city
from tests.unit.gateway.an_app import NOON_MS

MINUTE_MS = 60_000
WHOSE = {"account_id": "nobody-1", "address": "203.0.113.9"}


@dataclass
class Desk:
    """*reader* with an auditor who is cleared, and one of another audience; ``put`` writes the next act of one writer."""

    reader: Reader
    head: Head = field(default_factory=Head)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, audience in (("cleared", ALL), ("of-119", "119")):
            key, event = new_user(
                CITY, name, "auditor", now_ms=NOON_MS, audience=audience, purposes=[PURPOSE]
            )
            self.reader.here.gateway.accounts.put(event.value or {})
            self.reader.keys[name] = key

    def put(self, act: str, *, at: int = 0, **about: Any) -> None:
        event = appended(
            CITY, "gate", self.head, {"act": act, **WHOSE, **about}, now_ms=NOON_MS + at * MINUTE_MS
        )
        row = dict(event.value or {})
        self.head = head_after(row)
        self.rows.append(row)
        self.reader.accesses.put(len(self.rows), row)

    def id_of(self, role: str) -> str:
        return self.reader.keys[role].split("_")[1]

    def told(self, query: str = "", *, role: str = "cleared") -> dict[str, Any]:
        answer = self.reader.get(f"access{query}", role=role)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def numbers(self, query: str = "", *, role: str = "cleared") -> list[int]:
        return [one["sequence"] for one in self.told(query, role=role)["accesses"]]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with a_reading_city(tmp_path) as made:
        yield Desk(made)


def test_auditors_and_administrators_read_it_and_nobody_else(desk: Desk) -> None:
    desk.put("redeemed")
    statuses = {role: desk.reader.get("access", role=role).status_code for role in ROLES}
    assert {role for role, status in statuses.items() if status == 200} == {"auditor", "administrator"}
    assert set(statuses.values()) == {200, 403}
    assert desk.reader.get("access", role=None).status_code == 401


def test_the_newest_come_first_and_filters_choose(desk: Desk) -> None:
    desk.put("redeemed", grant_id="g-1", camera_id="C-1")
    desk.put("first_use", at=1, grant_id="g-1", camera_id="C-1")
    desk.put("refused", at=2, grant_id="g-2", camera_id="C-2", reason="revoked", account_id="nobody-2")
    desk.put("ended", at=3, grant_id="g-1", camera_id="C-1", situation_id="s-1")
    assert desk.numbers() == [4, 3, 2, 1]
    assert desk.numbers("?account_id=nobody-2") == [3]
    assert desk.numbers("?camera_id=C-1") == [4, 2, 1]
    assert desk.numbers("?grant_id=g-2") == [3]
    assert desk.numbers("?situation_id=s-1") == [4]
    assert desk.numbers("?act=refused&act=ended") == [4, 3]
    one, three = ("2026-05-28T20:27:40Z", "2026-05-28T20:29:40Z")
    assert desk.told()["accesses"][3]["at"] == "2026-05-28T20:26:40.000+00:00"
    assert desk.numbers(f"?from={one}&to={three}") == [3, 2]
    assert desk.reader.get("access?camera=C-1", role="cleared").status_code == 422
    (refused,) = desk.told("?act=refused")["accesses"]
    assert (refused["reason"], refused["account_id"], refused["account_name"]) == (
        "revoked",
        "nobody-2",
        None,
    )


def test_its_pages_hold_each_act_once_while_new_ones_come(desk: Desk) -> None:
    for _ in range(7):
        desk.put("redeemed")
    found, cursor = [], ""
    while True:
        told = desk.told(f"?limit=3{cursor}")
        found += [one["sequence"] for one in told["accesses"]]
        if told["next"] is None:
            break
        desk.put("redeemed")
        cursor = f"&cursor={told['next']}"
    assert found == [7, 6, 5, 4, 3, 2, 1]
    assert desk.reader.get("access?cursor=x", role="cleared").status_code == 422


def test_without_a_purpose_of_the_law_nobody_is_named_and_no_filter_tells_who(desk: Desk) -> None:
    desk.put("refused", account_id=desk.id_of("operator"), reason="revoked", camera_id="C-1")
    (shown,) = desk.told()["accesses"]
    assert (shown["account_name"], shown["address"], shown["reason"]) == (
        "operator",
        "203.0.113.9",
        "revoked",
    )
    for role in ("auditor", "administrator"):
        (masked,) = desk.told(role=role)["accesses"]
        assert {masked[name] for name in ("account_id", "account_name", "address", "reason")} == {None}
        assert masked["camera_id"] == "C-1"
        assert desk.numbers(f"?account_id={desk.id_of('operator')}", role=role) == []


def test_an_auditor_of_an_audience_sees_the_acts_of_its_accounts(desk: Desk) -> None:
    desk.put("redeemed", account_id=desk.id_of("no-purpose"))  # 119's
    desk.put("redeemed", account_id=desk.id_of("operator"))
    desk.put("refused", account_id=None)
    assert desk.numbers(role="of-119") == [1]
    assert desk.numbers() == [3, 2, 1]


def test_to_read_it_is_on_record_before_the_answer_once_a_minute(desk: Desk) -> None:
    log, gateway = desk.reader.access_log, desk.reader.here.gateway
    desk.told("?camera_id=C-1")
    desk.told("?camera_id=C-1")
    desk.told("?camera_id=C-2")
    assert [(one["act"], one["reason"]) for one in log.rows] == [
        ("audited", "camera_id=C-1"),
        ("audited", "camera_id=C-2"),
    ]
    assert {one["account_id"] for one in log.rows} == {desk.id_of("cleared")}
    gateway.now_ms = lambda: NOON_MS + MINUTE_MS
    desk.told("?camera_id=C-1")
    assert len(log.rows) == 3
    log.is_away = True
    answer = desk.reader.get("access?camera_id=C-3", role="cleared")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_a_record_that_was_altered_or_dropped_shows(desk: Desk) -> None:
    for _ in range(3):
        desk.put("redeemed")
    assert desk.told()["chain"] == {"holds": True, "records": 3, "writers": 1, "faulty": 0, "faults": []}
    desk.reader.accesses.put(4, {**desk.rows[2], "camera_id": "C-9"})
    desk.head = Head(7, desk.head.hash, desk.head.at)
    desk.put("redeemed")
    chain = desk.told()["chain"]
    assert (chain["holds"], chain["faulty"]) == (False, 2)
    assert [(one["writer"], one["sequence"]) for one in chain["faults"]] == [("gate", 3), ("gate", 8)]
    assert "altered" in chain["faults"][0]["what"]


def test_older_acts_than_are_kept_are_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_shelf, "KEPT_MAX", 2)
    desk.reader.accesses._rows = access_shelf.AccessShelf()._rows
    for number in range(2):
        desk.put("redeemed", at=number)
    assert desk.told()["kept_from"] is None
    desk.put("redeemed", at=2)
    assert desk.told()["kept_from"] == "2026-05-28T20:27:40.000+00:00"
    assert desk.numbers() == [3, 2]
    desk.reader.accesses.trouble = "Kafka unavailable"
    assert desk.reader.get("access", role="cleared").status_code == 503
