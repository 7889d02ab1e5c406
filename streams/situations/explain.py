"""Explanations of a situation's revisions: the entry, the ties between its reports, and the nearest others. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.geo import distance_m
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.model import Incident, Situation
from streams.situations.reports.notices import NOTICES
from streams.situations.rule import Explains
from streams.situations.rules.in_force import told_version
from streams.situations.sections import Reach
from streams.situations.state.city import CityState
from streams.situations.terms import JOINT_INCIDENT

WIDER = 5
"""The multiple of the widest reach within which a report is named as a near miss."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One revision. *numbers* is the digest of the rules in force, as the journal's ``rules`` entry has them; *decided_with*
    those of them that decided; *nearly* what would have made it different."""

    situation_id: str
    revision: int
    sequence: int
    came_in: str
    decided_by: str
    numbers: str
    decided_with: str
    because: str
    ties: tuple[str, ...]
    nearly: str | None


def explanation(state: CityState, value: Mapping[str, Any], entry: Entry) -> Explanation:
    """Of the revision *value* that *entry* led to; *state* is as it was left by it."""
    situation = state.situations.get(value["situation_id"])
    is_joint = situation is not None and situation.holds_reports and situation.revision == value["revision"]
    return Explanation(
        situation_id=value["situation_id"],
        revision=value["revision"],
        sequence=state.sequence,
        came_in=came_in(entry)
        if value["event_time"] >= state.now_ms
        else f"the time, before {came_in(entry)}",
        decided_by=f"{value['rule']} {value['rule_version']}",
        numbers=state.rules_digest or "",
        decided_with=numbers_of(state.rules, value["rule"]),
        because=value["reason"] or "",
        ties=tuple(ties(state, situation)) if situation is not None and is_joint else (),
        nearly=otherwise(state, situation) if situation is not None else None,
    )


def remembered(state: CityState, situation: Situation) -> Explanation:
    """Of the revision that *situation* had when *state* was kept: all but what came in then, which only its entry says. Its
    newest report stands for that."""
    rule, reports = situation.rule, situation.view.incidents
    newest = max(reports, key=lambda one: (one.heard_at, one.incident_id), default=None)
    told = f"; its newest: {_heard(newest)}" if newest is not None else ""
    return Explanation(
        situation_id=situation.situation_id,
        revision=situation.revision,
        sequence=state.sequence,
        came_in=f"before the journal's snapshot{told}",
        decided_by=f"{rule} {told_version(rule, state.rules)}",
        numbers=state.rules_digest or "",
        decided_with=numbers_of(state.rules, rule),
        because=situation.reason,
        ties=tuple(ties(state, situation)) if situation.holds_reports else (),
        nearly=otherwise(state, situation),
    )


def _heard(one: Incident) -> str:
    told = f"report {one.agency_case_no} of {one.agency} ({one.kind}, {one.status})"
    return f"{told}, {one.topic}[{one.partition}]@{one.offset}"


def numbers_of(config: RulesConfig, rule: str) -> str:
    """The numbers with which *rule* decides, in a line; lists and tables only by the digest."""
    if rule == JOINT_INCIDENT:
        bounds = config.bounds
        return (
            f"{config.radius_m:g} m and {config.window_s:g} s unless a pair of kinds has its own; at most"
            f" {bounds.incidents} reports, {bounds.span_m:g} m, {bounds.span_min:g} min"
        )
    own = next((one.numbers for one in config.others if one.name == rule), {})
    plain = {name: value for name, value in own.items() if isinstance(value, int | float | str)}
    return ", ".join(f"{name} {value}" for name, value in sorted(plain.items()))


def otherwise(state: CityState, situation: Situation) -> str | None:
    """The nearest report that did not join; for a situation without reports, the text of its rule."""
    if situation.holds_reports:
        return nearest(state, situation)
    rule = state.rule_named(situation.rule)
    return rule.otherwise(state, situation) if isinstance(rule, Explains) else None


def came_in(entry: Entry) -> str:
    """The entry that led to a revision, and its place in the log."""
    return f"{_named_entry(entry)}, {entry.topic}[{entry.partition}]@{entry.offset}"


def _named_entry(entry: Entry) -> str:
    """The entry in words, without a person or a plate."""
    value = entry.value
    contract = entry.topic.partition(".")[2]
    if contract in NOTICES:
        return NOTICES[contract].in_words(value)
    if contract in PLACES_IN_WORDS:
        return PLACES_IN_WORDS[contract](value)
    match entry.kind:
        case "incident":
            told = f"{value['kind']}, {value['status']}"
            return f"report {value['agency_case_no']} of {value['agency']} ({told})"
        case "action":
            return f"{value['action']} by {value['account_id']}"
        case "evidence":
            return f"{value.get('label') or 'something'} seen by {value.get('seen_by') or 'nobody named'}"
        case kind:
            return {"tick": "the time", "rules": "other numbers of the rules"}.get(kind, kind)


PLACES_IN_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "place.site": lambda it: f"site {it['site_id']}",
    "place.camera": lambda it: f"camera {it['camera_id']}",
}


def ties(state: CityState, situation: Situation) -> Iterator[str]:
    """For each report that answers a filing, that; for each other but the first, the closest of the rest, and how far apart
    the two may be."""
    members = situation.view.incidents
    answers = {one.incident_id: one for one in situation.filings if one.incident_id is not None}
    for number, one in enumerate(members):
        if one.incident_id in answers:
            its = answers[one.incident_id]
            yield f"{_named(one)} answers the filing {its.filing_id} by {its.account_id}"
            continue
        if number == 0:
            continue
        others = [other for other in members if other is not one and other.agency != one.agency]
        bound = next((other for other in members if other.incident_id in one.bound), None)
        if bound is not None:
            if bound.incident_id not in answers:
                yield f"{_named(one)} with {_named(bound)}: an operator joined them"
        elif others:
            other = min(others, key=lambda it: (_away(one, it), _apart_s(one, it), it.incident_id))
            yield f"{_named(one)} with {_named(other)}: {_measured(one, other)}; {_allowed(state, one, other)}"


def nearest(state: CityState, situation: Situation) -> str | None:
    """The report that was nearest to being one of these, and why it is not; ``None`` when none is anywhere near."""
    members = situation.view.incidents
    its = {one.incident_id for one in members}
    found: tuple[float, str, Incident, Incident] | None = None
    for one in members:
        for other in _around(state, one):
            if other.incident_id in its:
                continue
            reach = state.rules.reach(one.kind, other.kind) or _widest(state)
            off = max(_away(one, other) / reach.radius_m, _apart_s(one, other) / max(reach.window_s, 1.0))
            if found is None or (off, other.incident_id) < found[:2]:
                found = (off, other.incident_id, one, other)
    if found is None:
        return None
    _, _, one, other = found
    return f"{_named(other)}, {_measured(one, other)} from {_named(one)}: {_why_not(state, situation, one, other)}"


def _around(state: CityState, one: Incident) -> Iterator[Incident]:
    if one.position is None:
        return
    index = state.index
    slot = one.event_time // index.slot_ms
    for step in range(-WIDER, WIDER + 1):
        grid = index.slots.get(slot + step)
        if grid is not None:
            for other_id, _ in grid.near(one.position.lat, one.position.lon, WIDER * index.radius_m):
                yield index.incidents[other_id]


def _why_not(state: CityState, situation: Situation, one: Incident, other: Incident) -> str:
    if other.incident_id in one.parted:
        return "an operator separated them"
    if other.agency == one.agency:
        return "of the same agency, and agencies join across, never within"
    reach = state.rules.reach(one.kind, other.kind)
    if reach is None:
        return f"{one.kind} and {other.kind} are never one happening"
    return _too_far(reach, one, other) or _no_room(state, situation, other)


def _too_far(reach: Reach, one: Incident, other: Incident) -> str | None:
    if _away(one, other) > reach.radius_m:
        return f"at most {reach.radius_m:g} m apart"
    return f"at most {reach.window_s:g} s apart" if _apart_s(one, other) > reach.window_s else None


def _no_room(state: CityState, situation: Situation, other: Incident) -> str:
    if len(situation.view.incidents) + 1 > state.rules.bounds.incidents:
        return f"a situation holds at most {state.rules.bounds.incidents} reports"
    owner = state.owners.get(other.incident_id)
    return f"closer to those of {owner}, or together they would outgrow the bounds"


def _widest(state: CityState) -> Reach:
    return Reach(radius_m=state.rules.radius_max_m, window_s=max(state.rules.window_max_s, 1))


def _allowed(state: CityState, one: Incident, other: Incident) -> str:
    reach = state.rules.reach(one.kind, other.kind)
    if reach is None:
        return "by way of the others"
    return f"{one.kind} and {other.kind} may be {reach.radius_m:g} m and {reach.window_s:g} s apart"


def _measured(one: Incident, other: Incident) -> str:
    away = "no place" if one.position is None or other.position is None else f"{_away(one, other):.0f} m"
    return f"{away} and {_apart_s(one, other):.0f} s"


def _named(one: Incident) -> str:
    return f"{one.agency_case_no} of {one.agency} ({one.kind})"


def _away(one: Incident, other: Incident) -> float:
    if one.position is None or other.position is None:
        return 0.0
    return distance_m(one.position.lat, one.position.lon, other.position.lat, other.position.lon)


def _apart_s(one: Incident, other: Incident) -> float:
    return abs(one.event_time - other.event_time) / 1000
