"""The nearest cameras equal brute force over all of them, always."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.geo import EARTH_RADIUS_M, Grid, distance_m
from streams.situations.model import Camera, CameraAt, Position
from streams.situations.reports.cameras import CameraIndex, nearest_cameras

STEP = 0.0005
"""Places on a mesh, so that several cameras share a pole and many are equally far."""
CENTRES = st.sampled_from([(36.35, 127.38), (0.0, 0.0), (89.999, 10.0), (-90.0, 0.0), (71.0, 179.9995)])
MESH = st.tuples(st.integers(-8, 8), st.integers(-8, 8))
STATUS = st.sampled_from(["ok", "ok", "ok", "faulty", "retired"])
PURPOSES = st.sets(st.sampled_from(["fire-safety", "traffic"]))


def on_earth(lat: float, lon: float) -> Position:
    return Position(max(-90.0, min(90.0, lat)), (lon + 180) % 360 - 180)


def brute(
    cameras: list[Camera], place: Position, count: int, radius_m: float, purpose: str
) -> list[CameraAt]:
    found = []
    for camera in cameras:
        at = camera.position
        if at is None or camera.status != "ok" or purpose not in camera.purposes:
            continue
        away_m = distance_m(place.lat, place.lon, at.lat, at.lon)
        if away_m <= radius_m:
            found.append((away_m, camera.camera_id))
    return [CameraAt(name, rank, away_m) for rank, (away_m, name) in enumerate(sorted(found)[:count], 1)]


@settings(max_examples=300)
@given(
    centre=CENTRES,
    mesh=st.lists(st.tuples(MESH, STATUS, PURPOSES, st.booleans()), max_size=60),
    offset=MESH,
    count=st.integers(0, 7),
    radius_m=st.sampled_from([1.0, 55.6, 150.0, 500.0, 3_000.0, 40_000.0]),
    moves=st.lists(st.tuples(st.integers(0, 59), MESH), max_size=8),
)
def test_nearest_cameras_equal_brute_force(
    centre: tuple[float, float],
    mesh: list[tuple[tuple[int, int], str, set[str], bool]],
    offset: tuple[int, int],
    count: int,
    radius_m: float,
    moves: list[tuple[int, tuple[int, int]]],
) -> None:
    lat, lon = centre
    index = CameraIndex()

    def a_place(steps: tuple[int, int]) -> Position:
        return on_earth(lat + steps[0] * STEP, lon + steps[1] * STEP)

    for number, (steps, status, purposes, is_placed) in enumerate(mesh):
        where = a_place(steps) if is_placed else None
        index.put(Camera(f"c{number:02d}", where, tuple(sorted(purposes)), status))
    for number, steps in moves:
        moved = index.get(f"c{number:02d}")
        if moved is not None:
            index.put(Camera(moved.camera_id, a_place(steps), moved.purposes, moved.status))
    place = a_place(offset)
    found = nearest_cameras(
        index, place, count=count, radius_m=radius_m, usable=lambda one: "traffic" in one.purposes
    )
    assert found == brute(list(index.cameras.values()), place, count, radius_m, "traffic")


@given(st.floats(-89.9, 89.9), st.floats(-180, 180), st.floats(0, 360), st.floats(0, 1), st.floats(1, 20_000))
def test_whoever_lies_within_the_radius_is_found(
    lat: float, lon: float, bearing: float, share: float, radius_m: float
) -> None:
    """The radius holds at any bearing, up to the edge."""
    angle, course, phi = share * radius_m / EARTH_RADIUS_M, math.radians(bearing), math.radians(lat)
    sine = math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(course)
    its_lat = math.degrees(math.asin(max(-1.0, min(1.0, sine))))
    east = math.atan2(
        math.sin(course) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * sine
    )
    other = on_earth(its_lat, lon + math.degrees(east))
    grid = Grid[str](0.004)
    grid.add("it", other.lat, other.lon)
    away_m = distance_m(lat, lon, other.lat, other.lon)
    found = ["it"] if away_m <= radius_m else []
    assert [key for key, _ in grid.near(lat, lon, radius_m)] == found
    grid.cells.update({(100_000 + number, 0): {f"other {number}": (99.0, 0.0)} for number in range(2_000)})
    assert [key for key, _ in grid.near(lat, lon, radius_m)] == found, "cell by cell it finds the same"


def test_the_oracle_is_not_fooled() -> None:
    """The brute-force oracle notices a dead camera and a farther one."""
    here = Position(36.35, 127.38)
    near = Camera("near", Position(36.3501, 127.38), ("traffic",), "ok")
    dead = Camera("dead", here, ("traffic",), "faulty")
    assert [one.camera_id for one in brute([dead, near], here, 1, 500, "traffic")] == ["near"]
    assert brute([near], here, 1, 500, "fire-safety") == []
    assert brute([near], here, 1, 11, "traffic") == []
    assert brute([near], here, 1, 12, "traffic")[0].distance_m == pytest.approx(11.12, abs=0.01)
