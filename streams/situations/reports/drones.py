"""Drones as cameras that move: a mission gives leave, a footprint says where one looks, and both make it a camera. Pure.

A drone serves a place that its footprint holds, or that it can reach within ``REACH_S`` at its cruise speed, with the flight
time that it has left, and not through a zone that forbids it. Without a mission's notice there is no picture to offer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec.structs import replace

from schemas.errors import Invalid
from streams.geo import distance_m
from streams.situations.entry import Entry
from streams.situations.model import Camera, Moving, Position, View
from streams.situations.reports.facts import position_of, source_of

MISSION, FOOTPRINT = "drone.mission", "drone.footprint"
REACH_S = 120.0
SILENT_MS = 60_000
"""After so long without a footprint nobody knows where it looks."""
NEWS_MS, NEWS_M = 5_000, 50.0
"""A footprint is taken when the last is so old, or so far away."""


class KnownCameras(Protocol):
    """The cameras of a city, by id."""

    def get(self, camera_id: str) -> Camera | None: ...


Forbids = Callable[[str, Position, Position], bool]
"""(drone id, from, to): whether a zone on the way forbids it."""


def camera_of_mission(entry: Entry, known: Camera | None) -> Camera:
    """The camera of a mission as it is said now. It has a place once a footprint says one. ``Invalid`` for one that cannot
    be, or that another source told."""
    value = entry.value
    for name in ("mission_id", "drone_id", "agency"):
        if not value[name].strip():
            raise Invalid(f"{entry.topic}: no {name}", field=name, expected="a name")
    if known is not None and known.source != source_of(entry):
        raise Invalid(
            f"{entry.topic}: told by another source, which alone may revise it",
            field="video_ref",
            expected="a name of the source's own",
        )
    before = None if known is None else known.moving
    is_same = before is not None and before.mission_id == value["mission_id"]
    moving = Moving(
        drone_id=value["drone_id"],
        mission_id=value["mission_id"],
        notice_id=value["notice_id"],
        said_at=value["event_time"],
        cruise_mps=value["cruise_mps"] or 0.0,
        endurance_s=value["endurance_s"],
        starts_at=value["starts_at"],
        ends_at=value["ends_at"],
        seen_at=before.seen_at if before is not None and is_same else 0,
        footprint=before.footprint if before is not None and is_same else (),
    )
    position = known.position if known is not None and is_same else None
    purposes = tuple(sorted(set(value["purposes"])))
    return Camera(camera_of(value), position, purposes, _status(value), source_of(entry), moving)


def camera_of(value: Mapping[str, Any]) -> str:
    """The name of its picture: the video system's, or the drone's own."""
    return str(value["video_ref"] or value["drone_id"])


def _status(value: Mapping[str, Any]) -> str:
    if value["status"] != "active":
        return "not flying"
    return "ok" if (value["notice_id"] or "").strip() else "without a notice"


def on_footprint(entry: Entry, known: Camera) -> Camera:
    """*known*, where it looks now. An older footprint changes nothing."""
    value, moving = entry.value, known.moving
    at = position_of(value["position"])
    if moving is None or value["event_time"] <= moving.seen_at:
        return known
    ring = tuple((one["lat"], one["lon"]) for one in value["corners"])
    centre = position_of(value["centre"])
    status = "ok" if known.status == "silent" else known.status
    moving = replace(moving, footprint=ring, seen_at=value["event_time"])
    return replace(known, position=at or centre, moving=moving, status=status)


def is_news_of(cameras: KnownCameras, value: Mapping[str, Any]) -> bool:
    """Whether a footprint says more than the last: one that does not is not even journalled."""
    known = cameras.get(camera_of(value))
    if known is None or known.moving is None:
        return False
    at, last = position_of(value["position"]) or position_of(value["centre"]), known.position
    if last is None or at is None or value["event_time"] - known.moving.seen_at >= NEWS_MS:
        return True
    return distance_m(at.lat, at.lon, last.lat, last.lon) >= NEWS_M


def is_silent(camera: Camera, now: int) -> bool:
    """Whether it flies, and nothing has been heard of where it looks for too long, or its time is up."""
    moving = camera.moving
    if moving is None or camera.status != "ok" or camera.position is None:
        return False
    is_over = moving.ends_at is not None and moving.ends_at <= now
    return is_over or now - moving.seen_at > SILENT_MS


def away_m(camera: Camera, place: Position, forbids: Forbids) -> float | None:
    """Metres from the drone to *place*; ``None`` where it cannot serve that."""
    moving, at = camera.moving, camera.position
    if moving is None or at is None:
        return None
    away = distance_m(at.lat, at.lon, place.lat, place.lon)
    if holds(moving.footprint, place):
        return away
    flown_s = max(0, moving.seen_at - moving.said_at) / 1000
    left_s = REACH_S if moving.endurance_s is None else min(REACH_S, moving.endurance_s - flown_s)
    if moving.cruise_mps <= 0 or away > moving.cruise_mps * left_s:
        return None
    return None if forbids(moving.drone_id, at, place) else away


def keeps_its_rank(camera: Camera, view: View, forbids: Forbids) -> bool:
    """Whether a drone stands among the cameras of *view* where it should, or stands not there and should not. Its distance
    there is that of when it took its rank: else each of its moves would be a revision."""
    place = view.position
    away = None if place is None or not camera.is_usable else away_m(camera, place, forbids)
    there = next((n for n, one in enumerate(view.cameras) if one.camera_id == camera.camera_id), None)
    if there is None or away is None:
        return (there is None) is (away is None)
    before, behind = view.cameras[:there], view.cameras[there + 1 :]
    return all(one.distance_m <= away for one in before) and all(one.distance_m >= away for one in behind)


def reach_m(camera: Camera) -> float:
    """Metres within which a place may be one that it serves."""
    moving, at = camera.moving, camera.position
    if moving is None or at is None:
        return 0.0
    corners = (distance_m(at.lat, at.lon, lat, lon) for lat, lon in moving.footprint)
    return max([moving.cruise_mps * REACH_S, *corners])


def holds(ring: tuple[tuple[float, float], ...], place: Position) -> bool:
    """Whether *place* lies in a footprint, by the even-odd rule on degrees."""
    is_in = False
    for number, (lat, lon) in enumerate(ring):
        last_lat, last_lon = ring[number - 1]
        if (lat > place.lat) != (last_lat > place.lat):
            is_in ^= place.lon < lon + (last_lon - lon) * (place.lat - lat) / (last_lat - lat)
    return is_in
