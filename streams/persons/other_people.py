"""People who are not the person, known by a rejected sighting: they walk on, and later sightings near it may be theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from streams.persons.feasible import Floats
from streams.persons.sightings_held import Pool


@dataclass(slots=True)
class OtherPeople:
    """For each sighting of a pool: the rate at which people of rejected sightings pass there, in words like these."""

    pool: Pool
    _rejected: list[int] = field(default_factory=list)
    """Rows of the pool, in the order of their answers; ``_rates`` holds the sum over these."""
    _rates: Floats = field(default_factory=lambda: np.empty(0))

    def rates(self, rejected: Sequence[int]) -> Floats:
        """Passes a second at each sighting's camera and time, times how much likelier its words are for these people.

        *rejected*: rows of the pool. Each sum is made in their order, so it does not depend on how sightings came.
        """
        known, count = self._rejected, len(self.pool.seen.key)
        if known != list(rejected[: len(known)]):
            known, self._rates = [], np.empty(0)
        had = len(self._rates)
        self._rates = np.concatenate([self._rates, np.zeros(count - had)])
        if count > had:
            for row in known:
                self._add(row, had)
        for row in rejected[len(known) :]:
            self._add(row, 0)
        self._rejected = list(rejected)
        return self._rates

    def _add(self, row: int, first: int) -> None:
        """Add the passes of the one who was seen at *row* to the sightings from *first* on."""
        seen, ground, numbers = self.pool.seen, self.pool.ground, self.pool.ground.numbers
        dt = np.abs(seen.time_s[first:] - seen.time_s[row])
        own = np.arange(first, len(dt) + first) == row  # its own answer says that already
        rows = np.flatnonzero((dt <= numbers.others_s) & ~own)
        way, density = ground.around(int(seen.camera[row]))
        at = seen.camera[first + rows]
        can = way[at] <= (dt[rows] + numbers.slack_s) * numbers.foot_mps
        rows, at = rows[can], at[can]
        likeness = self.pool.looks.log_likeness(seen.words[row], seen.words[first + rows])
        rates = ground.walks.log_rate(way[at], dt[rows], density[at])
        self._rates[first + rows] += np.exp(rates + likeness)
