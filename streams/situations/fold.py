"""The rules, one entry at a time: the same entries give the same answers, on any machine, years later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.errors import Fatal
from schemas.event import Event
from streams.geo import distance_m
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.model import CLOSED, Camera, member_of
from streams.situations.revising import on_time, revise
from streams.situations.rules.joint_incident import on_incident
from streams.situations.state import DAY_MS, CityState

__all__ = ["CityState", "step"]


def step(state: CityState, entry: Entry) -> list[Event]:
    """What *entry* leads to: situations, alerts, grants and rows of the state, in order. Updates *state*.

    Raises ``Invalid``, before anything has changed, for an entry that cannot be.
    """
    match entry.kind:
        case "incident":
            member = member_of(entry.value, entry.topic, entry.partition, entry.offset)
            state.sequence += 1
            return [*_advance(state, entry.value["received_time"]), *on_incident(state, member)]
        case "place":
            camera = camera_of(entry.value)
            state.sequence += 1
            return [*_advance(state, entry.value["received_time"]), *_on_camera(state, camera)]
        case "tick":
            state.sequence += 1
            return _advance(state, entry.value["event_time"])
        case "rules":
            state.sequence += 1
            state.config = RulesConfig.model_validate(entry.value)
            state.rules_digest = state.config.digest()
            return []
        case other:
            raise Fatal(f"the rules know no entry of kind {other}")


def _advance(state: CityState, to_ms: int) -> list[Event]:
    """Let time pass: what was due on the way happens at its own time."""
    events: list[Event] = []
    if to_ms <= state.now_ms:
        return events
    for when, one in state.due_before(to_ms):
        state.now_ms = max(state.now_ms, when)
        events += _wake(state, one)
    state.now_ms = to_ms
    return events


def _wake(state: CityState, one: str) -> list[Event]:
    situation = state.situations.get(one)
    if situation is None:
        return []
    forget_ms = round(state.rules.forget_after_days * DAY_MS)
    if situation.status == CLOSED and state.now_ms - (situation.closed_at or 0) >= forget_ms:
        state.forget(situation)
        return [Event("core.state", one, None)]
    return on_time(state, situation)


def _on_camera(state: CityState, camera: Camera) -> list[Event]:
    """A camera came, moved, died or lives again: the situations around look anew."""
    known = state.cameras.cameras.get(camera.camera_id)
    if known == camera:
        return []
    state.cameras.put(camera)
    events = [state.camera_row(camera)]
    places = [one.place for one in (known, camera) if one is not None and one.place is not None]
    for one in sorted(state.open_ids):
        situation = state.situations[one]
        at = situation.place
        if at is not None and any(distance_m(at, place) <= state.rules.cameras_radius_m for place in places):
            events += revise(state, situation, f"camera {camera.camera_id} changed")
    return events


def camera_of(value: Mapping[str, Any]) -> Camera:
    place = value["position"]
    lat, lon = (place["lat"], place["lon"]) if place is not None else (None, None)
    return Camera(value["camera_id"], lat, lon, value["status"], tuple(value["purposes"]))
