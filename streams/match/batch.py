"""What a reader hands to the match: observations as columns, where each stands in the log, and its words if asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from schemas.errors import Invalid
from streams.match.flow import Partition
from streams.match.observations import Longs, Observations, Rows, concatenated
from streams.match.texts import Texts
from streams.runtime.records import Record


class Frames(Protocol):
    """The records behind the rows of observations, by the number that ``Observations.at`` gives each."""

    @property
    def nbytes(self) -> int:
        """What they hold in memory."""

    def texts(self, at: Longs) -> Texts: ...

    def record(self, at: int) -> Record:
        """The record as it came, to be set aside."""

    def kept(self) -> Frames:
        """What ``texts`` needs of them, and no more: no ``record`` any longer."""

    def joined(self, others: Sequence[Frames]) -> Frames:
        """With *others*, which came of the same reader, behind it: their numbers follow on."""

    def __len__(self) -> int:
        """How many numbers there are."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Row by row: what was seen, which of *places* it stands in, its offset. Each partition's rows are in its order.

    *passing*: the rows that the engine's filter let through, where the reader has looked already. *aside*: records that
    could not be read. *ends*: the next offset of every partition that was read, whatever was read there.
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

    def without(self, is_bad: npt.NDArray[np.bool_]) -> Batch:
        """The same, but for these rows."""
        kept = ~is_bad
        passing = self.passing
        if passing is not None:
            passing = (np.cumsum(kept) - 1)[passing[kept[passing]]].astype(np.intp)
        return replace(
            self,
            seen=self.seen.take(kept),
            place=self.place[kept],
            offset=self.offset[kept],
            passing=passing,
        )

    def kept(self) -> Batch:
        """The same for a while: without what only the first answer to it needs."""
        return replace(self, frames=self.frames.kept(), passing=None, aside=())

    def only(self, place: Partition) -> Batch:
        """The rows of that partition."""
        number = self.places.index(place) if place in self.places else -1
        return self.without(self.place != number)

    @property
    def nbytes(self) -> int:
        return self.seen.nbytes + self.place.nbytes + self.offset.nbytes + self.frames.nbytes


def joined(batches: Sequence[Batch]) -> Batch:
    """All of *batches* in turn, as one."""
    places = sorted({place for one in batches for place in one.places})
    numbers = [np.array([places.index(place) for place in one.places], np.uint8) for one in batches]
    firsts = np.cumsum([0, *(len(one.frames) for one in batches)])
    seen = concatenated([one.seen for one in batches])
    at = np.concatenate([one.seen.at + first for one, first in zip(batches, firsts[:-1], strict=True)])
    return Batch(
        replace(seen, at=at),
        places,
        np.concatenate([number[one.place] for number, one in zip(numbers, batches, strict=True)]),
        np.concatenate([one.offset for one in batches]),
        batches[0].frames.joined([one.frames for one in batches[1:]]),
        {},
    )
