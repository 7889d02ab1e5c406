"""A situation of reports: its view, and its revisions by reports, observations and operators. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from streams.situations.answers.grants import uses_of
from streams.situations.config import RulesConfig
from streams.situations.law import Use
from streams.situations.model import (
    CameraAt,
    Incident,
    Observed,
    Position,
    Situation,
    View,
    listed_with,
)
from streams.situations.operators.actions import held, opened_again, override_of, together
from streams.situations.operators.model import Handling
from streams.situations.reports.cameras import CameraIndex, cameras_for, ranked_together
from streams.situations.reports.units import unit_uses
from streams.situations.rule import City, Draft
from streams.situations.terms import STATUSES

Members = tuple[Incident, ...]
UNHANDLED = Handling()


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


def with_that_of(other: Situation, situation: Situation, config: RulesConfig) -> Situation:
    """*situation*, with what was seen, and what operators did, of *other*, which is told with it from now on."""
    observed = situation.view.observed
    known = {one.event_id for one in observed}
    for one in other.view.observed:
        if one.event_id not in known:
            observed = listed_with(observed, one, config.evidence_max)
    its = together(situation.handled, still_handled(other))
    return replace(situation, handled=its, view=replace(situation.view, observed=observed))


def still_handled(situation: Situation) -> Handling:
    """The part of what operators did that still holds: that a closed one was acknowledged is over."""
    return opened_again(situation.handled) if situation.is_closed else situation.handled


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
    """The view of *members* (in order of time), and the cameras for each agency, and for each unit that it sent."""
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
    """The certainty (CAP): observed once an operator confirmed it, or enough independent sources say the same. Ten claims
    of one camera are one source."""
    says_the_same = config.labels_of(kind)
    cameras = {one.seen_by for one in observed if one.label in says_the_same}
    return (
        "observed" if its.is_confirmed or len(agencies) + len(cameras) >= config.observed_from else "likely"
    )


def why(before: View | None, after: View) -> str:
    """The reason for one revision after another, in a few words."""
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
