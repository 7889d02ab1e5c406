"""Changes of the rules in force: one that leaves ends its memories and situations, one that comes opens its watches."""

from __future__ import annotations

from dataclasses import astuple

from msgspec.structs import replace

from schemas.event import Event, derived_id
from streams.situations.answers.publish import publish
from streams.situations.answers.watches import standing_event
from streams.situations.memory import OpenedWatch, memory_of
from streams.situations.model import Situation
from streams.situations.places import look_again
from streams.situations.rule import Draft
from streams.situations.rules.in_force import is_kept
from streams.situations.state.city import CityState


def rules_changed(state: CityState, opening_before: str | None) -> list[Event]:
    """Publish all that follows from the numbers in force now.

    *opening_before* names the numbers by which cameras opened until now, which a restart knows, too.
    """
    return [*_end_rules(state), *_open_watches(state), *_grant_anew(state, opening_before)]


def _end_rules(state: CityState) -> list[Event]:
    """End the memories and situations of rules that are no longer in force."""
    events: list[Event] = []
    for name in sorted(one for one in state.memories if not is_kept(state.rules_in_force, one)):
        memory = state.memories[name]
        events += state.drop(memory)
        if memory.watch_id is not None:
            events.append(Event("core.watch", memory.watch_id, None))
        events += _ended_with(state, memory.rule, state.situations.get(memory.situation_id or ""))
    for name in state.rules_with_situations():
        if state.rule_named(name) is None:
            for situation_id in state.of_rule(name):
                events += _ended_with(state, name, state.situations[situation_id])
    return events


def _ended_with(state: CityState, rule: str, situation: Situation | None) -> list[Event]:
    if situation is None or situation.is_closed:
        return []
    view = replace(situation.view, status="closed", closed_at=state.now_ms)
    reason = f"the rule {rule} holds no longer"
    after = replace(situation, revision=situation.revision + 1, reason=reason, view=view)
    return publish(state, Draft(after, {}))


def _open_watches(state: CityState) -> list[Event]:
    """Open the rules' watches in the whole city, or publish them again where they have changed."""
    events: list[Event] = []
    for rule in state.rules_in_force:
        standing = rule.standing
        if standing is None:
            continue
        memory, said = state.memories.get(standing.name), derived_id(*map(str, astuple(standing)))
        before = None if memory is None else memory.read(OpenedWatch)
        if before is not None and before.said == said:
            continue
        after = OpenedWatch(1 if before is None else before.revision + 1, said)
        event = standing_event(standing, after.revision, rule.name, state.rules, now=state.now_ms)
        key = standing.name.partition(":")[2]
        events += [event, *state.keep(memory_of(rule.name, key, after, watch_id=event.key))]
    return events


def _grant_anew(state: CityState, before: str | None) -> list[Event]:
    """Grants follow other numbers of the law, or of cameras, at once: none stays without a ground."""
    if before in (None, state.opening):
        return []
    live = sorted((one for one in state.situations.values() if not one.is_closed), key=lambda one: one.age)
    events: list[Event] = []
    for one in live:
        events += look_again(state, one)
    return events
