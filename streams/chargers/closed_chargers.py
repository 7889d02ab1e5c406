"""The chargers of a list that lie in closures. A charger does not move: each area is tested once, not each second. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.subjects.charger_list import ListedCharger
from streams.closures.closure_table import Closure


@dataclass(frozen=True, slots=True)
class ClosedChargers:
    """A closure, and the ids of the chargers in its area; those whose place is unknown lie in none."""

    closure: Closure
    chargers: frozenset[str]


class ChargersByPlace:
    """The chargers in the order of their latitude, and those in each area that was asked for last."""

    def __init__(self, chargers: Mapping[str, ListedCharger]) -> None:
        self._placed = sorted(
            (*one.place, one.charger_id) for one in chargers.values() if one.place is not None
        )
        self._lats = [lat for lat, _, _ in self._placed]
        self._found = dict[str, frozenset[str]]()

    def closed_by(self, closures: Iterable[Closure]) -> tuple[ClosedChargers, ...]:
        """The chargers in each of *closures*. An area that was among the last ones is not tested again."""
        every = tuple(closures)
        self._found = {
            area: self._found[area] if area in self._found else self._inside(one)
            for one in every
            for area in (one.geometry,)
        }
        return tuple(ClosedChargers(one, self._found[one.geometry]) for one in every)

    def _inside(self, closure: Closure) -> frozenset[str]:
        found = set[str]()
        for polygon in closure.polygons:
            south, north = polygon.low[0], polygon.high[0]
            near = self._placed[bisect_left(self._lats, south) : bisect_right(self._lats, north)]
            found.update(name for lat, lon, name in near if polygon.holds(lat, lon))
        return frozenset(found)
