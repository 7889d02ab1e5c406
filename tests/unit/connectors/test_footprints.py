"""The ground that a camera sees, against independent ray casting over random poses, and cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from connectors.subjects.footprints import Pose, computed, footprint_of, from_offsets, moved
from schemas.heights import Bound

HERE = (16.5, 104.7)
DOWN = Pose(HERE, (0, 0, 0), (0, -90, 0), 60, 40)


def metres(at: tuple[float, float]) -> tuple[float, float]:
    lat = math.radians(HERE[0])
    north = 111_132.954 - 559.822 * math.cos(2 * lat) + 1.175 * math.cos(4 * lat)
    east = 111_412.84 * math.cos(lat) - 93.5 * math.cos(3 * lat) + 0.118 * math.cos(5 * lat)
    return (at[0] - HERE[0]) * north, (at[1] - HERE[1]) * east


def about(axis: str, degrees: float) -> np.ndarray:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array(
        {
            "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
            "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
            "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
        }[axis]
    )


def cast(pose: Pose, height: float, *, tilt: np.ndarray | None = None) -> np.ndarray | None:
    """The corners in metres, by matrices: axes north, east, down; ``None`` where a ray goes up."""
    (h, p, r), (a, e, c) = pose.platform, pose.camera
    turn = about("z", h) @ about("y", p) @ about("x", r) @ about("z", a) @ about("y", e) @ about("x", c)
    right, down = math.tan(math.radians(pose.width / 2)), math.tan(math.radians(pose.height / 2))
    rays = (
        np.array([[1, -right, -down], [1, right, -down], [1, right, down], [1, -right, down]], float) @ turn.T
    )
    if tilt is not None:
        rays = rays @ tilt.T
    if (rays[:, 2] <= 0).any():
        return None
    found: np.ndarray = rays[:, :2] * (height / rays[:, 2:])
    return found


def test_computed_corners_are_those_of_ray_casting_and_no_error_is_larger_than_said() -> None:
    chance, seen, none = np.random.default_rng(25), 0, 0
    for _ in range(2_000):
        pose = Pose(
            HERE,
            (chance.uniform(0, 360), chance.uniform(-20, 20), chance.uniform(-30, 30)),
            (chance.uniform(0, 360), chance.uniform(-100, 0), chance.uniform(-20, 20)),
            chance.uniform(2, 70),
            chance.uniform(2, 50),
        )
        low = chance.uniform(20, 400)
        bound = Bound(low, low + chance.uniform(0, 60))
        found = computed(pose, bound, attitude_error_deg=1, slant_error=0)
        corners = cast(pose, (bound.low + bound.high) / 2)
        if found is None or corners is None:
            none += 1
            assert corners is None or min(depressions(corners, sum(bound) / 2)) <= 1.0001
            continue
        seen += 1
        ours = np.array([metres(corner) for corner in found.corners])
        if np.abs(corners).max() < 20_000:  # the series of the degree's length holds
            assert np.allclose(ours, corners, rtol=2e-3, atol=0.05)
        axis = chance.normal(size=3)
        axis /= np.linalg.norm(axis)
        skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
        error = math.radians(1)
        tilt = np.eye(3) + math.sin(error) * skew + (1 - math.cos(error)) * skew @ skew
        for height in (bound.low, bound.high):
            off = cast(pose, height, tilt=tilt)
            assert off is not None
            assert found.error_m is not None
            assert np.linalg.norm(off - corners, axis=1).max() <= found.error_m * (1 + 1e-9)
    assert seen > 300
    assert none > 300


def depressions(corners: np.ndarray, height: float) -> list[float]:
    return [math.degrees(math.atan2(height, math.hypot(*corner))) for corner in corners]


def test_straight_down_is_a_rectangle_by_hand() -> None:
    # 100 m up, 60° by 40°: half of it is 100 tan 30° = 57.735 m and 100 tan 20° = 36.397 m; the picture's top is north.
    found = computed(DOWN, Bound(100, 100), attitude_error_deg=0, slant_error=0)
    assert found is not None
    expected = [(36.397, -57.735), (36.397, 57.735), (-36.397, 57.735), (-36.397, -57.735)]
    for corner, (north, east) in zip(found.corners, expected, strict=True):
        assert metres(corner) == pytest.approx((north, east), abs=0.05)
    assert (found.camera_height_m, found.error_m) == (100, 0)
    assert found.centre == pytest.approx(HERE, abs=1e-9)


def test_heading_east_the_pictures_top_is_east() -> None:
    found = computed(
        Pose(HERE, (90, 0, 0), (0, -90, 0), 60, 40), Bound(100, 100), attitude_error_deg=0, slant_error=0
    )
    assert found is not None
    assert metres(found.corners[0]) == pytest.approx((57.735, 36.397), abs=0.05)


def test_the_grounds_bounds_are_an_error_and_a_slant_range_narrows_it() -> None:
    # the farthest corner is sqrt(57.735² + 36.397²) = 68.25 m away at 100 m: 20 m up or down are 13.65 m there
    wide = computed(DOWN, Bound(80, 120), attitude_error_deg=0, slant_error=0)
    near = computed(DOWN, Bound(80, 120), slant_m=110, attitude_error_deg=0, slant_error=0.01)
    assert wide is not None
    assert near is not None
    assert wide.error_m == pytest.approx(13.65, abs=0.01)
    assert near.camera_height_m == pytest.approx(110)
    assert near.error_m == pytest.approx(0.6825 * 1.1, abs=0.01)


def test_a_slant_range_that_the_ground_contradicts_is_not_taken() -> None:
    found = computed(DOWN, Bound(80, 120), slant_m=500, attitude_error_deg=0, slant_error=0.01)
    assert found is not None
    assert found.camera_height_m == 100


@pytest.mark.parametrize("elevation", [-19, 0, 30, 90])
def test_a_ray_that_may_miss_the_ground_gives_no_footprint(elevation: float) -> None:
    pose = Pose(HERE, (0, 0, 0), (0, elevation, 0), 60, 40)
    assert computed(pose, Bound(100, 100), attitude_error_deg=1, slant_error=0) is None


def test_below_the_ground_or_at_no_known_height_there_is_none() -> None:
    for bound in (Bound(-20, 10), Bound(-math.inf, math.inf)):
        assert computed(DOWN, bound, attitude_error_deg=1, slant_error=0) is None


def test_corners_that_cross_or_hold_no_ground_are_refused() -> None:
    a, b, c, d = (1.0, 1.0), (1.0, 2.0), (0.0, 2.0), (0.0, 1.0)
    assert footprint_of((a, b, c, d), None, "corners") is not None
    for wrong in ((a, c, b, d), (a, b, d, c), (a, a, c, d), (a, b, b, a), ((91.0, 1.0), b, c, d)):
        assert footprint_of(wrong, None, "corners") is None


def test_a_footprint_may_lie_over_the_line_of_the_date() -> None:
    found = from_offsets((10.0, 179.99), [(0.02, -0.02), (0.02, 0.02), (-0.02, 0.02), (-0.02, -0.02)])
    assert found is not None
    assert [round(lon, 3) for _, lon in found.corners] == [179.97, -179.99, -179.99, 179.97]


def test_a_degree_is_as_long_as_on_the_ellipsoid() -> None:
    lat, lon = moved(HERE, 1_000, 1_000)
    assert metres((lat, lon)) == pytest.approx((1_000, 1_000), abs=0.2)
