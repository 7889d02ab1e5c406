"""A city's journal through the rules again, from a log of the tests' own: what is played, compared, explained, written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from schemas.errors import Fatal, Retriable, Unreachable
from schemas.event import Event
from streams.journal import export, replay
from streams.journal.beginning import BeginningGone
from streams.journal.entries import RULES, entry_of, journal_event
from streams.journal.replay import COMPARED, Reached, explained, replayed, verify
from streams.journal.verdict import Verdict
from streams.runtime import kafka
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step
from tests.unit.situations.a_city import a_camera, a_tick, an_incident, at, place, rules
from tests.unit.streams.a_log import AWAY, Log

HEADER = b"\x00\x00\x00\x00\x01"
JOURNAL = ("demo.core.journal", 0)
CLOCKS = ("12:00", "12:01", "12:02", "12:03", "12:20", "12:21")
ENTRIES = (
    Entry("rules", "demo.rules", 0, 0, rules().canonical()),
    a_camera(),
    an_incident("F1"),
    an_incident("P1", heard="12:03"),
    an_incident("F1", status="closed", heard="12:20", revision=2),
    a_tick("12:21"),
)


class SpelledOut:
    """A wire whose frames are JSON behind the framing's five bytes."""

    registry = None

    def encode(self, city: str, event: Event) -> tuple[str, bytes, bytes | None]:
        return f"{city}.{event.topic}", event.key.encode(), framed(event.value)

    def decode(self, _topic: str, frame: bytes) -> Any:
        return orjson.loads(frame[len(HEADER) :])


def framed(value: Any) -> bytes | None:
    return None if value is None else HEADER + orjson.dumps(value, default=lambda raw: raw.decode("latin1"))


class Wire(SpelledOut):
    """Journal rows hold bytes, which JSON has not."""

    def decode(self, topic: str, frame: bytes) -> Any:
        value = super().decode(topic, frame)
        if topic == JOURNAL[0]:
            value["body"] = value["body"].encode("latin1")
        return value


WIRE: Any = Wire()


def recorded(entry: Entry) -> Record | None:
    if entry.kind == RULES:
        return None
    return Record(entry.topic, entry.partition, entry.offset, 77, b"key", framed(entry.value), {})


def a_log(monkeypatch: pytest.MonkeyPatch, entries: Sequence[Entry] = ENTRIES) -> Log:
    """The log of a city whose rules took *entries* and answered."""
    log = Log({place: [] for place in (*((f"demo.{contract}", 0) for contract in COMPARED), JOURNAL)})
    state = CityState.empty()
    for number, entry in enumerate(entries):
        row = journal_event("demo", number, at(CLOCKS[number]), entry, recorded(entry))
        log.records[JOURNAL].append((b"demo", framed(row.value)))
        for event in step(state, entry):
            if event.topic in COMPARED:
                topic, key, value = WIRE.encode("demo", event)
                log.records[topic, 0].append((key, value))
    monkeypatch.setattr(kafka, "consumer_of", log.consumer_of)
    return log


def verified(**about: Any) -> Verdict:
    return verify("demo", bootstrap="", wire=WIRE, **about)


# -- the journal ----------------------------------------------------------------------------------------------


def test_a_journal_row_is_the_entry_again_with_its_place_and_bytes() -> None:
    for number, entry in enumerate(ENTRIES):
        event = journal_event("demo", number, 1_000, entry, recorded(entry))
        row = dict(event.value or {})
        assert (row["city"], row["source"], row["event_time"], row["sequence"]) == (
            "demo",
            "situations",
            1_000,
            number,
        )
        assert entry_of(row, WIRE) == entry
        is_rules = entry.kind == RULES
        assert (row["origin_timestamp"], row["key"]) == ((1_000, None) if is_rules else (77, "key"))
        assert row["origin_offset"] == entry.offset
    without = journal_event("demo", 1, 1_000, ENTRIES[2], Record("t", 0, 0, 77, None, b"", {}))
    assert (without.value or {})["key"] is None
    odd = journal_event("demo", 1, 1_000, ENTRIES[2], Record("t", 0, 0, 77, b"\xff", b"", {}))
    assert (odd.value or {})["key"] == "\ufffd"
    first, again, next_one = (journal_event("demo", n, 1, ENTRIES[0], None).value or {} for n in (0, 0, 1))
    assert first["event_id"] == again["event_id"] != next_one["event_id"]


# -- replay ---------------------------------------------------------------------------------------------------


def played(**about: Any) -> list[tuple[int, str]]:
    found = replayed("demo", bootstrap="", wire=WIRE, **about)
    return [(sequence, event.topic) for sequence, event in found]


