"""Fences: which things are inside, have entered, have left, and how surely. Only a change is a match.

A thing is inside once it is seen there, also at first sight. It has left once it is seen farther out than the
hysteresis. An observation older than the last one inside, or than the leaving, changes nothing. One that was possibly
inside and is now certainly so has entered again; until it leaves, it counts as certainly inside from then on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.match.core.index import INSIDE, OUTSIDE
from streams.match.core.values import thing_of
from streams.match.core.watches import Watch

THINGS_MAX = 200_000
"""The limit of things known. The ones unseen for longest are forgotten first; if seen inside again, they
enter again.
"""
AWAY, POSSIBLY, SURELY = 0, 1, 2

Held = tuple[str, int]
"""(watch id, thing)"""


class Stay(NamedTuple):
    """The state of a thing at a fence: how surely it is inside, the time of its last observation, and when it was
    last told.
    """

    level: int
    time: int
    told: int


class FenceChange(NamedTuple):
    """A sighting to be told: its index, ``entered``, ``inside`` or ``left``, and whether that is certain."""

    at: int
    kind: str
    is_sure: bool


NEVER = Stay(AWAY, -(1 << 62), 0)


@dataclass(slots=True)
class Fences:
    """The state of each thing at each fence."""

    known: OrderedDict[Held, Stay] = field(default_factory=OrderedDict)
    inside: dict[int, set[str]] = field(default_factory=dict)
    _codes: npt.NDArray[np.uint64] | None = None

    def followed(self) -> npt.NDArray[np.uint64]:
        """Return the things inside any fence: they must be followed wherever they are seen."""
        if self._codes is None:
            self._codes = np.array(sorted(self.inside), np.uint64)
        return self._codes

    def seed(self, watch: Watch) -> None:
        """Take the things that *watch* says are inside, except those of which something as new is known.

        The watch does not say how surely, so they count as certainly inside: they do not enter again.
        """
        for one in watch.inside:
            thing = thing_of(one.topic, one.seen_by, one.subject)
            if thing and self.known.get((watch.watch_id, thing), NEVER).time < one.since:
                self._keep((watch.watch_id, thing), Stay(SURELY, one.since, one.since))

    def changes(
        self,
        watches: Sequence[Watch],
        things: Iterable[int],
        times: Iterable[int],
        where: Iterable[int],
        is_sure: Iterable[bool],
    ) -> list[FenceChange]:
        """Return each sighting, in the order given, that changes something, or tells that a thing is still inside."""
        found = []
        for index, (watch, thing, time, place, sure) in enumerate(
            zip(watches, things, times, where, is_sure, strict=True)
        ):
            held = (watch.watch_id, thing)
            before = self.known.get(held, NEVER)
            if time < before.time:
                continue
            level = before.level
            if place == INSIDE:
                level = max(level, SURELY if sure else POSSIBLY)
            elif place == OUTSIDE:
                level = AWAY
            told, every_ms = before.told, watch.tell_inside_every_ms
            if level > before.level:
                told = time
                found.append(FenceChange(index, "entered", level == SURELY))
            elif level < before.level:
                found.append(FenceChange(index, "left", before.level == SURELY))
            elif level and every_ms is not None and time - told >= every_ms:
                told = time
                found.append(FenceChange(index, "inside", sure if place == INSIDE else level == SURELY))
            if level or before.level:  # a thing that was never inside is not kept
                self._keep(held, Stay(level, time, told))
        return found

    def forget(self, watch_id: str) -> None:
        """Forget a fence that has ended."""
        for held in [held for held in self.known if held[0] == watch_id]:
            self._drop(held)

    def _keep(self, held: Held, stay: Stay) -> None:
        self.known[held] = stay
        self.known.move_to_end(held)
        if stay.level:
            its = self.inside.setdefault(held[1], set())
            if held[0] not in its:
                its.add(held[0])
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
