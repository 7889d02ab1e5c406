"""The oracle of the match: one observation and one watch at a time, in plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from streams.geo import distance_m
from streams.match.core.codes import code_of
from streams.match.core.forms import TOPICS
from streams.match.core.observations import Observations, observations
from streams.match.core.watches import FOREVER_MS, Watch

NOON_MS = 1_772_967_600_000
LAT, LON = 36.35, 127.38


@dataclass(frozen=True, slots=True)
class Sight:
    """One observation."""

    lat: float | None = LAT
    lon: float | None = LON
    time: int = NOON_MS
    label: str = "person"
    token: str | None = None
    thing: str | None = None
    confidence: float | None = 0.5
    contract: str = "cctv.detection"


def a_watch(watch_id: str = "w", **about: object) -> Watch:
    """A disc of 500 m without filters and without end, unless *about* says otherwise."""
    usual: dict[str, object] = {
        "watch_id": watch_id,
        "situation_id": "s",
        "shape": "disc",
        "opens_at": 0,
        "closes_at": FOREVER_MS,
        "since": 0,
        "purpose": "fire-safety",
    }
    if about.get("shape", "disc") == "disc":
        usual |= {"centre": (LAT, LON), "radius_m": 500.0}
    return Watch(**(usual | about))  # type: ignore[arg-type]  # fields by name


def columns(sights: Sequence[Sight]) -> Observations:
    """*sights* as the engine takes them."""
    seen = observations(len(sights))
    for row, one in enumerate(sights):
        seen.at[row] = row
        seen.topic[row] = TOPICS[one.contract]
        seen.lat[row], seen.lon[row] = (np.nan if x is None else x for x in (one.lat, one.lon))
        seen.time[row] = seen.received[row] = one.time
        seen.label[row] = code_of(one.label)
        seen.token[row] = code_of(one.token) if one.token is not None else 0
        seen.subject[row] = code_of(one.thing) if one.thing is not None else 0
        seen.confidence[row] = np.nan if one.confidence is None else one.confidence
    return seen


def wants(watch: Watch, one: Sight) -> bool:
    """Whether *one* passes the filters of *watch*, without regard to its place."""
    return (
        watch.opens_at <= one.time < watch.closes_at
        and (not watch.topics or one.contract in watch.topics)
        and (not watch.labels or one.label in watch.labels)
        and (not watch.tokens or one.token in watch.tokens)
        and (
            watch.min_confidence <= 0
            or (
                one.confidence is not None
                and bool(np.float32(one.confidence) >= np.float32(watch.min_confidence))
            )
        )
    )


def is_inside(watch: Watch, one: Sight) -> bool:
    if watch.shape == "anywhere":
        return True
    if one.lat is None or one.lon is None:
        return False
    if watch.shape == "disc":
        assert watch.centre is not None
        return distance_m(*watch.centre, one.lat, one.lon) <= watch.radius_m
    return winding(watch.corners, one.lat, one.lon) % 2 != 0


def winding(corners: Iterable[tuple[float, float]], lat: float, lon: float) -> int:
    """The polygon's winding number around the place, in exact numbers; crossings count by their direction."""
    turns = 0
    points = [(Fraction(a), Fraction(b)) for a, b in corners]
    y, x = Fraction(lat), Fraction(lon)
    for (y1, x1), (y2, x2) in zip(points, [*points[1:], points[0]], strict=True):
        side = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1)
        if y1 <= y < y2 and side < 0:
            turns += 1
        elif y2 <= y < y1 and side > 0:
            turns -= 1
    return turns


def seen_by(watches: Iterable[Watch], sights: Sequence[Sight]) -> set[tuple[int, str]]:
    """(index in *sights*, watch id) of all matches."""
    return {
        (row, watch.watch_id)
        for watch in watches
        for row, one in enumerate(sights)
        if wants(watch, one) and is_inside(watch, one)
    }
