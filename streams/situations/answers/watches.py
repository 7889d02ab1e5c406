"""Watches around situations and in the whole city, and the evidence that they find. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from schemas.event import Event, derived_id
from streams.situations.answers.events import event_fields, position_value
from streams.situations.config import RulesConfig
from streams.situations.model import Observed, Position, SaidBy, Situation, SituationWatch
from streams.situations.reports.facts import position_of
from streams.situations.rule import CityWatch
from streams.situations.rules.in_force import told_version
from streams.situations.sections import Watched

UNLIMITED: dict[str, Any] = {
    "areas": [],
    "floor": None,
    "ceiling": None,
    "windows": [],
    "inside": [],
    "tell_inside_every_s": None,
}
"""The fields of a watch that looks at every height and all the time."""


def watch_id(situation_id: str) -> str:
    return derived_id("watch", situation_id)


def rewatched(
    situation: Situation, config: RulesConfig, *, now: int, has_room: bool = True
) -> tuple[Situation, list[Event]]:
    """*situation* with the watch that it calls for, and what is told of it: opened if the city *has_room* for one more,
    moved, or closed in event time."""
    wanted, held, at = config.watch, situation.watch, situation.view.position
    if wanted is None or not situation.is_placed or at is None:
        return _closed(situation, config, now)
    at = Position(at.lat, at.lon)
    if is_watched(situation):
        if held is not None and held.position == at:
            return situation, []
    elif not has_room:
        return situation, []
    watch = SituationWatch(1 if held is None else held.revision + 1, at)
    after = replace(situation, watch=watch)
    return after, [watch_event(after, watch, wanted, config, now=now)]


def _closed(situation: Situation, config: RulesConfig, now: int) -> tuple[Situation, list[Event]]:
    held = situation.watch
    if held is None or held.closes_at is not None:
        return situation, []
    if config.watch is None:  # the city looks for nothing any more
        return replace(situation, watch=replace(held, closes_at=now, ended=True)), [_end(situation)]
    watch = replace(held, revision=held.revision + 1, closes_at=max(now, _opens_at(situation, config.watch)))
    after = replace(situation, watch=watch)
    return after, [watch_event(after, watch, config.watch, config, now=now)]


def is_watched(situation: Situation) -> bool:
    """Whether its watch is open."""
    return situation.watch is not None and situation.watch.closes_at is None


def unwatched(situation: Situation) -> tuple[Situation, list[Event]]:
    """*situation* without its watch, where it has one."""
    if situation.watch is None or situation.watch.ended:
        return situation, []
    return replace(situation, watch=replace(situation.watch, ended=True)), [_end(situation)]


def ends_at(situation: Situation, config: RulesConfig) -> int | None:
    """When a closed watch is taken away; ``None`` for one that is open, or gone."""
    watch = situation.watch
    if watch is None or watch.closes_at is None or watch.ended:
        return None
    return watch.closes_at + (round(config.watch.linger_s * 1000) if config.watch is not None else 0)


def observed_from(value: Mapping[str, Any]) -> Observed:
    """The observation that a ``core.evidence`` event carries."""
    return Observed(
        value["observation_id"],
        value["topic"],
        value["partition"],
        value["offset"],
        value["distance_m"],
        value["seconds"],
        value["label"],
        value.get("seen_by") or value["topic"],  # who it was is not told: then all of a topic are one
        position_of(value.get("position")) or UNSET,
    )


def takes_evidence(situation: Situation | None, config: RulesConfig, said_by: SaidBy | None = None) -> bool:
    """Whether more evidence would be listed; of *said_by*, where that is known."""
    if situation is None or config.watch is None or situation.is_closed:
        return False
    observed = situation.view.observed
    if len(observed) < config.evidence_max:
        return True
    said = {one.said_by for one in observed}
    return len(said) < len(observed) and said_by not in said


def _opens_at(situation: Situation, wanted: Watched) -> int:
    return situation.view.opened_at - round(wanted.look_back_s * 1000)


def _end(situation: Situation) -> Event:
    return Event("core.watch", watch_id(situation.situation_id), None)


def watch_event(
    situation: Situation, watch: SituationWatch, wanted: Watched, config: RulesConfig, *, now: int
) -> Event:
    its_id = watch_id(situation.situation_id)
    value = event_fields(derived_id(its_id, watch.revision), config.city, now, watch.position)
    centre = position_value(watch.position) or {}
    value |= UNLIMITED | {
        "watch_id": its_id,
        "revision": watch.revision,
        "situation_id": situation.situation_id,
        "kind": "incident",
        "shape": "disc",
        "event": "seen",
        "centre": {"lat": centre["lat"], "lon": centre["lon"]},
        "radius_m": wanted.radius_m,
        "polygon": [],
        "hysteresis_m": 0.0,
        "topics": list(wanted.topics),
        "labels": config.watched_labels(wanted),
        "tokens": [],
        "min_confidence": wanted.min_confidence,
        "opens_at": _opens_at(situation, wanted),
        "closes_at": watch.closes_at,
        "since": situation.view.opened_at,
        "per_second_max": wanted.per_second_max,
        "purpose": wanted.purpose,
        "rule": situation.rule,
        "rule_version": told_version(situation.rule, config),
    }
    return Event("core.watch", its_id, value)


def standing_event(standing: CityWatch, revision: int, rule: str, config: RulesConfig, *, now: int) -> Event:
    """The event of a watch that a rule has in the whole city."""
    its_id = standing_id(config.city, standing)
    value = event_fields(derived_id(its_id, revision), config.city, now, None)
    value |= UNLIMITED | {
        "watch_id": its_id,
        "revision": revision,
        "situation_id": None,
        "kind": rule,
        "shape": "anywhere",
        "event": "seen",
        "centre": None,
        "radius_m": None,
        "polygon": [],
        "hysteresis_m": 0.0,
        "topics": list(standing.topics),
        "labels": list(standing.labels),
        "tokens": [],
        "min_confidence": standing.min_confidence,
        "opens_at": now,
        "closes_at": None,
        "since": now,
        "per_second_max": standing.per_second_max,
        "purpose": standing.purpose,
        "rule": rule,
        "rule_version": told_version(rule, config),
    }
    return Event("core.watch", its_id, value)


def plates_event(
    its_id: str,
    revision: int,
    tokens: Iterable[str],
    *,
    closes_at: int | None,
    per_second_max: int,
    purpose: str,
    rule: str,
    config: RulesConfig,
    now: int,
) -> Event:
    """Plates, as tokens, that a rule looks for wherever they pass, from now on."""
    looks_for = CityWatch(its_id, (), ("cctv.plate",), None, per_second_max, purpose)
    event = standing_event(looks_for, revision, rule, config, now=now)
    value = {**(event.value or {}), "event_id": derived_id(its_id, revision), "watch_id": its_id}
    value |= {"kind": "plate", "tokens": sorted(tokens), "closes_at": closes_at}
    return Event("core.watch", its_id, value)


def standing_id(city: str, standing: CityWatch) -> str:
    return derived_id("watch", city, standing.name)
