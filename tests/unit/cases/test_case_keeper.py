"""Cases from opening to the end of their keys, with real keys on disk, and every crash in between."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastavro import parse_schema
from fastavro.validation import validate

from connectors.transport.case_keys import CaseKeys
from deploy.laws import case_law_named
from schemas.catalogue import load_catalogue
from schemas.errors import Invalid, Retriable
from schemas.event import Event
from streams.cases.case_names import case_name
from streams.cases.case_table import CaseTable, corners_of, destruction_ledger, request_ledger
from streams.cases.judge import Allowed, Refused
from streams.cases.reading_sealed import LeftOut, left_out_of, readable
from streams.cases.sealing import is_sealed, opened, sealed
from streams.operators.case_ends import MAKES_GOOD_MS, RECORDED_WITHIN_MS
from streams.operators.case_keeper import ASKED, Answer, CaseKeeper
from tests.unit.cases.a_case import HOUR, NOON, a_missing, an_answer

SECOND = 1_000
law_for_tests = case_law_named


class Office:
    """A desk with its clock, log and acts. *breaks*: the words of acts, and states of events, that cannot be written."""

    def __init__(self, folder: Path, law: str = "kr") -> None:
        self.now_ms = NOON
        self.log: list[Event] = []
        self.acts: list[dict[str, Any]] = []
        self.breaks: set[str] = set()
        self.folder = folder
        self.law = law
        self.keys = CaseKeys(folder)
        self.restart()

    def restart(self) -> None:
        """Begin again from what is in the log, as another process would."""
        self.keys, self.table = CaseKeys(self.folder), CaseTable()
        for event in self.log:
            found = opened(event, self.keys.key(event.key)) or event
            self.table.take(found.value or {})
        for act in self.acts:
            self.table.take_act(act)
        law = case_law_named(self.law)
        self.desk = CaseKeeper(
            "bucheon",
            lambda: law,
            self.keys,
            self.table,
            record=self.record,
            publish=self.publish,
            now_ms=lambda: self.now_ms,
            name_of=lambda agency, number: case_name(b"s" * 32, "bucheon", agency, number),
        )

    def record(self, act: Mapping[str, Any]) -> None:
        if act["act"] in self.breaks:
            raise Retriable("Kafka unavailable")
        self.acts.append({**act, "at": self.now_ms})

    def publish(self, event: Event) -> None:
        if (event.value or {})["state"] in self.breaks:
            raise Retriable("Kafka unavailable")
        self.log.append(event)

    def open(self, **said: Any) -> str:
        asked = {name: (a_missing(**said).value or {})[name] for name in ASKED}
        answer = self.desk.open(asked, agency="112", account_id="acc-7")
        self.verdict = answer.verdict
        return answer.case_id

    def file(self, its_id: str, filing_id: str) -> Answer:
        return self.desk.file(its_id, filing_id, agency="112", account_id="acc-7")

    def told(self) -> list[tuple[str, str | None]]:
        return [((one.value or {})["state"], (one.value or {})["state_reason"]) for one in self.log]

    def words(self) -> list[tuple[str, str | None]]:
        return [(one["act"], one.get("reason")) for one in self.acts]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_an_open_case_is_on_record_with_its_ground_and_readable_with_its_key_alone(office: Office) -> None:
    its_id = office.open()
    (event,) = office.log
    assert b"canary" not in orjson.dumps([event.value, office.acts])
    assert is_sealed(event)
    read = opened(event, office.keys.key(its_id))
    assert read is not None
    assert (read.value or {})["photo_ref"] == "canary-photo-1"
    (act,) = office.acts
    assert (act["act"], act["situation_id"], act["account_id"]) == ("case_opened", its_id, "acc-7")
    assert act["legal_ground"] == "Missing Children Act Art. 2 no. 1(c): dementia"


def test_a_refused_case_is_on_record_has_no_key_and_may_be_asked_for_again(office: Office) -> None:
    its_id = office.open(ground="other")
    assert isinstance(office.verdict, Refused)
    assert office.verdict.other_grounds.keys() == {"warrant", "consent", "danger-to-life"}
    assert (office.told(), office.words()) == ([("refused", "no_ground")], [("case_refused", "no_ground")])
    assert b"canary" not in orjson.dumps([office.log[0].value, office.acts])
    assert list(office.folder.glob("*.key")) == []
    assert office.open(ground="other", other_ground="warrant", authorisation_id="court-11") == its_id
    assert isinstance(office.verdict, Allowed)
    assert [(one.value or {})["revision"] for one in office.log] == [0, 1]


def test_a_closed_case_is_unreadable_for_ever_and_both_ledgers_say_so(office: Office) -> None:
    its_id = office.open()
    office.now_ms += HOUR
    office.desk.close(its_id, "found", agency="112", account_id="acc-8")
    assert office.keys.key(its_id) is None
    assert office.told() == [("open", None), ("closed", "found")]
    assert b"canary" not in orjson.dumps([one.value for one in office.log])
    assert [one["act"] for one in request_ledger(office.acts)] == ["case_opened"]
    (destroyed,) = destruction_ledger(office.acts)
    assert (destroyed["situation_id"], destroyed["at"], destroyed["account_id"], destroyed["reason"]) == (
        its_id,
        NOON + HOUR,
        "acc-8",
        "found",
    )
    for again in (office.open, lambda: office.desk.close(its_id, "found", agency="112", account_id="acc-8")):
        with pytest.raises(Invalid):
            again()
    with pytest.raises(Invalid, match="no such reason"):
        office.desk.close(its_id, "bored", agency="112", account_id="acc-8")


@pytest.mark.parametrize("restarts", [False, True])
def test_an_urgent_case_whose_request_is_not_filed_in_time_is_purged_at_the_next_look(
    tmp_path: Path, restarts: bool
) -> None:
    office = Office(tmp_path, "eu")
    its_id = office.open(is_urgent=True)
    office.now_ms += 24 * HOUR - 1
    if restarts:
        office.restart()
    assert office.desk.settle() == []
    office.now_ms += SECOND
    assert office.desk.settle() == [its_id]
    assert (office.keys.key(its_id), office.told()[-1]) == (None, ("closed", "not_filed"))
    assert destruction_ledger(office.acts)[0]["at"] - (NOON + 24 * HOUR) <= 5 * SECOND
    assert office.desk.settle() == []


def test_a_request_filed_in_time_keeps_the_case_and_one_refused_ends_it(tmp_path: Path) -> None:
    office = Office(tmp_path, "eu")
    its_id = office.open(is_urgent=True)
    office.now_ms += 23 * HOUR
    assert isinstance(
        office.desk.file(its_id, "request-5", agency="112", account_id="acc-7").verdict, Allowed
    )
    office.restart()
    office.now_ms += 2 * HOUR
    assert office.desk.settle() == []
    assert ("case_filed", "request-5") in office.words()
    office.desk.close(its_id, "authorisation_refused", agency="112", account_id="acc-7")
    assert (office.keys.key(its_id), office.told()[-1]) == (None, ("refused", "authorisation_refused"))


def test_a_request_filed_too_late_ends_the_case_and_says_so(tmp_path: Path) -> None:
    office = Office(tmp_path, "eu")
    its_id = office.open(is_urgent=True)
    office.now_ms += 24 * HOUR + 1
    answer = office.desk.file(its_id, "request-5", agency="112", account_id="acc-7")
    assert isinstance(answer.verdict, Refused)
    assert (answer.verdict.reason, office.keys.key(its_id)) == ("not_filed", None)


def test_a_case_ends_with_its_time(office: Office) -> None:
    its_id = office.open()
    office.now_ms = NOON + 48 * HOUR
    assert office.desk.settle() == [its_id]
    assert office.told()[-1] == ("closed", "expired")


@pytest.mark.parametrize("broken", ["closed", "key_destroyed"])
def test_a_crash_while_closing_is_made_good_after_a_restart(office: Office, broken: str) -> None:
    its_id = office.open()
    office.breaks = {broken}
    with pytest.raises(Retriable):
        office.desk.close(its_id, "found", agency="112", account_id="acc-8")
    assert office.keys.key(its_id) is None, "gone, whatever came after"
    office.breaks = set()
    office.restart()
    office.desk.settle()
    office.now_ms += MAKES_GOOD_MS
    office.desk.settle()
    assert office.told()[-1][0] == "closed"
    assert len(destruction_ledger(office.acts)) == 1
    office.restart()
    office.desk.settle()
    office.now_ms += MAKES_GOOD_MS
    office.desk.settle()
    assert len(destruction_ledger(office.acts)) == 1


@pytest.mark.parametrize("broken", ["case_opened", "open"])
def test_a_crash_while_opening_leaves_no_case_without_its_act(office: Office, broken: str) -> None:
    office.breaks = {broken}
    with pytest.raises(Retriable):
        office.open()
    assert office.log == []
    office.breaks = set()
    office.restart()
    office.open()
    assert office.words()[-1] == ("case_opened", None)
    assert office.told() == [("open", None)]


def test_a_case_without_an_act_on_record_fails_closed(tmp_path: Path) -> None:
    office = Office(tmp_path, "eu")
    its_id = office.open(is_urgent=True)
    office.acts.clear()
    office.restart()
    office.now_ms += RECORDED_WITHIN_MS
    assert office.desk.settle() == [its_id]


def test_reading_again_leaves_out_a_closed_cases_answers_and_says_so(office: Office) -> None:
    its_id = office.open()
    answer = an_answer(case_id=its_id)
    from_key = office.keys.key(its_id)
    assert from_key is not None
    left_out = LeftOut()
    assert len(list(readable([*office.log, answer], office.keys.key, left_out))) == 2
    assert left_out.told() == []
    office.desk.close(its_id, "found", agency="112", account_id="acc-8")
    told = list(readable([*office.log, answer], office.keys.key, left_out))
    assert told == [office.log[-1], answer], "the closing row has nothing sealed; the answer was never sealed"
    assert left_out.told() == [f"case {its_id}: closed, its key is destroyed; left out: 1 police.missing"]


def test_a_replay_counts_what_is_left_out_of_cases_that_are_over_and_of_no_other(office: Office) -> None:
    over, still = office.open(), office.open(agency_case_no="another")
    answers = []
    for its_id in (over, over, still):
        key = office.keys.key(its_id)
        assert key is not None
        answers.append(sealed(an_answer(case_id=its_id), key))

    def told() -> list[str]:
        cases = [one.value or {} for one in office.log]
        return left_out_of(cases, [*answers, an_answer(case_id=None), an_answer(case_id="unknown")]).told()

    assert told() == []
    office.desk.close(over, "found", agency="112", account_id="acc-8")
    assert told() == [f"case {over}: closed, its key is destroyed; left out: 2 core.action"]


def test_every_event_of_a_case_is_as_its_contract_says(tmp_path: Path) -> None:
    office = Office(tmp_path, "eu")
    its_id = office.open(is_urgent=True)
    office.desk.file(its_id, "request-5", agency="112", account_id="acc-7")
    office.desk.close(its_id, "found", agency="112", account_id="acc-8")
    office.open(area=None, agency_case_no="18")
    schema = parse_schema(load_catalogue()["police.missing"].newest)
    assert len(office.log) == 4
    for event in office.log:
        assert validate(event.value, schema, strict=True)


@pytest.mark.parametrize(
    ("area", "count"),
    [
        ('{"type":"Polygon","coordinates":[[[126,37],[127,37],[127,38],[126,37]]]}', 3),
        ('{"type":"Polygon","coordinates":[[[126,37],[127,37],[127,38],[126,37]],[[126,37]]]}', 0),
        ('{"type":"Point","coordinates":[126,37]}', 0),
        ("no json", 0),
        (None, 0),
        ("[]", 0),
    ],
)
def test_an_area_is_a_polygon_without_holes_or_none(area: str | None, count: int) -> None:
    assert len(corners_of(area)) == count
