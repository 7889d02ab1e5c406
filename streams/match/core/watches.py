"""A watch, as ``core.watch`` has it, validated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.geo import reach_deg
from streams.match.core.watch_parts import (
    CORNERS_ALL_MAX,
    Limit,
    Ring,
    Seed,
    WatchArea,
    areas_of,
    is_place,
    limit_of,
    need,
    ring_of,
    seeds_of,
    windows_of,
)

FOREVER_MS = 1 << 62
RADIUS_M_MAX = 200_000.0
SEEN, CROSSED = "seen", "crossed"


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch. Times in ms, ``closes_at`` exclusive. A disc has *centre* and *radius_m*, a polygon *corners*
    (lat, lon), *areas*, or both: together they are its place. Without *windows* it looks all the time.
    """

    watch_id: str
    situation_id: str | None
    shape: str
    opens_at: int
    closes_at: int
    since: int
    purpose: str
    revision: int = 1
    event: str = "seen"
    centre: tuple[float, float] | None = None
    radius_m: float = 0.0
    corners: Ring = ()
    hysteresis_m: float = 0.0
    topics: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    min_confidence: float = 0.0
    per_second_max: int | None = None
    areas: tuple[WatchArea, ...] = ()
    floor: Limit | None = None
    ceiling: Limit | None = None
    windows: tuple[tuple[int, int], ...] = ()
    inside: tuple[Seed, ...] = ()
    tell_inside_every_ms: int | None = None

    @property
    def polygons(self) -> tuple[WatchArea, ...]:
        """All of its areas, *corners* among them."""
        return (*((WatchArea(self.corners),) if self.corners else ()), *self.areas)

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """The south, west, north, east of its area with the hysteresis; ``None`` if it looks anywhere."""
        if self.shape == "disc" and self.centre is not None:
            lat, lon = self.centre
            height, width = reach_deg(lat, self.radius_m + self.hysteresis_m)
            return lat - height, lon - width, lat + height, lon + width
        if self.shape == "polygon":
            lats, lons = zip(*(corner for one in self.polygons for corner in one.outline), strict=True)
            far = max(lats, key=abs)
            height, width = reach_deg(far, self.hysteresis_m)
            return min(lats) - height, min(lons) - width, max(lats) + height, max(lons) + width
        return None


def watch_of(value: Mapping[str, Any]) -> Watch:
    """Return *value* as a watch. ``Invalid`` names the field that is wrong."""
    shape, centre, radius_m = value["shape"], value["centre"], value["radius_m"]
    if shape == "disc":
        need(centre is not None, "centre", "a disc's centre")
        need(radius_m is not None and 0 <= radius_m <= RADIUS_M_MAX, "radius_m", "0 to 200,000 m")
    if centre is not None:
        need(is_place(centre["lat"], centre["lon"]), "centre", "WGS-84 degrees")
    corners, areas = _polygons_of(value) if shape == "polygon" else ((), ())
    hysteresis_m = value["hysteresis_m"]
    need(0 <= hysteresis_m <= RADIUS_M_MAX, "hysteresis_m", "0 to 200,000 m")
    event = value["event"]
    need(event == SEEN or shape != "anywhere", "event", "a place that can be entered or left")
    need(shape != "anywhere" or value["tokens"] or value["labels"], "labels", "something that is wanted")
    opens_at, closes_at = value["opens_at"], value["closes_at"]
    need(closes_at is None or closes_at >= opens_at, "closes_at", "not before opens_at")
    every_s, confidence = value["tell_inside_every_s"], value["min_confidence"]
    need(every_s is None or 0 < every_s < math.inf, "tell_inside_every_s", "more than 0 s")
    need(confidence is None or math.isfinite(confidence), "min_confidence", "0 to 1")
    return Watch(
        watch_id=value["watch_id"],
        situation_id=value["situation_id"],
        shape=shape,
        opens_at=opens_at,
        closes_at=FOREVER_MS if closes_at is None else closes_at,
        since=opens_at if value["since"] is None else value["since"],
        purpose=value["purpose"],
        revision=value["revision"],
        event=event,
        centre=(centre["lat"], centre["lon"]) if shape == "disc" else None,
        radius_m=radius_m if shape == "disc" else 0.0,
        corners=corners,
        hysteresis_m=hysteresis_m if event != SEEN else 0.0,
        topics=frozenset(value["topics"]),
        labels=frozenset(value["labels"]),
        tokens=frozenset(value["tokens"]),
        min_confidence=confidence or 0.0,
        per_second_max=value["per_second_max"],
        areas=areas,
        floor=limit_of(value["floor"], "floor"),
        ceiling=limit_of(value["ceiling"], "ceiling"),
        windows=windows_of(value["windows"]),
        inside=seeds_of(value["inside"]),
        tell_inside_every_ms=None if every_s is None else max(1, round(every_s * 1000)),
    )


def _polygons_of(value: Mapping[str, Any]) -> tuple[Ring, tuple[WatchArea, ...]]:
    """Return the corners of ``polygon``, and the areas beside it; one of the two may be empty."""
    areas = areas_of(value["areas"])
    corners = ring_of(value["polygon"], "polygon") if value["polygon"] or not areas else ()
    count = len(corners) + sum(len(ring) for one in areas for ring in one.rings)
    need(count <= CORNERS_ALL_MAX, "areas", f"at most {CORNERS_ALL_MAX:,} corners of all areas")
    return corners, areas
