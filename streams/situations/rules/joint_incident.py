"""Reports by different agencies of one happening are one situation: what it is, which id it bears. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from schemas.event import derived_id
from streams.situations.config import RulesConfig
from streams.situations.memory import Memory
from streams.situations.model import Incident, Situation
from streams.situations.reports.joining import Partner, clusters, connected, joins_alike
from streams.situations.rule import City, Draft, Follows, Heard, Rule, Step
from streams.situations.rules.parts.reported import (
    Members,
    as_handled,
    revised,
    still_handled,
    view_of,
    why,
    with_that_of,
)
from streams.situations.terms import JOINT_INCIDENT

VERSION = "1"
Numbers = RulesConfig


class JointIncident(Rule, Follows):
    """One happening, one situation. Its numbers are the city's ``RulesConfig`` itself."""

    name = JOINT_INCIDENT
    version = VERSION
    speaks_last = False

    def on_event(self, city: City, heard: Heard) -> Step:
        """A report that has the partners it had tells on; any other may move reports between situations."""
        incident, before = heard.incident, heard.before
        owner_id = city.owners.get(incident.incident_id)
        is_alike = before is not None and joins_alike(before, incident) and before.bound == incident.bound
        if is_alike and owner_id is not None:
            owner = city.situations[owner_id]
            members = tuple(
                incident if one.incident_id == incident.incident_id else one for one in owner.view.incidents
            )
            return Step([revised(city, owner, members)])
        return Step(regroup(city, set(heard.near)))

    def on_action(self, city: City, after: Situation) -> Draft:
        """*after*, a revision already, with the view and the cameras that follow from what operators did."""
        return as_handled(city, after)

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        """Reports that were silent for too long lapse."""
        expire_after_ms = city.rules.expire_after_ms
        if expire_after_ms is None or not isinstance(due, Situation) or due.is_closed:
            return Step()
        silent_since = city.now_ms - expire_after_ms
        members = tuple(
            replace(one, lapsed=True) if not one.is_closed and one.heard_at <= silent_since else one
            for one in due.view.incidents
        )
        return Step([revised(city, due, members)])


def build(config: RulesConfig, numbers: object) -> JointIncident:
    return JointIncident()


# -- which reports are one situation ---------------------------------------------------------------------------


def regroup(city: City, touched: set[str]) -> list[Draft]:
    """Decide anew which reports are of one happening, among all that hang together with *touched*."""
    among, before = _affected(city, touched)
    groups = regrouped(clusters(city.index, among, city.rules.bounds), before)
    drafts = [_merged(city, situation, into) for situation, into in groups.merged]
    drafts += [
        revised(city, _with_those_of(groups.merged, situation, city.rules), members, is_merging=True)
        if any(into == situation.situation_id for _, into in groups.merged)
        else revised(city, situation, members)
        for situation, members in groups.kept
        if members != situation.view.incidents
    ]
    return drafts + [_opened(city, members, split_from) for members, split_from in groups.opened]


def _affected(city: City, touched: Iterable[str]) -> tuple[dict[str, list[Partner]], list[Situation]]:
    """All reports connected with *touched* by partnership or by being told together, and their situations."""
    among: dict[str, list[Partner]] = {}
    waiting = set(touched)
    while waiting:
        among |= connected(city.index, waiting)
        homes = {city.owners[one] for one in among if one in city.owners}
        told = {i.incident_id for one in homes for i in city.situations[one].view.incidents}
        waiting = told - among.keys()
    return among, [city.situations[one] for one in homes]


def _opened(city: City, members: Members, split_from: str | None) -> Draft:
    """A new situation, anchored in its earliest report."""
    now, first = city.now_ms, members[0]
    its_id = id_of_new(first, city.rules, now=now, sequence=city.sequence, gone_to=city.gone_to)
    if split_from is not None:  # its cameras go with what it left: it gets others
        members = tuple(replace(one, turned_at=now) for one in members)
    members = (replace(members[0], anchored=True), *members[1:])
    view, wanted = view_of(members, city.rules, city.cameras, before=None, split_from=split_from, now=now)
    return Draft(Situation(its_id, first.incident_id, city.sequence, 1, why(None, view), view), wanted)


def _merged(city: City, situation: Situation, into: str) -> Draft:
    """The last revision of a situation whose anchor is told with another. Its id is never used again."""
    closed_at = situation.view.closed_at if situation.is_closed else city.now_ms
    view = replace(situation.view, status="closed", closed_at=closed_at, merged_into=into)
    return Draft(
        replace(situation, revision=situation.revision + 1, reason=f"merged into {into}", view=view), {}
    )


def _with_those_of(
    merged: Iterable[tuple[Situation, str]], situation: Situation, config: RulesConfig
) -> Situation:
    """*situation*, with what becomes of it by those that are told with it from now on."""
    situation = replace(situation, handled=still_handled(situation))
    for other, into in merged:
        if into == situation.situation_id:
            situation = with_that_of(other, situation, config)
    return situation


@dataclass(frozen=True, slots=True)
class Regrouping:
    """The situations after reports moved between situations.

    *merged* are (situation, the id it is told with from now on), oldest first; *kept* go on, oldest first;
    *opened* are (members, what they split from).
    """

    merged: list[tuple[Situation, str]]
    kept: list[tuple[Situation, Members]]
    opened: list[tuple[Members, str | None]]


def regrouped(clusters: Sequence[Members], before: Iterable[Situation]) -> Regrouping:
    """The situation of those *before* that each cluster is.

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


def id_of_new(anchor: Incident, config: RulesConfig, *, now: int, sequence: int, gone_to: int = 0) -> str:
    """The id of a situation that *anchor* opens: hash(rule, anchor).

    An id is never used twice: a report that opened one before, or is so old that what it opened may have been
    forgotten, or let go (*gone_to*), gives hash(rule, anchor, sequence), with the journal's sequence.
    """
    if anchor.anchored or anchor.event_time <= max(gone_to, now - config.forget_after_ms):
        return derived_id(JOINT_INCIDENT, anchor.incident_id, sequence)
    return derived_id(JOINT_INCIDENT, anchor.incident_id)
