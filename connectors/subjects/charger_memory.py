"""A charger between its calls: what was published of it, and whether it is silent. Pure: memory in, memory out.

- A call that is repeated publishes nothing twice: the ids of its events are remembered.
- Of ``mobility.hub`` only the newest id counts: within one second a connector may go from a state to another and back.
- A silent charger is told once, with its connectors ``unknown``; when it speaks again, as it was known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.base import SourceContext
from connectors.formats.ocpp_calls import Call
from connectors.subjects.charger_hubs import connector_states, hub_said
from connectors.subjects.charging import CHARGE_TOPIC, State, on_call
from connectors.subjects.charging_replies import Terms
from connectors.subjects.charging_sessions import Charger
from connectors.subjects.vehicles import HUB, Telemetry
from schemas.event import Event

IDS_MAX = 64
"""Ids remembered beside those of the newest call, which a frame's length bounds."""
ID_LETTERS = 16
SILENT_INTERVALS = 3
AGAIN = "a call again"


@dataclass(frozen=True, slots=True)
class MemoryStep:
    """The result of a call or of time: *payload* of its CALLRESULT, to be sent when *events* and *memory* are durable."""

    events: list[Event]
    memory: dict[str, Any]
    payload: dict[str, Any] = field(default_factory=dict)
    noted: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)


def on_heard(
    charger: Charger,
    call: Call,
    memory: State,
    *,
    context: SourceContext,
    at_ms: int,
    terms: Terms,
    slot: str = "",
) -> MemoryStep:
    """Take *call*. *slot*: the process that holds the charger's connection. ``CallFault`` as ``on_call`` raises it."""
    outcome = on_call(charger, call, memory, context=context, at_ms=at_ms, terms=terms)
    known, hub = frozenset(memory.get("ids", ())), memory.get("hub")
    events = [one for one in outcome.events if not _is_known(one, known, hub)]
    if len(events) < len(outcome.events):
        outcome.noted[AGAIN] += 1
    if memory.get("is_silent") and not any(one.topic == HUB for one in events):
        events.append(_hub_again(charger, outcome.state["connectors"], context, at_ms))
    after = {
        **outcome.state,
        "ids": _ids(memory.get("ids", ()), events),
        "hub": _newest_hub(events, hub),
        "is_silent": False,
        "slot": slot,
        "asked": memory.get("asked"),
    }
    return MemoryStep(events, after, outcome.payload, outcome.noted, outcome.skipped)


def on_silence(charger: Charger, memory: State, *, context: SourceContext, at_ms: int) -> MemoryStep:
    """Tell that nothing is known of *charger* any more. Call it where ``is_due`` says so."""
    count = max(1, len(connector_states(memory.get("connectors", {}))))
    said = hub_said(charger, [("unknown", count)], is_stale=True)
    event = _hub(charger, ("silent", at_ms), said, context, at_ms)
    return MemoryStep([event], {**memory, "is_silent": True, "hub": _short(event)})


def with_asked(memory: State, asked: Mapping[str, Any], slot: str) -> dict[str, Any]:
    """*memory* with what the charger was asked for by the process *slot*, and has answered: perhaps its first word."""
    blank: dict[str, Any] = {
        "connectors": {},
        "sessions": {},
        "ids": [],
        "hub": None,
        "is_silent": False,
        "slot": slot,
    }
    return {**blank, **memory, "asked": asked, "slot": slot}


def is_due(memory: State, *, heard_ms: int, now_ms: int, interval_s: int) -> bool:
    """Whether a charger last heard at *heard_ms* is to be told as silent: heard once, and not told yet."""
    is_new = bool(memory) and not memory.get("is_silent")
    return is_new and now_ms - heard_ms > SILENT_INTERVALS * interval_s * 1_000


def _hub_again(charger: Charger, connectors: Mapping[str, str], context: SourceContext, at_ms: int) -> Event:
    counts = sorted(Counter(connector_states(connectors)).items()) or [("unknown", 1)]
    said = hub_said(charger, counts, is_stale=False)
    return _hub(charger, ("again", at_ms), said, context, at_ms)


def _hub(
    charger: Charger,
    identity: tuple[object, ...],
    said: Mapping[str, Any],
    context: SourceContext,
    at_ms: int,
) -> Event:
    told = Telemetry(context, at_ms)
    told.tell(HUB, identity, event_ms=at_ms, position=charger.position, said=said)
    return told.events[0]


def _is_known(event: Event, known: frozenset[str], hub: str | None) -> bool:
    return _short(event) == hub if event.topic == HUB else _short(event) in known


def _ids(before: Sequence[str], events: Sequence[Event]) -> list[str]:
    new = [_short(one) for one in events if one.topic == CHARGE_TOPIC]
    return [*before, *new][-max(IDS_MAX, len(new)) :]


def _newest_hub(events: Sequence[Event], before: str | None) -> str | None:
    return next((_short(one) for one in reversed(events) if one.topic == HUB), before)


def _short(event: Event) -> str:
    return str((event.value or {})["event_id"])[:ID_LETTERS]
