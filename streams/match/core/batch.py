"""A batch of observations as a reader gives it to the match: columns, their places in the log, their texts on
request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from schemas.errors import Invalid
from streams.match.core.flow import Partition
from streams.match.core.observations import Longs, Observations, Rows, concatenated
from streams.match.core.texts import Texts
from streams.runtime.records import Record


class Frames(Protocol):
    """The records of a batch. ``Observations.at`` holds the number of each row's record."""

    @property
    def nbytes(self) -> int:
        """The bytes held in memory."""

    def texts(self, at: Longs) -> Texts: ...

    def record(self, at: int) -> Record:
        """Return the original record, to be set aside."""

    def kept(self) -> Frames:
        """Return a copy that has only what ``texts`` needs; its ``record`` cannot be called."""

    def joined(self, others: Sequence[Frames]) -> Frames:
        """Return one with *others* of the same reader behind it; their numbers follow on."""

    def compressed(self) -> Frames:
        """Return the same texts in less memory, where that pays; a later ``kept`` opens them."""

    def __len__(self) -> int:
        """Return the number of records."""


@dataclass(frozen=True, slots=True)
class ObservationBatch:
    """Observations of several partitions, row by row: the columns, the index into *places*, the offset. Rows of a
    partition are in its order.

    *passing*: the rows that the engine's filter let through, if the reader has applied it. *aside*: records
    that could not be read. *ends*: the next offset of every partition that was read, also without rows.
    """

    seen: Observations
    places: Sequence[Partition]
    place: npt.NDArray[np.uint8]
    offset: Longs
    frames: Frames
    ends: Mapping[Partition, int]
    passing: Rows | None = None
    aside: Sequence[tuple[Record, Invalid]] = ()
    nbytes_read: int = 0

    def __len__(self) -> int:
        return len(self.seen)

    def without(self, is_bad: npt.NDArray[np.bool_]) -> ObservationBatch:
        """Return the batch without these rows."""
        kept = ~is_bad
        passing = self.passing
        if passing is not None:
            # renumber the passing rows: each moves up by the number of rows dropped before it
            passing = (np.cumsum(kept) - 1)[passing[kept[passing]]].astype(np.intp)
        return replace(
            self,
            seen=self.seen.take(kept),
            place=self.place[kept],
            offset=self.offset[kept],
            passing=passing,
        )

    def kept(self) -> ObservationBatch:
        """Return the batch for a later look-back: without records, filtered rows and records set aside."""
        return replace(self, frames=self.frames.kept(), passing=None, aside=())

    def only(self, place: Partition) -> ObservationBatch:
        """Return the rows of that partition."""
        number = self.places.index(place) if place in self.places else -1
        return self.without(self.place != number)

    @property
    def nbytes(self) -> int:
        return self.seen.nbytes + self.place.nbytes + self.offset.nbytes + self.frames.nbytes


def joined(batches: Sequence[ObservationBatch]) -> ObservationBatch:
    """Return all of *batches* in order, as one."""
    places = sorted({place for one in batches for place in one.places})
    numbers = [np.array([places.index(place) for place in one.places], np.uint8) for one in batches]
    firsts = np.cumsum([0, *(len(one.frames) for one in batches)])
    seen = concatenated([one.seen for one in batches])
    at = np.concatenate([one.seen.at + first for one, first in zip(batches, firsts[:-1], strict=True)])
    return ObservationBatch(
        replace(seen, at=at),
        places,
        np.concatenate([number[one.place] for number, one in zip(numbers, batches, strict=True)]),
        np.concatenate([one.offset for one in batches]),
        batches[0].frames.joined([one.frames for one in batches[1:]]),
        {},
    )
