"""A watch, as ``core.watch`` has it, validated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import Invalid
from streams.geo import reach_deg

FOREVER_MS = 1 << 62
CORNERS_MAX = 1_000
RADIUS_M_MAX = 200_000.0


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch. Times in ms, ``closes_at`` exclusive. A disc has *centre* and *radius_m*, a polygon *corners*
    (lat, lon).
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
    corners: tuple[tuple[float, float], ...] = ()
    hysteresis_m: float = 0.0
    topics: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    min_confidence: float = 0.0
    per_second_max: int | None = None

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """The south, west, north, east of its area with the hysteresis; ``None`` if it looks anywhere."""
        if self.shape == "disc" and self.centre is not None:
            lat, lon = self.centre
            height, width = reach_deg(lat, self.radius_m + self.hysteresis_m)
            return lat - height, lon - width, lat + height, lon + width
        if self.shape == "polygon":
            lats, lons = zip(*self.corners, strict=True)
            far = max(lats, key=abs)
            height, width = reach_deg(far, self.hysteresis_m)
            return min(lats) - height, min(lons) - width, max(lats) + height, max(lons) + width
        return None


def watch_of(value: Mapping[str, Any]) -> Watch:
    """Return *value* as a watch. ``Invalid`` names the field that is wrong."""
    shape, centre, radius_m = value["shape"], value["centre"], value["radius_m"]
    corners = tuple((one["lat"], one["lon"]) for one in value["polygon"])
    if shape == "disc":
        _need(centre is not None, "centre", "a disc's centre")
        _need(radius_m is not None and 0 <= radius_m <= RADIUS_M_MAX, "radius_m", "0 to 200,000 m")
    if shape == "polygon":
        _need(3 <= len(corners) <= CORNERS_MAX, "polygon", f"3 to {CORNERS_MAX} corners")
    places = [*corners, *([(centre["lat"], centre["lon"])] if centre is not None else [])]
    for lat, lon in places:
        _need(-90 <= lat <= 90 and -180 <= lon <= 180, "polygon" if corners else "centre", "WGS-84 degrees")
    hysteresis_m = value["hysteresis_m"]
    _need(0 <= hysteresis_m <= RADIUS_M_MAX, "hysteresis_m", "0 to 200,000 m")
    event = value["event"]
    _need(event == "seen" or shape != "anywhere", "event", "a place that can be entered or left")
    _need(shape != "anywhere" or value["tokens"] or value["labels"], "labels", "something that is wanted")
    opens_at, closes_at = value["opens_at"], value["closes_at"]
    _need(closes_at is None or closes_at >= opens_at, "closes_at", "not before opens_at")
    confidence = value["min_confidence"]
    _need(confidence is None or math.isfinite(confidence), "min_confidence", "0 to 1")
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
        corners=corners if shape == "polygon" else (),
        hysteresis_m=hysteresis_m if event != "seen" else 0.0,
        topics=frozenset(value["topics"]),
        labels=frozenset(value["labels"]),
        tokens=frozenset(value["tokens"]),
        min_confidence=confidence or 0.0,
        per_second_max=value["per_second_max"],
    )


def _need(is_so: Any, field: str, expected: str) -> None:
    if not is_so:
        raise Invalid(f"a watch without a usable {field}", field=field, expected=expected)
