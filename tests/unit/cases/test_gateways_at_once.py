"""Two gateways end one case in the same instant: both saw its key, one destroyed it, and that one alone tells the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.transport.case_keys import CaseKeys
from schemas.errors import Invalid
from streams.cases.case_table import destruction_ledger
from streams.operators.case_ends import MAKES_GOOD_MS
from tests.unit.cases.a_case import HOUR, NOON
from tests.unit.cases.test_case_keeper import Office


class OvertakenKeys(CaseKeys):
    """Keys of a gateway that another overtakes, once, after it saw the key and before it destroys it."""

    def __init__(self, folder: Path, overtakes: Callable[[], object]) -> None:
        super().__init__(folder)
        self._overtakes: Callable[[], object] | None = overtakes

    def destroy(self, case_id: str) -> bool:
        if (overtakes := self._overtakes) is not None:
            self._overtakes = None
            overtakes()
        return super().destroy(case_id)


class Two:
    """The offices of two gateways with one log and one folder of keys."""

    def __init__(self, folder: Path) -> None:
        self.first, self.second = Office(folder), Office(folder)
        self.second.log, self.second.acts = self.first.log, self.first.acts
        self.its_id = self.first.open()
        self.second.restart()

    def overtake(self, by: Callable[[], object]) -> None:
        """Have *by* done by the first while the second is about to destroy the key."""
        self.second.desk._writer.keys = OvertakenKeys(self.second.folder, by)

    def at(self, now_ms: int) -> None:
        self.first.now_ms = self.second.now_ms = now_ms


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


def test_of_two_that_settle_one_tells_the_end_and_the_other_leaves_it(two: Two) -> None:
    two.at(NOON + 48 * HOUR)
    two.overtake(two.first.desk.settle)
    assert two.second.desk.settle() == []
    assert two.first.told() == [("open", None), ("closed", "expired")]
    assert len(destruction_ledger(two.first.acts)) == 1


def test_of_two_that_close_one_is_told_that_there_is_no_such_case_any_more(two: Two) -> None:
    two.overtake(lambda: two.first.desk.close(two.its_id, "found", agency="112", account_id="acc-7"))
    with pytest.raises(Invalid, match="no such open case"):
        two.second.desk.close(two.its_id, "withdrawn", agency="112", account_id="acc-8")
    assert two.first.told() == [("open", None), ("closed", "found")]
    assert [one["account_id"] for one in destruction_ledger(two.first.acts)] == ["acc-7"]


def test_where_the_one_that_destroyed_the_key_dies_the_other_tells_the_end_once(two: Two) -> None:
    two.at(NOON + 48 * HOUR)
    two.overtake(lambda: two.first.keys.destroy(two.its_id))
    assert two.second.desk.settle() == []
    assert two.second.desk.settle() == []
    two.at(NOON + 48 * HOUR + MAKES_GOOD_MS)
    assert two.second.desk.settle() == [two.its_id]
    assert two.second.told()[1:] == [("closed", "expired")]
    assert two.second.desk.settle() == []
    assert len(destruction_ledger(two.first.acts)) == 1
