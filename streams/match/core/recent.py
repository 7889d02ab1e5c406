"""Recent observations as columns, for watches that open later. Bounded in time and in bytes; compressed where
there is no room for them otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from streams.match.core.batch import ObservationBatch, joined
from streams.match.core.compressed import CompressedBatch
from streams.match.core.flow import Partition

ROWS_A_CHUNK = 4_096
"""Smaller batches are joined up to this many rows, so that a look-back needs few calls."""
COLUMNS_ROOM = 1_024
"""The approximate bytes that a chunk takes beside its columns."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Observations of one or more partitions; for each partition its first offset and newest received time.
    *oldest_ms*: the oldest received time of all."""

    batch: ObservationBatch | CompressedBatch
    firsts: Mapping[Partition, int]
    newest_ms: Mapping[Partition, int]
    nbytes: int
    oldest_ms: int

    def opened(self) -> ObservationBatch:
        return self.batch.opened() if isinstance(self.batch, CompressedBatch) else self.batch


@dataclass(slots=True)
class Recent:
    """The kept observations. *keep_ms*: how long, in received time of each partition. *bytes_max*: beyond it
    the oldest are compressed, and when all are, the oldest are dropped, and counted in *dropped*.
    """

    keep_ms: int
    bytes_max: int
    dropped: int = 0
    _nbytes: int = 0
    _rows: int = 0
    _settled: deque[Chunk] = field(default_factory=deque)
    """The oldest chunks: those that are compressed, and where that does not pay, as they were."""
    _settled_nbytes: int = 0
    _settled_rows: int = 0
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
        while (oldest := self._oldest()) is not None and self._is_over(oldest, watermarks):
            self._drop()
        while self.nbytes > self.bytes_max:
            if self._chunks:
                self._compress()
            elif self._settled:
                self.dropped += len(self._drop().batch)
            else:
                return

    def batches(self) -> Iterator[ObservationBatch]:
        """Yield all batches, oldest first."""
        self._settle()
        for chunk in chain(self._settled, self._chunks):
            yield chunk.opened()

    def first_offset(self, place: Partition) -> int | None:
        """Return the first kept offset of that partition; ``None`` if none is kept."""
        for chunk in chain(self._settled, self._chunks):
            if place in chunk.firsts:
                return chunk.firsts[place]
        for batch in self._small:
            if (first := _edges(batch)[0].get(place)) is not None:
                return first
        return None

    def forget(self, places: Collection[Partition]) -> None:
        """Forget partitions that were revoked."""
        self._settle()
        settled, chunks = self._settled, self._chunks
        self._settled, self._chunks = deque(), deque()
        self._nbytes = self._rows = self._settled_nbytes = self._settled_rows = 0
        while settled:  # one at a time: opened, all of them may need more memory than there is
            if self._keep_others(settled.popleft(), places):
                self._compress()
        while chunks:
            self._keep_others(chunks.popleft(), places)

    def _keep_others(self, chunk: Chunk, places: Collection[Partition]) -> bool:
        """Keep what is left of *chunk* without *places*, if anything."""
        batch = chunk.opened()
        if any(place in chunk.firsts for place in places):
            batch = batch.without(_of(batch, places)).kept()
        if not len(batch):
            return False
        self._add(batch)
        return True

    @property
    def bytes_a_row(self) -> float | None:
        """The bytes that an observation takes when it is compressed; ``None`` while none is."""
        return self._settled_nbytes / self._settled_rows if self._settled_rows else None

    def held_ms(self, watermarks: Mapping[Partition, int]) -> int:
        """Return the received time from the oldest that is kept to the newest that was read."""
        oldest = self._oldest()
        if oldest is None or not watermarks:
            return 0
        return max(0, max(watermarks.values()) - oldest.oldest_ms)

    def _settle(self) -> None:
        if self._small:
            small, self._small, self._small_rows = self._small, [], 0
            self._add(small[0] if len(small) == 1 else joined(small))

    def _add(self, batch: ObservationBatch) -> None:
        oldest_ms = int(batch.seen.received.min())
        chunk = Chunk(batch, *_edges(batch), batch.nbytes + COLUMNS_ROOM, oldest_ms)
        self._chunks.append(chunk)
        self._nbytes += chunk.nbytes
        self._rows += len(batch)

    def _oldest(self) -> Chunk | None:
        return next(chain(self._settled, self._chunks), None)

    def _compress(self) -> None:
        """Compress the oldest chunk that is not."""
        chunk = self._chunks.popleft()
        if isinstance(chunk.batch, ObservationBatch):
            batch = CompressedBatch.of(chunk.batch)
            if batch.nbytes < chunk.nbytes:
                self._nbytes += batch.nbytes - chunk.nbytes
                chunk = replace(chunk, batch=batch, nbytes=batch.nbytes)
        self._settled.append(chunk)
        self._settled_nbytes += chunk.nbytes
        self._settled_rows += len(chunk.batch)

    def _drop(self) -> Chunk:
        """Drop the oldest chunk, and return it."""
        if self._settled:
            chunk = self._settled.popleft()
            self._settled_nbytes -= chunk.nbytes
            self._settled_rows -= len(chunk.batch)
        else:
            chunk = self._chunks.popleft()
        self._nbytes -= chunk.nbytes
        self._rows -= len(chunk.batch)
        return chunk

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
