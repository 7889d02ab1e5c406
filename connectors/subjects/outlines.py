"""Outlines of areas with more corners than rules and maps can take: simplified outwards, never inwards. Pure.

The area is widened by a distance (``buffer``), and corners are left out that lie within three quarters of it (Douglas and
Peucker), so the new outline keeps clear of the old one: outer rings grow, holes shrink. The distance doubles until few
enough corners are left. At last there is the box around it.

Cutting an outline exactly takes time by the square of its corners. So one of more than a thousand loses corners first
that change next to nothing, and one where that does not help is taken as cells of a grid. What is lost is in the error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from connectors.subjects.outline_grid import Floats, on_grid

RING_CORNERS_MAX = 500
CORNERS_MAX = 10_000
"""Of all rings of a zone together: a third of a megabyte of text."""
EXACT_MAX = 1_200
"""Corners of an outline that is cut exactly."""
FINEST, THINNINGS, THINNER = 1e-6, 5, 4
"""Parts of a larger outline's size that may be left out first: 1e-6, and up to 256 times as much."""
START_M = 0.05
KEPT_CLEAR = 0.75
"""The part of the distance by which simplifying may take back what widening gave."""
DECIMALS = 9
"""Of a degree: a tenth of a millimetre."""
DEGREE_M = 111_700.0
"""Metres of a degree of latitude at most (at the poles), so that a stated error is never too small."""
AREAS = ("Polygon", "MultiPolygon")
WORLD = (-180.0, -90.0, 180.0, 90.0)


class Outline(NamedTuple):
    """A GeoJSON geometry, and the metres by which it was moved outwards at most: ``None`` where it is the original."""

    geometry: Mapping[str, Any]
    error_m: float | None


def simplified(geometry: Mapping[str, Any]) -> Outline:
    """*geometry*, which is a good one of RFC 7946, with at most 500 corners a ring and 10,000 in all.

    The result holds every point of the original, is valid, and crosses itself nowhere. An area that is small enough, a
    point and a line stay as they are. Where the original crosses itself, inside is what it encloses an odd number of times.
    """
    if geometry["type"] not in AREAS:
        return Outline(geometry, None)
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    sizes = [len(ring) for polygon in polygons for ring in polygon]
    if max(sizes) <= RING_CORNERS_MAX and sum(sizes) <= CORNERS_MAX:
        return Outline(geometry, None)
    flat = [[np.array([at[:2] for at in ring], dtype=float) for ring in polygon] for polygon in polygons]
    per_degree = _scale(flat)
    area, lost_m = with_room([[ring * per_degree for ring in polygon] for polygon in flat])
    grown, error_m = _grown(area, lost_m, per_degree)
    return Outline(grown, stated(error_m))


def stated(error_m: float) -> float:
    """*error_m* in whole centimetres, upwards, as the contract's 32 bits hold it."""
    found = np.float32(math.ceil(error_m * 100) / 100)
    return float(found if found >= error_m else np.nextafter(found, np.float32(np.inf)))


def _scale(polygons: Sequence[Sequence[Floats]]) -> Floats:
    """Metres a degree of longitude and latitude where the area is nearest to the equator: none is too short."""
    lats = np.concatenate([ring[:, 1] for polygon in polygons for ring in polygon])
    nearest = 0.0 if lats.min() <= 0 <= lats.max() else float(np.abs(lats).min())
    return np.array([DEGREE_M * max(0.01, math.cos(math.radians(nearest))), DEGREE_M])