def test_a_replay_answers_what_the_rules_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch)
    counts: list[int] = []
    found = played(progress=counts.append)
    assert counts == [1, 2, 3, 4, 5, 6]
    for contract in replay.ANSWERS:
        assert sum(topic == contract for _, topic in found) == len(log.records[f"demo.{contract}", 0])
    assert "core.watch" not in {topic for _, topic in found}
    assert {sequence for sequence, _ in found} >= {2, 3, 4}


def test_a_replay_of_some_minutes_sees_all_that_came_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    a_log(monkeypatch)
    whole = played()
    some = played(from_ms=at("12:03"), to_ms=at("12:20"))
    assert some == [one for one in whole if one[0] in (3, 4)] != []
    assert played(to_ms=at("12:02")) == [one for one in whole if one[0] <= 2]
    assert played(from_ms=at("12:03") + 1) == [one for one in whole if one[0] > 3]


@pytest.mark.parametrize("read", [played, verified])
def test_a_journal_whose_beginning_is_gone_is_not_played(monkeypatch: pytest.MonkeyPatch, read: Any) -> None:
    log = a_log(monkeypatch)
    del log.records[JOURNAL][:3]
    with pytest.raises(BeginningGone, match="the journal of demo begins with entry 3"):
        read()


def test_a_situation_is_explained_at_each_revision_and_no_other_is(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch, (*ENTRIES[:4], an_incident("F2", where=place(4_000)), ENTRIES[5]))
    situations = [orjson.loads((value or b"")[5:]) for _, value in log.records["demo.core.situation", 0]]
    ids = sorted({one["situation_id"] for one in situations})
    assert len(ids) == 2
    for one in ids:
        counts: list[int] = []
        revisions = sum(value["situation_id"] == one for value in situations)
        found = list(explained("demo", one[:12], bootstrap="", wire=WIRE, progress=counts.append))
        assert len(found) == revisions > 0
        assert counts[-1] == len(ENTRIES)
    assert list(explained("demo", "no such", bootstrap="", wire=WIRE)) == []


# -- comparison -----------------------------------------------------------------------------------------------


def test_a_city_that_answered_as_it_does_now_differs_in_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch)
    counts: list[int] = []
    found = verified(progress=counts.append)
    assert (found.different, found.differences, found.entries) == (0, [], len(ENTRIES))
    assert counts == [1, 2, 3, 4, 5, 6]
    assert found.answers.total() == sum(len(log.records[f"demo.{one}", 0]) for one in COMPARED)


@pytest.mark.parametrize("contract", ["core.situation", "core.alert", "core.grant"])
def test_a_recorded_answer_that_was_changed_is_found_and_its_framing_is_no_part_of_it(
    monkeypatch: pytest.MonkeyPatch, contract: str
) -> None:
    log = a_log(monkeypatch)
    records = log.records[f"demo.{contract}", 0]
    place, (key, value) = next((at, one) for at, one in enumerate(records) if one[1] is not None)
    records[place] = (key, b"\x00\x00\x00\x00\x09" + (value or b"")[5:])
    assert verified().different == 0, "another registry counts otherwise"
    records[place] = (key, (value or b"") + b" ")
    assert verified().different == 1
    records[place] = (b"another", value)
    assert verified().different >= 1


