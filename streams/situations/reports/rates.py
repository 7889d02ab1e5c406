"""Counts of incidents by family and the time of their first report. Derived from the incidents, so no row carries it."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from streams.situations.model import Incident
from streams.situations.terms import is_a

HOUR_MS = 3_600_000
ALL = ""
"""The family of everything."""


@dataclass(slots=True)
class Rates:
    """Each incident counts once, by what its newest revision says: its kind, and when it was first reported.

    Kept by family and hour, each hour in order of (time, id), so that a count touches two or three short lists.
    """

    families: Mapping[str, tuple[str, ...]]
    _hours: dict[tuple[str, int], list[tuple[int, str]]] = field(default_factory=dict)
    _of_kind: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def families_of(self, kind: str) -> tuple[str, ...]:
        """The families that hold *kind*, in order of the alphabet; ``ALL`` is not among them."""
        if kind not in self._of_kind:
            if len(self._of_kind) >= 10_000:
                self._of_kind.clear()
            holds = (name for name, kinds in self.families.items() if any(is_a(kind, one) for one in kinds))
            self._of_kind[kind] = tuple(sorted(holds))
        return self._of_kind[kind]

    def put(self, incident: Incident) -> None:
        at = incident.order
        for family in (ALL, *self.families_of(incident.kind)):
            insort(self._hours.setdefault((family, at[0] // HOUR_MS), []), at)

    def fill(self, incidents: Iterable[Incident]) -> None:
        """Rates of nothing yet, as if each of *incidents* were put into them."""
        for incident in incidents:
            at = incident.order
            for family in (ALL, *self.families_of(incident.kind)):
                self._hours.setdefault((family, at[0] // HOUR_MS), []).append(at)
        for hour in self._hours.values():
            hour.sort()

    def remove(self, incident: Incident) -> None:
        at = incident.order
        for family in (ALL, *self.families_of(incident.kind)):
            hour = self._hours[family, at[0] // HOUR_MS]
            hour.remove(at)
            if not hour:
                del self._hours[family, at[0] // HOUR_MS]

    def count(self, family: str, after_ms: int, until_ms: int) -> int:
        """The number first reported after *after_ms* and not after *until_ms*."""
        first, last = after_ms // HOUR_MS, until_ms // HOUR_MS
        total = 0
        for number in range(first, last + 1):
            hour = self._hours.get((family, number), ())
            low = bisect_right(hour, after_ms, key=_time) if number == first else 0
            high = bisect_right(hour, until_ms, key=_time) if number == last else len(hour)
            total += max(0, high - low)
        return total

    def those(self, family: str, after_ms: int, until_ms: int) -> Iterator[str]:
        """Their ids, the earliest first."""
        for number in range(after_ms // HOUR_MS, until_ms // HOUR_MS + 1):
            for at, incident_id in self._hours.get((family, number), ()):
                if after_ms < at <= until_ms:
                    yield incident_id


def _time(at: tuple[int, str]) -> int:
    return at[0]
