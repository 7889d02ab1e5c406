"""Floors, ceilings and spans of time of many watches, compared with columns of observations.

Heights are 32-bit numbers, so limits are too: what differs by less than a hundredth of a millimetre counts as equal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.heights import ABOVE_SEA
from streams.match.core.observations import GROUND_HIGH, GROUND_LOW, SEA_HIGH, SEA_LOW, Longs, Rows
from streams.match.core.watch_parts import Limit
from streams.match.core.watches import Watch

Bools = npt.NDArray[np.bool_]
Heights = npt.NDArray[np.float32]


class HeightLimits:
    """The floors and ceilings of watches, by number of the watch."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self.has_any = np.array([bool(one.floor or one.ceiling) for one in watches], np.bool_)
        self._floor_low, self._floor_high, self._floor_at = _columns(
            [one.floor for one in watches], -np.inf, SEA_HIGH, GROUND_HIGH
        )
        self._ceiling_low, self._ceiling_high, self._ceiling_at = _columns(
            [one.ceiling for one in watches], np.inf, SEA_LOW, GROUND_LOW
        )

    def may_be_between(self, heights: Heights, watch: Rows, more_m: npt.NDArray[np.float64]) -> Bools:
        """Return whether each height may lie between the limits of its watch, moved *more_m* metres apart.

        An unknown height (NaN) may lie anywhere.
        """
        row = np.arange(len(watch))
        floor = (self._floor_low[watch] - more_m).astype(np.float32)
        ceiling = (self._ceiling_high[watch] + more_m).astype(np.float32)
        is_below = heights[row, self._floor_at[watch]] < floor
        is_above = heights[row, self._ceiling_at[watch]] > ceiling
        return ~(is_below | is_above)

    def are_between(self, heights: Heights, watch: Rows) -> Bools:
        """Return whether each height surely lies between the limits of its watch."""
        row = np.arange(len(watch))
        floor, ceiling = self._floor_high[watch], self._ceiling_low[watch]
        # a floor's column is the upper bound of the height, the lower bound lies before it
        is_over = np.isneginf(floor) | (heights[row, self._floor_at[watch] - 1] >= floor.astype(np.float32))
        is_under = np.isposinf(ceiling) | (
            heights[row, self._ceiling_at[watch] + 1] <= ceiling.astype(np.float32)
        )
        return is_over & is_under


class Windows:
    """The spans of time of watches, by number of the watch."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self.has_any = np.array([bool(one.windows) for one in watches], np.bool_)
        self._spans = {
            number: np.array(one.windows, np.int64).T for number, one in enumerate(watches) if one.windows
        }

    def are_open(self, time: Longs, watch: Rows) -> Bools:
        """Return whether each time lies in a span of its watch; of a watch without spans, always."""
        found = np.ones(len(time), np.bool_)
        rows = np.flatnonzero(self.has_any[watch])
        for number in np.unique(watch[rows]).tolist():
            its = rows[watch[rows] == number]
            opens, closes = self._spans[number]
            last = np.searchsorted(opens, time[its], "right") - 1
            found[its] = (last >= 0) & (time[its] < closes[last])
        return found


def _columns(
    limits: Sequence[Limit | None], nothing: float, at_sea: int, at_ground: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Return the low and high bounds, and the column of heights that they are compared with."""
    low = [nothing if one is None else one.metres.low for one in limits]
    high = [nothing if one is None else one.metres.high for one in limits]
    at = [at_sea if one is not None and one.reference == ABOVE_SEA else at_ground for one in limits]
    return np.array(low, np.float64), np.array(high, np.float64), np.array(at, np.intp)
