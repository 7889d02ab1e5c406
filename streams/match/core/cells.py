"""The grid: cells of a few hundred metres, a coarse filter over them, and the list of watches in each.

The filter is a table of 16-bit words, indexed by a hash of the cell; each bit stands for 1/16 of all labels.
It may let too much through but never too little, so watches can be added in place, and rows it drops need no
second check. It is kept small because every observation reads it at a random position.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.geo import EARTH_RADIUS_M
from streams.match.core.codes import Codes, bit_of
from streams.match.core.observations import Floats, Rows

STEP_M = 250.0
CELLS_A_WATCH_MAX = 4_096
"""A watch that covers more cells than this is tested against every observation."""
SLOT_BITS_MIN, SLOT_BITS_MAX = 12, 20
SLOTS_A_CELL = 4
ALL = (1 << 16) - 1
_HASH = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Cells:
    """A grid of rows and columns per degree, chosen so that a cell near *lat* is about square."""

    rows_a_degree: float
    columns_a_degree: float

    @classmethod
    def near(cls, lat: float, step_m: float = STEP_M) -> Cells:
        rows = math.radians(EARTH_RADIUS_M) / step_m
        return cls(rows, rows * max(0.02, math.cos(math.radians(lat))))

    def keys(self, lat: Floats, lon: Floats) -> Codes:
        """Return the cell of each place. Places must lie on the globe."""
        row = ((lat + 90.0) * self.rows_a_degree).astype(np.uint64)
        column = ((lon + 180.0) * self.columns_a_degree).astype(np.uint64)
        return row << np.uint64(32) | column

    def covered(self, boxes: Floats) -> tuple[Codes, Rows]:
        """Return (cell, index into *boxes*) for every cell that a box of south, west, north, east touches."""
        rows = (boxes[:, [0, 2]].clip(-90, 90) + 90.0) * self.rows_a_degree
        columns = (boxes[:, [1, 3]].clip(-180, 180) + 180.0) * self.columns_a_degree
        first_row, last_row = rows.astype(np.int64).T
        first_column, last_column = columns.astype(np.int64).T
        width = last_column - first_column + 1
        counts = (last_row - first_row + 1) * width
        which = np.repeat(np.arange(len(boxes)), counts)
        nth = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        row, column = first_row[which] + nth // width[which], first_column[which] + nth % width[which]
        return row.astype(np.uint64) << np.uint64(32) | column.astype(np.uint64), which

    def counts(self, boxes: Floats) -> npt.NDArray[np.float64]:
        """Return about how many cells each box touches."""
        height, width = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        return (height * self.rows_a_degree + 1) * (width * self.columns_a_degree + 1)


class Filter:
    """A coarse filter of labels by cell. *everywhere*: the bits of labels wanted in every cell."""

    def __init__(self, cells: Cells, count: int) -> None:
        wanted = max(1, count * SLOTS_A_CELL)
        self.bits = min(max(wanted.bit_length(), SLOT_BITS_MIN), SLOT_BITS_MAX)
        self.cells = cells
        self.words = np.zeros(1 << self.bits, np.uint16)
        self.everywhere = 0

    def want(self, keys: Codes, labels: Codes) -> None:
        """Add a label near a cell, row by row; label 0 is any."""
        np.bitwise_or.at(self.words, self.slots(keys), _bits(labels))

    def want_everywhere(self, labels: Codes) -> None:
        self.everywhere |= int(np.bitwise_or.reduce(_bits(labels), initial=np.uint16(0)))

    def slots(self, keys: Codes) -> Codes:
        return keys * _HASH >> np.uint64(64 - self.bits)

    def passing(self, lat: Floats, lon: Floats, label: Codes) -> Rows:
        """Return the rows that may match, perhaps with some that do not."""
        placed = np.flatnonzero((np.abs(lat) <= 90) & (np.abs(lon) <= 180))  # the comparison is false for NaN
        if len(placed) < len(lat):
            lat, lon = lat[placed], lon[placed]
            label = label[placed]
        words = self.words[self.slots(self.cells.keys(lat, lon))] | np.uint16(self.everywhere)
        return placed[np.flatnonzero(words >> bit_of(label) & np.uint16(1))]


def _bits(labels: Codes) -> Codes:
    return np.where(labels == 0, np.uint16(ALL), np.uint16(1) << bit_of(labels))


class Lists:
    """Lists of entry numbers by key: the entries of each cell, or of each token."""

    def __init__(self, keys: Codes, entries: Rows) -> None:
        order = np.argsort(keys, kind="stable")
        self._entries = entries[order]
        self._keys, begins = np.unique(keys[order], return_index=True)
        self._begins = np.append(begins, len(order))

    def __len__(self) -> int:
        return len(self._keys)

    def pairs(self, rows: Rows, keys: Codes) -> tuple[Rows, Rows]:
        """Return (row, entry) for every entry of the key of each of *rows*."""
        if not len(self._keys):
            return rows[:0], rows[:0]
        nth = np.searchsorted(self._keys, keys)
        nth[nth == len(self._keys)] = 0
        found = self._keys[nth] == keys
        rows, nth = rows[found], nth[found]
        begins = self._begins[nth]
        counts = self._begins[nth + 1] - begins
        inner = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(rows, counts), self._entries[np.repeat(begins, counts) + inner]
