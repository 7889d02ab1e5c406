"""Observations as columns of numbers, as the join needs them. Texts stay in the frames until there is a match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.match.core.codes import Codes

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
CERTAIN = 1.0
GROUND_LOW, GROUND_HIGH, SEA_LOW, SEA_HIGH = range(4)
HEIGHTS = 4
"""The columns of heights, in this order."""


@dataclass(frozen=True, slots=True)
class Observations:
    """One row each. *at*: the index of its record in the frames. *topic*: the number of its contract (`forms.TOPICS`).

    Degrees, NaN for no place; event and received time in ms; codes of label, token and thing (`codes`), 0 for none;
    confidence NaN where none is stated. *heights*: at least and at most so many metres above the ground and above the
    sea, NaN where that is unknown; without columns where no topic of the batch has heights.
    """

    at: Longs
    topic: npt.NDArray[np.uint8]
    lat: Floats
    lon: Floats
    time: Longs
    received: Longs
    label: Codes
    token: Codes
    subject: Codes
    confidence: npt.NDArray[np.float32]
    heights: npt.NDArray[np.float32]

    def heights_of(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Return the four heights of these rows."""
        if self.heights.shape[1] == HEIGHTS:
            return self.heights[rows]
        return np.full((len(rows), HEIGHTS), np.nan, np.float32)

    def __len__(self) -> int:
        return len(self.at)

    def take(self, rows: Rows | npt.NDArray[np.bool_]) -> Observations:
        return Observations(*(getattr(self, name)[rows] for name in NAMES))

    @property
    def nbytes(self) -> int:
        return int(sum(getattr(self, name).nbytes for name in NAMES))


NAMES = tuple(field.name for field in fields(Observations))
TYPES = (
    np.int64,
    np.uint8,
    np.float64,
    np.float64,
    np.int64,
    np.int64,
    np.uint64,
    np.uint64,
    np.uint64,
    np.float32,
)


def observations(count: int, *, with_heights: bool = True) -> Observations:
    """Return columns of that length, not yet filled, but for heights, which are unknown."""
    heights = np.full((count, HEIGHTS if with_heights else 0), np.nan, np.float32)
    columns: Any = [*(np.empty(count, kind) for kind in TYPES), heights]
    return Observations(*columns)


def concatenated(parts: Sequence[Observations]) -> Observations:
    """Return all of them in order, as one."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return observations(0)
    if any(one.heights.shape[1] for one in parts):
        parts = [replace(one, heights=one.heights_of(np.arange(len(one)))) for one in parts]
    return Observations(*(np.concatenate([getattr(one, name) for one in parts]) for name in NAMES))
