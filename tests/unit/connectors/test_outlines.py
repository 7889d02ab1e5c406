"""Outlines simplified outwards: what holds is measured with numpy alone, by crossings counted and by distances to edges."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import shapely

from connectors.subjects.outline_grid import on_grid
from connectors.subjects.outlines import RING_CORNERS_MAX, simplified, with_room

MANY = 30_000
DEGREE_M = 111_320.0


def closed(x: Any, y: Any) -> Any:
    ring = np.stack([127 + x, 36 + y], axis=1)
    ring[-1] = ring[0]
    return ring


def star(count: int) -> list[Any]:
    chance = np.random.default_rng(1)
    turn, far = np.linspace(0, 2 * np.pi, count), chance.uniform(0.03, 0.1, count)
    return [closed(far * np.cos(turn), far * np.sin(turn))]


def spiral(count: int) -> list[Any]:
    turn = np.linspace(0, 20 * np.pi, count // 2)
    far = np.concatenate([0.01 + turn * 0.001, (0.013 + turn * 0.001)[::-1]])
    turn = np.concatenate([turn, turn[::-1]])
    return [closed(far * np.cos(turn), far * np.sin(turn))]


def coast(count: int) -> list[Any]:
    chance = np.random.default_rng(2)
    ring = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) * 0.2
    while len(ring) < count:
        step = np.diff(ring, axis=0)
        aside = np.stack([-step[:, 1], step[:, 0]], 1) * chance.uniform(-0.25, 0.25, len(step))[:, None]
        between = (ring[1:] + ring[:-1]) / 2 + aside
        ring = np.insert(ring, np.arange(1, len(ring)), between, axis=0)
    return [closed(ring[:, 0], ring[:, 1])]


def lagoon(count: int) -> list[Any]:
    turn = np.linspace(0, 2 * np.pi, count // 2)
    shore = 0.03 + 0.002 * np.sin(turn * 300)
    return [
        closed(0.1 * np.cos(turn), 0.1 * np.sin(turn)),
        closed(shore * np.cos(-turn), shore * np.sin(-turn)),
    ]


def disc(count: int) -> list[Any]:
    """A smooth round, and beside it a grain of some centimetres, which no chord of it keeps."""
    turn = np.linspace(0, 2 * np.pi, count)
    grain = np.linspace(0, 2 * np.pi, 9)
    return [
        closed(0.1 * np.cos(turn), 0.1 * np.sin(turn)),
        closed(0.2 + 2e-7 * np.cos(grain), 0.2 + 2e-7 * np.sin(grain)),
    ]


def gear(count: int) -> list[Any]:
    """Sixty large teeth whose edges tremble by a metre: few corners matter, and what is left out lies outside too."""
    chance = np.random.default_rng(7)
    at = np.arange(count) * 120 / count
    tooth = np.abs(at % 2 - 1)
    far = 0.08 + 0.02 * tooth + chance.uniform(-1e-5, 1e-5, count)
    turn = at * np.pi / 60
    return [closed(far * np.cos(turn), far * np.sin(turn))]


SHAPES = {"star": star, "spiral": spiral, "coast": coast, "lagoon": lagoon, "disc": disc, "gear": gear}


def holds(rings: list[Any], point: Any) -> bool:
    """Whether *rings* enclose *point* an odd number of times."""
    crossed = 0
    for ring in rings:
        (ax, ay), (bx, by) = ring[:-1].T, ring[1:].T
        spans = (ay > point[1]) != (by > point[1])
        at = ax[spans] + (point[1] - ay[spans]) / (by[spans] - ay[spans]) * (bx[spans] - ax[spans])
        crossed += int(np.count_nonzero(at > point[0]))
    return crossed % 2 == 1


def distance_m(rings: list[Any], point: Any) -> float:
    """Metres from *point* to the nearest edge of *rings*, on the flat map at its latitude."""
    scale = np.array([DEGREE_M * math.cos(math.radians(36)), DEGREE_M])
    least = math.inf
    for ring in rings:
        flat = (ring - point) * scale
        edge = np.diff(flat, axis=0)
        length = np.maximum((edge**2).sum(axis=1), 1e-12)
        part = np.clip(-(flat[:-1] * edge).sum(axis=1) / length, 0, 1)
        least = min(least, float(np.hypot(*(flat[:-1] + part[:, None] * edge).T).min()))
    return least


def shapes_of(geometry: Any) -> list[Any]:
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return [np.array(ring) for polygon in polygons for ring in polygon]


@pytest.mark.parametrize(
    ("name", "count"),
    [(name, 1_100) for name in SHAPES] + [("disc", 2_500), ("gear", 3_000), ("coast", MANY)],
)
def test_an_outline_grows_and_says_by_how_much(name: str, count: int) -> None:
    before = SHAPES[name](count)
    rings = [ring.tolist() for ring in before]
    several = [[ring] for ring in rings] if name == "disc" else [rings]
    outline = simplified({"type": "MultiPolygon", "coordinates": several})
    after = shapes_of(outline.geometry)
    assert max(map(len, after)) <= RING_CORNERS_MAX
    assert len(json.dumps(outline.geometry)) < 500_000
    error_m = outline.error_m
    assert error_m is not None
    chance = np.random.default_rng(3)
    low, high = before[0].min(axis=0), before[0].max(axis=0)
    inside = 0
    for point in chance.uniform(low - 0.02, high + 0.02, (400, 2)):
        if holds(before, point):
            inside += 1
            assert holds(after, point), point
        elif holds(after, point):
            assert distance_m(before, point) <= error_m, point
    assert inside > 20
    for corner in np.concatenate([ring[:: max(1, len(ring) // 300)] for ring in before]):
        assert holds(after, corner), corner
    for ring in after:
        for corner in ring[:: max(1, len(ring) // 60)]:
            assert holds(before, corner) or distance_m(before, corner) <= error_m


def test_the_cells_of_a_grid_hold_all_of_an_outline() -> None:
    chance = np.random.default_rng(6)
    turn, far = np.linspace(0, 2 * np.pi, 60), chance.uniform(300, 9_000, 60)
    ring = np.stack([far * np.cos(turn), far * np.sin(turn)], axis=1)
    ring[-1] = ring[0]
    area, wider_m = on_grid([ring])
    assert area.covers(shapely.Polygon(ring)) and shapely.Polygon(ring).buffer(wider_m).covers(area)


def test_an_outline_that_loses_corners_is_held_before_it_grows() -> None:
    for ring in (gear(3_000)[0], disc(2_500)[0]):
        metres = ring * DEGREE_M
        area, wider_m = with_room([[metres]])
        whole = shapely.Polygon(metres)
        assert wider_m > 0 and area.covers(whole) and whole.buffer(wider_m).covers(area)


def test_a_smooth_hole_stays_a_hole() -> None:
    outline = simplified({"type": "Polygon", "coordinates": [ring.tolist() for ring in lagoon(3_000)]})
    assert not holds(shapes_of(outline.geometry), np.array([127.0, 36.0]))


def islands(side: int, sides: int) -> None:
    """Simplify *side* rows of islands with so many *sides*: none is lost."""
    west, south = np.meshgrid(np.arange(side) * 0.001, np.arange(side) * 0.001)
    turn = np.append(np.arange(sides), 0) * 2 * np.pi / sides
    island = np.stack([np.cos(turn), np.sin(turn)], 1) * 0.0002
    corners = [island + at for at in np.stack([127 + west.ravel(), 36 + south.ravel()], 1)]
    assert sum(map(len, corners)) > 10_000
    outline = simplified({"type": "MultiPolygon", "coordinates": [[ring.tolist()] for ring in corners]})
    after = shapes_of(outline.geometry)
    assert sum(map(len, after)) <= 10_000
    assert all(holds(after, ring[:-1].mean(axis=0)) for ring in corners[::37])


def test_many_islands_have_fewer_corners_and_none_is_lost() -> None:
    islands(20, 25)


@pytest.mark.long
def test_more_islands_than_can_stand_are_joined_and_none_is_lost() -> None:
    islands(50, 4)


def test_what_crosses_itself_everywhere_is_held_whole() -> None:
    ring = closed(*np.random.default_rng(4).uniform(0, 0.1, (2, 3_000)))
    outline = simplified({"type": "Polygon", "coordinates": [ring.tolist()]})
    after = shapes_of(outline.geometry)
    assert all(holds(after, corner) for corner in ring[::200])


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [127, 36]},
        {"type": "LineString", "coordinates": [[127, 36], [127.1, 36]] * 1_000},
        {"type": "Polygon", "coordinates": [star(500)[0].tolist()]},
    ],
)
def test_what_is_small_or_no_area_stays_as_it_is(geometry: dict[str, Any]) -> None:
    assert simplified(geometry) == (geometry, None)
