"""Cameras and sites that change, and what follows for the situations near them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from schemas.event import Event
from streams.geo import distance_m
from streams.situations.answers.publish import publish
from streams.situations.entry import Entry
from streams.situations.model import Camera, Position, Site, Situation
from streams.situations.reports.drones import (
    MISSION,
    camera_of,
    camera_of_mission,
    is_silent,
    keeps_its_rank,
    on_footprint,
    reach_m,
)
from streams.situations.rule import Draft, Follows
from streams.situations.rules.parts.reported import revised
from streams.situations.state.city import CityState


def on_camera(state: CityState, camera: Camera) -> list[Event]:
    before = state.cameras.get(camera.camera_id)
    if camera == before:
        return []
    state.cameras.put(camera)
    if before is not None and camera == replace(before, source=camera.source):
        return [state.camera_row(camera)]  # only its source is known now
    places = [one.position for one in (before, camera) if one is not None and one.position is not None]
    events = [state.camera_row(camera)]
    radius_m = max(state.rules.cameras.radius_m, state.rules.dispatch.radius_m)
    radius_m = max([radius_m, *(reach_m(one) for one in (before, camera) if one is not None)])
    for situation in (*state.live_near(places, radius_m), *_of_rules_near(state, places, radius_m)):
        if not _has_only_moved(before, camera) or not keeps_its_rank(
            camera, situation.view, state.cameras.forbids
        ):
            events += look_again(state, situation)
    return events


def _has_only_moved(before: Camera | None, after: Camera) -> bool:
    """Whether a drone is elsewhere, and nothing else of it is new."""
    if before is None or before.moving is None or after.moving is None:
        return False
    moving = replace(before.moving, footprint=after.moving.footprint, seen_at=after.moving.seen_at)
    return replace(before, position=after.position, moving=moving) == after


def on_drone(state: CityState, entry: Entry) -> list[Event]:
    """A mission, or a footprint: the drone's camera is another, or elsewhere, from now on."""
    known = state.cameras.get(camera_of(entry.value))
    if entry.topic.partition(".")[2] == MISSION:
        camera = camera_of_mission(entry, known)
    elif known is None:
        return []
    else:
        camera = on_footprint(entry, known)
    state.sequence += 1
    return on_camera(state, camera)


def drones_gone(state: CityState) -> list[Event]:
    """Drones of which nothing is heard any more, or whose mission's time is up, serve no place."""
    gone = [one for one in state.cameras.moving.values() if is_silent(one, state.now_ms)]
    events: list[Event] = []
    for camera in gone:
        ends_at = None if camera.moving is None else camera.moving.ends_at
        is_over = ends_at is not None and ends_at <= state.now_ms
        events += on_camera(state, replace(camera, status="not flying" if is_over else "silent"))
    return events


def on_site(state: CityState, site: Site) -> list[Event]:
    before = state.sites.sites.get(site.site_id)
    if site == before:
        return []
    state.sites.put(site)
    if before is not None and site == replace(before, source=site.source):
        return [state.site_row(site)]
    places = [one.position for one in (before, site) if one is not None and one.position is not None]
    events = [state.site_row(site)]
    for situation in state.live_near(places, state.rules.dispatch.radius_m):
        events += publish(state, Draft(situation, None, is_new_revision=False))
    return events


def look_again(state: CityState, situation: Situation) -> list[Event]:
    """Publish *situation* as other cameras, or other grants, leave it."""
    if situation.holds_reports:
        draft = revised(state, situation, situation.view.incidents)
        return publish(state, draft) if situation.is_placed else []
    rule = state.rule_named(situation.rule)
    if not isinstance(rule, Follows):
        return []
    draft = rule.on_action(state, situation)
    if draft.situation.view == situation.view:
        return publish(state, replace(draft, is_new_revision=False))
    after = replace(draft.situation, revision=situation.revision + 1, reason="other cameras")
    return publish(state, replace(draft, situation=after, is_new_revision=True))


def _of_rules_near(state: CityState, places: Iterable[Position], radius_m: float) -> list[Situation]:
    """The situations without reports near any of *places*: of a city there are few at a time."""
    its = [state.situations[one] for name in state.rules_with_situations() for one in state.of_rule(name)]
    return [
        one
        for one in its
        if (at := one.view.position) is not None
        and any(distance_m(at.lat, at.lon, place.lat, place.lon) <= radius_m for place in places)
    ]
