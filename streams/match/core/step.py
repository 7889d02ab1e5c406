"""The step of the match: watches and batches of observations in, evidence out. Pure: no Kafka, no clock.

Each observation is compared with each watch once: when it is read, or by a look-back when the watch opens.
This holds however the observations are cut into batches, and wherever a worker stops and another continues.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from schemas.errors import Invalid
from streams.match.core.batch import ObservationBatch
from streams.match.core.config import MatchConfig
from streams.match.core.engine import Engine, Matches
from streams.match.core.evidence import EvidenceColumns
from streams.match.core.flow import Flow, Partition, Second
from streams.match.core.lateness import Watermarks, future
from streams.match.core.open_watches import OpenWatches, WatchRecord
from streams.match.core.recent import Recent
from streams.match.core.texts import LABEL, OBSERVATION_ID, SOURCE, TOKEN
from streams.match.core.watches import Watch
from streams.runtime.records import Record


@dataclass(slots=True)
class Found:
    """The result of a step. *matches* counts all, published or left out; *late* counts by source."""

    evidence: list[EvidenceColumns] = field(default_factory=list)
    left_out: list[Second] = field(default_factory=list)
    aside: list[tuple[Record, Invalid]] = field(default_factory=list)
    late: Counter[str] = field(default_factory=Counter)
    matches: int = 0


@dataclass(frozen=True, slots=True)
class PartitionProgress:
    """The progress of a partition, committed beside its offset.

    All before *next_offset* was compared with every watch before *watch_offset*. A look-back begins at
    *first_offset*. *watermark_ms*: the newest received time, 0 for none.
    """

    next_offset: int
    watch_offset: int
    first_offset: int
    watermark_ms: int


class Match:
    """The state of one worker: the open watches, and the recent observations of its partitions."""

    def __init__(self, config: MatchConfig) -> None:
        self.wanted = OpenWatches()
        self.engine = Engine()
        self.flow = Flow(config.per_second_max)
        self.recent = Recent(config.keep_ms, config.look_back_bytes)
        self.watermarks = Watermarks(config.lateness_ms)
        self._ends: dict[Partition, int] = {}

    # -- watches ---------------------------------------------------------------------------------------------

    def tell(self, told: Iterable[WatchRecord], *, read_up_to: int = 0) -> Found:
        """Apply watches that open, change or end; return evidence from the look-back of those that open.

        *read_up_to*: the offset up to which their topic is read. It may lie behind the last of *told*, where
        only transaction markers stand.
        """
        known_up_to = self.wanted.next_offset
        put, ended = self.wanted.take(told)
        self.wanted.next_offset = max(self.wanted.next_offset, read_up_to)
        self.engine.end(ended)
        if put:
            self.engine.put(put)
        opened = [one for one in put if self.wanted.opened[one.watch_id] >= known_up_to]
        return self._look_back(opened, None)

    # -- observations ----------------------------------------------------------------------------------------

    def take(self, batch: ObservationBatch, *, now_ms: int) -> Found:
        """Return the evidence of one batch. *now_ms*: our clock; observations from the future are set aside."""
        found = self._take(batch, self.engine, now_ms=now_ms)
        found.aside += batch.aside
        return found

    def standings(self) -> dict[Partition, PartitionProgress]:
        """Return the progress to commit, for each partition of which anything was read."""
        return {
            place: PartitionProgress(
                end,
                self.wanted.next_offset,
                end if (first := self.recent.first_offset(place)) is None else first,
                self.watermarks.newest.get(place, 0),
            )
            for place, end in self._ends.items()
        }

    def restore(
        self,
        place: Partition,
        standing: PartitionProgress,
        before: Iterable[ObservationBatch],
        *,
        now_ms: int,
    ) -> Found:
        """Restore the state of *place*: *before* has its records from ``standing.first_offset`` to
        ``standing.next_offset``. Return the evidence of look-backs that the last owner did not commit.
        """
        if standing.watch_offset > self.wanted.next_offset:
            raise ValueError("watches must be read as far as the last owner of the partition has read them")
        engine = self.engine
        # the records before next_offset were already compared with these watches only; the others follow by
        # look-back
        known = self.wanted.opened_before(standing.watch_offset)
        if len(known) < engine.watches:
            engine = engine.beside(known)
        for batch in before:
            self._take(batch, engine, now_ms=now_ms)
        self._ends[place] = standing.next_offset
        newest = self.watermarks.newest
        if standing.watermark_ms:
            newest[place] = max(newest.get(place, 0), standing.watermark_ms)
        self._close([place])
        return self._look_back(self.wanted.opened_since(standing.watch_offset), place)

    def forget(self, places: Collection[Partition]) -> None:
        """Forget partitions that were revoked. Things inside fences are found again from the partitions that remain."""
        if not any(place in self._ends for place in places):
            return
        self.recent.forget(places)
        for place in places:
            self.flow.forget(place)
            self.watermarks.newest.pop(place, None)
            self._ends.pop(place, None)
        if self.engine.forget_things():
            for batch in self.recent.batches():
                self.engine.step(batch.seen)

    # -- both ------------------------------------------------------------------------------------------------

    def _take(self, batch: ObservationBatch, engine: Engine, *, now_ms: int) -> Found:
        found = Found()
        self._ends.update(batch.ends)
        if not len(batch):
            return found
        batch = self._timely(batch, found, now_ms)
        if len(batch):
            self._answer(batch, engine.step(batch.seen, batch.passing), found)
            self.recent.keep(batch)
        found.left_out += self._close(batch.places)
        self.recent.trim(self.watermarks.newest)
        return found

    def _timely(self, batch: ObservationBatch, found: Found, now_ms: int) -> ObservationBatch:
        """Return *batch* without observations from the future, which are set aside, and late ones, which are
        counted.
        """
        ahead = future(batch, now_ms)
        if ahead is not None:
            error = Invalid(
                "an event from the future", field="event_time", expected="at most 300 s after it was received"
            )
            found.aside += [(batch.frames.record(at), error) for at in batch.seen.at[ahead].tolist()]
            batch = batch.without(ahead)
            if not len(batch):
                return batch
        late = self.watermarks.late(batch)
        if late is not None:
            found.late.update(one or "" for one in batch.frames.texts(batch.seen.at[late]).column(SOURCE))
            batch = batch.without(late)
        return batch

    def _look_back(self, watches: Sequence[Watch], place: Partition | None) -> Found:
        """Return the matches of these watches in the kept observations, of one partition or of all."""
        found = Found()
        if not watches:
            return found
        engine = self.engine.beside(watches)
        for kept in self.recent.batches():
            batch = kept if place is None else kept.only(place)
            self._answer(batch, engine.step(batch.seen), found)
        found.left_out += self._close(self._ends)
        return found

    def _answer(self, batch: ObservationBatch, matches: Matches, found: Found) -> None:
        """Add the evidence of *matches* to *found*, within the limits of the flow."""
        if not len(matches):
            return
        rows, seen = matches.row, batch.seen
        all_of_them = EvidenceColumns(
            matches.watch,
            matches.kind,
            matches.distance_m,
            batch.places,
            batch.place[rows],
            batch.offset[rows],
            seen.time[rows],
            seen.received[rows],
            seen.lat[rows],
            seen.lon[rows],
            seen.confidence[rows],
            batch.frames.texts(seen.at[rows]),
            matches.is_sure,
        )
        wanted = _by_their_words(all_of_them)
        found.matches += len(wanted)
        kept = self.flow.kept(
            wanted.watch,
            wanted.time.tolist(),
            map(batch.places.__getitem__, wanted.place.tolist()),
            wanted.offset.tolist(),
            wanted.texts.bytes_of(OBSERVATION_ID),
        )
        if kept:
            found.evidence.append(
                wanted if len(kept) == len(wanted) else wanted.take(np.array(kept, np.intp))
            )

    def _close(self, places: Iterable[Partition]) -> list[Second]:
        """Return the seconds that are over and had matches left out."""
        over: list[Second] = []
        for place in places:
            horizon_ms = self.watermarks.horizon_ms(place)
            if horizon_ms is not None:
                over += self.flow.closed(place, horizon_ms)
        return over


def _by_their_words(columns: EvidenceColumns) -> EvidenceColumns:
    """Return the rows whose texts the watch wants: two words may share a code."""
    labels = columns.texts.column(LABEL)
    fits = [
        not watch.labels or label in watch.labels for watch, label in zip(columns.watch, labels, strict=True)
    ]
    if any(watch.tokens for watch in columns.watch):
        tokens = columns.texts.column(TOKEN)
        fits = [
            one and (not watch.tokens or token in watch.tokens)
            for one, watch, token in zip(fits, columns.watch, tokens, strict=True)
        ]
    return columns if all(fits) else columns.take(np.flatnonzero(fits))
