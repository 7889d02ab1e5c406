"""A log in memory, with its readers, workers that die, and the evidence that must result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from schemas.errors import Invalid
from schemas.event import Event
from streams.match.core.batch import Frames, ObservationBatch
from streams.match.core.config import MatchConfig
from streams.match.core.evidence import evidence_event, summary_event
from streams.match.core.flow import SECOND_MS, Partition
from streams.match.core.observations import Longs
from streams.match.core.open_watches import WatchRecord
from streams.match.core.step import Found, Match, PartitionProgress
from streams.match.core.texts import RowTexts, Texts
from streams.match.core.watches import Watch
from streams.runtime.records import Record
from tests.match_oracle import NOON_MS, Sight, columns, is_inside, wants

CITY = "testville"
LATER_MS = NOON_MS + 86_400_000
"""The reader's clock."""
Told2 = tuple[str, str]


def place_of(number: int) -> Partition:
    return f"{CITY}.cctv.detection", number


@dataclass(frozen=True, slots=True)
class Written:
    """A sight in a partition; *received* as its record says."""

    sight: Sight
    received: int
    observation_id: str
    source: str = "yard"


@dataclass(frozen=True, slots=True)
class SightFrames:
    """`Frames` of sights."""

    written: Sequence[Written]

    @property
    def nbytes(self) -> int:
        return 100 * len(self.written)

    def __len__(self) -> int:
        return len(self.written)

    def texts(self, at: Longs) -> Texts:
        chosen = [self.written[row] for row in at.tolist()]
        return Texts.of(
            [
                RowTexts(
                    one.observation_id, one.source, one.sight.label, one.sight.token, one.sight.thing, None
                )
                for one in chosen
            ]
        )

    def record(self, at: int) -> Record:
        return Record(place_of(0)[0], 0, at, LATER_MS, b"", self.written[at].observation_id.encode(), {})

    def kept(self) -> SightFrames:
        return self

    def joined(self, others: Sequence[Frames]) -> Frames:
        everything = [*self.written]
        for other in others:
            assert isinstance(other, SightFrames)
            everything += other.written
        return SightFrames(everything)

    def compressed(self) -> SightFrames:
        return self


@dataclass(slots=True)
class Log:
    """Partitions of sights, and the topic of watches."""

    partitions: list[list[Written]]
    watches: list[WatchRecord] = field(default_factory=list)

    def read(self, first: dict[int, int], ends: dict[int, int]) -> ObservationBatch:
        """One batch: of each partition the records from *first* to *ends*."""
        rows = [
            (number, offset, self.partitions[number][offset])
            for number in sorted(ends)
            for offset in range(first[number], ends[number])
        ]
        seen = columns([written.sight for _, _, written in rows])
        for row, (_, _, written) in enumerate(rows):
            seen.received[row] = written.received
        places = sorted({number for number, _, _ in rows})
        return ObservationBatch(
            seen,
            [place_of(number) for number in places],
            np.array([places.index(number) for number, _, _ in rows], np.uint8),
            np.array([offset for _, offset, _ in rows], np.int64),
            SightFrames([written for _, _, written in rows]),
            {place_of(number): end for number, end in ends.items()},
        )


@dataclass(slots=True)
class Life:
    """Workers one after another on one log; each starts with the committed state only."""

    log: Log
    config: MatchConfig
    told: list[Event] = field(default_factory=list)
    standings: dict[Partition, PartitionProgress] = field(default_factory=dict)
    late: Counter[str] = field(default_factory=Counter)
    match: Match = field(init=False)
    _open: list[Event] = field(default_factory=list)
    _late: Counter[str] = field(default_factory=Counter)
    aside: list[tuple[Record, Invalid]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start()

    def start(self, watches_known: int = 0) -> None:
        """Start a new worker, in any state of the last one. It reads the watches at least as far as the last one did."""
        self.match = Match(self.config)
        self._open, self._late = [], Counter()
        enough = max((one.watch_offset for one in self.standings.values()), default=0)
        self.match.tell(self.log.watches[: max(enough, watches_known)])
        for place, standing in self.standings.items():
            number = place[1]
            middle = (standing.first_offset + standing.next_offset) // 2
            parts = [
                self.log.read({number: first}, {number: end})
                for first, end in ((standing.first_offset, middle), (middle, standing.next_offset))
            ]
            self._found(self.match.restore(place, standing, parts, now_ms=LATER_MS))
        self.commit()

    def tell(self, count: int) -> None:
        """Read *count* more records of the watches."""
        first = self.match.wanted.next_offset
        self._found(self.match.tell(self.log.watches[first : first + count]))

    def read(self, counts: dict[int, int]) -> None:
        """Process a batch of *counts* records of each partition."""
        first = {number: self._next(number) for number in counts}
        ends = {
            number: min(first[number] + count, len(self.log.partitions[number]))
            for number, count in counts.items()
        }
        found = self.match.take(self.log.read(first, ends), now_ms=LATER_MS)
        self._found(found)
        self._late += found.late
        self.aside += found.aside

    def _found(self, found: Found) -> None:
        self._open += [evidence_event(CITY, one) for columns in found.evidence for one in columns.each()]
        self._open += [summary_event(CITY, one) for one in found.left_out]

    def commit(self) -> None:
        self.told += self._open
        self.late += self._late
        self._open, self._late = [], Counter()
        self.standings |= self.match.standings()

    def finish(self) -> None:
        """Read everything left."""
        self.tell(len(self.log.watches))
        self.read({number: len(part) for number, part in enumerate(self.log.partitions)})
        self.commit()

    def pairs(self) -> Counter[tuple[str, str]]:
        """(watch id, observation id) → number of evidence records."""
        values = [one.value for one in self.told if one.value is not None]
        return Counter(
            (one["watch_id"], one["observation_id"]) for one in values if one["kind"] != "left_out"
        )

    def left_out(self) -> Counter[tuple[str, int, int]]:
        """(watch, second, partition) → number of matches left out."""
        values = [one.value for one in self.told if one.value is not None]
        return Counter(
            {
                (one["watch_id"], one["event_time"], one["partition"]): one["count"]
                for one in values
                if one["kind"] == "left_out"
            }
        )

    def _next(self, number: int) -> int:
        standing = self.match.standings().get(place_of(number))
        return standing.next_offset if standing is not None else 0


def in_time(partition: Sequence[Written], lateness_ms: int) -> list[tuple[int, Written]]:
    """(offset, record) of the records that are not too late, one at a time."""
    newest, kept = 0, []
    for offset, one in enumerate(partition):
        newest = max(newest, one.received)
        horizon = newest - lateness_ms
        if one.sight.time >= horizon - horizon % SECOND_MS:
            kept.append((offset, one))
    return kept


def expected(watches: Iterable[Watch], log: Log, lateness_ms: int) -> set[tuple[str, str]]:
    """(watch id, observation id) of all expected evidence."""
    everything = list(watches)
    return {
        (watch.watch_id, one.observation_id)
        for partition in log.partitions
        for _, one in in_time(partition, lateness_ms)
        for watch in everything
        if wants(watch, one.sight) and is_inside(watch, one.sight)
    }
