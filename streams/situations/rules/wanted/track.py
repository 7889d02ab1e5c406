"""The way of a wanted vehicle: hits in order of event time, hops between them, cameras that it may pass next. Pure.

A hop is measured in a straight line, so its speed is the least that the vehicle can have had. One faster than
``track_max_mps`` cannot be: one of its hits is another vehicle, and it says no speed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from streams.geo import distance_m
from streams.situations.answers.events import position_value
from streams.situations.model import Hit, Observed, Position, Situation, Track
from streams.situations.reports.cameras import CameraIndex, cameras_for
from streams.situations.rules.wanted.config import Numbers

NOWHERE: dict[str, Any] = {
    "reach_mps": None,
    "reach_m": None,
    "cameras_in_reach": 0,
    "next_cameras": [],
}
"""The next cameras of a vehicle that nobody may look for, or of which nobody knows where it is."""


class Passage(Struct, frozen=True, gc=False):
    """A hit with its camera (``None`` where it is not known) and its time."""

    camera_id: str | None
    at: int
    found: Observed
    hit: Hit

    @property
    def order(self) -> tuple[int, str]:
        return self.at, self.found.event_id


class Hop(Struct, frozen=True, gc=False):
    """The way between two successive passages. *distance_m* is ``None`` where the place of one is unknown, *speed_mps* also
    where no time went by, or less than the way takes."""

    distance_m: float | None
    seconds: float
    speed_mps: float | None
    is_impossible: bool


def tracked_with(situation: Situation, hit: Hit) -> Situation:
    """*situation*, which lists the observation of *hit*, with *hit* in its track; without hits that it lists no longer."""
    track = situation.track or Track()
    listed = {one.event_id for one in situation.view.observed}
    hits = tuple(one for one in (*track.hits, hit) if one.event_id in listed)
    return replace(situation, track=replace(track, hits=hits))


def confirmed(situation: Situation, token: str) -> Situation:
    """*situation* with all candidates of *token* as hits: an operator has looked at it."""
    if situation.track is None:
        return situation
    hits = tuple(replace(one, is_hit=one.is_hit or one.token == token) for one in situation.track.hits)
    return replace(situation, track=replace(situation.track, hits=hits))


def passages_of(situation: Situation, cameras: CameraIndex, *, is_hit: bool) -> list[Passage]:
    """The passages, by event time. What was observed before tracks were kept stands where its camera is now, and is what
    its situation is (*is_hit*)."""
    hits = {one.event_id: one for one in situation.track.hits} if situation.track is not None else {}
    passages = []
    for found in situation.view.observed:
        camera_id = found.seen_by if found.seen_by != found.topic else None
        camera = cameras.get(camera_id or "")
        of_old = Hit(found.event_id, camera.position if camera is not None else None, "", is_hit)
        at = situation.view.opened_at + round(found.seconds * 1000)
        passages.append(Passage(camera_id, at, found, hits.get(found.event_id, of_old)))
    return sorted(passages, key=lambda one: one.order)


def hops_of(passages: Sequence[Passage], speed_max_mps: float) -> list[Hop]:
    """The hops between *passages*, which stand in order of time."""
    return [_hop(one, other, speed_max_mps) for one, other in pairwise(passages)]


def _hop(one: Passage, other: Passage, speed_max_mps: float) -> Hop:
    seconds = (other.at - one.at) / 1000
    start, end = one.hit.position, other.hit.position
    if start is None or end is None:
        return Hop(None, seconds, None, is_impossible=False)
    away_m = distance_m(start.lat, start.lon, end.lat, end.lon)
    if away_m > speed_max_mps * seconds:  # also where no time went by
        return Hop(away_m, seconds, None, is_impossible=True)
    return Hop(away_m, seconds, away_m / seconds if seconds > 0 else None, is_impossible=False)


def speed_of(hops: Iterable[Hop], default_mps: float) -> float:
    """The speed of the newest hop that has one; else *default_mps*. A hop that ends where it began says nothing of how fast
    a vehicle goes: it was away in between, or stood."""
    speeds = [one.speed_mps for one in hops if one.speed_mps]
    return speeds[-1] if speeds else default_mps


def next_cameras(
    place: Position,
    seen_by: str | None,
    speed_mps: float,
    purpose: str,
    cameras: CameraIndex,
    numbers: Numbers,
) -> dict[str, Any]:
    """The usable cameras for *purpose* within reach of *place*, without the one that has just *seen* it: the nearest, with
    the seconds to each, and how many there are. Nobody is granted any of them by this."""
    reach_m = round(speed_mps * numbers.reach_s, 3)  # to the millimetre, as distances are
    every = cameras_for(cameras, place, purpose, count=len(cameras.cameras), radius_m=reach_m)
    there = [one for one in every if one.camera_id != seen_by]
    return {
        "reach_mps": speed_mps,
        "reach_m": reach_m,
        "cameras_in_reach": len(there),
        "next_cameras": [
            {
                "camera_id": one.camera_id,
                "rank": rank,
                "distance_m": one.distance_m,
                "seconds": one.distance_m / speed_mps if speed_mps > 0 else 0.0,
            }
            for rank, one in enumerate(there[: numbers.next_max], 1)
        ],
    }


def way_of(
    situation: Situation, cameras: CameraIndex, numbers: Numbers, *, purpose: str | None, is_hit: bool
) -> dict[str, Any]:
    """The contents of a track. Next cameras are those of *purpose*; without one, none."""
    passages = passages_of(situation, cameras, is_hit=is_hit)
    hops, newest = hops_of(passages, numbers.track_max_mps), passages[-1]
    ahead = NOWHERE
    if purpose is not None and newest.hit.position is not None:
        speed_mps = speed_of(hops, numbers.reach_mps)
        ahead = next_cameras(newest.hit.position, newest.camera_id, speed_mps, purpose, cameras, numbers)
    return {
        "hits": [_hit_value(one) for one in passages],
        "hops": [_hop_value(one) for one in hops],
        "reach_s": numbers.reach_s,
        **ahead,
    }


def _hit_value(one: Passage) -> dict[str, Any]:
    return {
        "camera_id": one.camera_id,
        "position": position_value(one.hit.position),
        "seen_at": one.at,
        "certainty": "hit" if one.hit.is_hit else "candidate",
        "event_id": one.found.event_id,
        "topic": one.found.topic,
        "partition": one.found.partition,
        "offset": one.found.offset,
    }


def _hop_value(one: Hop) -> dict[str, Any]:
    return {
        "distance_m": one.distance_m,
        "seconds": one.seconds,
        "speed_mps": one.speed_mps,
        "is_impossible": one.is_impossible,
    }
