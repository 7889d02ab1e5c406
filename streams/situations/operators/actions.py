"""Operators' actions on a situation (who, when, why), and the escalation when nobody acts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from schemas.errors import Invalid
from streams.situations.answers.alerts import OPERATOR, headline
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.model import Incident, Situation, View
from streams.situations.operators.action_checks import check_filing, check_join, refused
from streams.situations.operators.model import ActionTaken, Handling

ACTIONS = (
    "acknowledge", "take_over", "confirm", "join", "separate", "note", "override", "file", "close", "reopen",
)  # fmt: skip
ACKNOWLEDGING = ("acknowledge", "take_over", "confirm", "override", "file", "close")
REASON_MAX = 500
KEPT_MAX = 50
"""So many actions stand with a situation, the newest; ``core.action`` and the journal have all."""


@dataclass(frozen=True, slots=True)
class Action:
    """An operator's action, checked by itself: it may still be impossible with the situation as it is."""

    action_id: str
    situation_id: str
    action: str
    account_id: str
    role: str
    reason: str
    other_situation_id: str | None
    incident_ids: tuple[str, ...]
    ground: str | None = None
    to_domain: str | None = None


def action_of(entry: Entry) -> Action:
    """``Invalid`` names the field that is missing or cannot be. Never quotes the reason: people's words."""
    value = entry.value
    try:
        action = Action(
            value["action_id"],
            value["situation_id"],
            value["action"],
            value["account_id"],
            value["role"],
            value["reason"].strip(),
            value.get("other_situation_id"),
            tuple(sorted(set(value.get("incident_ids", ())))),
            value.get("ground"),
            value.get("to_domain"),
        )
    except KeyError as error:
        field = str(error.args[0])
        raise Invalid(f"{entry.topic}: no {field}", field=field, expected="a value") from None
    if action.action not in ACTIONS:
        raise refused("unknown-action", "an unknown action", "action", " or ".join(ACTIONS))
    for field in ("action_id", "account_id", "role"):
        if not getattr(action, field).strip():
            raise refused("incomplete-action", f"an action without {field}", field, "a value")
    if not 0 < len(action.reason) <= REASON_MAX:
        raise refused("reason-needed", "an action needs a reason", "reason", f"1 to {REASON_MAX} characters")
    if action.action == "join" and not action.other_situation_id:
        raise refused(
            "other-needed", "a join names no other situation", "other_situation_id", "a situation's id"
        )
    if action.action == "separate" and not action.incident_ids:
        raise refused(
            "reports-needed", "a separation names no report", "incident_ids", "at least one incident's id"
        )
    if action.action == "file" and not action.to_domain:
        raise refused("domain-needed", "a filing names no domain", "to_domain", "fire or police")
    return action


def is_done(action: Action, situation: Situation) -> bool:
    """Whether *situation* has heard of it before: hearing an action twice does it once."""
    return any(one.action_id == action.action_id for one in situation.handled.actions)


def check(action: Action, situation: Situation | None, other: Situation | None, config: RulesConfig) -> None:
    """``Invalid`` when *action* cannot be done with *situation* (and *other*, for a join) as things stand."""
    if situation is None:
        raise refused("no-situation", "no such situation", "situation_id", "one that is not forgotten")
    roles = config.law.may.get(action.action)
    if roles is not None and action.role not in roles:
        law = config.law.name
        what = f"the law '{law}' leaves {action.action} to other roles"
        raise refused("law-other-role", what, "role", " or ".join(roles))
    match action.action:
        case "close" if situation.is_closed:
            raise refused(
                "closed-already", "it is closed already", "action", "note or reopen, while it is closed"
            )
        case "acknowledge" | "take_over" | "confirm" | "override" | "file" if situation.is_closed:
            raise refused(
                "closed", "it is closed: reopen it first", "action", "note or reopen, while it is closed"
            )
        case "reopen" if not situation.is_closed:
            raise refused("not-closed", "it is not closed", "action", "a closed situation")
        case "override" if action.ground not in config.law.overrides:
            known = " or ".join(sorted(config.law.overrides)) or "none: this law knows no override"
            raise refused("no-ground", f"the law '{config.law.name}' knows no such ground", "ground", known)
        case "file":
            check_filing(action.to_domain or "", situation, config)
        case "join":
            check_join(situation, other, config)
        case "separate":
            its = {one.incident_id for one in situation.view.incidents}
            if not set(action.incident_ids) < its:
                raise refused(
                    "separate-all",
                    "it can part with some of its own reports only",
                    "incident_ids",
                    "not all of them",
                )


# -- what becomes of it ----------------------------------------------------------------------------------------


def handled(before: Handling, action: Action, *, now: int) -> Handling:
    """*before*, after *action*. Who takes over or confirms has acknowledged."""
    taken = ActionTaken(action.action_id, action.action, action.account_id, now, action.reason)
    after = replace(before, actions=(*before.actions, taken)[-KEPT_MAX:])
    if action.action in ACKNOWLEDGING and after.acknowledged_at is None:
        after = replace(after, acknowledged_at=now, acknowledged_by=action.account_id)
    match action.action:
        case "take_over":
            return replace(after, taken_by=action.account_id)
        case "confirm":
            return replace(after, is_confirmed=True)
        case "override":
            return replace(after, override=action.ground)
        case "close":
            return replace(after, hold="closed", override=None)
        case "reopen":
            return opened_again(replace(after, hold="open", override=None))
        case _:
            return after


def opened_again(its: Handling) -> Handling:
    """It demands attention anew: what was acknowledged is over."""
    return replace(its, acknowledged_at=None, acknowledged_by=None, escalated_at=None)


