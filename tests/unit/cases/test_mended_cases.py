"""Cases that were ended, hidden or allowed where they should not be."""

from __future__ import annotations

from pathlib import Path

from streams.cases.judge import Allowed, Refused, judge
from streams.cases.reading_sealed import LeftOut, readable
from streams.cases.sealing import opened
from tests.unit.cases.a_case import HOUR, NOON, a_case, an_answer
from tests.unit.cases.test_case_keeper import Office, law_for_tests


def test_a_request_filed_in_time_may_be_filed_again_later(tmp_path: Path) -> None:
    office = Office(tmp_path, "eu")
    its_id = office.open(is_urgent=True)
    office.now_ms += 2 * HOUR
    office.file(its_id, "request-5")
    office.now_ms += 30 * HOUR
    assert isinstance(office.file(its_id, "request-6").verdict, Allowed)
    assert office.keys.key(its_id) is not None
    office.restart()
    assert office.desk.settle() == []
    known = office.table.get(its_id)
    assert known is not None
    assert (known.case.filing_id, known.case.filed_at_ms) == ("request-6", NOON + 2 * HOUR)


def test_a_damaged_key_ends_its_case_alone(tmp_path: Path) -> None:
    office = Office(tmp_path)
    first, second = office.open(), office.open(agency_case_no="18", until_time=NOON + HOUR)
    office.keys._path(first).write_bytes(b"short")
    office.now_ms += HOUR
    assert set(office.desk.settle()) == {first, second}
    reasons = {(one.value or {})["case_id"]: (one.value or {})["state_reason"] for one in office.log}
    assert reasons == {first: "key_damaged", second: "expired"}
    assert office.desk.settle() == []


def test_a_reason_that_looks_sealed_hides_no_action_of_a_situation() -> None:
    action = an_answer(case_id=None, candidate_id=None, reason="sealed:" + "x" * 30)
    assert opened(action, None) == action
    left_out = LeftOut()
    assert list(readable([action], lambda _: None, left_out)) == [action]
    assert left_out.told() == []


def test_a_case_whose_opening_is_not_on_record_is_not_allowed_urgent_or_not(tmp_path: Path) -> None:
    office = Office(tmp_path)
    its_id = office.open()
    office.acts.clear()
    office.restart()
    known = office.table.get(its_id)
    assert known is not None
    verdict = judge(known.case, law_for_tests("kr"), office.now_ms)
    assert isinstance(verdict, Refused) and verdict.reason == "unrecorded"
    assert isinstance(judge(a_case(), law_for_tests("kr"), NOON), Allowed)
    assert office.desk.settle() == [], "its act may come a moment later than its row"
    office.now_ms += 61_000
    assert office.desk.settle() == [its_id]
