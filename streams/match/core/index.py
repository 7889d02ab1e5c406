"""Watches prepared for the join: their settings as columns, and lists of them by cell and token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.match.core.cells import CELLS_A_WATCH_MAX, Cells, Filter, Lists
from streams.match.core.codes import code_of
from streams.match.core.forms import TOPICS
from streams.match.core.limits import HeightLimits, Windows
from streams.match.core.observations import Floats, Observations, Rows
from streams.match.core.polygons import Polygons
from streams.match.core.shapes import distances_m
from streams.match.core.watches import SEEN, Watch

INSIDE, BAND, OUTSIDE = 1, 0, -1
"""The side of a watch's edge. In the band a place is outside, but not far enough to count as having left."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of observation and watch, with metres from a disc's centre (NaN for other shapes) and the side of
    the edge. *is_sure*: whether the height leaves no doubt.
    """

    row: Rows
    watch: Rows
    distance_m: Floats
    where: npt.NDArray[np.int8]
    is_sure: npt.NDArray[np.bool_]

    def take(self, which: Rows | npt.NDArray[np.bool_]) -> Pairs:
        return Pairs(
            self.row[which],
            self.watch[which],
            self.distance_m[which],
            self.where[which],
            self.is_sure[which],
        )

    def beside(self, other: Pairs) -> Pairs:
        """Return these pairs and *other* behind them."""
        return Pairs(
            np.concatenate([self.row, other.row]),
            np.concatenate([self.watch, other.watch]),
            np.concatenate([self.distance_m, other.distance_m]),
            np.concatenate([self.where, other.where]),
            np.concatenate([self.is_sure, other.is_sure]),
        )


class Index:
    """An index of watches. Only ``is_open`` changes: a watch that has ended is left out from then on. *rank*:
    by watch id.
    """

    def __init__(self, watches: Sequence[Watch], cells: Cells) -> None:
        self.watches = watches
        self.cells = cells
        self.is_open = np.ones(len(watches), np.bool_)
        self.is_fence = np.array([one.event != SEEN for one in watches], np.bool_)
        self.fences = {one.watch_id: number for number, one in enumerate(watches) if one.event != SEEN}
        self._opens = np.array([one.opens_at for one in watches], np.int64)
        self._closes = np.array([one.closes_at for one in watches], np.int64)
        self._confidence = np.array([one.min_confidence for one in watches], np.float32)
        self._topics = np.array([_topic_bits(one) for one in watches], np.uint16)
        self._is_disc = np.array([one.shape == "disc" for one in watches], np.bool_)
        self._polygons = Polygons([one.polygons for one in watches])
        self._limits, self._windows = HeightLimits(watches), Windows(watches)
        self._centre = np.array([one.centre or (0.0, 0.0) for one in watches], np.float64).reshape(-1, 2)
        self._radius_m = np.array([one.radius_m for one in watches], np.float64)
        self._band_m = np.array([one.hysteresis_m for one in watches], np.float64)
        self.rank = np.empty(len(watches), np.intp)
        self.rank[sorted(range(len(watches)), key=lambda n: watches[n].watch_id)] = np.arange(len(watches))
        self._list_all()

    def _list_all(self) -> None:
        """List every entry (a watch with one of its labels) once: by token, by cell, as wide, or as anywhere."""
        pairs = [(n, label) for n, one in enumerate(self.watches) for label in one.labels or ("",)]
        self._watch = np.array([number for number, _ in pairs], np.intp)
        self._label = np.array([code_of(label) if label else 0 for _, label in pairs], np.uint64)
        boxes = [self.watches[number].box for number, _ in pairs]
        has_tokens = np.array([bool(self.watches[number].tokens) for number, _ in pairs], np.bool_)
        box = np.array([one or (-90.0, -180.0, 90.0, 180.0) for one in boxes], np.float64).reshape(-1, 4)
        is_anywhere = np.array([one is None for one in boxes], np.bool_) & ~has_tokens
        is_wide = (self.cells.counts(box) > CELLS_A_WATCH_MAX) | (box[:, 1] < -180) | (box[:, 3] > 180)
        is_wide &= ~has_tokens & ~is_anywhere
        self._wide, self._anywhere = np.flatnonzero(is_wide), np.flatnonzero(is_anywhere)
        near = np.flatnonzero(~is_wide & ~has_tokens & ~is_anywhere)
        self.keys, which = self.cells.covered(box[near])
        self._listed = near[which]
        self._near = Lists(self.keys, self._listed)
        tokens = [
            (code_of(token), entry)
            for entry in np.flatnonzero(has_tokens).tolist()
            for token in self.watches[pairs[entry][0]].tokens
        ]
        self._by_token = Lists(
            np.array([code for code, _ in tokens], np.uint64),
            np.array([entry for _, entry in tokens], np.intp),
        )

    def fill(self, into: Filter) -> None:
        into.want(self.keys, self._label[self._listed])
        into.want_everywhere(self._label[self._wide])

    def pairs(self, seen: Observations, passing: Rows) -> Pairs:
        """Return every match among all *seen*; *passing*: the rows that the filter let through.

        For a fence, every place near it is returned, inside or not.
        """
        parts = [self._near.pairs(passing, self.cells.keys(seen.lat[passing], seen.lon[passing]))]
        if len(self._wide):
            parts.append((np.repeat(passing, len(self._wide)), np.tile(self._wide, len(passing))))
        for anywhere in self._anywhere:  # they need no place, so the filter has not seen their rows
            rows = np.flatnonzero(seen.label == self._label[anywhere])
            parts.append((rows, np.full(len(rows), anywhere, np.intp)))
        if len(self._by_token):
            rows = np.flatnonzero(seen.token)
            parts.append(self._by_token.pairs(rows, seen.token[rows]))
        row = np.concatenate([part[0] for part in parts])
        entry = np.concatenate([part[1] for part in parts])
        label = self._label[entry]
        fits = (label == 0) | (label == seen.label[row])
        return self.exact(seen, row[fits], self._watch[entry[fits]])

    def exact(self, seen: Observations, row: Rows, watch: Rows) -> Pairs:
        """Return the pairs that match fully; their labels were compared before."""
        time = seen.time[row]
        fits = self.is_open[watch] & (self._opens[watch] <= time) & (time < self._closes[watch])
        wanted = self._confidence[watch]
        fits &= (wanted <= 0) | (seen.confidence[row] >= wanted)
        fits &= (self._topics[watch] >> seen.topic[row] & np.uint16(1)).astype(np.bool_)
        row, watch = row[fits], watch[fits]
        pairs = self._placed(seen, row, watch)
        return pairs.take((pairs.where == INSIDE) | (self.is_fence[watch] & (seen.subject[row] != 0)))

    def _placed(self, seen: Observations, row: Rows, watch: Rows) -> Pairs:
        lat, lon = seen.lat[row], seen.lon[row]
        distance = np.full(len(row), np.nan)
        where = np.full(len(row), INSIDE, np.int8)
        disc = np.flatnonzero(self._is_disc[watch])
        if len(disc):
            its = watch[disc]
            distance[disc] = distances_m(self._centre[its, 0], self._centre[its, 1], lat[disc], lon[disc])
            where[disc] = _where(distance[disc] - self._radius_m[its], self._band_m[its])
        cornered = np.flatnonzero(self._polygons.has_any[watch])
        if len(cornered):
            where[cornered] = self._around(lat[cornered], lon[cornered], watch[cornered])
        is_sure = np.ones(len(row), np.bool_)
        if self._limits.has_any.any():
            limited = np.flatnonzero(self._limits.has_any[watch] & (where != OUTSIDE))
            heights, its = seen.heights_of(row[limited]), watch[limited]
            may_be = self._limits.may_be_between(heights, its, np.zeros(len(its)))
            is_near = self._limits.may_be_between(heights, its, self._band_m[its])
            side = np.where(may_be, INSIDE, np.where(is_near & (self._band_m[its] > 0), BAND, OUTSIDE))
            where[limited] = np.minimum(where[limited], side)
            is_sure[limited] = self._limits.are_between(heights, its)
        if self._windows.has_any.any():
            where[~self._windows.are_open(seen.time[row], watch)] = OUTSIDE
        return Pairs(row, watch, distance, where, is_sure)

    def _around(self, lat: Floats, lon: Floats, watch: Rows) -> npt.NDArray[np.int8]:
        inside = self._polygons.are_around(lat, lon, watch)
        where = np.where(inside, INSIDE, OUTSIDE).astype(np.int8)
        has_band = np.flatnonzero(~inside & (self._band_m[watch] > 0))
        for number in np.unique(watch[has_band]).tolist():
            band = has_band[watch[has_band] == number]
            away_m = self._polygons.distances_m(lat[band], lon[band], number)
            where[band] = _where(away_m, self._band_m[number], edge=False)
        return where


def _where(beyond_m: Floats, band_m: Floats | np.float64, *, edge: bool = True) -> npt.NDArray[np.int8]:
    """Return the side of each place. *beyond_m*: metres outside, negative inside; NaN is outside. With
    *edge*, 0 is inside.
    """
    is_in = beyond_m <= 0 if edge else np.zeros(len(beyond_m), np.bool_)
    return np.where(is_in, INSIDE, np.where(beyond_m <= band_m, BAND, OUTSIDE)).astype(np.int8)


def _topic_bits(watch: Watch) -> int:
    if not watch.topics:
        return (1 << len(TOPICS)) - 1
    return sum(1 << TOPICS[name] for name in watch.topics if name in TOPICS)
