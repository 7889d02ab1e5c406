"""The track of a situation that moves: told with each revision that changes it, and over with its situation. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec.structs import replace

from schemas.event import Event, derived_id
from streams.situations.answers.events import event_fields
from streams.situations.model import Situation, Track
from streams.situations.rule import City, TellsTrack
from streams.situations.rules.in_force import told_version

NOTHING: Mapping[str, Any] = {
    "hits": [],
    "hops": [],
    "reach_s": 0.0,
    "reach_mps": None,
    "reach_m": None,
    "cameras_in_reach": 0,
    "next_cameras": [],
}
"""The way of what is over: where it was stands in the revisions before, for as long as they are kept."""


def tracked(situation: Situation, city: City) -> tuple[Situation, list[Event]]:
    """*situation* with its track as it is told, and the event where that has changed."""
    told = situation.track
    rule = next((one for one in city.rules_in_force if one.name == situation.rule), None)
    if told is None or not (situation.is_closed or isinstance(rule, TellsTrack)):
        return situation, []
    way = (
        rule.way_of(city, situation) if isinstance(rule, TellsTrack) and not situation.is_closed else NOTHING
    )
    value = {
        "status": "over" if situation.is_closed else "open",
        "kind": situation.view.kind,
        "agencies": list(situation.view.agencies),
        **way,
    }
    said = derived_id(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    if said == told.said:
        return situation, []
    told = replace(told, revision=told.revision + 1, said=said)
    return replace(situation, track=told), [_event(situation, told, value, city)]


def _event(situation: Situation, told: Track, said: Mapping[str, Any], city: City) -> Event:
    config = city.rules
    its_id = derived_id("track", situation.situation_id, told.revision)
    at = None if situation.is_closed else situation.view.position
    value = event_fields(its_id, config.city, city.now_ms, at)
    value |= {
        "situation_id": situation.situation_id,
        "revision": told.revision,
        "situation_revision": situation.revision,
        **said,
        "rule": situation.rule,
        "rule_version": told_version(situation.rule, config),
    }
    return Event("core.track", situation.situation_id, value)
