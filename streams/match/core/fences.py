"""Fences: which things are inside, have entered, have left. Only a change is a match.

A thing is inside once it is seen there, also at first sight. It has left once it is seen farther out than the
hysteresis. An observation older than the last one inside, or than the leaving, changes nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streams.match.core.index import INSIDE, OUTSIDE

THINGS_MAX = 200_000
"""The limit of things known. The ones unseen for longest are forgotten first; if seen inside again, they
enter again.
"""

Held = tuple[str, int]
"""(watch id, thing)"""


@dataclass(slots=True)
class Fences:
    """The state of each thing at each fence: whether it is inside, and since which observation."""

    known: OrderedDict[Held, tuple[bool, int]] = field(default_factory=OrderedDict)
    inside: dict[int, set[str]] = field(default_factory=dict)
    _codes: npt.NDArray[np.uint64] | None = None

    def followed(self) -> npt.NDArray[np.uint64]:
        """Return the things inside any fence: they must be followed wherever they are seen."""
        if self._codes is None:
            self._codes = np.array(sorted(self.inside), np.uint64)
        return self._codes

    def changes(
        self, watch_ids: Sequence[str], things: Iterable[int], times: Iterable[int], where: Iterable[int]
    ) -> list[tuple[int, str]]:
        """Return (index, ``entered`` or ``left``) of each sighting, in the order given, that changes something."""
        found = []
        for index, (watch_id, thing, time, place) in enumerate(
            zip(watch_ids, things, times, where, strict=True)
        ):
            was_inside, since = self.known.get((watch_id, thing), (False, None))
            if since is not None and time < since:
                continue
            is_inside = place == INSIDE or (was_inside and place != OUTSIDE)
            if is_inside or was_inside:  # a thing that was never inside is not kept
                self._keep((watch_id, thing), is_inside, time)
            if is_inside != was_inside:
                found.append((index, "entered" if is_inside else "left"))
        return found

    def forget(self, watch_id: str) -> None:
        """Forget a fence that has ended."""
        for held in [held for held in self.known if held[0] == watch_id]:
            self._drop(held)

    def _keep(self, held: Held, is_inside: bool, time: int) -> None:
        self.known[held] = (is_inside, time)
        self.known.move_to_end(held)
        if is_inside:
            self.inside.setdefault(held[1], set()).add(held[0])
            self._codes = None
        elif held[1] in self.inside:
            self._outside(held)
        while len(self.known) > THINGS_MAX:
            self._drop(next(iter(self.known)))

    def _drop(self, held: Held) -> None:
        del self.known[held]
        self._outside(held)

    def _outside(self, held: Held) -> None:
        fences = self.inside.get(held[1], set())
        fences.discard(held[0])
        if not fences:
            self.inside.pop(held[1], None)
        self._codes = None
