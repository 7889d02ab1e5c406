"""Which reports are of one happening: a function of the set of reports, whatever order they came in.

Two reports by different agencies are *partners* if the matrix of kinds holds them and they are near enough in
place and time. Within a connected set of partners, pairs unite closest first as long as the bounds allow, so
nothing grows by chains.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.geo import EARTH_RADIUS_M, Grid, distance_m
from streams.situations.config import Bounds, RulesConfig
from streams.situations.model import Incident


class Nearness(NamedTuple):
    """How near two partners are: sorts closest first."""

    distance_m: float
    apart_ms: int


@dataclass(slots=True)
class IncidentIndex:
    """A city's incidents, and who is whose partner.

    Placed ones lie in a grid for each slot of time, so that a busy spot does not fill one cell over weeks.
    """

    config: RulesConfig
    incidents: dict[str, Incident] = field(default_factory=dict)
    partners: dict[str, dict[str, Nearness]] = field(default_factory=dict)
    slots: dict[int, Grid[str]] = field(default_factory=dict)
    radius_m: float = 0
    slot_ms: int = 1
    cell_deg: float = 1

    def __post_init__(self) -> None:
        self.radius_m = self.config.radius_max_m
        self.slot_ms = max(1, round(self.config.window_max_s * 1000))
        self.cell_deg = math.degrees(self.radius_m / EARTH_RADIUS_M) or 1

    def put(self, incident: Incident) -> None:
        """Add *incident*, or put it in the place of its former revision."""
        before = self.incidents.get(incident.incident_id)
        if before is not None and joins_alike(before, incident):
            self.incidents[incident.incident_id] = incident
            return
        self.remove(incident.incident_id)
        self.incidents[incident.incident_id] = incident
        mine = dict(self._found(incident))
        if mine:
            self.partners[incident.incident_id] = mine
        for other, nearness in mine.items():
            self.partners.setdefault(other, {})[incident.incident_id] = nearness
        at = incident.position
        if at is not None:
            slot = incident.event_time // self.slot_ms
            self.slots.setdefault(slot, Grid(self.cell_deg)).add(incident.incident_id, at.lat, at.lon)

    def remove(self, incident_id: str) -> None:
        incident = self.incidents.pop(incident_id, None)
        if incident is None:
            return
        for other in self.partners.pop(incident_id, ()):
            del self.partners[other][incident_id]
            if not self.partners[other]:
                del self.partners[other]
        at = incident.position
        if at is not None:
            slot = incident.event_time // self.slot_ms
            self.slots[slot].remove(incident_id, at.lat, at.lon)
            if not self.slots[slot].rows:
                del self.slots[slot]

    def partners_of(self, incident_id: str) -> Mapping[str, Nearness]:
        return self.partners.get(incident_id, {})

    def _found(self, incident: Incident) -> Iterator[tuple[str, Nearness]]:
        at = incident.position
        if at is None:
            return
        slot = incident.event_time // self.slot_ms
        for grid in filter(None, (self.slots.get(slot + step) for step in (-1, 0, 1))):
            for other_id, away_m in grid.near(at.lat, at.lon, self.radius_m):
                other = self.incidents[other_id]
                if other.agency == incident.agency:
                    continue
                reach = self.config.reach(incident.kind, other.kind)
                apart_ms = abs(incident.event_time - other.event_time)
                if reach is not None and away_m <= reach.radius_m and apart_ms <= reach.window_s * 1000:
                    yield other_id, Nearness(away_m, apart_ms)


def joins_alike(one: Incident, other: Incident) -> bool:
    """Whether two revisions of an incident have the same partners, wherever the others are."""
    return (one.agency, one.kind, one.event_time, one.position) == (
        other.agency,
        other.kind,
        other.event_time,
        other.position,
    )


def connected(index: IncidentIndex, seeds: Iterable[str]) -> set[str]:
    """The *seeds* and everything that they are connected with through partners."""
    found, waiting = set(), list(seeds)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += index.partners_of(one)
    return found


def clusters(index: IncidentIndex, among: set[str], bounds: Bounds) -> list[tuple[Incident, ...]]:
    """*among*, which is closed under partnership, cut into sets of reports of one happening.

    Pairs unite closest first: by distance, then by time apart, then by ids. Each cluster is in order of event
    time, and so are the clusters.
    """
    group: dict[str, tuple[Incident, ...]] = {one: (index.incidents[one],) for one in among}
    pairs = sorted(
        (nearness, one, other)
        for one in among
        for other, nearness in index.partners_of(one).items()
        if one < other
    )
    for _, one, other in pairs:
        left, right = group[one], group[other]
        if left is not right and _fit(left, right, bounds):
            united = left + right
            for incident in united:
                group[incident.incident_id] = united
    found = {id(cluster): cluster for cluster in group.values()}
    ordered = (tuple(sorted(cluster, key=lambda incident: incident.order)) for cluster in found.values())
    return sorted(ordered, key=lambda cluster: cluster[0].order)


def _fit(left: tuple[Incident, ...], right: tuple[Incident, ...], bounds: Bounds) -> bool:
    """Whether two clusters may be one."""
    if len(left) + len(right) > bounds.incidents:
        return False
    times = [incident.event_time for incident in left + right]
    if max(times) - min(times) > bounds.span_min * 60_000:
        return False
    return all(_apart_m(one, other) <= bounds.span_m for one in left for other in right)


def _apart_m(one: Incident, other: Incident) -> float:
    if one.position is None or other.position is None:
        return 0.0
    return distance_m(one.position.lat, one.position.lon, other.position.lat, other.position.lon)
