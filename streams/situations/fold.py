"""The fold: one entry of the journal after another, and what the rules answer. Pure but for its state."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.errors import Fatal, Invalid
from schemas.event import Event
from streams.situations.answers.dispatch import is_in_the_way
from streams.situations.answers.filing import answered, filed, inherited, tied
from streams.situations.answers.grants import expired
from streams.situations.answers.publish import (
    grant_events,
    made_room,
    publish,
    publish_answer,
    publish_evidence,
    publish_handled,
    put_in_force,
    send_out,
)
from streams.situations.answers.watches import ends_at, observed_from, takes_evidence, unwatched
from streams.situations.entry import Entry
from streams.situations.memory import Memory
from streams.situations.model import Incident, Situation
from streams.situations.operators.actions import (
    Action,
    action_of,
    check,
    escalated,
    escalates_at,
    handled,
    is_done,
    joined,
    reason_of,
    separated,
)
from streams.situations.places import drones_gone, on_camera, on_drone, on_site
from streams.situations.reports.drones import FOOTPRINT, MISSION
from streams.situations.reports.facts import camera_of, incident_of, next_of, position_of, time_of
from streams.situations.reports.notices import NOTICES, check_notice
from streams.situations.reports.owners import as_known, check_owner, is_known_by_another
from streams.situations.reports.sites import SITE, site_of
from streams.situations.rule import Draft, Heard, Notices
from streams.situations.rule_change import rules_changed
from streams.situations.rules.in_force import CityRules
from streams.situations.rules.joint_incident import regroup
from streams.situations.rules.parts.reported import seen
from streams.situations.shadow import begun, ended, rows_of, shadowed
from streams.situations.state.city import CityState

__all__ = ["CityState", "step"]

LEFT_OUT = "left_out"


def step(state: CityState, entry: Entry) -> list[Event]:
    """The rules' answers to *entry*, in order; *state* is changed to match.

    Work that is due before the entry's time comes first, each at its own time; then the entry; last the answers of rules in
    shadow. ``Invalid`` for an entry that cannot be: then nothing has changed, the sequence included.
    """
    events = [*_answers(state, entry), *made_room(state)]
    if entry.kind == "rules":
        return events + _overshadowed(state, entry)
    return events if state.shadow is None else events + _in_shadow(state.shadow, entry)


def _in_shadow(shadow: CityState, entry: Entry) -> list[Event]:
    try:
        events = [*_answers(shadow, entry), *made_room(shadow)]
    except Invalid:  # an action on what the shadow does not know
        return []
    return shadowed(shadow, [*events, shadow.clock_row()])


def _overshadowed(state: CityState, entry: Entry) -> list[Event]:
    """A candidate begins with a copy of what the city knows, goes on with other numbers, or is let go."""
    candidate, shadow = state.rules.candidate(), state.shadow
    if candidate is None:
        state.shadow = None
        return [] if shadow is None else shadowed(shadow, ended(shadow))
    if shadow is not None:
        return _in_shadow(shadow, replace(entry, value=candidate.canonical()))
    state.shadow = shadow = begun(state)
    return [] if shadow is None else shadowed(shadow, rows_of(shadow))


def _answers(state: CityState, entry: Entry) -> list[Event]:
    match entry.kind:
        case "rules":
            before, config = state.opening, CityRules.model_validate(dict(entry.value))
            state.sequence += 1
            state.use(config)
            state.rules_digest, state.opening = config.digest, config.opening
            return rules_changed(state, before)
        case "incident":
            incident = as_known(state, incident_of(entry))
            if is_known_by_another(state, incident):
                return _until(state, time_of(entry))
            check_owner(state, entry)
            events = _until(state, time_of(entry))
            now = state.now_ms
            incident = replace(incident, heard_at=now, first_heard_at=now, turned_at=now)
            return events + _on_incident(state, incident, entry)
        case "place" | "evidence":
            check_owner(state, entry)
            return _untimed(state, entry)
        case "action":
            action = action_of(entry)
            _may_be(state, action)
            return _until(state, time_of(entry)) + _on_action(state, action)
        case "notice" | "tick":  # of a tick nobody takes notice
            check_notice(entry, state)
            check_owner(state, entry)
            return _until(state, time_of(entry)) + _on_notice(state, entry)
        case _:
            raise Fatal(f"{entry.topic}: entry of unknown kind {entry.kind!r}", hint="run a newer version")


def _untimed(state: CityState, entry: Entry) -> list[Event]:
    """An entry that does not move the clock: reference data, and observations, which may be older, or ahead in a play."""
    contract = entry.topic.partition(".")[2]
    if contract in (MISSION, FOOTPRINT):
        return on_drone(state, entry)
    if contract == SITE:
        site = site_of(entry, state.sites.sites, state.rules.limits.sites)
        state.sequence += 1
        return on_site(state, site)
    if contract in NOTICES:
        check_notice(entry, state)
        position_of(entry.value["position"])
        state.sequence += 1
        return _on_notice(state, entry)
    camera = camera_of(entry) if entry.kind == "place" else None
    state.sequence += 1
    return _on_evidence(state, entry) if camera is None else on_camera(state, camera)


def _until(state: CityState, time_ms: int) -> list[Event]:
    """Count the entry, let everything happen that is due by its time, and set the clock to it."""
    state.sequence += 1
    events: list[Event] = []
    for due_at, due in state.due_until(time_ms):
        state.now_ms = max(state.now_ms, due_at)
        events += _on_time(state, due) if isinstance(due, Situation) else _on_memory(state, due)
    state.now_ms = max(state.now_ms, time_ms)
    return events + drones_gone(state) if state.cameras.moving else events


# -- what happens --------------------------------------------------------------------------------------------


def _on_incident(state: CityState, incident: Incident, entry: Entry) -> list[Event]:
    filing_id, warning = entry.value.get("filing_id"), entry.value.get("warning")
    known = state.index.incidents.get(incident.incident_id)
    if known is not None and incident.revision <= known.revision:
        return _answered_late(state, known, filing_id)
    if known is not None:
        incident = next_of(known, incident)
    near = {incident.incident_id, *state.index.possible_partners(incident.incident_id)}
    state.remember(incident)
    near.update(state.index.possible_partners(incident.incident_id))
    its_id = _taken_as_answer(state, incident, filing_id)
    now = state.index.incidents[incident.incident_id]
    return _judged(state, Heard(now, known, frozenset(near), its_id, warning))


def _answered_late(state: CityState, known: Incident, filing_id: str | None) -> list[Event]:
    """A repeat, or a revision older than the known one. It can only name the filing that the case answers."""
    its_id = _taken_as_answer(state, known, filing_id)
    if its_id is None:
        return []
    now = state.index.incidents[known.incident_id]
    return _judged(state, Heard(now, known, frozenset({now.incident_id}), its_id))


def _judged(state: CityState, heard: Heard) -> list[Event]:
    events: list[Event] = []
    for rule in state.rules_in_force:
        events += put_in_force(state, rule.on_event(state, heard))
    return events + publish_answer(state, heard.answers, heard.incident)


def _taken_as_answer(state: CityState, incident: Incident, filing_id: str | None) -> str | None:
    """The situation whose open filing *incident* answers: whatever the matrix says, it is of that from now on."""
    situation = state.filed_as(filing_id)
    after = None if situation is None else answered(situation, filing_id, incident)
    if after is None:
        return None
    state.relist(after)
    for one in tied(after, state.owner_of(incident), incident, state.rules):
        state.remember(replace(one, turned_at=state.now_ms))
    return after.situation_id


def _on_notice(state: CityState, entry: Entry) -> list[Event]:
    contract = entry.topic.partition(".")[2]
    events: list[Event] = []
    for rule in state.rules_in_force:
        if isinstance(rule, Notices) and contract in rule.notices:
            events += put_in_force(state, rule.on_notice(state, entry))
    return events


def _may_be(state: CityState, action: Action) -> None:
    situation, other = (state.now_told_as(one) for one in (action.situation_id, action.other_situation_id))
    if situation is None or not is_done(action, situation):
        check(action, situation, other, state.rules)


def _on_action(state: CityState, action: Action) -> list[Event]:
    """An operator's action: a revision that records it, and the changes of situations that follow."""
    situation = state.now_told_as(action.situation_id)
    if situation is None or is_done(action, situation):
        return []
    after = replace(
        situation,
        revision=situation.revision + 1,
        reason=reason_of(action),
        handled=handled(situation.handled, action, now=state.now_ms),
    )
    other = state.now_told_as(action.other_situation_id)
    match action.action:
        case "join" if other is not None:
            linked = joined(situation.view.incidents, other.view.incidents)
        case "separate":
            linked = separated(situation, action.incident_ids)
        case "file":
            after = filed(after, action, state.rules, now=state.now_ms)
            return publish_handled(state, after)
        case _:
            return publish_handled(state, after)
    events = publish(state, Draft(after, None))
    for incident in linked:
        state.remember(replace(incident, turned_at=state.now_ms))
    drafts = regroup(state, {incident.incident_id for incident in linked})
    for draft in inherited(drafts, state.situations):
        reason = f"{draft.situation.reason}; {reason_of(action)}"
        events += publish(state, replace(draft, situation=replace(draft.situation, reason=reason)))
    return events


