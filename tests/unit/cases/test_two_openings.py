"""Openings that meet: of two gateways, or of one person who got no answer. The log decides; no key outlives its case."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import load_catalogue
from schemas.errors import Invalid, Retriable
from schemas.event import Event
from schemas.rows import RowCodec
from streams.cases.case_table import CaseTable, destruction_ledger
from streams.cases.judge import Allowed
from streams.cases.sealing import opened
from tests.unit.cases.a_case import HOUR, NOON, a_missing
from tests.unit.cases.test_case_keeper import SECOND, Office


class Shared:
    """Gateways with one log and one folder of keys. What one writes, each reads when it waits for the log, or is told to."""

    def __init__(self, folder: Path) -> None:
        self.first, self.second = Office(folder), Office(folder)
        self.second.log, self.second.acts = self.first.log, self.first.acts
        self.at = {id(one): 0 for one in (self.first, self.second)}
        for one in (self.first, self.second):
            one.desk._until = self.reads(one)

    def reads(self, office: Office) -> Callable[[Callable[[], bool]], bool]:
        def until(is_so: Callable[[], bool]) -> bool:
            self.read(office)
            return is_so()

        return until

    def read(self, office: Office) -> None:
        for event in self.first.log[self.at[id(office)] :]:
            office.table.take((opened(event, office.keys.key(event.key)) or event).value or {})
        self.at[id(office)] = len(self.first.log)
        for act in self.first.acts:
            office.table.take_act(act)

    def overtake(self, by: Callable[[], object]) -> None:
        """Have *by* done while the second is about to publish, before the log has its row."""
        publish = self.second.desk._writer.publish

        def published(event: Event) -> None:
            self.second.desk._writer.publish = publish
            by()
            publish(event)

        self.second.desk._writer.publish = published

    def newest(self) -> Any:
        """The case as a compacted log tells it: by its last row alone."""
        table, last = CaseTable(), self.first.log[-1]
        table.take((opened(last, self.first.keys.key(last.key)) or last).value or {})
        return table.get(last.key)


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    return Shared(tmp_path)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_of_two_openings_at_once_the_first_in_the_log_counts_and_the_other_is_told(shared: Shared) -> None:
    shared.overtake(lambda: shared.first.open(requester="canary-first"))
    with pytest.raises(Invalid, match="there is or was a case of that number"):
        shared.second.open(requester="canary-second")
    assert len(shared.first.log) == 2
    for office in (shared.first, shared.second):
        shared.read(office)
        (known,) = office.table.open_cases()
        assert known.row["requester"] == "canary-first"


def test_the_one_that_counts_is_what_a_compacted_log_keeps(shared: Shared) -> None:
    shared.overtake(lambda: shared.first.open(requester="canary-first"))
    with pytest.raises(Invalid):
        shared.second.open(requester="canary-second")
    shared.read(shared.first)
    shared.first.desk.settle()
    shared.read(shared.second)
    shared.second.desk.settle()
    shared.read(shared.first)
    shared.first.desk.settle()
    assert shared.newest().row["requester"] == "canary-first" and len(shared.first.log) <= 4


def test_asking_again_for_the_same_is_answered_as_before_and_for_anything_else_refused(
    shared: Shared,
) -> None:
    until = shared.first.desk._until
    shared.first.desk._until = lambda _is_so: False  # the answer comes too late
    with pytest.raises(Retriable, match="did not answer in time"):
        shared.first.open()
    shared.first.desk._until = until
    for office in (shared.first, shared.second):
        shared.read(office)
        its_id = office.open()
        assert isinstance(office.verdict, Allowed) and its_id == shared.first.log[0].key
        with pytest.raises(Invalid, match="there is or was a case of that number"):
            office.open(photo_ref="another")
    assert len(shared.first.log) == 1 and [act["act"] for act in shared.first.acts] == ["case_opened"]


def test_the_hours_of_an_urgent_case_begin_with_the_opening_that_succeeded(tmp_path: Path) -> None:
    office = Office(tmp_path, "eu")
    office.breaks = {"open"}
    with pytest.raises(Retriable):
        office.open(is_urgent=True, until_time=NOON + 90 * HOUR)
    office.breaks, office.now_ms = set(), NOON + 25 * HOUR
    its_id = office.open(is_urgent=True, until_time=NOON + 90 * HOUR)
    office.restart()
    assert office.desk.settle() == []
    office.now_ms += 23 * HOUR
    assert office.desk.settle() == [] and (known := office.table.get(its_id)) is not None
    assert known.case.opened_at_ms == NOON + 25 * HOUR
    office.now_ms += 2 * HOUR
    assert office.desk.settle() == [its_id]


def test_a_key_goes_though_a_process_with_another_folder_ended_its_case(tmp_path: Path) -> None:
    owner, other = Office(tmp_path / "a"), Office(tmp_path / "b")
    other.log, other.acts = owner.log, owner.acts
    its_id = owner.open()
    other.restart()
    other.desk.close(its_id, "found", agency="112", account_id="acc-8")
    assert destruction_ledger(owner.acts) == [], "no key was destroyed there"
    assert owner.keys.key(its_id) is not None
    owner.restart()
    owner.desk.settle()
    assert owner.keys.key(its_id) is None
    assert [one["reason"] for one in destruction_ledger(owner.acts)] == ["found"]
    owner.desk.settle()
    assert len(destruction_ledger(owner.acts)) == 1


def test_an_end_stands_before_an_opening_of_the_same_revision_and_an_opening_before_a_refusal() -> None:
    def row(writer: str, **said: Any) -> dict[str, Any]:
        return dict(a_missing(**said).value or {}) | {"event_id": writer}

    opening, refusal = row("a"), row("b", state="refused", state_reason="no-ground")
    end = row("c", state="closed", state_reason="found")
    for order in ([opening, refusal, end], [end, refusal, opening], [refusal, opening, end]):
        table = CaseTable()
        for one in order:
            table.take(one)
        known = table.get("case-1")
        assert known is not None and known.row["state"] == "closed"
    for order in ([opening, refusal], [refusal, opening]):
        table = CaseTable()
        for one in order:
            table.take(one)
        assert [one.row["event_id"] for one in table.open_cases()] == ["a"]


def test_a_case_that_a_process_with_another_folder_ended_is_not_opened_again(tmp_path: Path) -> None:
    owner, other = Office(tmp_path / "a"), Office(tmp_path / "b")
    other.log, other.acts = owner.log, owner.acts
    its_id = owner.open()
    owner.desk.close(its_id, "found", agency="112", account_id="acc-8")
    other.restart()
    with pytest.raises(Invalid, match="there is or was a case of that number"):
        other.open()
    assert owner.told() == [("open", None), ("closed", "found")], "compaction would keep a row behind the end"
    assert list(other.folder.glob("*.key")) == []


def test_who_loses_is_told_what_stands_and_its_act_is_on_record(shared: Shared) -> None:
    shared.overtake(lambda: shared.first.open(requester="canary-first"))
    with pytest.raises(Invalid) as refused:
        shared.second.open(requester="canary-second")
    its_id = shared.first.log[0].key
    assert refused.value.stands == {"case_id": its_id, "state": "open", "revision": 0}
    assert shared.first.words()[-1] == ("case_refused", "case-known")


def test_the_same_opening_again_is_answered_though_the_first_row_is_read_only_behind_it(
    shared: Shared,
) -> None:
    publish = shared.first.desk._writer.publish

    def without_answer(event: Event) -> None:
        publish(event)
        raise Retriable("Kafka unavailable")

    shared.first.desk._writer.publish = without_answer
    with pytest.raises(Retriable):
        shared.first.open()
    shared.first.desk._writer.publish = publish
    shared.first.now_ms += SECOND
    its_id = shared.first.open()
    assert isinstance(shared.first.verdict, Allowed)
    assert len(shared.first.log) == 2 and "case_refused" not in [word for word, _ in shared.first.words()]
    assert shared.newest().row["photo_ref"] == "canary-photo-1" and shared.newest().row["case_id"] == its_id


def test_numbers_that_the_log_rounds_are_the_same_opening(office: Office) -> None:
    seen = {"seen_at": NOON, "position": {"lat": 37.5, "lon": 126.7, "accuracy_m": 12.3}}
    red = {"name": "upper_colour", "word": "red", "confidence": 0.9}
    its_id = office.open(last_seen=seen, attributes=[red])
    codec, known = RowCodec(load_catalogue()["police.missing"].newest), office.table.get(its_id)
    assert known is not None
    read = codec.decode(codec.encode(known.row))
    assert read["last_seen"]["position"]["accuracy_m"] != 12.3
    office.table.take(read)
    assert office.open(last_seen=seen, attributes=[red]) == its_id and len(office.log) == 1
    with pytest.raises(Invalid, match="there is or was a case"):
        office.open(last_seen=seen, attributes=[{**red, "confidence": 0.8}])


def test_an_opening_while_the_log_is_read_anew_is_not_said_to_be_refused(shared: Shared) -> None:
    def read_anew(_is_so: Callable[[], bool]) -> bool:
        shared.first.table.clear_rows()
        return True

    shared.first.desk._until = read_anew
    with pytest.raises(Retriable, match="read anew"):
        shared.first.open()
    assert [word for word, _ in shared.first.words()] == ["case_opened"]
