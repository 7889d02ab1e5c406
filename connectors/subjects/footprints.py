"""The ground that a drone's camera sees: four corners, their origin, and by how much they may be off. Pure.

Said in full, said as offsets from the picture's centre, or computed: from where the camera is and looks, its field of view
and flat ground. Upper left, upper right, lower right, lower left, as the picture shows them.

Computed: the camera is H above flat ground. H is known within a bound: the camera's height above the sea less the bounds of
the city's ground, narrowed by the slant range where one is said. A ray that meets the ground at the depression d lies
H·cot(d) away. Turned by at most e it meets the ground within H·(cot(d−e) − cot(d)) of there, so a corner is off by at most
that, with the highest H, and by cot(d) times half the bound's width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.heights import Bound

CORNERS, OFFSETS, COMPUTED = "corners", "offsets", "computed"
Point = tuple[float, float]
"""Degrees north and east."""
Vector = tuple[float, float, float]
EQUATOR_M, FLATTENING = 6_378_137.0, 1 / 298.257223563
WIDEST_DEG = 179.0


@dataclass(frozen=True, slots=True)
class Footprint:
    """Four corners, the centre where it is known; *error_m* and *camera_height_m* are ``None`` where nobody knows them."""

    corners: tuple[Point, Point, Point, Point]
    centre: Point | None
    origin: str
    error_m: float | None = None
    camera_height_m: float | None = None


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a camera is and looks, degrees: the platform's heading, pitch and roll, and the camera's azimuth, elevation and
    roll to the platform. *width* and *height*: the field of view."""

    at: Point
    platform: Vector
    camera: Vector
    width: float
    height: float


def footprint_of(corners: Sequence[Point], centre: Point | None, origin: str) -> Footprint | None:
    """The footprint whose *corners* are said; ``None`` where they are no places, cross each other, or hold no ground."""
    if len(corners) != 4 or not all(abs(lat) <= 90 and math.isfinite(lon) for lat, lon in corners):
        return None
    first, second, third, fourth = ((lat, _wrapped(lon)) for lat, lon in corners)
    said = (first, second, third, fourth)
    return Footprint(said, centre, origin) if is_simple(said) else None


def from_offsets(centre: Point, offsets: Sequence[Point]) -> Footprint | None:
    """As ``footprint_of``, of *offsets* in degrees from the *centre*."""
    return footprint_of([(centre[0] + lat, centre[1] + lon) for lat, lon in offsets], centre, OFFSETS)


def computed(
    pose: Pose,
    above_ground: Bound,
    *,
    slant_m: float | None = None,
    attitude_error_deg: float,
    slant_error: float,
) -> Footprint | None:
    """The footprint of *pose* over flat ground; ``None`` where a corner's ray may not meet the ground.

    *above_ground*: the camera's height, metres. *slant_error*: by which share *slant_m* may be off.
    """
    if not (0 < pose.width <= WIDEST_DEG and 0 < pose.height <= WIDEST_DEG):
        return None
    rays = [_looking(pose, right, down) for right, down in ((-1, -1), (1, -1), (1, 1), (-1, 1), (0, 0))]
    middle_ray = rays[-1]
    bound = above_ground
    if slant_m is not None and middle_ray[2] > 0:
        straight = slant_m * middle_ray[2]
        bound = bound.narrowed(Bound(straight * (1 - slant_error), straight * (1 + slant_error)))
    height, half = (bound.low + bound.high) / 2, (bound.high - bound.low) / 2
    if not (math.isfinite(height) and height > 0):
        return None
    error = math.radians(attitude_error_deg)
    worst, places = 0.0, []
    for north, east, down in rays:
        depression = math.asin(max(-1.0, min(1.0, down)))
        if depression <= error:
            return None
        away = 1 / math.tan(depression)
        worst = max(worst, bound.high * (1 / math.tan(depression - error) - away) + half * away)
        places.append(moved(pose.at, height * north / down, height * east / down))
    found = footprint_of(places[:4], places[4], COMPUTED)
    if found is None:
        return None
    return Footprint(found.corners, found.centre, COMPUTED, worst, height)


def moved(at: Point, north_m: float, east_m: float) -> Point:
    """The place so many metres north and east of *at*, on the ellipsoid's own curvature there."""
    lat = math.radians(at[0])
    square = FLATTENING * (2 - FLATTENING)
    flat = 1 - square * math.sin(lat) ** 2
    meridian, normal = EQUATOR_M * (1 - square) / flat**1.5, EQUATOR_M / math.sqrt(flat)
    east = 0.0 if abs(at[0]) >= 90 else math.degrees(east_m / (normal * math.cos(lat)))
    return at[0] + math.degrees(north_m / meridian), _wrapped(at[1] + east)


def is_simple(corners: Sequence[Point]) -> bool:
    """Whether the sides of a quadrilateral do not cross or touch, and it holds some ground."""
    origin = corners[0][1]
    a, b, c, d = ((lat, _wrapped(lon - origin)) for lat, lon in corners)
    return not (_meet(a, b, c, d) or _meet(b, c, d, a)) and all(
        _turn(*three) != 0 for three in ((a, b, c), (b, c, d), (c, d, a), (d, a, b))
    )


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _turn(a, b, c) * _turn(a, b, d) <= 0 and _turn(c, d, a) * _turn(c, d, b) <= 0


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _wrapped(lon: float) -> float:
    return lon if -180 <= lon <= 180 else (lon + 180) % 360 - 180


def _looking(pose: Pose, right: int, down: int) -> Vector:
    """A ray of the picture as north, east and down, of length 1: of a corner (±1, ±1), or the middle (0, 0)."""
    across = right * math.tan(math.radians(pose.width) / 2)
    under = down * math.tan(math.radians(pose.height) / 2)
    length = math.sqrt(1 + across**2 + under**2)
    return _turned(_turned((1 / length, across / length, under / length), pose.camera), pose.platform)


def _turned(v: Vector, angles: Vector) -> Vector:
    """*v* turned by a yaw, pitch and roll in degrees (roll first), axes forward, right and down."""
    yaw, pitch, roll = map(math.radians, angles)
    x, y, z = v
    y, z = y * math.cos(roll) - z * math.sin(roll), y * math.sin(roll) + z * math.cos(roll)
    x, z = x * math.cos(pitch) + z * math.sin(pitch), -x * math.sin(pitch) + z * math.cos(pitch)
    return x * math.cos(yaw) - y * math.sin(yaw), x * math.sin(yaw) + y * math.cos(yaw), z
