"""Whether a place or a disc lies in, or reaches into, a polygon. Pure.

Polygons are of latitude and longitude as on a map, and none crosses the 180th meridian.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from streams.geo import EARTH_RADIUS_M

Corner = tuple[float, float]
"""Latitude and longitude in degrees."""
METRES_PER_DEG = math.radians(1) * EARTH_RADIUS_M


def meets(
    polygon: Sequence[Corner], position: Mapping[str, Any] | None, disc: Mapping[str, Any] | None
) -> bool:
    """Whether *position* lies in *polygon*, or *disc* (``lat``, ``lon``, ``radius_m``) reaches into it.

    What has neither lies in no polygon.
    """
    if disc is not None and reaches(polygon, disc["lat"], disc["lon"], disc["radius_m"]):
        return True
    return position is not None and holds(polygon, position["lat"], position["lon"])


def holds(polygon: Sequence[Corner], lat: float, lon: float) -> bool:
    """Whether the point lies in *polygon*: a line to the west crosses its edge an odd number of times."""
    is_in = False
    for (lat_a, lon_a), (lat_b, lon_b) in pairwise([*polygon, polygon[0]]):
        if (lat_a > lat) != (lat_b > lat) and lon < lon_a + (lat - lat_a) / (lat_b - lat_a) * (lon_b - lon_a):
            is_in = not is_in
    return is_in


def reaches(polygon: Sequence[Corner], lat: float, lon: float, radius_m: float) -> bool:
    """Whether the disc has a point in *polygon*, on a plane that touches the earth at its centre."""
    if holds(polygon, lat, lon):
        return True
    east = METRES_PER_DEG * math.cos(math.radians(lat))
    flat = [((lon_a - lon) * east, (lat_a - lat) * METRES_PER_DEG) for lat_a, lon_a in polygon]
    return any(_away(a, b) <= radius_m for a, b in pairwise([*flat, flat[0]]))


def _away(a: tuple[float, float], b: tuple[float, float]) -> float:
    """The distance of the stretch from *a* to *b* from the origin."""
    (x, y), (dx, dy) = a, (b[0] - a[0], b[1] - a[1])
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else max(0.0, min(1.0, -(x * dx + y * dy) / length))
    return math.hypot(x + along * dx, y + along * dy)
