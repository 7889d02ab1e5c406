"""Observations as columns of numbers, as the join needs them. Texts stay in the frames until there is a match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.match.core.codes import Codes

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
CERTAIN = 1.0


@dataclass(frozen=True, slots=True)
class Observations:
    """One row each. *at*: the index of its record in the frames. *topic*: the number of its contract (`forms.TOPICS`).

    Degrees, NaN for no place; event and received time in ms; codes of label, token and thing (`codes`), 0 for none;
    confidence NaN where none is stated.
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


def observations(count: int) -> Observations:
    """Return columns of that length, not yet filled."""
    columns: Any = (np.empty(count, kind) for kind in TYPES)
    return Observations(*columns)


def concatenated(parts: Sequence[Observations]) -> Observations:
    """Return all of them in order, as one."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return observations(0)
    return Observations(*(np.concatenate([getattr(one, name) for one in parts]) for name in NAMES))