def test_what_a_running_city_does_while_it_is_compared_is_no_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last two entries are under way: of one the answers are there, of the other they are not."""
    log = a_log(monkeypatch)
    log.committed[JOURNAL] = 4
    assert (verified().different, verified().entries) == (0, 5), "no answers are left for the last"
    log = a_log(monkeypatch, ENTRIES[:4])
    short = {place: len(kept) for place, kept in log.records.items()}
    log = a_log(monkeypatch)
    log.committed[JOURNAL] = 4
    for contract in COMPARED:
        del log.records[f"demo.{contract}", 0][short[f"demo.{contract}", 0] :]
    found = verified()
    assert (found.different, found.entries) == (0, 4)
    log.committed.clear()
    assert verified().different > 0, "of an entry that came before the comparison they must be there"


def test_an_answer_that_came_after_the_beginning_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch)
    alerts = ("demo.core.alert", 0)
    ends = {(f"demo.{one}", 0): len(log.records[f"demo.{one}", 0]) for one in COMPARED}
    log.records[alerts].append((b"later", framed({"any": 1})))
    monkeypatch.setattr(
        replay,
        "ends_of",
        lambda _bootstrap, topics, *, is_committed: {JOURNAL: len(ENTRIES)} if is_committed else ends,
    )
    assert verified().different == 0
    monkeypatch.setattr(replay, "SETTLE_S", 0.0)
    ends[alerts] += 1
    assert verified().differences == ["core.alert: answered then, not now"]


def test_a_reading_ends_where_it_was_to_and_elsewhere_only_when_nothing_comes_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 100.0
    monkeypatch.setattr(replay, "monotonic", lambda: now_s)
    is_so = True
    reached = Reached({("t", 0): 5}, but_if=lambda: is_so)
    assert [reached("t", 0, offset) for offset in (4, 5, 6)] == [False, True, True]
    is_so = False
    assert not reached("t", 0, 5)
    now_s = 105.0
    assert not reached("t", 0, 5)
    assert not reached("t", 0, 4), "something came"
    now_s = 110.0
    assert not reached("t", 0, 4)
    now_s = 110.1
    assert reached("t", 0, 4)
    assert [reached.holds(Record("t", 0, offset, 0, None, None, {})) for offset in (4, 5)] == [True, False]


# -- export ---------------------------------------------------------------------------------------------------


class AsWritten:
    """Calls every frame version 1 of its contract."""

    def __init__(self, _registry: Any) -> None:
        pass

    def of(self, _topic: str, frame: bytes, _place: str) -> tuple[int, bytes]:
        return 1, frame[len(HEADER) :]


def lines_of(monkeypatch: pytest.MonkeyPatch, counts: list[int] | None = None) -> list[dict[str, Any]]:
    monkeypatch.setattr(export, "Versions", AsWritten)
    reader = RowReader(WIRE, "demo.replay")
    told = [] if counts is None else counts
    found = export.exported("demo", bootstrap="", wire=WIRE, reader=reader, progress=told.append)
    return [orjson.loads(line) for line in found]


def test_an_export_has_every_entry_and_then_every_answer_and_counts_them_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = a_log(monkeypatch)
    log.records["demo.core.watch", 0].append((None, None))
    counts: list[int] = []
    header, *lines = lines_of(monkeypatch, counts)
    assert header["city"] == "demo"
    answers = sum(len(log.records[f"demo.{one}", 0]) for one in COMPARED)
    assert counts == list(range(1, len(ENTRIES) + answers + 1))
    assert [one.get("entry") for one in lines[: len(ENTRIES)]] == [entry.kind for entry in ENTRIES]
    assert not any("later" in one for one in lines)
    named = [one["topic"] for one in lines[len(ENTRIES) :]]
    assert list(dict.fromkeys(named)) == [f"demo.{one}" for one in COMPARED if log.records[f"demo.{one}", 0]]
    first = lines[len(ENTRIES)]
    key, _ = log.records[first["topic"], 0][0]
    assert (first["key"], first["version"], first["subject"]) == (
        (key or b"").decode(),
        1,
        f"{first['topic']}-value",
    )
    gone = lines[-1]
    assert (gone["topic"], gone["key"], gone["payload"]) == ("demo.core.watch", "", None)


def test_an_export_says_what_was_under_way_and_ends_where_it_began_to_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = a_log(monkeypatch)
    log.committed[JOURNAL] = 4
    alerts = ("demo.core.alert", 0)
    log.committed[alerts] = 0
    found = lines_of(monkeypatch)
    assert [one.get("later") for one in found if "entry" in one] == [None] * 4 + [True] * 2
    assert sum(one.get("topic") == alerts[0] for one in found) == len(log.records[alerts]) > 0


def test_what_comes_while_it_is_written_is_not_in_the_export(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch)
    ends = {at: len(kept) for at, kept in log.records.items()}
    for kept in log.records.values():
        kept.extend([kept[-1], kept[0]] if kept else [])
    monkeypatch.setattr(export, "ends_of", lambda _bootstrap, _topics, *, is_committed: ends)
    _, *lines = lines_of(monkeypatch)
    assert len(lines) == sum(ends.values())


def test_a_city_without_a_journal_is_told_from_a_kafka_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch, ())
    with pytest.raises(export.NothingRecorded, match="demo has no journal"):
        lines_of(monkeypatch)
    del log.records[JOURNAL]
    with pytest.raises(export.NothingRecorded):
        lines_of(monkeypatch)
    log.fails["list_topics"] = AWAY
    with pytest.raises(Unreachable):
        lines_of(monkeypatch)
    log = a_log(monkeypatch)
    log.fails["get_watermark_offsets"] = AWAY
    with pytest.raises(Retriable):
        lines_of(monkeypatch)


def test_an_export_of_a_journal_whose_beginning_is_gone_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch)
    del log.records[JOURNAL][0]
    with pytest.raises(BeginningGone):
        lines_of(monkeypatch)


def test_a_frame_that_is_none_is_told_with_its_place() -> None:
    with pytest.raises(Fatal, match=r"^demo\.core\.alert\[0\]@7: "):
        export.Versions(WIRE.registry).of("demo.core.alert", b"junk", "demo.core.alert[0]@7")
