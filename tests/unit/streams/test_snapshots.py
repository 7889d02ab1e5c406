"""A journal outlives its first entries: it is run again from a snapshot in it, and only a whole one counts."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.catalogue import load_catalogue
from schemas.errors import Fatal, Invalid
from schemas.event import Event
from schemas.rows import RowCodec
from streams.journal import export, snapshot, verify_file
from streams.journal.beginning import BeginningGone
from streams.journal.compare import compared
from streams.journal.entries import journal_event
from streams.journal.file import JournalFile
from streams.journal.replay import ANSWERS, COMPARED, explained, journalled, replayed, verify
from streams.journal.snapshot import DAY_MS, END, PART, Snapshot, SnapshotReader, SnapshotWriter, is_due
from streams.runtime import kafka
from streams.runtime.row_reader import RowReader
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step
from streams.situations.rules.in_force import CityRules
from streams.situations.state.snapshot_lines import FORM, lines_of, state_of
from streams.stages.situation_spans import DecisionSpans
from streams.stages.situations import SituationsAssignment, SituationsStage
from tests.unit.situations.a_city import City, a_camera, a_tick, an_incident, at, place, rules
from tests.unit.streams.a_log import Log
from tests.unit.streams.test_replaying import JOURNAL, WIRE, AsWritten, framed, recorded

ENTRIES = (
    Entry("rules", "demo.rules", 0, 0, rules().canonical()),
    a_camera(),
    an_incident("F1", heard="12:02"),
    an_incident("P1", heard="12:03"),
    a_tick("12:04"),
    an_incident("F2", heard="12:05", where=place(4_000)),
    an_incident("F1", status="closed", heard="12:20", revision=2),
    a_tick("12:21"),
)
WHOLE = len(ENTRIES)


def written(state: CityState, answered: dict[str, int] | None = None) -> list[dict[str, Any]]:
    """The rows of a whole snapshot."""
    writer, rows = SnapshotWriter("demo", state, answered or {}), []
    while not writer.is_done:
        rows += [dict(event.value or {}) for event in writer.next()]
    return rows


def put_together(rows: Sequence[dict[str, Any]]) -> list[Snapshot]:
    reader = SnapshotReader()
    return [found for row in rows if (found := reader.take(row)) is not None]


def text_of(state: CityState) -> bytes:
    return b"".join(lines_of(state))


def a_state(count: int = 5) -> CityState:
    state = CityState.empty()
    for entry in ENTRIES[:count]:
        step(state, entry)
    return state


# -- the entries ----------------------------------------------------------------------------------------------


def test_a_snapshot_comes_back_from_its_parts_whatever_the_city_did_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "PART_BYTES", 500)
    state = a_state()
    then = text_of(state)
    writer = SnapshotWriter("demo", state, {"core.alert": 3})
    rows = [dict(event.value or {}) for event in writer.next()]
    for entry in ENTRIES[5:]:
        step(state, entry)
    while not writer.is_done:
        rows += [dict(event.value or {}) for event in writer.next()]
    assert text_of(state) != then
    assert len(rows) > 4
    assert [row["key"] for row in rows] == [PART] * (len(rows) - 1) + [END]
    assert len({row["event_id"] for row in rows}) == len(rows)
    assert {row["sequence"] for row in rows} == {5}
    (found,) = put_together(rows)
    assert text_of(found.state()) == then
    assert (found.sequence, found.now_ms, found.answered) == (5, at("12:04"), {"core.alert": 3})
    assert rows == written(a_state(), {"core.alert": 3}), "equal states give equal bytes"


def test_a_snapshot_of_which_any_entry_is_missing_or_altered_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "PART_BYTES", 500)
    rows = written(a_state())
    for gone in range(len(rows)):
        assert put_together(rows[:gone] + rows[gone + 1 :]) == []
        assert put_together(rows[:gone]) == []
        assert put_together([*rows[:gone], *rows]) != [], "one that was torn, and a whole one after it"
    other = {**rows[1], "body": zlib.compress(b"x" * 500, 1)}
    assert put_together([rows[0], other, *rows[2:]]) == []
    assert put_together([rows[0], {**rows[1], "body": b"junk"}, *rows[2:]]) == []
    assert put_together([rows[0], {**rows[1], "sequence": 9}, *rows[2:]]) == []
    for end in (b"", b"[]", b"{}", None):
        assert put_together([*rows[:-1], {**rows[-1], "body": end}]) == []


def test_a_snapshot_of_another_form_says_what_to_do_and_junk_is_none() -> None:
    first, _, rest = text_of(a_state()).partition(b"\n")
    newer = orjson.dumps({**orjson.loads(first), "form": FORM + 1})
    with pytest.raises(Fatal, match=r"form 2, not 1; run a newer version"):
        state_of(newer + b"\n" + rest)
    for junk in (b"", b"{}", b"[]\n", first + b'\n["a"]\n', b'{"form":1,"rules":{}}\n'):
        with pytest.raises(Invalid, match="a snapshot that is none"):
            state_of(junk)


def test_a_candidate_in_shadow_is_in_the_snapshot() -> None:
    city = City(rules(shadows=[{"name": "joint-incident", "numbers": {"radius_m": 50}}]))
    city.take(*ENTRIES[1:5])
    assert city.state.shadow is not None
    again = state_of(text_of(city.state))
    assert again.shadow is not None
    assert text_of(again.shadow) == text_of(city.state.shadow)


def test_a_reader_of_before_passes_over_a_snapshot() -> None:
    contract = load_catalogue()["core.journal"]
    row = written(a_state())[0]
    payload = RowCodec(contract.newest).encode(row)
    with pytest.raises(Invalid):
        RowCodec(contract.versions[1]).decode(payload, writer=contract.newest)


# -- the log --------------------------------------------------------------------------------------------------


def a_log(monkeypatch: pytest.MonkeyPatch, *cuts: int, part_bytes: int = 3_000) -> Log:
    """The log of a city that took ``ENTRIES``, with a snapshot after as many of them as each of *cuts* says. Its parts stand
    among the entries behind it."""
    monkeypatch.setattr(snapshot, "PART_BYTES", part_bytes)
    log = Log({place: [] for place in (*((f"demo.{one}", 0) for one in COMPARED), JOURNAL)})
    state, writer = CityState.empty(), None

    def put(event: Event) -> None:
        log.records[JOURNAL].append((b"demo", framed(event.value)))

    for number, entry in enumerate(ENTRIES, 1):
        answers = step(state, entry)
        put(journal_event("demo", number, state.now_ms, entry, recorded(entry)))
        for event in answers:
            if event.topic in COMPARED:
                topic, key, value = WIRE.encode("demo", event)
                log.records[topic, 0].append((key, value))
        if number in cuts:
            answered = {one: len(log.records[f"demo.{one}", 0]) for one in COMPARED}
            writer = SnapshotWriter("demo", state, answered)
            for event in writer.next():
                put(event)
        elif writer is not None and not writer.is_done:
            for event in writer.next():
                put(event)
    while writer is not None and not writer.is_done:
        for event in writer.next():
            put(event)
    monkeypatch.setattr(kafka, "consumer_of", log.consumer_of)
    return log


def rows_in(log: Log) -> list[dict[str, Any]]:
    return [orjson.loads((value or b"")[5:]) for _, value in log.records[JOURNAL]]


def forget(log: Log, count: int) -> None:
    """Retention: the journal's first records are gone."""
    del log.records[JOURNAL][:count]


