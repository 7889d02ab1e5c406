"""Following a list of what is active: which row is which incident, over polls. Pure.

Written for Houston's list, whose rows have no id of their own: the agency moves a row's time forward and
sometimes changes its type, so the row's key (agency, uid, call time, type) is not the incident.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

MISSED_MAX = 2
"""An incident closes at this many good polls in a row without it."""
DOUBTFUL_MAX = 12
"""Polls in a row that an unreadable record may stand for an incident; bounds what garbage can keep open."""
LINK_MS_MAX = 60 * 60 * 1000
"""The most by which a row's call time moves forward between two polls."""
REMEMBERED_MAX = 800
"""Closed incidents that are known again when they return. In the storm of May 2024 the longest absence after
which one returned was 5 h 45 min, and the busiest six hours closed 691."""


class Key(NamedTuple):
    """The identity of a row within one poll. *uid* is the latitude in micro-degrees, or else the address."""

    agency: str
    uid: str
    call_ms: int
    type: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. *says*: the fields that are published: units, address, position …"""

    key: Key
    says: Mapping[str, Any]

    @property
    def units(self) -> frozenset[str]:
        return frozenset(self.says["units"])


@dataclass(frozen=True, slots=True)
class Unread:
    """The legible part of a row that cannot be read. With no legible part it may be any incident."""

    agency: str | None = None
    call_ms: int | None = None
    marks: frozenset[str] = frozenset()

    def may_be(self, incident: Incident) -> bool:
        if self.agency is not None and self.agency != incident.key.agency:
            return False
        if self.call_ms is not None and not 0 <= self.call_ms - incident.key.call_ms <= LINK_MS_MAX:
            return False
        return not self.marks or bool(self.marks & incident.marks)


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident that is followed, or remembered: then *said* is empty."""

    first: Key
    key: Key
    revision: int = 0
    said: Mapping[str, Any] = field(default_factory=dict)
    missed: int = 0
    doubtful: int = 0

    @property
    def marks(self) -> frozenset[str]:
        return frozenset(
            {self.key.uid, *self.said.get("units", ()), self.said.get("address") or self.key.uid}
        )

    def link(self, row: Row) -> tuple[int, int, Key] | None:
        """Rank *row* as a continuation of this incident (smaller is better); ``None`` when it is none.

        The rule: same agency and uid, the time at most an hour later and never earlier, and a shared unit or
        the same type.
        """
        later_ms = row.key.call_ms - self.key.call_ms
        if row.key[:2] != self.key[:2] or not 0 <= later_ms <= LINK_MS_MAX:
            return None
        shared = len(row.units & frozenset(self.said["units"]))
        if not shared and row.key.type != self.key.type:
            return None
        return (-shared, later_ms, self.first)


@dataclass(frozen=True, slots=True)
class Followed:
    """All that is carried from poll to poll: the active by their first key, the closed ones oldest first."""

    active: Mapping[Key, Incident]
    closed: Mapping[Key, Incident]

    def to_place(self) -> dict[str, Any]:
        return {
            "active": [
                [*i.first, i.key.call_ms, i.key.type, i.revision, i.missed, i.doubtful, i.said]
                for i in self.active.values()
            ],
            "closed": [[*i.first, i.key.call_ms, i.key.type, i.revision] for i in self.closed.values()],
        }

    @classmethod
    def from_place(cls, place: Mapping[str, Any]) -> Followed:
        active, closed = {}, {}
        for agency, uid, first_ms, first_type, ms, kind, revision, missed, doubtful, said in place.get(
            "active", ()
        ):
            first = Key(agency, uid, first_ms, first_type)
            active[first] = Incident(first, Key(agency, uid, ms, kind), revision, said, missed, doubtful)
        for agency, uid, first_ms, first_type, ms, kind, revision in place.get("closed", ()):
            first = Key(agency, uid, first_ms, first_type)
            closed[first] = Incident(first, Key(agency, uid, ms, kind), revision)
        return cls(active, closed)


