"""Reports by different agencies of one happening are one situation: what it is, which id it bears. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from schemas.event import derived_id
from streams.situations.cameras import CameraIndex, cameras_for, ranked_together
from streams.situations.config import RulesConfig
from streams.situations.grants import uses_of
from streams.situations.handled import Handling
from streams.situations.handling import held, opened_again, override_of, together
from streams.situations.joining import Partner, clusters, connected, joins_alike
from streams.situations.law import Use
from streams.situations.memory import Memory
from streams.situations.model import (
    CameraAt,
    Incident,
    Observed,
    Position,
    Situation,
    View,
    listed_with,
)
from streams.situations.rule import City, Draft, Heard, Rule, Step
from streams.situations.terms import JOINT_INCIDENT, STATUSES
from streams.situations.units import unit_uses

VERSION = "1"
Numbers = RulesConfig
Members = tuple[Incident, ...]
UNHANDLED = Handling()


class JointIncident(Rule):
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


def revised(city: City, situation: Situation, members: Members, *, is_merging: bool = False) -> Draft:
    """*situation* with other members, or others' facts, or other cameras: a new revision if any of it shows. *is_merging*:
    what operators did has been put together already."""
    before, its, lapsed = situation.view, situation.handled, situation.lapsed
    is_joined = bool({i.incident_id for i in members} - {i.incident_id for i in before.incidents})
    if is_joined and its.hold == "closed":  # something new: no operator's word on that
        its = replace(its, hold=None)
    view, wanted = view_of(
        members,
        city.rules,
        city.cameras,
        before=before,
        split_from=before.split_from,
        now=city.now_ms,
        handled=its,
    )
    if view.status == "closed":
        its = replace(its, override=None)  # a ground was for that time
    elif before.status == "closed" and not is_merging:
        its = opened_again(its)
    if view == before and its == situation.handled:
        return Draft(situation, wanted, is_new_revision=False)
    if before.closed_at is not None or is_joined:
        lapsed = ()
    after = replace(
        situation,
        revision=situation.revision + 1,
        reason=why(before, view),
        view=view,
        lapsed=lapsed,
        handled=its,
    )
    return Draft(after, wanted)


def as_handled(city: City, after: Situation) -> Draft:
    """*after*, a revision already, with the view and the cameras that follow from what operators did."""
    draft = revised(city, after, after.view.incidents, is_merging=True)
    situation = replace(draft.situation, revision=after.revision, reason=after.reason)
    return replace(draft, situation=situation, is_new_revision=True)


def _merged(city: City, situation: Situation, into: str) -> Draft:
    """The last revision of a situation whose anchor is told with another. Its id never lives again."""
    closed_at = situation.view.closed_at if situation.is_closed else city.now_ms
    view = replace(situation.view, status="closed", closed_at=closed_at, merged_into=into)
    return Draft(
        replace(situation, revision=situation.revision + 1, reason=f"merged into {into}", view=view), {}
    )


def _with_those_of(
    merged: Iterable[tuple[Situation, str]], situation: Situation, config: RulesConfig
) -> Situation:
    """*situation*, with what becomes of it by those that are told with it from now on."""
    situation = replace(situation, handled=_standing(situation))
    for other, into in merged:
        if into == situation.situation_id:
            situation = with_that_of(other, situation, config)
    return situation


def with_that_of(other: Situation, situation: Situation, config: RulesConfig) -> Situation:
    """*situation*, with what was seen, and what operators did, of *other*, which is told with it from now on."""
    observed = situation.view.observed
    known = {one.event_id for one in observed}
    for one in other.view.observed:
        if one.event_id not in known:
            observed = listed_with(observed, one, config.evidence_max)
    its = together(situation.handled, _standing(other))
    return replace(situation, handled=its, view=replace(situation.view, observed=observed))


def _standing(situation: Situation) -> Handling:
    """What still holds of what operators did: that a closed one was acknowledged is over."""
    return opened_again(situation.handled) if situation.is_closed else situation.handled


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


def id_of_new(anchor: Incident, config: RulesConfig, *, now: int, sequence: int, gone_to: int = 0) -> str:
    """The id of a situation that *anchor* opens: hash(rule, anchor).

    An id never lives twice: a report that opened one before, or is so old that what it opened may have been
    forgotten, or let go (*gone_to*), gives hash(rule, anchor, sequence), with the journal's sequence.
    """
    if anchor.anchored or anchor.event_time <= max(gone_to, now - config.forget_after_ms):
        return derived_id(JOINT_INCIDENT, anchor.incident_id, sequence)
    return derived_id(JOINT_INCIDENT, anchor.incident_id)


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


def certainty_of(
    kind: str, agencies: Sequence[str], observed: Iterable[Observed], its: Handling, config: RulesConfig
) -> str:
    """How sure it is (CAP): observed once an operator confirmed it, or enough independent sources say the same. Ten claims
    of one camera are one source."""
    says_the_same = config.labels_of(kind)
    cameras = {one.seen_by for one in observed if one.label in says_the_same}
    return (
        "observed" if its.is_confirmed or len(agencies) + len(cameras) >= config.observed_from else "likely"
    )


def seen(city: City, situation: Situation, found: Observed) -> Draft:
    """*situation* with one more observation: listed, and more certain if it says the same as the reports do."""
    view, config = situation.view, city.rules
    observed = listed_with(view.observed, found, config.evidence_max)
    certainty = certainty_of(view.kind, view.agencies, observed, situation.handled, config)
    reason = f"seen nearby: {found.label}" if found.label else "seen nearby"
    if certainty != view.certainty:
        reason = f"{reason}, which makes it {certainty}"
    view = replace(view, observed=observed, certainty=certainty)
    return Draft(replace(situation, revision=situation.revision + 1, reason=reason, view=view), None)


def view_of(
    members: Members,
    config: RulesConfig,
    cameras: CameraIndex,
    *,
    before: View | None,
    split_from: str | None,
    now: int,
    handled: Handling = UNHANDLED,
) -> tuple[View, dict[str, tuple[CameraAt, ...]]]:
    """What is told of *members* (in order of time), and the cameras for each agency, and for each unit that it sent."""
    kind, place = kind_of(members, config), place_of(members)
    observed = before.observed if before is not None else ()
    status = held(status_of(members), handled.hold)
    line = config.gravity[config.gravity_of(kind)]
    agencies = tuple(sorted({incident.agency for incident in members}))
    closed_at = None
    if status == "closed":
        closed_at = now if before is None or before.closed_at is None else before.closed_at
    override = override_of(handled, config)
    at = place if status != "closed" else None
    wanted, units = (
        _each_one_s(
            uses, partial(cameras_for, cameras, where, count=count, radius_m=radius_m, override=override)
        )
        for uses, where, count, radius_m in (
            (uses_of(members, config), place, config.cameras.count, config.cameras.radius_m),
            (unit_uses(members, config), at, config.dispatch.cameras_max, config.dispatch.radius_m),
        )
    )
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
        certainty=certainty_of(kind, agencies, observed, handled, config),
        cameras=ranked_together(*wanted.values()),
        split_from=split_from,
        observed=observed,
    )
    return view, {**wanted, **units}


def _each_one_s(
    uses: Mapping[str, Use], nearest: Callable[..., tuple[CameraAt, ...]]
) -> dict[str, tuple[CameraAt, ...]]:
    """The cameras of each of *uses*; what is for one purpose is looked for once."""
    sets = {purpose: nearest(purpose=purpose) for purpose in sorted({use.purpose for use in uses.values()})}
    return {name: sets[use.purpose] for name, use in uses.items()}


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
