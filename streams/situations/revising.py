"""A situation revised: its status, cameras, grants and alerts follow its reports; what changed is told."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import orjson

from schemas.event import Event
from streams.situations import alerts, grants
from streams.situations.cameras import nearest_cameras
from streams.situations.model import CLOSED, CameraAt, Situation
from streams.situations.state import CityState
from streams.situations.telling import alert_event, grant_event, kind_of, severity_of, shown, situation_event


def revise(state: CityState, situation: Situation, reason: str, *, force_row: bool = False) -> list[Event]:
    """Keep *situation* as it has to be now, and say what is new: its revision, grants, alerts, its row."""
    before = state.situations.get(situation.situation_id)
    situation = _with_status(situation, state.now_ms)
    situation = replace(situation, cameras=_cameras(state, situation))
    situation, opened, ended = grants.regrant(situation, state.cameras, state.rules, now_ms=state.now_ms)
    situation, is_new = _numbered(state, situation)
    kind, severity = kind_of(situation, state.rules), severity_of(situation, state.rules)
    situation, told = alerts.retell(situation, kind, severity, state.rules.language)
    state.keep(situation)
    events = [situation_event(state, situation, reason)] if is_new else []
    events += [grant_event(state, situation, end.grant, end.reason) for end in ended]
    events += [grant_event(state, situation, grant, reason) for grant in opened]
    events += [alert_event(state, situation, alert) for alert in told]
    if events or force_row or situation != before:
        events.append(state.situation_row(situation))
    return events


def on_time(state: CityState, situation: Situation) -> list[Event]:
    """What the clock alone does to a situation: grants run out, silence ends it."""
    situation, ended = grants.expire(situation, now_ms=state.now_ms)
    events = [grant_event(state, situation, end.grant, end.reason) for end in ended]
    if _is_silent(state, situation):
        return [*events, *revise(state, replace(situation, is_expired=True), "nothing was heard of it for long")]
    state.keep(situation)
    return [*events, state.situation_row(situation)] if events else []


def _is_silent(state: CityState, situation: Situation) -> bool:
    minutes = state.rules.expire_after_min
    if minutes is None or situation.status == CLOSED:
        return False
    heard = max(member.received_time for member in situation.members)
    return state.now_ms - heard >= round(minutes * 60_000)


def _with_status(situation: Situation, now_ms: int) -> Situation:
    if not situation.is_live:
        return replace(situation, status=CLOSED, closed_at=situation.closed_at or now_ms)
    status = situation.status_now()
    if status != CLOSED:
        return replace(situation, status=status, closed_at=None)
    return replace(situation, status=status, closed_at=situation.closed_at or now_ms)


def _cameras(state: CityState, situation: Situation) -> tuple[CameraAt, ...]:
    place = situation.place
    if place is None:
        return ()
    purposes = set(grants.purposes_of(situation, state.rules).values())
    return nearest_cameras(
        state.cameras,
        place,
        count=state.rules.cameras_count,
        radius_m=state.rules.cameras_radius_m,
        purposes=purposes,
    )


def _numbered(state: CityState, situation: Situation) -> tuple[Situation, bool]:
    """The next revision, if it shows anything that the last one did not. A report's own number is no news."""
    view = shown(situation, state.rules)
    view["incidents"] = [{**one, "revision": 0} for one in view["incidents"]]
    seen = hashlib.blake2b(orjson.dumps(view, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
    if seen == situation.seen:
        return situation, False
    return replace(situation, revision=situation.revision + 1, seen=seen), True