@dataclass(frozen=True, slots=True)
class Change:
    """A new revision: *incident* as it is now; *is_closed* when it has left."""

    incident: Incident
    is_closed: bool = False


def _once(rows: Iterable[Row]) -> dict[Key, Row]:
    """One row a key. A list may hold a line per unit: the units of equal keys are joined."""
    once: dict[Key, Row] = {}
    for row in rows:
        before = once.get(row.key)
        if before is not None:
            units = sorted({*before.says["units"], *row.says["units"]})
            row = Row(row.key, {**before.says, "units": units})  # noqa: PLW2901 - it stands for both
        once[row.key] = row
    return once


def _known(rows: Mapping[Key, Row], before: Followed) -> dict[Key, Incident]:
    """By row key, the incident that stood, or once stood, on the list under this very key."""
    by_key: dict[Key, Incident] = {}
    for known in (before.closed, before.active):
        by_key.update(known)
        by_key.update({incident.key: incident for incident in known.values()})
    return {key: by_key[key] for key in rows if key in by_key}


def _linked(rows: Mapping[Key, Row], known: Mapping[Key, Incident], before: Followed) -> dict[Key, Incident]:
    """By row key, the incident of the poll before that goes on under a new key. One to one, best first."""
    taken = {incident.first for incident in known.values()}
    free: dict[tuple[str, str], list[Incident]] = {}
    for incident in before.active.values():
        if not incident.missed and incident.first not in taken:
            free.setdefault(incident.key[:2], []).append(incident)
    links = []
    for key, row in rows.items():
        for incident in free.get(key[:2], ()) if key not in known else ():
            rank = incident.link(row)
            if rank is not None:
                links.append((rank, key, incident))
    linked: dict[Key, Incident] = {}
    for _, key, incident in sorted(links, key=lambda link: link[:2]):
        if key not in linked and incident.first not in taken:
            linked[key] = incident
            taken.add(incident.first)
    return linked


def _absent(incident: Incident, unread: Sequence[Unread]) -> Incident:
    if any(row.may_be(incident) for row in unread):
        return replace(incident, doubtful=incident.doubtful + 1)
    return replace(incident, missed=incident.missed + 1)


def follow(
    before: Followed, rows: Iterable[Row], *, unread: Sequence[Unread] = (), is_whole: bool = True
) -> tuple[Followed, list[Change]]:
    """One good poll: the list's *rows* in its order, then what has left. The next state, and what is new to
    tell.

    *unread* are rows that could not be read: an incident that one of them may be has not left. A list that is
    not whole (*is_whole*), or empty, says nothing of what has left.
    """
    once = _once(rows)
    known = _known(once, before)
    linked = _linked(once, known, before)
    active, closed = dict(before.active), dict(before.closed)
    changes, here = [], set()
    for key, row in once.items():
        old = known.get(key) or linked.get(key) or Incident(key, key)
        if old.first in here:  # its first key beside its newest: one incident, published once
            continue
        here.add(old.first)
        changed = old.said != row.says
        new = Incident(old.first, key, old.revision + changed, row.says)
        closed.pop(old.first, None)
        active[old.first] = new
        if changed:
            changes.append(Change(new))
    if not once or not is_whole:
        return Followed(active, closed), changes
    for first in [first for first in active if first not in here]:
        absent = _absent(active[first], unread)
        if absent.missed < MISSED_MAX and absent.missed + absent.doubtful < DOUBTFUL_MAX:
            active[first] = absent
            continue
        del active[first]
        gone = replace(absent, revision=absent.revision + 1)
        closed[first] = replace(gone, said={}, missed=0, doubtful=0)
        changes.append(Change(gone, is_closed=True))
    for first in list(closed)[: max(0, len(closed) - REMEMBERED_MAX)]:
        del closed[first]
    return Followed(active, closed), changes
