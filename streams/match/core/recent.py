"""Recent observations as columns, for watches that open later. Bounded in time and in bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from streams.match.core.batch import ObservationBatch, joined
from streams.match.core.flow import Partition

ROWS_A_CHUNK = 4_096
"""Smaller batches are joined up to this many rows, so that a look-back needs few calls."""
COLUMNS_ROOM = 1_024
"""The approximate bytes that a chunk takes beside its columns."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Observations of one or more partitions; for each partition its first offset and newest received time."""

    batch: ObservationBatch
    firsts: Mapping[Partition, int]
    newest_ms: Mapping[Partition, int]
    nbytes: int


@dataclass(slots=True)
class Recent:
    """The kept observations. *keep_ms*: how long, in received time of each partition. *bytes_max*: beyond it
    the oldest are dropped, and counted in *dropped*.
    """

    keep_ms: int
    bytes_max: int
    dropped: int = 0
    _nbytes: int = 0
    _rows: int = 0
    _chunks: deque[Chunk] = field(default_factory=deque)
    _small: list[ObservationBatch] = field(default_factory=list)
    _small_rows: int = 0

    @property
    def rows(self) -> int:
        return self._rows + self._small_rows

    @property
    def nbytes(self) -> int:
        return self._nbytes + sum(one.nbytes for one in self._small)

    def keep(self, batch: ObservationBatch) -> None:
        if not len(batch):
            return
        batch = batch.kept()
        if len(batch) >= ROWS_A_CHUNK:
            self._settle()
            self._add(batch)
            return
        self._small.append(batch)
        self._small_rows += len(batch)
        if self._small_rows >= ROWS_A_CHUNK:
            self._settle()

    def trim(self, watermarks: Mapping[Partition, int]) -> None:
        """Drop observations that are too old, or beyond *bytes_max*."""
        while self._chunks and self._is_over(self._chunks[0], watermarks):
            self._drop()
        while self.nbytes > self.bytes_max and self._chunks:
            self.dropped += len(self._chunks[0].batch)
            self._drop()

    def batches(self) -> Iterator[ObservationBatch]:
        """Yield all batches, oldest first."""
        self._settle()
        for chunk in self._chunks:
            yield chunk.batch

    def first_offset(self, place: Partition) -> int | None:
        """Return the first kept offset of that partition; ``None`` if none is kept."""
        for chunk in self._chunks:
            if place in chunk.firsts:
                return chunk.firsts[place]
        for batch in self._small:
            if (first := _edges(batch)[0].get(place)) is not None:
                return first
        return None

    def forget(self, places: Collection[Partition]) -> None:
        """Forget partitions that were revoked."""
        kept = [batch.without(_of(batch, places)) for batch in self.batches()]
        self._chunks.clear()
        self._nbytes = self._rows = 0
        for batch in kept:
            self.keep(batch)

    def _settle(self) -> None:
        if self._small:
            small, self._small, self._small_rows = self._small, [], 0
            self._add(small[0] if len(small) == 1 else joined(small))

    def _add(self, batch: ObservationBatch) -> None:
        chunk = Chunk(batch, *_edges(batch), batch.nbytes + COLUMNS_ROOM)
        self._chunks.append(chunk)
        self._nbytes += chunk.nbytes
        self._rows += len(batch)

    def _drop(self) -> None:
        chunk = self._chunks.popleft()
        self._nbytes -= chunk.nbytes
        self._rows -= len(chunk.batch)

    def _is_over(self, chunk: Chunk, watermarks: Mapping[Partition, int]) -> bool:
        return all(
            newest_ms + self.keep_ms < watermarks.get(place, 0)
            for place, newest_ms in chunk.newest_ms.items()
        )


def _of(batch: ObservationBatch, places: Collection[Partition]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    numbers = [number for number, place in enumerate(batch.places) if place in places]
    return np.isin(batch.place, numbers)


def _edges(batch: ObservationBatch) -> tuple[dict[Partition, int], dict[Partition, int]]:
    """Return the first offset and the newest received time of each partition."""
    firsts: dict[Partition, int] = {}
    newest: dict[Partition, int] = {}
    for number, place in enumerate(batch.places):
        its = batch.place == number
        row = int(its.argmax())
        if its[row]:
            firsts[place] = int(batch.offset[row])
            newest[place] = int(batch.seen.received[its].max())
    return firsts, newest