def place_of_cut(log: Log, nth: int = 0) -> int:
    """The number of records before the first part of a snapshot."""
    rows = rows_in(log)
    return [i for i, row in enumerate(rows) if row["entry"] == "snapshot" and row["origin_offset"] == 0][nth]


def played(**about: Any) -> list[tuple[int, Event]]:
    return list(replayed("demo", bootstrap="", wire=WIRE, **about))


def test_a_whole_journal_is_played_from_its_beginning_and_snapshots_are_no_entries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_log(monkeypatch)
    without = played()
    a_log(monkeypatch, 3, 6)
    assert played() == without
    found = verify("demo", bootstrap="", wire=WIRE)
    assert (found.different, found.entries) == (0, WHOLE)


@pytest.mark.parametrize("cut", [3, 4, 5, 6, 7, 8])
def test_what_is_behind_a_snapshot_is_played_and_verified_from_it(
    monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    a_log(monkeypatch)
    whole = played()
    log = a_log(monkeypatch, cut)
    for gone in {1, place_of_cut(log)}:
        told: list[Snapshot] = []
        log = a_log(monkeypatch, cut)
        forget(log, gone)
        assert played(begins=told.append) == [one for one in whole if one[0] > cut]
        found = verify("demo", bootstrap="", wire=WIRE, begins=told.append)
        assert (found.differences, found.entries) == ([], WHOLE - cut)
        assert [one.sequence for one in told] == [cut, cut]
    if cut < 5:
        key, value = log.records["demo.core.situation", 0][-1]
        log.records["demo.core.situation", 0][-1] = (key, (value or b"") + b" ")
        assert verify("demo", bootstrap="", wire=WIRE).different == 1


def test_a_snapshot_that_retention_tore_is_passed_over_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch, 3, 6)
    forget(log, place_of_cut(log) + 1)
    assert {sequence for sequence, _ in played()} == {7}
    assert verify("demo", bootstrap="", wire=WIRE).differences == []
    log = a_log(monkeypatch, 6)
    forget(log, place_of_cut(log) + 1)
    with pytest.raises(BeginningGone, match="and no whole snapshot"):
        played()


