"""A hub that is deleted: its tombstone comes to the rules as a board of which nothing is held. A tick ahead is counted."""

from __future__ import annotations

from typing import Any

from deploy.city.rules import rules_of
from schemas.catalogue import load_catalogue
from schemas.framing import frame
from schemas.rows import RowCodec
from schemas.wire import Wire
from streams import metrics_mobility
from streams.hubs.boards import Boards
from streams.hubs.hub_numbers import HubNumbers
from streams.journal.entries import entry_of, journal_event
from streams.runtime.inbox import Inbox
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step
from streams.situations.rules.hub.signals import is_gone
from streams.stages.hubs import HubsStage
from streams.stages.situations import SituationsAssignment, SituationsStage
from tests.hub_day import a_row
from tests.unit.streams.test_future import NOON, Written

BOARD, TICK = "core.hub", "core.tick"


class OneRegistry:
    """A registry in which each contract has its newest version alone, under one number."""

    def id_of(self, topic: str, contract: Any) -> int:
        return 1

    def schema_of(self, schema_id: int) -> Any:
        return load_catalogue()[BOARD].newest


def a_wire() -> Wire:
    registry: Any = OneRegistry()
    return Wire(registry)


def test_the_tombstone_of_a_board_is_journalled_as_a_board_of_nothing_and_not_set_aside() -> None:
    nothing: Any = None
    wire = a_wire()
    config, found = rules_of({"rule": [{"name": "hub"}]}, "kr", {"city": "moie"})
    assert config is not None and not found
    stage = SituationsStage("moie", config, bootstrap="", wire=wire)
    state = CityState.empty()
    step(state, Entry("rules", "moie.rules", 0, 0, config.canonical()))
    held = SituationsAssignment(nothing, state, Inbox("moie.core.tick", "moie.place.camera"), {})
    outbox: Any = Written()
    stage._offer(Record("moie.core.hub", 0, 7, NOON, "허브-1".encode(), None, {}), held, outbox)
    (taken,) = held.inbox.take()
    assert (taken.value["hub_id"], taken.value["event_time"]) == ("허브-1", NOON)
    assert is_gone(taken.value) and outbox.events == []
    entry = Entry("evidence", "moie.core.hub", 0, 7, taken.value)
    row = journal_event("moie", 1, NOON, entry, taken.record).value or {}
    assert entry_of(row, wire) == entry, "a replay sees what the rules saw"


def test_a_tick_from_the_future_is_not_taken_and_counted() -> None:
    nothing: Any = None
    wire = a_wire()
    stage = HubsStage("town", HubNumbers.model_validate({}), bootstrap="", wire=wire)
    count = metrics_mobility.hub_ticks_ahead.labels(stage.group)
    boards, before = Boards(HubNumbers.model_validate({})), count._value.get()
    reader: Any = RowReader(wire, "town.hubs")
    stage._reader = reader
    for ahead_ms in (300_000, 300_001):
        value = a_row(TICK, NOON + ahead_ms, city="town")
        payload = RowCodec(load_catalogue()[TICK].newest).encode(value)
        reader._wire = _Reads(value)
        stage._take(Record("town.core.tick", 0, 0, NOON, b"town", frame(1, payload), {}), boards, nothing)
    assert count._value.get() - before == 1
    assert boards.now_ms == NOON + 300_000


class _Reads:
    """Decodes each frame to what it was made with."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def decode(self, _topic: str, _value: bytes) -> Any:
        return self._value
