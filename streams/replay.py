"""Running the rules over the journal again, with the mouths muted, and comparing with what was answered then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.catalogue import topic_name
from schemas.errors import Fatal
from schemas.event import Event
from schemas.framing import unframe
from schemas.wire import Wire
from streams.journal import RULES, entry_of
from streams.runtime.kafka import read_whole
from streams.situations.entry import Entry
from streams.situations.explaining import Explanation, explanation
from streams.situations.fold import CityState, step

ANSWERS = ("core.situation", "core.alert", "core.grant", "core.dispatch", "core.filing")


class BeginningGone(Fatal):
    """The journal no longer reaches back to where it began: it cannot be played."""

    def __init__(self, city: str, sequence: int) -> None:
        super().__init__(
            f"the journal of {city} begins with entry {sequence}: what came before is older than it is kept",
            hint=f"keep {topic_name(city, 'core.journal')} longer (retention.ms) before it is that old",
        )


@dataclass(slots=True)
class Verdict:
    """What a verification found. *differences* names the first few records that are not alike."""

    entries: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    different: int = 0

    def differs(self, what: str) -> None:
        self.different += 1
        if len(self.differences) < 10:
            self.differences.append(what)


def replayed(
    city: str,
    *,
    bootstrap: str,
    wire: Wire,
    from_ms: int | None = None,
    to_ms: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[tuple[int, Event]]:
    """(journal sequence, answer) for every answer the rules give over the journal, in order.

    The rules see the journal from its beginning; only answers of entries within [from_ms, to_ms] are yielded.
    """
    state = CityState.empty()
    for row, entry in journalled(city, bootstrap=bootstrap, wire=wire, progress=progress):
        if to_ms is not None and row["event_time"] > to_ms:
            return
        for event in step(state, entry):
            if event.topic in ANSWERS and (from_ms is None or row["event_time"] >= from_ms):
                yield row["sequence"], event


def journalled(
    city: str, *, bootstrap: str, wire: Wire, progress: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[Mapping[str, Any], Entry]]:
    """The journal from its beginning, which gives the rules their numbers: each row, and the entry that the rules saw.
    ``BeginningGone`` where it is not there any more."""
    for count, record in enumerate(read_whole(bootstrap, [topic_name(city, "core.journal")]), 1):
        row = wire.decode(record.topic, record.value or b"")
        entry = entry_of(row, wire)
        if count == 1 and entry.kind != RULES:
            raise BeginningGone(city, row["sequence"])
        yield row, entry
        progress(count)


def explained(
    city: str,
    situation_id: str,
    *,
    bootstrap: str,
    wire: Wire,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Explanation]:
    """Why there is each revision of the situations whose ids begin with *situation_id*: the rules over the journal again."""
    state = CityState.empty()
    for _row, entry in journalled(city, bootstrap=bootstrap, wire=wire, progress=progress):
        for event in step(state, entry):
            is_its = event.topic == "core.situation" and event.key.startswith(situation_id)
            if is_its and event.value is not None:
                yield explanation(state, event.value, entry)


def verify(
    city: str, *, bootstrap: str, wire: Wire, progress: Callable[[int], None] = lambda _: None
) -> Verdict:
    """Byte for byte after the framing's five bytes: every answer then against every answer now, topic by topic."""
    verdict = Verdict()
    then = {contract: _values(city, contract, bootstrap) for contract in ANSWERS}

    def count(entries: int) -> None:
        verdict.entries = entries
        progress(entries)

    for sequence, event in replayed(city, bootstrap=bootstrap, wire=wire, progress=count):
        verdict.answers[event.topic] += 1
        _topic, key, value = wire.encode(city, event)
        recorded = next(then[event.topic], None)
        number = verdict.answers[event.topic]
        if recorded is None:
            verdict.differs(f"{event.topic} #{number} (journal {sequence}): not answered then")
        elif recorded != (key, _payload(value)):
            verdict.differs(f"{event.topic} #{number} (journal {sequence}): other bytes than then")
    for contract, left in then.items():
        for _ in left:
            verdict.differs(f"{contract}: answered then, not now")
    return verdict


def _values(city: str, contract: str, bootstrap: str) -> Iterator[tuple[bytes | None, bytes | None]]:
    for record in read_whole(bootstrap, [topic_name(city, contract)]):
        yield record.key, _payload(record.value)


def _payload(frame: bytes | None) -> bytes | None:
    return None if frame is None else bytes(unframe(frame)[1])
