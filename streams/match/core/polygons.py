"""The polygons of many watches: whether a place lies in one of a watch's areas, and how far it is from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from streams.match.core.observations import Floats, Rows
from streams.match.core.shapes import Edges, edge_distances_m
from streams.match.core.watch_parts import WatchArea


class Polygons:
    """The areas of watches, by number of the watch. A watch's areas are a union; what lies in a hole is outside."""

    def __init__(self, areas: Sequence[Sequence[WatchArea]]) -> None:
        self._areas = areas
        flat = [area for its in areas for area in its]
        self._first = _firsts([len(its) for its in areas])
        self._outlines = Edges([area.outline for area in flat])
        self._first_hole = _firsts([len(area.holes) for area in flat])
        self._holes = Edges([hole for area in flat for hole in area.holes])
        self.has_any = np.diff(self._first) > 0

    def are_around(self, lat: Floats, lon: Floats, which: Rows) -> npt.NDArray[np.bool_]:
        """Return whether each place lies in an area of that watch."""
        pair, area = _each(self._first, which)
        within = np.flatnonzero(self._outlines.are_around(lat[pair], lon[pair], area))
        pair, area = pair[within], area[within]
        hit, hole = _each(self._first_hole, area)
        if len(hole):
            in_hole = np.zeros(len(pair), np.bool_)
            there = pair[hit]
            in_hole[hit[self._holes.are_around(lat[there], lon[there], hole)]] = True
            pair = pair[~in_hole]
        found = np.zeros(len(which), np.bool_)
        found[pair] = True
        return found

    def distances_m(self, lat: Floats, lon: Floats, number: int) -> Floats:
        """Return metres from each place, which lies outside, to the nearest edge of that watch's areas."""
        nearest = np.full(len(lat), np.inf)
        for area in self._areas[number]:
            for ring in area.rings:
                nearest = np.minimum(nearest, edge_distances_m(lat, lon, ring))
        return nearest


def _firsts(counts: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.cumsum([0, *counts], dtype=np.int64)


def _each(first: npt.NDArray[np.int64], which: Rows) -> tuple[Rows, Rows]:
    """Return (index into *which*, part) for every part of each of *which*; its parts begin at *first*."""
    counts = first[which + 1] - first[which]
    index = np.repeat(np.arange(len(which)), counts)
    part = np.arange(len(index)) + np.repeat(first[which] - np.cumsum(counts) + counts, counts)
    return index, part
