"""Areas as the cells of a grid that hold all of them: for outlines too tangled to be cut exactly. Pure.

The work is bounded by corners and cells, whatever the outline: also one that crosses itself a million times.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

Floats = np.ndarray[Any, np.dtype[np.float64]]
Whole = np.ndarray[Any, np.dtype[np.int64]]

CELLS = 512
"""Cells along the longer side."""
SAMPLES_MAX = 20_000_000
"""Points along the outline at most: a longer outline gets larger cells."""
BLOCK = 1_000_000
MARGIN = 3
"""Empty cells around the area."""


def on_grid(rings: Sequence[Floats]) -> tuple[BaseGeometry, float]:
    """An area that holds the points which *rings* (corners in metres, closed) enclose an odd number of times.

    Second: the metres by which it is wider at most.
    """
    begins = np.concatenate([ring[:-1] for ring in rings])
    ends = np.concatenate([ring[1:] for ring in rings])
    low, high = begins.min(axis=0), begins.max(axis=0)
    lengths = np.hypot(*(ends - begins).T)
    cell = max(float((high - low).max()) / CELLS, 0.01)
    while float(np.sum(lengths / cell * 2 + 2)) > SAMPLES_MAX and cell * 8 < float((high - low).max()):
        cell *= 2
    origin = low - MARGIN * cell
    columns, rows = (np.ceil((high - low) / cell).astype(int) + 2 * MARGIN).tolist()
    begins, ends = (begins - origin) / cell, (ends - origin) / cell
    mask = _widened(_touched(begins, ends, rows, columns)) | _odd(begins, ends, rows, columns)
    return _area_of(mask, origin, cell), 2 * math.sqrt(2) * cell


def _touched(begins: Floats, ends: Floats, rows: int, columns: int) -> np.ndarray[Any, Any]:
    """The cells that hold a point of the outline; two such points are at most half a cell apart."""
    touched = np.zeros(rows * columns, dtype=bool)
    counts = np.ceil(np.hypot(*(ends - begins).T) * 2).astype(np.int64) + 1
    for which, step in _blocks(counts):
        part = (step / counts[which])[:, None]
        points = begins[which] + part * (ends[which] - begins[which])
        at = points.astype(np.int64)
        touched[at[:, 1] * columns + at[:, 0]] = True
    return touched.reshape(rows, columns)


def _widened(touched: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The touched cells and their eight neighbours: every cell that the outline meets is among them."""
    wide = touched.copy()
    wide[1:] |= touched[:-1]
    wide[:-1] |= touched[1:]
    tall = wide.copy()
    wide[:, 1:] |= tall[:, :-1]
    wide[:, :-1] |= tall[:, 1:]
    return wide


def _odd(begins: Floats, ends: Floats, rows: int, columns: int) -> np.ndarray[Any, Any]:
    """The cells whose centre the outline encloses an odd number of times."""
    flips = np.zeros(rows * columns, dtype=np.int64)
    first = np.ceil(np.minimum(begins[:, 1], ends[:, 1]) - 0.5).astype(np.int64)
    last = np.ceil(np.maximum(begins[:, 1], ends[:, 1]) - 0.5).astype(np.int64)
    for which, step in _blocks(last - first):
        row = first[which] + step
        begin, end = begins[which], ends[which]
        part = (row + 0.5 - begin[:, 1]) / (end[:, 1] - begin[:, 1])
        column = np.ceil(begin[:, 0] + part * (end[:, 0] - begin[:, 0]) - 0.5).astype(np.int64)
        flips += np.bincount(row * columns + np.clip(column, 0, columns - 1), minlength=rows * columns)
    return np.asarray(np.cumsum(flips.reshape(rows, columns), axis=1) % 2 == 1)


def _blocks(counts: Whole) -> Iterator[tuple[Whole, Whole]]:
    """For each edge its number, *counts* times, and beside it 0, 1, 2 …; some edges at a time."""
    bounds = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        done = int(bounds[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(bounds, done + BLOCK, side="right")))
        some = counts[begin:end]
        starts = np.cumsum(some) - some
        yield (
            np.repeat(np.arange(begin, end), some),
            np.arange(int(some.sum())) - np.repeat(starts, some),
        )
        begin = end


def _area_of(mask: np.ndarray[Any, Any], origin: Floats, cell: float) -> BaseGeometry:
    """The cells of *mask* as one area, made of the runs of its rows."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, begin = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    west, east = origin[0] + begin * cell, origin[0] + end * cell
    south, north = origin[1] + row * cell, origin[1] + (row + 1) * cell
    return shapely.union_all(shapely.box(west, south, east, north))
