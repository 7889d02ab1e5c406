"""Bundles for units on their way to a happening: the cameras that they may see, traffic on the approach, dangerous sites,
obstacles, and operators' notes. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from msgspec.structs import replace

from schemas.event import Event, derived_id
from streams.situations.answers.events import event_fields
from streams.situations.config import RulesConfig
from streams.situations.model import Incident, Observed, Position, Sent, Situation
from streams.situations.operators.actions import override_of
from streams.situations.reports.cameras import cameras_for
from streams.situations.reports.units import is_sent, unit_name, units_left_out
from streams.situations.rule import City, MeasuresTraffic
from streams.situations.rules.in_force import told_version

MINUTE_MS = 60_000
Bundle = dict[str, Any]
NOTHING: Bundle = {
    "status": "over",
    "approach": None,
    "units": [],
    "cameras": [],
    "cameras_left_out": 0,
    "units_left_out": 0,
    "hazards": [],
    "blocks": [],
    "notes": [],
}
"""The bundle of a dispatch that is over."""


def sent_out(situation: Situation, city: City) -> tuple[Situation, list[Event]]:
    """*situation* with the last bundle of each report, and the bundles that are due: new, changed, or over."""
    due = {} if situation.is_closed else {i.incident_id: i for i in situation.view.incidents if is_sent(i)}
    if not due and not situation.sent:
        return situation, []
    now, after = city.now_ms, {one.incident_id: one for one in situation.sent}
    over = [one for its_id, one in after.items() if its_id not in due and not one.is_over]
    bundles = [(one, NOTHING) for one in over]
    for its_id, incident in due.items():
        told = after.get(its_id) or Sent(its_id, incident.agency, incident.agency_case_no, 0, "", now)
        bundles.append((told, _bundle(situation, incident, city)))
    events = []
    for told, bundle in sorted(bundles, key=lambda pair: pair[0].incident_id):
        said = derived_id(orjson.dumps(_roughly(bundle, city.rules), option=orjson.OPT_SORT_KEYS))
        if told.said != said:
            since = now if told.is_over else told.since
            told = replace(  # noqa: PLW2901 - its next revision
                told,
                revision=told.revision + 1,
                said=said,
                since=since,
                is_over=bundle is NOTHING,
                left_out=bundle["cameras_left_out"],
                units_left_out=bundle["units_left_out"],
            )
            after[told.incident_id] = told
            events.append(_event(situation, told, bundle, city))
    return replace(situation, sent=tuple(one for _, one in sorted(after.items()))), events


def looks_at(situation: Situation, city: City) -> int | None:
    """The next time to look for changes that come without an event, as traffic; ``None`` for no time."""
    config, now = city.rules.dispatch, city.now_ms
    every, until = round(config.refresh_min * MINUTE_MS), round(config.refresh_for_min * MINUTE_MS)
    live = [one.since for one in situation.sent if not one.is_over and now < one.since + until]
    if not live or not (city.sites.sites or _measures_traffic(city)):
        return None
    return min(since + ((now - since) // every + 1) * every for since in live)


def is_in_the_way(found: Observed, config: RulesConfig) -> bool:
    """Whether *found* is an obstacle that units must know of on their way."""
    return found.label in config.dispatch.block_labels


def _bundle(situation: Situation, incident: Incident, city: City) -> Bundle:
    config, place = city.rules.dispatch, situation.view.position
    names = {unit_name(incident.agency, unit) for unit in incident.units}
    seen = {one.camera_id: one for one in situation.grants if one.granted_to in names}
    nearest = sorted(seen.values(), key=lambda one: (one.rank, one.camera_id))
    return {
        "status": incident.status,
        "units": list(incident.units),
        "cameras": [
            {"camera_id": one.camera_id, "rank": one.rank, "distance_m": one.distance_m} for one in nearest
        ],
        "cameras_left_out": _left_out(situation, incident, len(nearest), city),
        "units_left_out": units_left_out(incident, city.rules),
        "approach": None if place is None else _approach(place, city),
        "hazards": [] if place is None else list(_hazards(place, city))[: config.sites_max],
        "blocks": _blocks(situation, city)[: config.sites_max],
        "notes": _notes(situation, config.notes_max),
    }


def _left_out(situation: Situation, incident: Incident, seen: int, city: City) -> int:
    """The number of usable cameras beyond the *seen* ones; 0 while there are fewer than `cameras_max`."""
    config = city.rules.dispatch
    use = city.rules.law.uses.get(incident.domain)
    if use is None or seen < config.cameras_max:
        return 0
    count = len(city.cameras.cameras)
    override = override_of(situation.handled, city.rules)
    place, radius_m = situation.view.position, config.radius_m
    there = cameras_for(city.cameras, place, use.purpose, count=count, radius_m=radius_m, override=override)
    return len(there) - seen


def _roughly(bundle: Bundle, config: RulesConfig) -> Bundle:
    """The bundle with the speed rounded, so that one vehicle more or less makes no new revision."""
    approach = bundle["approach"]
    if approach is None:
        return bundle
    share = approach["share"]
    by = approach["speed_mps"] if share is None else share / config.dispatch.retell_share
    return {**bundle, "approach": round(by)}


def _approach(place: Position, city: City) -> dict[str, Any] | None:
    radius_m = city.rules.dispatch.approach_radius_m
    rule = _measures_traffic(city)
    found = None if rule is None else rule.speed_near(city, place, radius_m)
    return None if found is None else {"radius_m": radius_m, **found}


def _measures_traffic(city: City) -> MeasuresTraffic | None:
    return next((rule for rule in city.rules_in_force if isinstance(rule, MeasuresTraffic)), None)


def _hazards(place: Position, city: City) -> Iterator[dict[str, Any]]:
    config = city.rules.dispatch
    for site, away_m in city.sites.near(place, config.radius_m, city.now_ms):
        if config.is_hazard(site.kind):
            yield {
                "site_id": site.site_id,
                "name": site.name,
                "kind": site.kind,
                "detail": site.detail,
                "distance_m": away_m,
            }


def _blocks(situation: Situation, city: City) -> list[dict[str, Any]]:
    """Sites and cameras' detections that stand in the way, nearest first; those without a place come last."""
    config, place = city.rules.dispatch, situation.view.position
    near = [] if place is None else city.sites.near(place, config.radius_m, city.now_ms)
    found = [
        {
            "site_id": site.site_id,
            "seen_by": None,
            "kind": site.kind,
            "detail": site.detail,
            "distance_m": away_m,
            "seconds": None,
        }
        for site, away_m in near
        if site.kind in config.block_kinds
    ]
    found += [
        {
            "site_id": None,
            "seen_by": one.seen_by,
            "kind": one.label,
            "detail": None,
            "distance_m": one.distance_m,
            "seconds": one.seconds,
        }
        for one in situation.view.observed
        if is_in_the_way(one, city.rules)
    ]
    return sorted(found, key=lambda one: (one["distance_m"] is None, one["distance_m"] or 0.0))


def _notes(situation: Situation, most: int) -> list[dict[str, Any]]:
    """The last *most* notes of operators, the newest last."""
    notes = [one for one in situation.handled.actions if one.action == "note"]
    newest = notes[-most:] if most else []
    return [{"account_id": one.account_id, "at": one.at, "text": one.reason} for one in newest]


def _event(situation: Situation, told: Sent, bundle: Bundle, city: City) -> Event:
    view, config = situation.view, city.rules
    its_id = derived_id("dispatch", situation.situation_id, told.incident_id)
    value = event_fields(derived_id(its_id, told.revision), config.city, city.now_ms, view.position)
    value |= {
        "dispatch_id": its_id,
        "revision": told.revision,
        "situation_id": situation.situation_id,
        "incident_id": told.incident_id,
        "agency": told.agency,
        "agency_case_no": told.agency_case_no,
        "kind": view.kind,
        "radius_m": config.dispatch.radius_m,
        "rule_version": told_version(situation.rule, config),
        **bundle,
    }
    return Event("core.dispatch", situation.situation_id, value)
