"""Ends that cannot be told, and keys that cannot be destroyed: no other case waits for them, and they are told."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from connectors.transport.case_keys import CaseKeys
from schemas.errors import BongsuError, Fatal, Retriable
from schemas.event import Event
from streams.cases.case_table import destruction_ledger
from streams.operators.case_attempts import AWAY_MAX
from streams.operators.case_ends import MAKES_GOOD_MS
from tests.unit.cases.a_case import HOUR, NOON
from tests.unit.cases.test_case_keeper import Office
from tests.unit.cases.test_two_openings import Shared

OVER = NOON + 49 * HOUR


class StuckOffice(Office):
    """An office at whose log no row of the cases *stuck* can be written: *fault* is raised."""

    fault: BongsuError = Fatal("the record is too large")
    stuck: frozenset[str] = frozenset()

    def publish(self, event: Event) -> None:
        if event.key in self.stuck:
            raise self.fault
        super().publish(event)


class OneOnBadDisk(CaseKeys):
    """Keys one of which cannot be overwritten while *bad* is its case."""

    bad = ""

    def destroy(self, case_id: str) -> bool:
        if case_id == self.bad:
            raise OSError(5, "Input/output error")
        return super().destroy(case_id)


@pytest.fixture
def office(tmp_path: Path) -> StuckOffice:
    return StuckOffice(tmp_path)


def opened(office: Office, count: int) -> list[str]:
    names = [office.open(agency_case_no=f"canary-{number}") for number in range(count)]
    office.now_ms = OVER
    return names


def later(office: Office) -> None:
    """Turns until what is missing is made good."""
    office.desk.settle()
    office.now_ms += MAKES_GOOD_MS


def test_an_end_that_cannot_be_told_keeps_no_other_from_being_told(office: StuckOffice) -> None:
    names = opened(office, 3)
    office.stuck = frozenset(names[1:2])
    assert set(office.desk.settle()) == {names[0], names[2]}
    assert all(office.keys.is_destroyed(one) for one in names)
    for _ in range(3):
        assert list(office.desk.stuck) == [names[1]], "told until it is mended, in turns between, too"
        later(office)
    office.stuck = frozenset()
    assert office.desk.settle() == [names[1]]
    assert list(office.desk.stuck) == []


def test_cases_whose_partition_has_no_leader_keep_no_other_from_its_end(office: StuckOffice) -> None:
    names = opened(office, 7)
    office.fault, office.stuck = Retriable("no leader"), frozenset(names[1::2])
    with pytest.raises(Retriable, match="no leader"):
        office.desk.settle()
    assert all(office.keys.is_destroyed(one) for one in names)
    assert len(office.desk.stuck) == AWAY_MAX, "each waits some seconds for Kafka"
    for _ in range(3):
        with contextlib.suppress(Retriable):
            later(office)
    assert {event.key for event in office.log[7:]} == set(names) - office.stuck
    assert set(office.desk.stuck) <= office.stuck
    office.stuck = frozenset()
    assert set(office.desk.settle()) == set(names[1::2]) and list(office.desk.stuck) == []


def test_a_key_that_cannot_be_destroyed_keeps_no_other_key(office: StuckOffice) -> None:
    names = opened(office, 3)
    keys = office.desk._writer.keys = OneOnBadDisk(office.folder)
    keys.bad = names[1]
    assert set(office.desk.settle()) == {names[0], names[2]}
    assert list(office.desk.stuck) == [names[1]]
    keys.bad = ""
    assert office.desk.settle() == [names[1]]
    assert len(destruction_ledger(office.acts)) == 3 and list(office.desk.stuck) == []


def test_a_key_of_a_case_that_another_process_ended_has_its_turn_until_it_is_gone(tmp_path: Path) -> None:
    owner, other = Office(tmp_path / "a"), Office(tmp_path / "b")
    other.log, other.acts = owner.log, owner.acts
    its_id = owner.open()
    other.restart()
    other.desk.close(its_id, "found", agency="112", account_id="acc-8")
    owner.restart()
    keys = owner.desk._writer.keys = OneOnBadDisk(owner.folder)
    keys.bad = its_id
    owner.desk.settle()
    assert owner.keys.key(its_id) is not None and destruction_ledger(owner.acts) == []
    assert list(owner.desk.stuck) == [its_id]
    keys.bad = ""
    owner.desk.settle()
    assert owner.keys.key(its_id) is None and len(destruction_ledger(owner.acts)) == 1


def test_a_row_that_must_be_told_again_is_so_though_kafka_was_away_at_first(tmp_path: Path) -> None:
    shared = Shared(tmp_path)
    shared.overtake(lambda: shared.first.open(requester="canary-first"))
    with pytest.raises(BongsuError):
        shared.second.open(requester="canary-second")
    shared.read(shared.first)
    shared.first.breaks = {"open"}
    with pytest.raises(Retriable):
        shared.first.desk.settle()
    shared.first.breaks = set()
    shared.first.desk.settle()
    assert shared.newest().row["requester"] == "canary-first" and len(shared.first.log) == 3
