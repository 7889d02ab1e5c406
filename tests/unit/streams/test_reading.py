"""An unreadable record is skipped: no row is lost, and it is logged with its place, a bounded number of times."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.catalogue import Contract, load_catalogue
from schemas.errors import Fatal, Invalid
from schemas.event import Event
from schemas.registry import Registry
from schemas.wire import Wire
from streams.ingest.place import SourcePlace, check_place
from streams.ingest.place import body_of as place_of
from streams.runtime import tables
from streams.runtime.records import Record
from streams.runtime.row_reader import Row, RowReader, Unreadable, left_out
from streams.situations.answers.events import state_row
from streams.situations.state.rows import CLOCK, body_of, check_row

CITY, TOPIC = "town", "town.core.state"
CLOCKS = {"now_ms": 1, "sequence": 2, "rules": None}


class OneRegistry(Registry):
    """Every contract's newest version under one id: that of the test's topic."""

    def __init__(self) -> None:
        self._schema = load_catalogue()["core.state"].newest

    def id_of(self, topic: str, contract: Contract) -> int:
        return 1

    def schema_of(self, schema_id: int) -> dict[str, object]:
        if schema_id != 1:
            raise Invalid(f"the registry knows no schema id {schema_id}")
        return self._schema


WIRE = Wire(OneRegistry())


def a_record(offset: int, key: str, value: bytes | None, *, topic: str = TOPIC) -> Record:
    return Record(topic, 0, offset, 0, key.encode(), value, {})


def a_clock(offset: int, sequence: int, *, key: str = CLOCK) -> Record:
    return of_event(
        offset,
        state_row(key, CLOCK, body_of({**CLOCKS, "sequence": sequence}), CITY, now=1, sequence=sequence),
    )


def of_event(offset: int, event: Event) -> Record:
    return a_record(offset, event.key, WIRE.encode(CITY, event)[2])


def standing(monkeypatch: pytest.MonkeyPatch, log: Sequence[Record]) -> tables.Table:
    """The table of a topic with the records *log*."""
    monkeypatch.setattr(tables, "read_whole", lambda _bootstrap, _topics: iter(log))
    monkeypatch.setattr(tables, "newest_of", lambda _bootstrap, _topic: {one.key: one for one in log})
    return tables.read_rows("", TOPIC, RowReader(WIRE, "town.test", check=check_row))


@pytest.mark.parametrize(
    "junk", [b"", b"\x00", b"\x07\x00\x00\x00\x01", b"\x00\x00\x00\x00\x09x", b"\x00\x00\x00\x00\x01x"]
)
def test_junk_over_a_row_does_not_hide_it(monkeypatch: pytest.MonkeyPatch, junk: bytes) -> None:
    table = standing(
        monkeypatch, [a_clock(0, 7), a_clock(1, 8), a_record(2, CLOCK, junk), a_record(3, CLOCK, junk)]
    )
    row = table.rows[CLOCK]
    assert (row.record.offset, [one.record.offset for one in table.unreadable]) == (1, [3])
    assert table.restored == [row]


def test_what_was_forgotten_stays_forgotten_under_junk(monkeypatch: pytest.MonkeyPatch) -> None:
    table = standing(monkeypatch, [a_clock(0, 7), a_record(1, CLOCK, None), a_record(2, CLOCK, b"junk")])
    assert (table.rows, table.restored) == ({}, [])


def test_a_row_that_is_no_row_of_the_rules_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    log = [
        of_event(0, state_row("s-1", "situation", b"{}", CITY, now=1, sequence=1)),
        of_event(1, state_row("s-2", "weather", b"{}", CITY, now=1, sequence=1)),
        of_event(2, state_row(CLOCK, CLOCK, b'{"now_ms":"noon"}', CITY, now=1, sequence=1)),
        a_clock(3, 4, key="another"),
    ]
    table = standing(monkeypatch, log)
    assert (table.rows, len(table.unreadable)) == ({}, 4)


def test_where_hardly_anything_can_be_read_nothing_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [
        a_record(offset, f"s-{offset}", b"\x00\x00\x00\x00\x09x")
        for offset in range(tables.UNREADABLE_MAX + 1)
    ]
    with pytest.raises(Fatal, match="101 rows cannot be read, 1 can"):
        standing(monkeypatch, [a_clock(1_000, 1), *many])
    assert standing(monkeypatch, [a_clock(1_000, 1), *many[1:]]).rows


def test_a_tombstone_is_a_row_of_a_table_and_junk_elsewhere() -> None:
    reader = RowReader(WIRE, "town.test")
    assert isinstance(reader.read(a_record(0, "k", None)), Row)
    assert isinstance(reader.read(a_record(0, "k", None, topic="town.core.tick")), Unreadable)


def test_a_place_that_is_none_is_left_out() -> None:
    check_place("s", {"place": place_of(SourcePlace())})
    for body in (b"", b"[]", b"{}", b'{"spans":[[1]],"files":[],"place":{}}'):
        with pytest.raises(Invalid):
            check_place("s", {"place": body})


def test_a_flood_of_junk_is_counted_whole_and_told_seldom(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("bongsu").propagate = True
    reader = RowReader(WIRE, "town.test")
    with caplog.at_level(logging.WARNING, "bongsu"):
        assert list(reader.rows(a_record(offset, "k", b"junk") for offset in range(1_000))) == []
    assert reader.refused == 1_000
    assert len(caplog.records) == 10
    assert "offset=511" in caplog.text
    told = left_out([reader])
    assert told is not None
    assert told.startswith(f"left out what cannot be read: {TOPIC}[0]@0, ")
    assert told.endswith("[0]@9 and 990 more")
    assert left_out([RowReader(WIRE, "town.test")]) is None


JUNK = a_record(9, CLOCK, b"junk")


def test_values_are_those_of_readable_rows_alone() -> None:
    reader = RowReader(WIRE, "town.test")
    found = list(reader.values([a_clock(0, 7), JUNK, a_record(1, CLOCK, None), a_clock(2, 8)]))
    assert [set(one) >= {"event_id", "city"} for one in found] == [True, True]
    assert reader.refused == 1


def test_the_key_of_a_table_is_read_strictly_and_that_of_a_log_is_only_shown() -> None:
    reader = RowReader(WIRE, "town.test")
    odd = b"\xff"
    row = a_clock(0, 7)
    of_table = reader.read(Record(TOPIC, 0, 0, 0, odd, row.value, {}))
    assert isinstance(of_table, Unreadable) and of_table.error.what == "a key that is no text"
    tick = Event("core.tick", CITY, {})
    of_log = reader.read(Record(f"{CITY}.{tick.topic}", 0, 0, 0, odd, None, {}))
    assert isinstance(of_log, Unreadable) and of_log.error.what == "a tombstone"


class AnyValue(Wire):
    """Decodes every frame as *value*."""

    def __init__(self, value: dict[str, object]) -> None:
        super().__init__(OneRegistry())
        self._value = value

    def decode(self, topic: str, frame: bytes) -> dict[str, object]:
        return self._value


@pytest.mark.parametrize("key", [b"\xff", None, b"another"])
def test_a_row_of_a_log_may_stand_under_any_key(key: bytes | None) -> None:
    reader = RowReader(AnyValue({"city": CITY}), "town.test")
    row = reader.read(Record(f"{CITY}.core.tick", 0, 0, 0, key, b"frame", {}))
    assert isinstance(row, Row)
    assert row.key == (key or b"").decode(errors="replace")


@pytest.mark.parametrize("key", [b"fire", b"zone", None])
def test_a_row_of_a_table_stands_under_its_own_key_only(key: bytes | None) -> None:
    contract = load_catalogue()["core.source"]
    reader = RowReader(AnyValue({contract.key: "medical"}), "town.test")
    row = reader.read(Record(f"{CITY}.core.source", 0, 0, 0, key, b"frame", {}))
    assert isinstance(row, Unreadable) and row.error.what == "a row under another's key"
    assert isinstance(reader.read(Record(f"{CITY}.core.source", 0, 0, 0, b"medical", b"frame", {})), Row)


def test_a_command_says_where_it_left_something_out_and_not_a_thousand_places() -> None:
    one, other = RowReader(WIRE, "town.one"), RowReader(WIRE, "town.other")
    assert left_out([one, other]) is None
    one.read(JUNK)
    assert left_out([one, other]) == f"left out what cannot be read: {TOPIC}[0]@9"
    for offset in range(12):
        other.read(a_record(offset, CLOCK, b"junk"))
    said = left_out([one, other]) or ""
    assert said.count("@") == 10 and said.endswith("@8 and 3 more")
    assert len(other.places) == 10


class Written:
    """Keeps what is put."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.records: list[Any] = []

    def put(self, event: Event) -> None:
        self.events.append(event)

    def put_bytes(self, *about: Any) -> None:
        self.records.append(about)


