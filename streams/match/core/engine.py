"""The join: observations as columns in, matches out. Holds the open watches, and the things inside each fence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from streams.match.core.cells import Cells, Filter
from streams.match.core.codes import among
from streams.match.core.fences import FenceChange, Fences
from streams.match.core.index import INSIDE, Index, Pairs
from streams.match.core.observations import Floats, Observations, Rows
from streams.match.core.watches import CROSSED, SEEN, Watch

FRESH_MAX = 128
"""The number of new watches kept in an index of their own before all are indexed again."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Matches row by row, in the order of observations, then of watch ids: the row of the observation, the
    watch, metres from a disc's centre or NaN, ``seen``, ``entered``, ``inside`` or ``left``, and whether that is certain.
    """

    row: Rows
    watch: Sequence[Watch]
    distance_m: Floats
    kind: Sequence[str]
    is_sure: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.watch)


class Engine:
    """The open watches of a worker, indexed for the join. Not safe for use by two threads."""

    def __init__(self, watches: Iterable[Watch] = ()) -> None:
        self._open = {one.watch_id: one for one in watches}
        self._fences = Fences()
        self._seed(self._open.values())
        self._index_all()

    @property
    def watches(self) -> int:
        return len(self._open)

    @property
    def filter(self) -> Filter:
        """The coarse filter that a reader may apply by itself; see *passing* of ``step``."""
        return self._filter

    def put(self, watches: Sequence[Watch]) -> None:
        """Open these watches, or replace them with their new form."""
        for watch in watches:
            self._close(watch.watch_id)
            self._open[watch.watch_id] = watch
            self._fresh_watches.append(watch)
        self._seed(watches)
        if len(self._fresh_watches) > FRESH_MAX:
            self._index_all()
        else:
            self._index_fresh()

    def end(self, watch_ids: Iterable[str]) -> None:
        """Close these watches."""
        for watch_id in watch_ids:
            if self._open.pop(watch_id, None) is not None:
                self._close(watch_id)
                self._fences.forget(watch_id)

    def step(self, seen: Observations, passing: Rows | None = None) -> Matches:
        """Return every match. *passing*: the rows that ``filter`` lets through, if the reader has applied it."""
        if passing is None:
            passing = self._filter.passing(seen.lat, seen.lon, seen.label)
        found = []
        for index in (self._base, self._fresh):
            if len(index.watches):
                pairs = self._with_followed(seen, index, index.pairs(seen, passing))
                found += [(index, part) for part in self._sort_out(seen, index, pairs)]
        return _merged(found)

    def look_back(self, watches: Sequence[Watch], seen: Observations) -> Matches:
        """Return the matches of these watches in *seen*, which was read before they opened."""
        return self.beside(watches).step(seen)

    def beside(self, watches: Iterable[Watch]) -> Engine:
        """Return an engine for *watches* alone. Both share the things inside each fence."""
        alone = Engine(watches)
        alone._fences = self._fences
        return alone

    def forget_things(self) -> bool:
        """Forget the things inside each fence, but for those that the watches name. Return whether there were any."""
        knew = bool(self._fences.known)
        self._fences = Fences()
        self._seed(self._open.values())
        return knew

    def _seed(self, watches: Iterable[Watch]) -> None:
        for watch in watches:
            if watch.event != SEEN:
                self._fences.seed(watch)

    def _index_all(self) -> None:
        watches = list(self._open.values())
        boxes = [box for one in watches if (box := one.box) is not None]
        cells = Cells.near(float(np.median([(box[0] + box[2]) / 2 for box in boxes])) if boxes else 0.0)
        self._base, self._fresh_watches = Index(watches, cells), list[Watch]()
        self._filter = Filter(cells, len(self._base.keys) + FRESH_MAX * 32)
        # room for as many fresh watches, so that they can be added to the filter in place
        self._base.fill(self._filter)
        self._number = {one.watch_id: number for number, one in enumerate(watches)}
        self._fresh = Index((), cells)

    def _index_fresh(self) -> None:
        still = {one.watch_id: one for one in self._fresh_watches if self._open.get(one.watch_id) is one}
        self._fresh_watches = list(still.values())
        self._fresh = Index(self._fresh_watches, self._base.cells)
        self._fresh.fill(self._filter)

    def _close(self, watch_id: str) -> None:
        if (number := self._number.pop(watch_id, None)) is not None:
            self._base.is_open[number] = False
        for number, watch in enumerate(self._fresh.watches):
            if watch.watch_id == watch_id:
                self._fresh.is_open[number] = False

    def _with_followed(self, seen: Observations, index: Index, pairs: Pairs) -> Pairs:
        """Return *pairs*, with sightings outside a fence's cells of things that are inside it: they may have
        left it.
        """
        if not index.is_fence.any():
            return pairs
        number = index.fences
        coming = self._coming(seen, index, pairs)
        followed = np.concatenate([self._fences.followed(), np.array(sorted(coming), np.uint64)])
        if not len(followed):
            return pairs
        rows = among(seen.subject, followed)
        rows = rows[np.abs(seen.lat[rows]) <= 90]
        if not len(rows):
            return pairs
        near = np.flatnonzero(index.is_fence[pairs.watch])
        there = set(zip(pairs.row[near].tolist(), pairs.watch[near].tolist(), strict=True))
        nobody: set[str] = set()
        beyond = [
            (row, number[watch_id])
            for row, thing in zip(rows.tolist(), seen.subject[rows].tolist(), strict=True)
            for watch_id in sorted(self._fences.inside.get(thing, nobody) | coming.get(thing, nobody))
            if watch_id in number and (row, number[watch_id]) not in there
        ]
        if not beyond:
            return pairs
        row, watch = np.array(beyond, np.intp).T
        return pairs.beside(index.exact(seen, row, watch))

    def _coming(self, seen: Observations, index: Index, pairs: Pairs) -> dict[int, set[str]]:
        """Map each thing to the fences inside which *pairs* has it."""
        inside = np.flatnonzero(index.is_fence[pairs.watch] & (pairs.where == INSIDE))
        coming: dict[int, set[str]] = {}
        for thing, number in zip(
            seen.subject[pairs.row[inside]].tolist(), pairs.watch[inside].tolist(), strict=True
        ):
            coming.setdefault(thing, set()).add(index.watches[number].watch_id)
        return coming

    def _sort_out(self, seen: Observations, index: Index, pairs: Pairs) -> list[tuple[Pairs, list[str]]]:
        """Return the pairs of plain watches, and of fences the pairs at which something entered or left."""
        is_fence = index.is_fence[pairs.watch]
        if not is_fence.any():
            return [(pairs, ["seen"] * len(pairs.row))]
        plain, near = pairs.take(~is_fence), pairs.take(is_fence)
        near = near.take(np.argsort(near.row, kind="stable"))
        changed = self._fences.changes(
            [index.watches[number] for number in near.watch.tolist()],
            seen.subject[near.row].tolist(),
            seen.time[near.row].tolist(),
            near.where.tolist(),
            near.is_sure.tolist(),
        )
        told = [one for one in changed if _is_told(index.watches[int(near.watch[one.at])], one)]
        kept = near.take(np.array([one.at for one in told], np.intp))
        kept = replace(kept, is_sure=np.array([one.is_sure for one in told], np.bool_))
        return [(plain, ["seen"] * len(plain.row)), (kept, [one.kind for one in told])]


def _is_told(watch: Watch, change: FenceChange) -> bool:
    return watch.event in (CROSSED, change.kind)


def _merged(found: Sequence[tuple[Index, tuple[Pairs, list[str]]]]) -> Matches:
    if len(found) == 1:
        index, (pairs, kinds) = found[0]
        order = np.lexsort((index.rank[pairs.watch], pairs.row))
        watch = [index.watches[number] for number in pairs.watch[order].tolist()]
        kind = [kinds[n] for n in order.tolist()]
        return Matches(pairs.row[order], watch, pairs.distance_m[order], kind, pairs.is_sure[order])
    rows = [pairs.row for _, (pairs, _) in found]
    row = np.concatenate(rows) if rows else np.empty(0, np.intp)
    watch = [index.watches[number] for index, (pairs, _) in found for number in pairs.watch.tolist()]
    distance = np.concatenate([pairs.distance_m for _, (pairs, _) in found]) if rows else np.empty(0)
    is_sure = np.concatenate([pairs.is_sure for _, (pairs, _) in found]) if rows else np.empty(0, np.bool_)
    kind = [kind for _, (_, kinds) in found for kind in kinds]
    in_order = sorted(range(len(watch)), key=lambda n: (row[n], watch[n].watch_id))
    return Matches(
        row[in_order],
        [watch[n] for n in in_order],
        distance[in_order],
        [kind[n] for n in in_order],
        is_sure[in_order],
    )
