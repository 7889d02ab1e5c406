"""Kept observations in compressed form: the columns, which a look-back reads, and apart from them the frames, which it
reads where there are matches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cramjam
import numpy as np
import numpy.typing as npt

from streams.match.core.batch import Frames, ObservationBatch
from streams.match.core.flow import Partition
from streams.match.core.observations import NAMES, Observations

Column = npt.NDArray[np.generic]
Kind = tuple[np.dtype[np.generic], int]
"""The type of a column, and its values a row."""
COMPRESSED_ROOM = 2_048
"""The approximate bytes that a compressed chunk takes beside its columns and frames."""


def compressed_columns(columns: Sequence[Column]) -> bytes:
    """Return columns of one length, compressed: integers as differences, all but codes byte by byte of each value."""
    return bytes(cramjam.lz4.compress_block(b"".join(map(_laid_out, columns))))


def opened_columns(data: bytes, kinds: Sequence[Kind], rows: int) -> list[Column]:
    """Return the columns that ``compressed_columns`` was given, bit for bit."""
    raw = np.frombuffer(bytes(cramjam.lz4.decompress_block(data)), np.uint8)
    found, begin = [], 0
    for kind, width in kinds:
        end = begin + rows * width * kind.itemsize
        found.append(_restored(raw[begin:end], kind, width, rows))
        begin = end
    return found


def kind_of(column: Column) -> Kind:
    return column.dtype, 1 if column.ndim == 1 else column.shape[1]


def _laid_out(column: Column) -> bytes:
    if column.dtype == np.uint64:  # codes recur as a whole
        return column.tobytes()
    if column.dtype == np.int64:  # differences wrap, so each value is restored exactly
        column = np.diff(column, prepend=np.zeros(1, np.int64))
    return np.frombuffer(column.tobytes(), np.uint8).reshape(-1, column.dtype.itemsize).T.tobytes()


def _restored(raw: npt.NDArray[np.uint8], kind: np.dtype[np.generic], width: int, rows: int) -> Column:
    if kind == np.uint64:
        return raw.view(kind)
    column = np.ascontiguousarray(raw.reshape(kind.itemsize, -1).T).reshape(-1).view(kind)
    if kind == np.int64:
        column = np.cumsum(column, dtype=np.int64)
    return column if width == 1 else column.reshape(rows, width)


@dataclass(frozen=True, slots=True)
class CompressedBatch:
    """A batch of which all is compressed."""

    columns: bytes
    kinds: Sequence[Kind]
    rows: int
    places: Sequence[Partition]
    frames: Frames

    @classmethod
    def of(cls, batch: ObservationBatch) -> CompressedBatch:
        columns = [*(getattr(batch.seen, name) for name in NAMES), batch.place, batch.offset]
        return cls(
            compressed_columns(columns),
            tuple(map(kind_of, columns)),
            len(batch),
            batch.places,
            batch.frames.compressed(),
        )

    def __len__(self) -> int:
        return self.rows

    @property
    def nbytes(self) -> int:
        return len(self.columns) + self.frames.nbytes + COMPRESSED_ROOM

    def opened(self) -> ObservationBatch:
        """Return the batch; its frames are opened when their texts are asked for."""
        found: list[npt.NDArray[np.generic]] = opened_columns(self.columns, self.kinds, self.rows)
        *columns, place, offset = found
        return ObservationBatch(
            Observations(*columns),  # type: ignore[arg-type]  # the types are those of the columns compressed
            self.places,
            place.astype(np.uint8, copy=False),
            offset.astype(np.int64, copy=False),
            self.frames,
            {},
        )