def test_the_owner_sets_junk_aside_and_writes_the_row_before_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = a_clock(0, 7)
    row = Record(row.topic, 0, 0, 5, row.key, row.value, {"ce_id": b"1"})
    junk = [Record(TOPIC, 0, 8 + i, 66, key.encode(), b"junk", {}) for i, key in enumerate([CLOCK, "x"])]
    table = standing(monkeypatch, [row, *junk])
    outbox: Any = Written()
    table.mend(outbox, CITY)
    assert [(one.topic, (one.value or {})["origin_offset"]) for one in outbox.events] == [
        ("core.state.dlq", 8),
        ("core.state.dlq", 9),
    ]
    assert (outbox.events[0].value or {})["received_time"] == 66
    assert outbox.records == [(TOPIC, CLOCK.encode(), row.value, [("ce_id", b"1")])]


def test_of_some_keys_only_those_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    log = [a_clock(0, 7), a_record(1, "x", b"junk"), a_record(2, "y", b"junk")]
    monkeypatch.setattr(tables, "read_whole", lambda _bootstrap, _topics: iter(log))
    monkeypatch.setattr(tables, "newest_of", lambda _bootstrap, _topic: {one.key: one for one in log})
    table = tables.read_rows("", TOPIC, RowReader(WIRE, "town.test"), only=[b"y", CLOCK.encode()])
    assert set(table.rows) == {CLOCK}
    assert [one.record.offset for one in table.unreadable] == [2]
    assert table.restored == []


@pytest.mark.parametrize(("unreadable", "is_an_accident"), [(100, True), (101, False)])
def test_a_hundred_unreadable_rows_may_be_an_accident_and_one_more_is_none(
    monkeypatch: pytest.MonkeyPatch, unreadable: int, is_an_accident: bool
) -> None:
    log = [a_clock(0, 7), *(a_record(1 + n, f"k{n}", b"junk") for n in range(unreadable))]
    if is_an_accident:
        assert len(standing(monkeypatch, log).unreadable) == unreadable
        return
    with pytest.raises(Fatal, match=f"{TOPIC}: 101 rows cannot be read, 1 can: "):
        standing(monkeypatch, log)
