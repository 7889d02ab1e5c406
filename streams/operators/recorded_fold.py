"""A fold of situations up to an offset, kept so that a later time of the same day is not folded from the beginning. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streams.operators.standing import STANDING_MAX, stands

CHECKPOINTS_MAX = 8


class OpenFold:
    """The newest revision of each open situation among the records before *next_offset*; at most ``STANDING_MAX``."""

    def __init__(self, next_offset: int, of_id: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.next_offset = next_offset
        self._of_id = dict(of_id or {})

    def take(self, value: Mapping[str, Any] | None) -> None:
        if value is None:
            return
        its_id = str(value["situation_id"])
        self._of_id.pop(its_id, None)
        if stands("core.situation", value, now_ms=0):
            self._of_id[its_id] = value
            if len(self._of_id) > STANDING_MAX:
                del self._of_id[next(iter(self._of_id))]

    def values(self) -> Sequence[Mapping[str, Any]]:
        """In the order of these revisions."""
        return list(self._of_id.values())

    def copy(self) -> OpenFold:
        return OpenFold(self.next_offset, self._of_id)


class Checkpoints:
    """The last folds that were asked for, at most *count_max*."""

    def __init__(self, count_max: int = CHECKPOINTS_MAX) -> None:
        self._count_max = count_max
        self._folds: dict[int, OpenFold] = {}

    def before(self, offset: int) -> OpenFold | None:
        """A copy of the fold that ends nearest before *offset*, or at it."""
        ends = [end for end in self._folds if end <= offset]
        return self._folds[max(ends)].copy() if ends else None

    def keep(self, fold: OpenFold) -> None:
        self._folds.pop(fold.next_offset, None)
        self._folds[fold.next_offset] = fold.copy()
        if len(self._folds) > self._count_max:
            del self._folds[next(iter(self._folds))]
