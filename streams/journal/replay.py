"""Replay of the journal through the rules, and comparison of the answers with the recorded ones. Publishes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from time import monotonic
from typing import Any

from schemas.catalogue import topic_name
from schemas.errors import Fatal
from schemas.event import Event
from schemas.framing import HEADER_BYTES
from schemas.wire import Wire
from streams.journal.entries import RULES, entry_of
from streams.journal.verdict import Bytes, Recorded, RecordedTable, ReplayedAnswer, Verdict, held_against
from streams.runtime.kafka import Enough, ends_of, read_whole
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader
from streams.situations.entry import Entry
from streams.situations.explain import Explanation, explanation
from streams.situations.fold import CityState, step

SETTLE_S = 5.0
"""The time to wait for the end of a topic once nothing more arrives."""
ANSWERS = ("core.situation", "core.alert", "core.grant", "core.dispatch", "core.track", "core.filing")
TABLES = ("core.watch",)
"""Answers of which the log keeps the newest of each key."""
COMPARED = (*ANSWERS, *TABLES)


class BeginningGone(Fatal):
    """The journal no longer reaches back to where it began: it cannot be played."""

    def __init__(self, city: str, sequence: int) -> None:
        super().__init__(
            f"the journal of {city} begins with entry {sequence}: what came before is older than it is kept",
            hint=f"keep {topic_name(city, 'core.journal')} longer (retention.ms) before it is that old",
        )


def replayed(
    city: str,
    *,
    bootstrap: str,
    wire: Wire,
    reader: RowReader | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[tuple[int, Event]]:
    """(journal sequence, answer) for every answer the rules give over the journal, in order.

    The rules see the journal from its beginning; only answers of entries within [from_ms, to_ms] are yielded.
    """
    state = CityState.empty()
    for row, entry in journalled(city, bootstrap=bootstrap, wire=wire, reader=reader, progress=progress):
        if to_ms is not None and row["event_time"] > to_ms:
            return
        for event in step(state, entry):
            if event.topic in ANSWERS and (from_ms is None or row["event_time"] >= from_ms):
                yield row["sequence"], event


def journalled(
    city: str,
    *,
    bootstrap: str,
    wire: Wire,
    reader: RowReader | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[tuple[Mapping[str, Any], Entry]]:
    """The journal from its beginning, which gives the rules their numbers: each row, and the entry that the rules saw.
    What *reader* cannot read was never journalled by the rules: it is left out. ``BeginningGone`` where the beginning is
    not there any more."""
    reader = reader or RowReader(wire, f"{city}.replay")
    for count, (_record, row, entry) in enumerate(
        _entries(city, bootstrap=bootstrap, wire=wire, reader=reader), 1
    ):
        yield row, entry
        progress(count)


def _entries(
    city: str,
    *,
    bootstrap: str,
    wire: Wire,
    reader: RowReader,
    is_enough: Enough = lambda *_place: True,
) -> Iterator[tuple[Record, Mapping[str, Any], Entry]]:
    is_first = True
    for row in reader.rows(read_whole(bootstrap, [topic_name(city, "core.journal")], is_enough=is_enough)):
        value = row.value or {}
        entry = entry_of(value, wire)
        if is_first and entry.kind != RULES:
            raise BeginningGone(city, value["sequence"])
        is_first = False
        yield row.record, value, entry


def explained(
    city: str,
    situation_id: str,
    *,
    bootstrap: str,
    wire: Wire,
    reader: RowReader | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Explanation]:
    """The explanation of each revision of the situations whose ids begin with *situation_id*, by a replay of the journal."""
    state = CityState.empty()
    for _row, entry in journalled(city, bootstrap=bootstrap, wire=wire, reader=reader, progress=progress):
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
    progress: Callable[[int], None] = lambda _: None,
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
    then = {
        contract: recorded_as(contract, _recorded(bootstrap, topic, Reached(ends), reader), key_of=_key)
        for contract, topic in topics.items()
    }
    entries = 0

    def answers() -> Iterator[ReplayedAnswer]:
        nonlocal entries
        state = CityState.empty()
        enough = Reached(begun, but_if=lambda: all(one.is_done() for one in then.values()))
        for record, row, entry in _entries(
            city, bootstrap=bootstrap, wire=wire, reader=reader, is_enough=enough
        ):
            is_later = record.offset >= begun[record.topic, record.partition]
            if is_later and all(one.is_done() for one in then.values()):
                return
            entries += 1
            progress(entries)
            for event in step(state, entry):
                if event.topic in COMPARED:
                    _topic, key, value = wire.encode(city, event)
                    yield ReplayedAnswer(event.topic, row["sequence"], (key, _payload(value)), is_later)

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


def _recorded(bootstrap: str, topic: str, reached: Reached, reader: RowReader) -> Iterator[Bytes]:
    for row in reader.rows(read_whole(bootstrap, [topic], is_enough=reached)):
        if not reached.holds(row.record):  # one partition each, so nothing that is compared comes behind it
            return
        yield row.record.key, _payload(row.record.value)


def _payload(frame: bytes | None) -> bytes | None:
    return None if frame is None else frame[HEADER_BYTES:]
