"""Clusters of reports of one happening: a function of the set of reports, whatever order they came in.

Two reports by different agencies are *partners* if the matrix of kinds holds them and they are near enough in
place and time; only the closest few of each count, which bounds the work that a flood of reports at one spot
makes. Within a connected set of partners, pairs unite closest first as long as the bounds allow, so nothing
grows by chains.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.geo import EARTH_RADIUS_M, Grid, distance_m
from streams.situations.config import RulesConfig
from streams.situations.model import Incident
from streams.situations.reports.neighbours import near_pairs
from streams.situations.sections import Bounds

BOUND = -1.0


class Partner(NamedTuple):
    """A partner of a report: sorts closest first, then least apart in time, then by id."""

    distance_m: float
    apart_ms: int
    incident_id: str


@dataclass(slots=True)
class IncidentIndex:
    """A city's incidents, and the partners of each.

    Placed ones lie in a grid for each slot of time, so that a busy spot does not fill one cell over weeks.
    """

    config: RulesConfig
    incidents: dict[str, Incident] = field(default_factory=dict)
    partners: dict[str, list[Partner]] = field(default_factory=dict)
    slots: dict[int, Grid[str]] = field(default_factory=dict)
    radius_m: float = 0
    slot_ms: int = 1
    cell_deg: float = 1
    partners_max: int = 1

    def __post_init__(self) -> None:
        self.radius_m, self.partners_max = self.config.radius_max_m, self.config.bounds.partners
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
        mine = sorted(self._found(incident))
        if mine:
            self.partners[incident.incident_id] = mine
        for other in mine:
            its = self.partners.setdefault(other.incident_id, [])
            insort(its, other._replace(incident_id=incident.incident_id))
        self._place(incident)

    def fill(self, incidents: Iterable[Incident]) -> None:
        """An index of nothing yet, as if each of *incidents* were put into it."""
        self.incidents = {one.incident_id: one for one in incidents}
        placed = [one for one in self.incidents.values() if one.position is not None]
        found: dict[str, set[Partner]] = {}
        for one, other in near_pairs(placed, radius_m=self.radius_m, window_ms=self.slot_ms):
            partner = self._partner(one, other, apart_m(one, other))
            if partner is not None:
                found.setdefault(one.incident_id, set()).add(partner)
                found.setdefault(other.incident_id, set()).add(partner._replace(incident_id=one.incident_id))
        self.partners = {its_id: sorted(partners) for its_id, partners in found.items()}
        for one in placed:
            self._place(one)

    def _place(self, incident: Incident) -> None:
        at = incident.position
        if at is not None:
            slot = incident.event_time // self.slot_ms
            grid = self.slots.get(slot)
            if grid is None:
                grid = self.slots[slot] = Grid(self.cell_deg)
            grid.add(incident.incident_id, at.lat, at.lon)

    def remove(self, incident_id: str) -> None:
        incident = self.incidents.pop(incident_id, None)
        if incident is None:
            return
        for other in self.partners.pop(incident_id, ()):
            its = self.partners[other.incident_id]
            del its[bisect_left(its, other._replace(incident_id=incident_id))]
            if not its:
                del self.partners[other.incident_id]
        at = incident.position
        if at is not None:
            slot = incident.event_time // self.slot_ms
            self.slots[slot].remove(incident_id, at.lat, at.lon)
            if not self.slots[slot].cells:
                del self.slots[slot]

    def possible_partners(self, incident_id: str) -> list[str]:
        """Everyone near enough, whether or not they count as partners now."""
        return [partner.incident_id for partner in self.partners.get(incident_id, ())]

    def partners_of(self, incident_id: str) -> list[Partner]:
        """The partners that count, closest first: each is among the closest of the other."""
        mine = self.partners.get(incident_id)
        if mine is None:
            return []
        return [partner for partner in mine[: self.partners_max] if self._is_close(partner, incident_id)]

    def bound_to(self, incident_id: str) -> list[Partner]:
        """The reports that an operator joined to it: closer than any distance."""
        bound = self.incidents[incident_id].bound
        return [Partner(BOUND, 0, one) for one in bound if one in self.incidents]

    def _is_close(self, partner: Partner, incident_id: str) -> bool:
        """Whether *incident_id* is among the closest of its *partner*."""
        its = self.partners[partner.incident_id]
        most = self.partners_max
        return len(its) <= most or (partner[0], partner[1], incident_id) <= its[most - 1]

    def _found(self, incident: Incident) -> Iterator[Partner]:
        at = incident.position
        if at is None:
            return
        slot = incident.event_time // self.slot_ms
        for grid in filter(None, (self.slots.get(slot + step) for step in (-1, 0, 1))):
            for other_id, away_m in grid.near(at.lat, at.lon, self.radius_m):
                partner = self._partner(incident, self.incidents[other_id], away_m)
                if partner is not None:
                    yield partner

    def _partner(self, incident: Incident, other: Incident, away_m: float) -> Partner | None:
        """*other* as one that may be of the same happening as *incident*."""
        if other.agency == incident.agency:
            return None
        reach = self.config.reach(incident.kind, other.kind)
        apart_ms = abs(incident.event_time - other.event_time)
        if reach is None or away_m > reach.radius_m or apart_ms > reach.window_s * 1000:
            return None
        return Partner(away_m, apart_ms, other.incident_id)


def joins_alike(one: Incident, other: Incident) -> bool:
    """Whether two revisions of an incident have the same partners, wherever the others are."""
    return (one.agency, one.kind, one.event_time, one.position) == (
        other.agency,
        other.kind,
        other.event_time,
        other.position,
    )


def connected(index: IncidentIndex, seeds: Iterable[str]) -> dict[str, list[Partner]]:
    """The *seeds* and everything that they are connected with, each with its partners."""
    found: dict[str, list[Partner]] = {}
    waiting = list(seeds)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = [*index.bound_to(one), *index.partners_of(one)]
            waiting += [partner[2] for partner in found[one]]
    return found


def clusters(
    index: IncidentIndex, among: Mapping[str, list[Partner]], bounds: Bounds
) -> list[tuple[Incident, ...]]:
    """*among* (whole connected sets, each report with its partners), cut into sets of one happening each.

    Pairs unite closest first, those that an operator bound before any: by distance, then by time apart, then by
    ids. Each cluster is in order of event time, and so are the clusters.
    """
    group: dict[str, tuple[Incident, ...]] = {one: (index.incidents[one],) for one in among}
    pairs = sorted(
        (away_m, apart_ms, one, other)
        for one, partners in among.items()
        for away_m, apart_ms, other in partners
        if one < other
    )
    for away_m, _, one, other in pairs:
        left, right = group[one], group[other]
        if left is not right and _fit(left, right, bounds, is_bound=away_m == BOUND):
            united = left + right
            for incident in united:
                group[incident.incident_id] = united
    found = {id(cluster): cluster for cluster in group.values()}
    ordered = (tuple(sorted(cluster, key=lambda incident: incident.order)) for cluster in found.values())
    return sorted(ordered, key=lambda cluster: cluster[0].order)


def _fit(left: tuple[Incident, ...], right: tuple[Incident, ...], bounds: Bounds, *, is_bound: bool) -> bool:
    """Whether two clusters may be one. An operator's word outweighs time and distance, not the count."""
    if len(left) + len(right) > bounds.incidents:
        return False
    if any(other.incident_id in one.parted for one in left if one.parted for other in right):
        return False
    if is_bound:
        return True
    times = [incident.event_time for incident in left + right]
    if max(times) - min(times) > bounds.span_min * 60_000:
        return False
    return all(apart_m(one, other) <= bounds.span_m for one in left for other in right)


def apart_m(one: Incident, other: Incident) -> float:
    if one.position is None or other.position is None:
        return 0.0
    return distance_m(one.position.lat, one.position.lon, other.position.lat, other.position.lon)