def test_numbers_that_changed_on_the_way_are_no_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later rules entry may be the first that is left: what came before it is still missing."""
    log = a_log(monkeypatch)
    forget(log, 1)
    later = journal_event("demo", 2, at("12:00"), ENTRIES[0], None)
    log.records[JOURNAL][0] = (b"demo", framed(later.value))
    with pytest.raises(BeginningGone, match="begins with entry 2"):
        played()


def test_answers_that_are_gone_are_not_missed_where_a_later_snapshot_has_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_log(monkeypatch, 4, 6)
    told: list[int] = []
    situations = ("demo.core.situation", 0)
    monkeypatch.setattr(
        "streams.journal.replay.beginnings_of",
        lambda _, topics: {(one, 0): 3 if (one, 0) == situations else 0 for one in topics},
    )
    assert (
        verify("demo", bootstrap="", wire=WIRE, begins=lambda one: told.append(one.sequence)).different == 0
    )
    assert told == [6]


def test_a_replay_from_some_time_begins_with_the_newest_snapshot_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_log(monkeypatch, 3, 5, part_bytes=10**6)
    whole = played()
    for clock, begins_with in (("12:02", None), ("12:03", 3), ("12:04", 3), ("12:05", 5), ("12:20", 5)):
        told: list[Snapshot] = []
        some = played(from_ms=at(clock), begins=told.append)
        assert [one.sequence for one in told] == ([] if begins_with is None else [begins_with])
        times = dict(zip(range(1, WHOLE + 1), clocks(), strict=True))
        assert some == [one for one in whole if times[one[0]] >= at(clock)]


def clocks() -> list[int]:
    state, found = CityState.empty(), []
    for entry in ENTRIES:
        step(state, entry)
        found.append(state.now_ms)
    return found


def test_a_situation_older_than_the_snapshot_still_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch, 5)
    (its_id,) = {key.decode() for key, value in log.records["demo.core.situation", 0][:2] if key is not None}
    whole = list(explained("demo", its_id, bootstrap="", wire=WIRE))
    forget(log, place_of_cut(log))
    first, *others = explained("demo", its_id, bootstrap="", wire=WIRE)
    assert others == [one for one in whole if one.sequence > 5] != []
    before = whole[-1 - len(others)]
    assert replace_came_in(first) == replace_came_in(before)
    assert first.came_in.startswith("before the journal's snapshot; its newest: report no P1 of 112 (")
    assert list(explained("demo", "no such", bootstrap="", wire=WIRE)) == []


def replace_came_in(one: Any) -> tuple[Any, ...]:
    its = (one.situation_id, one.revision, one.decided_by, one.numbers, one.decided_with, one.because)
    return (*its, one.ties)


def test_an_export_carries_the_snapshot_and_verifies_without_the_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = a_log(monkeypatch, 4)
    monkeypatch.setattr(export, "Versions", AsWritten)
    forget(log, 2)
    reader = RowReader(WIRE, "demo.replay")
    lines = list(export.exported("demo", bootstrap="", wire=WIRE, reader=reader))
    head, *others = map(orjson.loads, lines)
    assert head["form"] == 2
    kinds = [one["entry"] for one in others if "entry" in one]
    assert kinds[0] == "snapshot"
    assert kinds[-(WHOLE - 4) :] == [one.kind for one in ENTRIES[4:]]
    monkeypatch.setattr(verify_file, "VersionCodecs", AsJson)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(lines))
    found = verify_file.verify_file(JournalFile(path))
    assert (found.differences, found.entries) == ([], WHOLE - 4)
    assert found.answers.total() > 0
    ends = kinds.index("snapshot") + kinds.count("snapshot")
    path.write_bytes(b"".join([*lines[:ends], *lines[ends + 1 :]]))
    with pytest.raises(Invalid, match="the snapshot that it begins with is not whole"):
        verify_file.verify_file(JournalFile(path))


class AsJson:
    """Payloads of the log of the tests: JSON."""

    def decode(self, _contract: Any, _version: int, payload: bytes) -> Any:
        return orjson.loads(payload)

    decode_as_written = decode

    def encode(self, _contract: Any, _version: int, value: Any) -> bytes:
        return (framed(value) or b"")[5:]


def test_a_journal_is_compared_under_other_rules_from_its_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(monkeypatch, 4)
    forget(log, place_of_cut(log))
    journal = journalled("demo", bootstrap="", wire=WIRE)
    found = compared((entry for _, entry in journal.entries), rules(), rules(), begin=journal.begin)
    assert found.is_none
    assert found.today["situations"] == 2, "the older one among them"


# -- the stage ------------------------------------------------------------------------------------------------


class Outbox:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def put(self, event: Event, *, traceparent: bytes | None = None) -> None:
        assert traceparent is None
        self.events.append(event)

    def kinds(self) -> list[str]:
        """The rows written since the last time: keys of the journal's entries, and of rows of the state."""
        said = [str((one.value or {}).get("key") or one.key) for one in self.events]
        self.events.clear()
        return said