def together(ours: Handling, theirs: Handling) -> Handling:
    """*ours*, when *theirs* turns out to be the same happening: what operators did for that is not lost."""
    actions = {one.action_id: one for one in (*theirs.actions, *ours.actions)}
    in_order = sorted(actions.values(), key=lambda one: (one.at, one.action_id))
    first = min(
        (one for one in (ours, theirs) if one.acknowledged_at is not None),
        key=lambda one: one.acknowledged_at or 0,
        default=ours,
    )
    return replace(
        ours,
        acknowledged_at=first.acknowledged_at,
        acknowledged_by=first.acknowledged_by,
        taken_by=ours.taken_by or theirs.taken_by,
        escalated_at=ours.escalated_at or theirs.escalated_at,
        is_confirmed=ours.is_confirmed or theirs.is_confirmed,
        hold=ours.hold or ("open" if theirs.hold == "open" else None),
        override=ours.override or theirs.override,
        actions=tuple(in_order)[-KEPT_MAX:],
    )


def reason_of(action: Action) -> str:
    """Why there is a revision: the operator's words stand with the action, not here."""
    more = {"override": f", {action.ground}", "file": f", to {action.to_domain}"}.get(action.action, "")
    return f"{action.action.replace('_', ' ')} by {action.account_id}{more}"


def joined(ours: Sequence[Incident], theirs: Sequence[Incident]) -> list[Incident]:
    """The reports of both, each tied to the first and these to each other, and no longer parted from each other."""
    ids = [{i.incident_id for i in members} for members in (ours, theirs)]
    first, second = ours[0].incident_id, theirs[0].incident_id
    ties = {**_star(ids[0], first), **_star(ids[1], second)}
    ties[first].add(second)
    ties[second].add(first)
    freed = [_freed(i, ids[1]) for i in ours] + [_freed(i, ids[0]) for i in theirs]
    return [_bound(i, ties[i.incident_id]) for i in freed]


def separated(situation: Situation, leaving: Sequence[str]) -> list[Incident]:
    """Its reports, those that leave parted from those that stay. What operators joined by way of one on the other side
    stays joined."""
    members, go = situation.view.incidents, set(leaving)
    stay = {i.incident_id for i in members} - go
    ties: dict[str, set[str]] = {}
    for joined_ids in _joined_among(members):
        for side in (joined_ids & go, joined_ids & stay):
            if side and side != joined_ids:
                ties |= _star(side, next(i.incident_id for i in members if i.incident_id in side))
    parted = [_parted(i, stay if i.incident_id in go else go) for i in members]
    return [_bound(i, ties.get(i.incident_id, set())) for i in parted]


def _joined_among(members: Sequence[Incident]) -> list[set[str]]:
    """The ids of *members*, those together that operators joined, one to the next."""
    groups: list[set[str]] = []
    ids = {i.incident_id for i in members}
    for one in members:
        its = {one.incident_id, *ids.intersection(one.bound)}
        its = its.union(*(group for group in groups if group & its))
        groups = [*(group for group in groups if not group & its), its]
    return groups


def _star(ids: Iterable[str], first: str) -> dict[str, set[str]]:
    """Each of *ids* tied to *first*, and it to all others."""
    others = set(ids) - {first}
    return {first: others, **{one: {first} for one in others}}


def _bound(incident: Incident, to: Iterable[str]) -> Incident:
    return replace(incident, bound=tuple(sorted({*incident.bound, *to})))


def _freed(incident: Incident, from_them: set[str]) -> Incident:
    return replace(incident, parted=tuple(one for one in incident.parted if one not in from_them))


def _parted(incident: Incident, from_them: set[str]) -> Incident:
    return replace(
        incident,
        parted=tuple(sorted({*incident.parted, *from_them})),
        bound=tuple(one for one in incident.bound if one not in from_them),
    )


# -- when nobody does anything ---------------------------------------------------------------------------------


def escalates_at(situation: Situation, config: RulesConfig) -> int | None:
    """When it is told higher up, because nobody acknowledged what the operator was told; ``None``: never."""
    after_ms, its = config.escalate_after_ms, situation.handled
    if after_ms is None or situation.is_closed or its.acknowledged_at or its.escalated_at:
        return None
    told = next((one for one in situation.told if one.audience == OPERATOR and one.is_active), None)
    return None if told is None or not told.since else told.since + after_ms


def escalated(situation: Situation, config: RulesConfig, *, now: int) -> Situation:
    """*situation*, told higher up from now on."""
    return replace(
        situation,
        revision=situation.revision + 1,
        reason=f"nobody acknowledged it within {config.escalate_after_min:g} min",
        handled=replace(situation.handled, escalated_at=now),
    )


def override_of(its: Handling, config: RulesConfig) -> str | None:
    """The ground by which cameras serve another purpose than their own, as long as the law knows it."""
    return its.override if its.override in config.law.overrides else None


def held(status: str, hold: str | None) -> str:
    """*status*, unless an operator's word stands against it."""
    if hold == "closed":
        return "closed"
    return "open" if hold == "open" and status == "closed" else status


def redrawn(view: View, its: Handling, config: RulesConfig, *, now: int) -> View:
    """The view of an area, which has no reports of its own, as an operator's word leaves it. Open again, it is not told as
    over."""
    status = held(view.status, its.hold)
    closed_at = (view.closed_at or now) if status == "closed" else None
    certainty = "observed" if its.is_confirmed else view.certainty
    after = replace(view, status=status, closed_at=closed_at, certainty=certainty)
    is_reopened = view.status == "closed" != status
    return replace(after, words=headline(after, "reopened", config)) if is_reopened else after
