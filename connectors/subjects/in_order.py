"""Vehicles' positions of a body in order of their time, none told twice and no vehicle backwards. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.subjects.vehicles import Telemetry

TWICE, OLDER = "said twice of one vehicle and moment", "no newer than what its vehicle said before"


def keep_forward(told: Telemetry, newest: Mapping[str, int], most: int) -> dict[str, int]:
    """Put *told* in order of time, without positions no newer than their vehicle's *newest* of earlier bodies, and count
    those; return each vehicle's newest time, the latest last, *most* of them."""
    passed, events = dict(newest), []
    heard: set[str] = set()
    for event in sorted(told.events, key=lambda one: one.value["event_time"] if one.value else 0):
        at_ms: int = event.value["event_time"] if event.value else 0
        event_id = event.value["event_id"] if event.value else ""
        if event_id in heard:
            told.skipped[TWICE] += 1
        elif at_ms <= newest.get(event.key, -1):
            told.skipped[OLDER] += 1
        else:
            events.append(event)
            heard.add(event_id)
            passed.pop(event.key, None)
            passed[event.key] = at_ms
    told.events = events
    return dict(list(passed.items())[-most:])
