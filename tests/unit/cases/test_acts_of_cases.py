"""Acts about cases are bounded as cases are, and no act of a case that is still of use is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from streams.cases import case_acts, case_table
from streams.cases.case_acts import DESTROYED, FILED, OPENED, CaseActs
from streams.cases.case_table import CaseTable
from tests.unit.cases.a_case import NOON, a_missing


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_acts, "WITHOUT_ROW_MAX", 10)
    monkeypatch.setattr(case_table, "CASES_MAX", 10)


def an_act(word: str, its_id: str, at: int = NOON) -> dict[str, Any]:
    return {"act": word, "situation_id": its_id, "at": at}


def ended(table: CaseTable, its_id: str) -> None:
    for word in (OPENED, FILED, DESTROYED):
        table.take_act(an_act(word, its_id))


def test_acts_of_cases_that_were_forgotten_or_never_had_a_row_are_bounded() -> None:
    table = CaseTable()
    for number in range(200):
        ended(table, f"early-{number}")
        its_id = f"case-{number}"
        table.take(dict(a_missing(case_id=its_id, state="closed", state_reason="found").value or {}))
        ended(table, its_id)
        ended(table, its_id)  # as when another gateway's acts come after the row was forgotten
        assert len(table.cases()) <= 10 and len(table._acts) <= 10 + 2 * 10


def test_the_act_of_a_case_whose_row_is_read_later_outlives_those_that_are_over() -> None:
    table = CaseTable()
    table.take_act(an_act(OPENED, "open-still", NOON - 5))
    for number in range(200):
        ended(table, f"over-{number}")
    table.take(dict(a_missing(case_id="open-still").value or {}))
    known = table.get("open-still")
    assert known is not None and known.case.is_on_record and known.case.opened_at_ms == NOON - 5


def test_no_act_of_a_case_with_a_row_is_forgotten() -> None:
    table = CaseTable()
    table.take(dict(a_missing(case_id="known").value or {}))
    table.take_act(an_act(OPENED, "known"))
    for number in range(200):
        table.take_act(an_act(OPENED, f"failed-{number}"))
    known = table.get("known")
    assert known is not None and known.case.is_on_record


def test_the_first_filing_counts_and_the_last_opening() -> None:
    acts = CaseActs([])
    for at in (3, 1, 2):
        acts.take(an_act(OPENED, "c", at))
        acts.take(an_act(FILED, "c", at))
        acts.take(an_act("case_read", "c", at))
    assert (acts.of("c").opened_ms, acts.of("c").filed_ms, acts.is_owed("c")) == (3, 3, True)
    acts.take(an_act(DESTROYED, "c"))
    assert not acts.is_owed("c") and len(acts) == 1
