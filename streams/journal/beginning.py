"""Where a replay of the journal begins: at its first entry, or at a snapshot once that is gone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from schemas.catalogue import topic_name
from schemas.errors import Fatal
from streams.journal.entries import RULES
from streams.journal.snapshot import SNAPSHOT, Snapshot, SnapshotReader
from streams.runtime.row_reader import Row
from streams.situations.fold import CityState

FIRST = 1
"""The sequence of a journal's first entry."""


class BeginningGone(Fatal):
    """The journal no longer reaches back to where it began, and holds no snapshot to begin with: it cannot be played."""

    def __init__(self, city: str, sequence: int) -> None:
        super().__init__(
            f"the journal of {city} begins with entry {sequence}, and no whole snapshot that can be used comes behind it",
            hint=f"one is written each day while the city runs; keep {topic_name(city, 'core.journal')} for some days at"
            " least (retention.ms)",
        )


@dataclass(frozen=True, slots=True)
class Beginning:
    """The state to begin with, and the rows of the entries behind it. *snapshot* is ``None`` at the journal's own
    beginning, of which nothing is known."""

    snapshot: Snapshot | None
    rows: Iterator[Row]

    def state(self) -> CityState:
        return CityState.empty() if self.snapshot is None else self.snapshot.state()


Suits = Callable[[Snapshot | None], bool]
"""Whether one may begin with this snapshot, or (``None``) with the first entry."""


def beginning_of(city: str, rows: Iterable[Row], *, suits: Suits = lambda _: True) -> Beginning | None:
    """The first place in *rows*, the journal's, from which one may begin; ``None`` for no rows. ``BeginningGone`` where
    there is none. Entries that stand among a snapshot's parts are held until its end."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return None
    about = first.value or {}
    if about["entry"] == RULES and about["sequence"] <= FIRST and suits(None):
        return Beginning(None, entries_in(chain([first], rows)))
    parts, held = SnapshotReader(), list[Row]()
    for row in chain([first], rows):
        value = row.value or {}
        if value["entry"] != SNAPSHOT:
            if parts.is_within:
                held.append(row)
            continue
        found = parts.take(value)
        if found is not None and suits(found):
            return Beginning(found, entries_in(chain(held, rows)))
        if not parts.is_within or value["origin_offset"] == 0:
            held = []
    raise BeginningGone(city, about["sequence"])


def entries_in(rows: Iterable[Row]) -> Iterator[Row]:
    """*rows* without snapshots, which are no entries of the rules'."""
    return (row for row in rows if (row.value or {})["entry"] != SNAPSHOT)


def newest_before(time_ms: int, rows: Iterable[Row]) -> Snapshot | None:
    """The newest whole snapshot of before *time_ms*."""
    parts, newest = SnapshotReader(), None
    for row in rows:
        value = row.value or {}
        if value["entry"] == SNAPSHOT:
            found = parts.take(value)
            if found is not None and found.now_ms < time_ms:
                newest = found
        elif value["event_time"] >= time_ms and not parts.is_within:
            break
    return newest