def _on_evidence(state: CityState, entry: Entry) -> list[Event]:
    """List what a watch found with the situation that it was opened for, as long as there is room."""
    if entry.value["situation_id"] is None:
        rule = state.rule_of_watch(entry.value["watch_id"])
        if rule is None or entry.value["kind"] == LEFT_OUT:
            return []
        return put_in_force(state, rule.on_evidence(state, entry.value))
    situation, found = state.now_told_as(entry.value["situation_id"]), observed_from(entry.value)
    is_left_out = entry.value["kind"] == LEFT_OUT
    if situation is None or is_left_out or not takes_evidence(situation, state.rules, found.said_by):
        return []
    blocks = is_in_the_way(found, state.rules)
    if any(
        one.event_id == found.event_id or (blocks and one.said_by == found.said_by)
        for one in situation.view.observed
    ):
        return []
    draft = seen(state, situation, found)
    is_surer = draft.situation.view.certainty != situation.view.certainty
    return (
        publish(state, draft)
        if is_surer or blocks or state.covers
        else publish_evidence(state, draft.situation)
    )


def _on_memory(state: CityState, memory: Memory) -> list[Event]:
    """The work of a memory that is due."""
    rule = state.rule_named(memory.rule)
    return [] if rule is None else put_in_force(state, rule.on_time(state, memory))


def _on_time(state: CityState, situation: Situation) -> list[Event]:
    """The work of *situation* that is due: grants run out, silent reports lapse, a closed situation is forgotten."""
    now, rules = state.now_ms, state.rules
    closed_at = situation.view.closed_at
    if closed_at is not None and closed_at + rules.forget_after_ms <= now:
        _, ended = unwatched(situation)
        state.forget(situation)
        return [*ended, state.situation_row(situation.situation_id)]
    events: list[Event] = []
    escalates = escalates_at(situation, rules)
    if escalates is not None and escalates <= now:
        events += publish(state, Draft(escalated(situation, rules, now=now), None, is_urgent=True))
        situation = state.situations[situation.situation_id]
    watch_ends_at = ends_at(situation, rules)
    if watch_ends_at is not None and watch_ends_at <= now:
        situation, ended = unwatched(situation)
        events += ended
    situation, changes = expired(situation, now=now)
    situation, bundles = send_out(state, situation)
    state.put(situation)
    events += [*grant_events(state, situation, changes), *bundles]
    if events:
        events.append(state.situation_row(situation.situation_id))
    rule = state.rule_named(situation.rule)
    return events + (put_in_force(state, rule.on_time(state, situation)) if rule is not None else [])