def with_room(polygons: list[list[Floats]]) -> tuple[BaseGeometry, float]:
    """An area that holds all of *polygons*, of few enough corners to be cut, and the metres by which it is wider at most."""
    rings = [ring for polygon in polygons for ring in polygon]
    if sum(map(len, rings)) <= EXACT_MAX:
        return _area(polygons), 0.0
    corners = np.concatenate(rings)
    lost_m = FINEST * float(np.hypot(*(corners.max(axis=0) - corners.min(axis=0))))
    for _ in range(THINNINGS):
        thin = [[_thinned(ring, lost_m) for ring in polygon] for polygon in polygons]
        if sum(len(ring) for polygon in thin for ring in polygon) <= EXACT_MAX:
            # what thinning cut off lies within lost_m of the thinned rings, whether or not they cross now
            return shapely.union_all([_area(thin), *_lines(thin)]).buffer(2 * lost_m, quad_segs=4), 3 * lost_m
        lost_m *= THINNER
    area, lost_m = on_grid(rings)
    return area, lost_m


def _thinned(ring: Floats, distance_m: float) -> Floats:
    line = shapely.simplify(shapely.LineString(ring), distance_m, preserve_topology=False)
    return np.asarray(shapely.get_coordinates(line))


def _area(polygons: Sequence[Sequence[Floats]]) -> BaseGeometry:
    """The points that the rings of each polygon enclose an odd number of times, of all polygons together."""
    parts = [
        shapely.make_valid(shapely.Polygon(rings[0], rings[1:]))
        for polygon in polygons
        if (rings := [ring for ring in polygon if len(ring) >= 4]) and len(polygon[0]) >= 4
    ]
    return shapely.union_all(parts)


def _lines(polygons: Sequence[Sequence[Floats]]) -> list[BaseGeometry]:
    """The outlines; one that thinning shrank to a place is a point, as a line of no length counts for nothing."""
    rings = [ring for polygon in polygons for ring in polygon]
    return [
        shapely.LineString(ring) if np.ptp(ring, axis=0).any() else shapely.Point(ring[0]) for ring in rings
    ]


def _grown(area: BaseGeometry, lost_m: float, per_degree: Floats) -> tuple[Mapping[str, Any], float]:
    """A geometry in degrees around *area* with few enough corners, and the metres by which it is wider at most.

    *lost_m*: by how much *area* is already.
    """
    west, south, east, north = area.bounds
    size_m = math.hypot(east - west, north - south)
    distance_m = max(START_M, lost_m / 4)
    while distance_m < size_m:
        wide = area.buffer(distance_m, quad_segs=4)
        if len(shapely.get_rings(shapely.get_parts(wide))) * 5 > CORNERS_MAX:
            distance_m *= 2  # no simplifying makes these few enough, and it takes long
            continue
        wide = wide.simplify(distance_m * KEPT_CLEAR)
        if _is_small(wide) and wide.covers(area):
            found = _in_degrees(wide, per_degree)
            if found.is_valid and _is_small(found):
                return _geojson(found), lost_m + distance_m * (1 + KEPT_CLEAR)
        distance_m *= 2
    box = shapely.box(west - START_M, south - START_M, east + START_M, north + START_M)
    return _geojson(_in_degrees(box, per_degree)), lost_m + size_m + 2 * START_M


def _is_small(area: BaseGeometry) -> bool:
    rings = shapely.get_rings(shapely.get_parts(area))
    sizes = shapely.get_num_coordinates(rings)
    return bool(sizes.max() <= RING_CORNERS_MAX and sizes.sum() <= CORNERS_MAX)


def _in_degrees(area: BaseGeometry, per_degree: Floats) -> BaseGeometry:
    found = shapely.transform(area, lambda metres: np.round(metres / per_degree, DECIMALS))
    west, south, east, north = found.bounds
    if west < WORLD[0] or south < WORLD[1] or east > WORLD[2] or north > WORLD[3]:
        return shapely.intersection(found, shapely.box(*WORLD))
    return found


def _geojson(area: BaseGeometry) -> Mapping[str, Any]:
    """*area* as RFC 7946 has it: outer rings against the clock, holes with it."""
    polygons = [
        [shapely.get_coordinates(ring).tolist() for ring in shapely.get_rings(part)]
        for part in shapely.get_parts(shapely.orient_polygons(area))
    ]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}
