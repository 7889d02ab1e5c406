"""Reports by different agencies of one happening are one situation: what it is, which id it bears. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.event import derived_id
from streams.situations.cameras import CameraIndex, cameras_for, ranked_together
from streams.situations.config import STATUSES, RulesConfig
from streams.situations.grants import uses_of
from streams.situations.model import RULE, CameraAt, Incident, Position, Situation, View

Members = tuple[Incident, ...]


@dataclass(frozen=True, slots=True)
class Regrouping:
    """Who is what after reports moved between situations.

    *merged* are (situation, the id it is told with from now on), oldest first; *kept* go on, oldest first;
    *opened* are (members, what they split from).
    """

    merged: list[tuple[Situation, str]]
    kept: list[tuple[Situation, Members]]
    opened: list[tuple[Members, str | None]]


def regrouped(clusters: Sequence[Members], before: Iterable[Situation]) -> Regrouping:
    """Which of the situations *before* each cluster is.

    A cluster is the situation whose anchor it holds; of several the oldest; the others are merged into it.
    A cluster without an anchor is a new situation, split from where its earliest report comes from.
    """
    before = sorted(before, key=lambda situation: situation.age)
    anchors = {situation.anchor: situation for situation in before}
    homes = {i.incident_id: s.situation_id for s in before for i in s.view.incidents}
    result = Regrouping([], [], [])
    for cluster in clusters:
        claims = sorted((anchors[i.incident_id] for i in cluster if i.incident_id in anchors), key=_age)
        if claims:
            result.kept.append((claims[0], cluster))
            result.merged.extend((other, claims[0].situation_id) for other in claims[1:])
        else:
            split_from = next((homes[i.incident_id] for i in cluster if i.incident_id in homes), None)
            result.opened.append((cluster, split_from))
    result.merged.sort(key=lambda pair: pair[0].age)
    result.kept.sort(key=lambda pair: pair[0].age)
    return result


def _age(situation: Situation) -> tuple[int, str]:
    return situation.age


def id_of_new(anchor: Incident, config: RulesConfig, *, now: int, sequence: int) -> str:
    """The id of a situation that *anchor* opens: hash(rule, anchor).

    An id never lives twice: a report that opened one before, or is so old that what it opened may have been
    forgotten, gives hash(rule, anchor, sequence), with the journal's sequence.
    """
    if anchor.anchored or anchor.event_time + config.forget_after_ms <= now:
        return derived_id(RULE, anchor.incident_id, sequence)
    return derived_id(RULE, anchor.incident_id)


def status_of(members: Members) -> str:
    """Closed when every report is; else the farthest that any has come."""
    if all(incident.is_closed for incident in members):
        return "closed"
    return max((i.status for i in members if not i.is_closed), key=STATUSES.index)


def kind_of(members: Members, config: RulesConfig) -> str:
    """The gravest; of equals the most specific, then the earliest report's."""
    return min(members, key=lambda i: (config.gravity_of(i.kind), -i.kind.count("."), i.order)).kind


def place_of(members: Members) -> Position | None:
    """That of the earliest report that has one. *members* are in order."""
    return next((incident.position for incident in members if incident.position is not None), None)


def view_of(
    members: Members,
    config: RulesConfig,
    cameras: CameraIndex,
    *,
    before: View | None,
    split_from: str | None,
    now: int,
) -> tuple[View, dict[str, tuple[CameraAt, ...]]]:
    """What is told of *members* (in order of time), and the nearest cameras for each agency."""
    kind, status, place = kind_of(members, config), status_of(members), place_of(members)
    line = config.gravity[config.gravity_of(kind)]
    agencies = tuple(sorted({incident.agency for incident in members}))
    closed_at = None
    if status == "closed":
        closed_at = now if before is None or before.closed_at is None else before.closed_at
    purposes = {agency: use.purpose for agency, use in uses_of(members, config).items()}
    sets = {
        purpose: cameras_for(
            cameras, place, purpose, count=config.cameras.count, radius_m=config.cameras.radius_m
        )
        for purpose in sorted(set(purposes.values()))
    }
    view = View(
        kind=kind,
        status=status,
        opened_at=members[0].event_time,
        closed_at=closed_at,
        position=place,
        agencies=agencies,
        incidents=members,
        severity=line.severity,
        urgency=line.urgency,
        certainty="observed" if len(agencies) > 1 else "likely",
        cameras=ranked_together(*sets.values()),
        split_from=split_from,
        observed=before.observed if before is not None else (),
    )
    return view, {agency: sets[purpose] for agency, purpose in purposes.items()}


def why(before: View | None, after: View) -> str:
    """What led from one revision to the next, in a few words."""
    if before is None:
        opened = f"reported by {after.incidents[0].agency}"
        return opened if after.split_from is None else f"split from {after.split_from}"
    were = {incident.incident_id: incident for incident in before.incidents}
    are = {incident.incident_id: incident for incident in after.incidents}
    changes = [f"joined by {i.agency}" for i in after.incidents if i.incident_id not in were]
    changes += [f"a report of {i.agency} left" for i in before.incidents if i.incident_id not in are]
    if before.status != after.status:
        changes.append(_turn(before.status, after.status))
    revised = {i.agency for i in after.incidents if were.get(i.incident_id, i) != i}
    if not changes and revised:
        changes.append(f"revised by {', '.join(sorted(revised))}")
    if not changes and before.cameras != after.cameras:
        changes.append("other cameras are nearest")
    return "; ".join(changes) or "judged by other numbers"


def _turn(before: str, after: str) -> str:
    if after == "closed":
        return "every report is closed"
    return f"open again: {after}" if before == "closed" else after
