"""Places against shapes, as columns: distance to a centre, inside a polygon, how far outside one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from streams.geo import EARTH_RADIUS_M
from streams.match.observations import Floats


def distances_m(lat_a: Floats, lon_a: Floats, lat_b: Floats, lon_b: Floats) -> Floats:
    """Metres between two columns of places in degrees, to the millimetre: `streams.geo.distance_m`, row by row."""
    phi_a, phi_b = np.radians(lat_a), np.radians(lat_b)
    half_lat, half_lon = np.sin((phi_b - phi_a) / 2), np.sin(np.radians(lon_b - lon_a) / 2)
    chord = half_lat * half_lat + np.cos(phi_a) * np.cos(phi_b) * half_lon * half_lon
    metres: Floats = np.round(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, chord))), 3)
    return metres


def are_inside(lat: Floats, lon: Floats, corners: Sequence[tuple[float, float]]) -> npt.NDArray[np.bool_]:
    """Whether each place lies in the polygon, by the even-odd rule on degrees.

    Of two polygons that share an edge, a place on it lies in exactly one.
    """
    inside = np.zeros(len(lat), np.bool_)
    before_lat, before_lon = corners[-1]
    for corner_lat, corner_lon in corners:
        if corner_lat != before_lat:
            spans = (corner_lat > lat) != (before_lat > lat)
            slope = (before_lon - corner_lon) / (before_lat - corner_lat)
            inside ^= spans & (lon < corner_lon + slope * (lat - corner_lat))
        before_lat, before_lon = corner_lat, corner_lon
    return inside


def edge_distances_m(lat: Floats, lon: Floats, corners: Sequence[tuple[float, float]]) -> Floats:
    """Metres from each place to the polygon's nearest edge, on the plane that touches the globe at that place."""
    metres = np.radians(1.0) * EARTH_RADIUS_M
    width = metres * np.cos(np.radians(lat))
    nearest = np.full(len(lat), np.inf)
    before_lat, before_lon = corners[-1]
    for corner_lat, corner_lon in corners:
        x, y = (before_lon - lon) * width, (before_lat - lat) * metres
        along_x, along_y = (corner_lon - before_lon) * width, (corner_lat - before_lat) * metres
        length = along_x * along_x + along_y * along_y
        share = np.clip(-(x * along_x + y * along_y) / np.where(length > 0, length, 1.0), 0.0, 1.0)
        nearest = np.minimum(nearest, np.hypot(x + share * along_x, y + share * along_y))
        before_lat, before_lon = corner_lat, corner_lon
    return nearest
