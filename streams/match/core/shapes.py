"""Places against shapes, as columns: distance to a centre, inside a polygon, distance to its edge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from streams.geo import EARTH_RADIUS_M
from streams.match.core.observations import Floats, Rows

EDGES_MAX = 1_000_000
"""The number of edges tested in one call: a bound on memory."""


def distances_m(lat_a: Floats, lon_a: Floats, lat_b: Floats, lon_b: Floats) -> Floats:
    """Return metres between two columns of places in degrees, to the millimetre: `streams.geo.distance_m`,
    row by row.
    """
    phi_a, phi_b = np.radians(lat_a), np.radians(lat_b)
    half_lat, half_lon = np.sin((phi_b - phi_a) / 2), np.sin(np.radians(lon_b - lon_a) / 2)
    chord = half_lat * half_lat + np.cos(phi_a) * np.cos(phi_b) * half_lon * half_lon
    metres: Floats = np.round(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, chord))), 3)
    return metres


class Edges:
    """The edges of many polygons in one column, so that all pairs of place and polygon are tested in one call."""

    def __init__(self, polygons: Sequence[Sequence[tuple[float, float]]]) -> None:
        self._first = np.cumsum([0, *map(len, polygons)])
        corners = [corner for polygon in polygons for corner in polygon]
        before = [corner for polygon in polygons if polygon for corner in (polygon[-1], *polygon[:-1])]
        self._lat, self._lon = np.array(corners, np.float64).reshape(-1, 2).T
        self._before_lat, before_lon = np.array(before, np.float64).reshape(-1, 2).T
        rise = self._before_lat - self._lat
        self._slope = np.divide(before_lon - self._lon, rise, out=np.zeros(len(rise)), where=rise != 0)

    def are_around(self, lat: Floats, lon: Floats, which: Rows) -> npt.NDArray[np.bool_]:
        """Return whether each place lies in the polygon of that number, by the even-odd rule on degrees.

        A place on the edge shared by two polygons lies in exactly one of them.
        """
        counts = self._first[which + 1] - self._first[which]
        if len(which) > 1 and counts.sum() > EDGES_MAX:
            half = len(which) // 2
            parts = (slice(half), slice(half, None))
            return np.concatenate([self.are_around(lat[part], lon[part], which[part]) for part in parts])
        pair = np.repeat(np.arange(len(which)), counts)
        edge = np.arange(len(pair)) + np.repeat(self._first[which] - np.cumsum(counts) + counts, counts)
        y, corner_lat = lat[pair], self._lat[edge]
        spans = (corner_lat > y) != (self._before_lat[edge] > y)
        crossed = spans & (lon[pair] < self._lon[edge] + self._slope[edge] * (y - corner_lat))
        crossings = np.bincount(pair[crossed], minlength=len(which))
        inside: npt.NDArray[np.bool_] = crossings % 2 == 1
        return inside


def edge_distances_m(lat: Floats, lon: Floats, corners: Sequence[tuple[float, float]]) -> Floats:
    """Return metres from each place to the polygon's nearest edge, on the plane that touches the globe at
    that place.
    """
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