def a_stage(state: CityState, *, is_first: bool = False) -> tuple[Any, SituationsAssignment]:
    nothing: Any = None
    stage = SituationsStage("demo", rules(), bootstrap="", wire=nothing)
    return stage, SituationsAssignment(nothing, state, nothing, {"core.alert": 7}, is_first=is_first)


def test_the_stage_writes_a_part_a_transaction_and_the_next_snapshot_a_day_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "PART_BYTES", 5_000)
    state, outbox = a_state(), Outbox()
    stage, held = a_stage(state)
    parts = len(written(state)) - 1
    assert parts > 1
    held.has_taken = True
    for _ in range(parts - 1):
        stage._keep(held, outbox)
        assert outbox.kinds() == [PART]
        assert state.kept_at == 0, "a half snapshot counts for nothing: a restart begins another"
    stage._keep(held, outbox)
    end = orjson.loads(outbox.events[1].value["body"])  # type: ignore[index]  # a row
    assert end["answered"]["core.alert"] == 7
    assert outbox.kinds() == [PART, END, "clock"]
    assert state.kept_at == state.now_ms
    state.now_ms += DAY_MS - 1
    stage._keep(held, outbox)
    assert outbox.kinds() == []
    state.now_ms += 1
    stage._keep(held, outbox)
    assert outbox.kinds() == [PART]


def test_a_journal_that_begins_now_has_its_first_snapshot_a_day_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that goes on without any, as after an update, has a whole one at once."""
    for is_first, entries in ((True, []), (False, [PART, END, "clock"])):
        monkeypatch.setattr(snapshot, "PART_BYTES", 2_000)
        state, outbox, rows = CityState.empty(), Outbox(), dict[str, Event]()
        stage, held = a_stage(state, is_first=is_first)
        for entry in ENTRIES[:4]:
            stage._give(entry, recorded(entry), held, outbox, rows, DecisionSpans("c"))
        assert state.kept_at == (at("12:02") if is_first else 0)
        outbox.kinds()
        stage._keep(held, outbox)
        kinds = outbox.kinds()
        assert list(dict.fromkeys(kinds)) == entries
        assert is_first or kinds.count(PART) > 1


def test_numbers_that_are_not_yet_journalled_are_in_no_snapshot() -> None:
    state = a_state()
    assert is_due(state)
    state.use(CityRules.model_validate(rules(radius_m=50).canonical()))
    assert not is_due(state)
    assert not is_due(CityState.empty())
    assert set(ANSWERS) < set(COMPARED)
