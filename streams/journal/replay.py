"""Replay of the journal through the rules, and comparison of the answers with the recorded ones. Publishes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from schemas.catalogue import contract_name, topic_name
from schemas.event import Event
from schemas.framing import HEADER_BYTES
from schemas.wire import Wire
from streams.journal.beginning import beginning_of, newest_before
from streams.journal.entries import entry_of
from streams.journal.snapshot import Snapshot
from streams.journal.verdict import Bytes, Recorded, RecordedTable, ReplayedAnswer, Verdict, held_against
from streams.runtime.kafka import Enough, beginnings_of, ends_of, read_whole
from streams.runtime.records import Record
from streams.runtime.row_reader import Row, RowReader
from streams.situations.entry import Entry
from streams.situations.explain import Explanation, explanation, remembered
from streams.situations.fold import CityState, step

SETTLE_S = 5.0
"""The time to wait for the end of a topic once nothing more arrives."""
ANSWERS = ("core.situation", "core.alert", "core.grant", "core.dispatch", "core.track", "core.filing")
TABLES = ("core.watch",)
"""Answers of which the log keeps the newest of each key."""
COMPARED = (*ANSWERS, *TABLES)
Progress = Callable[[int], None]
"""Gets the number of entries so far."""
Begins = Callable[[Snapshot], None]
"""Gets the snapshot that a replay begins with, where it begins with one."""


def replayed(
    city: str,
    *,
    bootstrap: str,
    wire: Wire,
    reader: RowReader | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
    progress: Progress = lambda _: None,
    begins: Begins = lambda _: None,
) -> Iterator[tuple[int, Event]]:
    """(journal sequence, answer) for every answer the rules give over the journal, in order.

    Only answers of entries within [from_ms, to_ms] are yielded. The rules see the journal from its beginning, or from the
    newest snapshot of before *from_ms*.
    """
    journal = journalled(
        city,
        bootstrap=bootstrap,
        wire=wire,
        reader=reader,
        from_ms=from_ms,
        progress=progress,
        begins=begins,
    )
    state = journal.begin()
    for row, entry in journal.entries:
        if to_ms is not None and row["event_time"] > to_ms:
            return
        for event in step(state, entry):
            if event.topic in ANSWERS and (from_ms is None or row["event_time"] >= from_ms):
                yield row["sequence"], event


@dataclass(frozen=True, slots=True)
class Journal:
    """From where a replay begins, each row, and the entry that the rules saw. *begin* makes the state to begin with."""

    begin: Callable[[], CityState]
    entries: Iterator[tuple[Mapping[str, Any], Entry]]
    is_cut: bool = False
    """Whether it begins with a snapshot."""


def journalled(
    city: str,
    *,
    bootstrap: str,
    wire: Wire,
    reader: RowReader | None = None,
    from_ms: int | None = None,
    progress: Progress = lambda _: None,
    begins: Begins = lambda _: None,
) -> Journal:
    """The journal from its beginning, which gives the rules their numbers; where that is gone, from the oldest snapshot;
    with *from_ms*, from the newest snapshot of before it. *begins* gets the snapshot.

    What *reader* cannot read was never journalled by the rules: it is left out. ``BeginningGone`` where there is no place
    to begin.
    """
    reader = reader or RowReader(wire, f"{city}.replay")
    newest = None if from_ms is None else newest_before(from_ms, _rows(city, bootstrap, reader))
    begun = beginning_of(
        city,
        _rows(city, bootstrap, reader),
        suits=lambda one: newest is None or (one is not None and one.sequence == newest.sequence),
    )
    if begun is None:
        return Journal(CityState.empty, iter(()))
    if begun.snapshot is not None:
        begins(begun.snapshot)
    return Journal(begun.state, _entries(begun.rows, wire, progress), is_cut=begun.snapshot is not None)


def _rows(
    city: str, bootstrap: str, reader: RowReader, is_enough: Enough = lambda *_place: True
) -> Iterator[Row]:
    return reader.rows(read_whole(bootstrap, [topic_name(city, "core.journal")], is_enough=is_enough))


def _entries(
    rows: Iterator[Row], wire: Wire, progress: Progress
) -> Iterator[tuple[Mapping[str, Any], Entry]]:
    for count, row in enumerate(rows, 1):
        value = row.value or {}
        yield value, entry_of(value, wire)
        progress(count)


def explained(
    city: str,
    situation_id: str,
    *,
    bootstrap: str,
    wire: Wire,
    reader: RowReader | None = None,
    progress: Progress = lambda _: None,
    begins: Begins = lambda _: None,
) -> Iterator[Explanation]:
    """The explanation of each revision of the situations whose ids begin with *situation_id*, by a replay of the journal.
    Where that begins with a snapshot, the first of an older situation is of the revision that it had then."""
    journal = journalled(
        city, bootstrap=bootstrap, wire=wire, reader=reader, progress=progress, begins=begins
    )
    state = journal.begin()
    if journal.is_cut:
        for its_id, situation in sorted(state.situations.items()):
            if its_id.startswith(situation_id):
                yield remembered(state, situation)
    for _row, entry in journal.entries:
        for event in step(state, entry):
            is_its = event.topic == "core.situation" and event.key.startswith(situation_id)
            if is_its and event.value is not None:
                yield explanation(state, event.value, entry)


def verify(
    city: str,
    *,
    bootstrap: str,
    wire: Wire,
    reader: RowReader | None = None,
    progress: Progress = lambda _: None,
    begins: Begins = lambda _: None,
) -> Verdict:
    """Byte for byte after the framing's five bytes: every answer then against every answer now, topic by topic. What
    *reader* cannot read is no answer.

    The city may be running. What is compared is fixed at the beginning, in this order: the journal's end as readers see it,
    then the ends of the answers with what is only under way. So each entry before that end has its answers among those that
    are compared; and the journal is read on for as long as there are any whose entry came later.
    """
    reader = reader or RowReader(wire, f"{city}.replay")
    journal = topic_name(city, "core.journal")
    begun = ends_of(bootstrap, [journal], is_committed=True)
    topics = {contract: topic_name(city, contract) for contract in COMPARED}
    ends = ends_of(bootstrap, list(topics.values()), is_committed=False)
    firsts = beginnings_of(bootstrap, [topics[one] for one in ANSWERS])
    then: dict[str, Recorded] = {}
    enough = Reached(begun, but_if=lambda: all(one.is_done() for one in then.values()))
    beginning = beginning_of(
        city, _rows(city, bootstrap, reader, enough), suits=lambda one: reaches_back(city, one, firsts)
    )
    snapshot = None if beginning is None else beginning.snapshot
    if snapshot is not None:
        begins(snapshot)
    for contract, topic in topics.items():
        answered = _recorded(bootstrap, topic, Reached(ends), reader, answered_before(contract, snapshot))
        then[contract] = recorded_as(contract, answered, key_of=_key)
    entries = 0

    def answers() -> Iterator[ReplayedAnswer]:
        nonlocal entries
        if beginning is None:
            return
        state = beginning.state()
        for row in beginning.rows:
            is_later = not enough.holds(row.record)
            if is_later and all(one.is_done() for one in then.values()):
                return
            entries += 1
            progress(entries)
            value = row.value or {}
            for event in step(state, entry_of(value, wire)):
                if event.topic in COMPARED:
                    _topic, key, frame = wire.encode(city, event)
                    yield ReplayedAnswer(event.topic, value["sequence"], (key, _payload(frame)), is_later)

    verdict = held_against(answers(), then)
    verdict.entries = entries
    return verdict


class Reached:
    """Whether a reading has come to *ends*, and *but_if* holds there.

    After ``SETTLE_S`` without anything new it may end all the same: a transaction that never ends is no answer.
    """

    def __init__(
        self, ends: Mapping[tuple[str, int], int], *, but_if: Callable[[], bool] = lambda: True
    ) -> None:
        self._ends = ends
        self._but_if = but_if
        self._waits: tuple[int, float] | None = None

    def __call__(self, topic: str, partition: int, next_offset: int) -> bool:
        if next_offset >= self._ends[topic, partition] and self._but_if():
            return True
        if self._waits is None or self._waits[0] != next_offset:
            self._waits = (next_offset, monotonic())
        return monotonic() - self._waits[1] > SETTLE_S

    def holds(self, record: Record) -> bool:
        """Whether *record* stands before the ends."""
        return record.offset < self._ends[record.topic, record.partition]


def recorded_as(contract: str, answers: Iterable[Any], *, key_of: Callable[[Any], bytes | None]) -> Recorded:
    """The recorded *answers* of *contract*, to be compared in their order, or key by key where the log keeps no more."""
    return RecordedTable(answers, key_of=key_of) if contract in TABLES else Recorded(answers)


def _key(answer: Bytes) -> bytes | None:
    return answer[0]


def reaches_back(city: str, snapshot: Snapshot | None, firsts: Mapping[tuple[str, int], int]) -> bool:
    """Whether all answers from *snapshot* on, or from the journal's beginning, are still there. *firsts*: (topic,
    partition) → the offset of its first record that is kept."""
    return all(
        first <= answered_before(contract_name(topic), snapshot)
        for (topic, _partition), first in firsts.items()
    )


def answered_before(contract: str, snapshot: Snapshot | None) -> int:
    """The offset behind the last answer of *contract* that was given before *snapshot*."""
    return 0 if snapshot is None else snapshot.answered.get(contract, 0)


def _recorded(bootstrap: str, topic: str, reached: Reached, reader: RowReader, first: int) -> Iterator[Bytes]:
    for row in reader.rows(read_whole(bootstrap, [topic], is_enough=reached)):
        if row.record.offset < first:
            continue
        if not reached.holds(row.record):  # one partition each, so nothing that is compared comes behind it
            return
        yield row.record.key, _payload(row.record.value)


def _payload(frame: bytes | None) -> bytes | None:
    return None if frame is None else frame[HEADER_BYTES:]
