"""A live event of the future is set aside before it carries the city's clock along; a recording has a clock of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from schemas.errors import Invalid
from schemas.event import Event
from streams.runtime.inbox import Inbox
from streams.runtime.records import PLAYED, Record
from streams.runtime.row_reader import Row, Unreadable
from streams.situations.fold import CityState
from streams.stages.situation_intake import timely
from streams.stages.situations import SituationsAssignment, SituationsStage
from tests.unit.situations.a_city import rules

NOON = 1_772_971_200_000
FIRE = "moie.fire.incident"


def a_record(*, played: bool = False, offset: int = 0) -> Record:
    return Record(FIRE, 0, offset, NOON, b"i1", b"", {PLAYED: b"1"} if played else {})


def at(event_s: float, received_s: float = 0) -> Mapping[str, Any]:
    return {"event_time": NOON + round(event_s * 1000), "received_time": NOON + round(received_s * 1000)}


@pytest.mark.parametrize("value", [at(300.001), at(301), at(0, 301), at(86_400, 86_400)])
def test_a_live_event_of_the_future_is_refused_and_a_played_one_is_not(value: Mapping[str, Any]) -> None:
    with pytest.raises(Invalid, match="lies in the future"):
        timely(a_record(), value)
    assert timely(a_record(played=True), value) is value


@pytest.mark.parametrize("value", [at(300, 300), at(0), at(-86_400)])
def test_a_clock_that_is_five_minutes_off_costs_nothing(value: Mapping[str, Any]) -> None:
    assert timely(a_record(), value) is value


class GivenReader:
    """Gives the values that it was made with, in order."""

    def __init__(self, *values: Mapping[str, Any]) -> None:
        self._values = list(values)

    def read(self, record: Record) -> Row:
        return Row(record, "i1", self._values.pop(0))

    def refuse(self, record: Record, error: Invalid) -> Unreadable:
        return Unreadable(record, error)


class Written:
    """An outbox of which only the events are looked at."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def put(self, event: Event) -> None:
        self.events.append(event)


def test_an_answer_about_a_missing_person_is_passed_over_and_no_rule_sees_it() -> None:
    nothing: Any = None
    stage = SituationsStage("moie", rules(), bootstrap="", wire=nothing)
    reader: Any = GivenReader({**at(0), "case_id": "C-1"}, {**at(0), "case_id": None})
    stage._reader = reader
    held = SituationsAssignment(nothing, CityState(nothing), Inbox("moie.core.tick", "moie.place.camera"), {})
    outbox: Any = Written()
    for offset in range(2):
        record = Record("moie.core.action", 0, offset, NOON, b"i1", b"", {})
        stage._offer(record, held, outbox)
    assert [taken.record.offset for taken in held.inbox.take()] == [1]
    assert held.inbox.next_offsets() == {("moie.core.action", 0): 2}
    assert outbox.events == []


def test_the_stage_sets_it_aside_and_the_rules_never_see_it() -> None:
    nothing: Any = None
    stage = SituationsStage("moie", rules(), bootstrap="", wire=nothing)
    reader: Any = GivenReader(at(0), at(301), at(2))
    stage._reader = reader
    held = SituationsAssignment(nothing, CityState(nothing), Inbox("moie.core.tick", "moie.place.camera"), {})
    outbox: Any = Written()
    for offset in range(3):
        stage._offer(a_record(offset=offset), held, outbox)
    assert [taken.record.offset for taken in held.inbox.take()] == [0, 2]
    assert held.inbox.next_offsets() == {(FIRE, 0): 3}
    (aside,) = outbox.events
    assert (aside.topic, aside.value["origin_offset"]) == ("fire.incident.dlq", 1)
    assert "future" in aside.value["reason"]
