"""Rules in shadow: a candidate's rules receive all that those in force receive, and nobody acts on their answers. Pure.

Cameras are not searched for a candidate, either: it receives no evidence that only its own watches would find (``unseen``).

They have a memory of their own, which begins as a copy of the city's; its rows stand in ``core.state`` beneath
``shadow:``. Their answers go to ``core.shadow``.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from schemas.event import Event, derived_id
from streams.situations.answers.events import event_fields
from streams.situations.config import RulesConfig
from streams.situations.rule import CityWatch, KeepsList, Rule
from streams.situations.rules.in_force import is_kept, rules_of
from streams.situations.state.city import CityState
from streams.situations.state.rows import SHADOW
from streams.situations.terms import JOINT_INCIDENT


def begun(state: CityState) -> CityState | None:
    """The shadow's memory as the candidate's rules find it; ``None`` without a candidate."""
    candidate = state.rules.candidate()
    if candidate is None:
        return None
    shadow = CityState()
    shadow.now_ms, shadow.sequence = state.now_ms, state.sequence
    shadow.use(candidate)
    shadow.rules_digest, shadow.opening = candidate.digest, candidate.opening
    for camera in state.cameras.cameras.values():
        shadow.cameras.put(camera)
    for site in state.sites.sites.values():
        shadow.sites.put(site)
    for situation in sorted(state.situations.values(), key=lambda one: one.age):
        shadow.put(situation)
    for name in sorted(one for one in state.memories if is_kept(shadow.rules_in_force, one)):
        shadow.keep(state.memories[name])
    return shadow


def rows_of(shadow: CityState) -> list[Event]:
    """All that it remembers, as rows."""
    rows = [shadow.camera_row(camera) for _, camera in sorted(shadow.cameras.cameras.items())]
    rows += [shadow.site_row(site) for _, site in sorted(shadow.sites.sites.items())]
    rows += [shadow.situation_row(one) for one in sorted(shadow.situations)]
    return rows + [shadow.memory_row(name) for name in sorted(shadow.memories)] + [shadow.clock_row()]


def ended(shadow: CityState) -> list[Event]:
    """The tombstones of all that it remembers."""
    return [Event(row.topic, row.key, None) for row in rows_of(shadow)]


def shadowed(shadow: CityState, events: Iterable[Event]) -> list[Event]:
    """*events* as they are published for a candidate: rows beneath ``shadow:``, everything else in ``core.shadow``."""
    return [_row(event) if event.topic == "core.state" else _said(shadow, event) for event in events]


def _row(event: Event) -> Event:
    value = event.value
    if value is not None:
        value = {**value, "event_id": derived_id("shadow", value["event_id"])}
    return Event(event.topic, SHADOW + event.key, value)


def _said(shadow: CityState, event: Event) -> Event:
    body = None if event.value is None else orjson.dumps(event.value, option=orjson.OPT_SORT_KEYS).decode()
    its_id = derived_id("shadow", event.topic, event.key, body or str(shadow.sequence))
    value = event_fields(its_id, shadow.rules.city, shadow.now_ms, None)
    value |= {"topic": event.topic, "rules": shadow.rules_digest or "", "body": body}
    return Event("core.shadow", event.key, value)


def unseen(in_force: RulesConfig, candidate: RulesConfig) -> list[str]:
    """The rules of *candidate* that look for something else than those *in_force*, with what that means, a line each."""
    known = {None, *map(_looks_for, rules_of(in_force))}
    names = [one.name for one in rules_of(candidate) if _looks_for(one) not in known]
    if candidate.watch not in (None, in_force.watch):
        names.append(JOINT_INCIDENT)
    return [f"{name}: a candidate sees only what the watches in force find" for name in names]


def _looks_for(rule: Rule) -> CityWatch | str | None:
    return rule.name if isinstance(rule, KeepsList) else rule.standing
