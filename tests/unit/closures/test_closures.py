"""Closures against shapely: random areas with holes, random places and ways; and the table of closures."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
import shapely

from schemas.errors import Invalid
from streams.closures.closed_area import CORNERS_MAX, crosses, holds, polygons_of
from streams.closures.closure_effects import closed_among, closing, must_go_round
from streams.closures.closure_table import ClosureTable
from tests.closed_places import a_closure

SEED = 20_261_130
EDGE = 1e-9
"""Degrees: nearer to an edge, a place may count as inside or outside."""
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[126.0, 33.0], [127.0, 33.0], [127.0, 34.0], [126.0, 34.0], [126.0, 33.0]]],
}
INSIDE, OUTSIDE = (33.5, 126.5), (35.0, 126.5)


def a_star(chance: random.Random, lat: float, lon: float, radius: float) -> list[list[float]]:
    """A ring that goes round once, its corners at any distance."""
    turns = sorted(chance.uniform(0, 2 * math.pi) for _ in range(chance.randrange(3, 12)))
    ring = [
        [
            lon + math.cos(t) * radius * chance.uniform(0.3, 1),
            lat + math.sin(t) * radius * chance.uniform(0.3, 1),
        ]
        for t in turns
    ]
    return [*ring, ring[0]]


def an_area(chance: random.Random) -> tuple[dict[str, Any], Any]:
    """GeoJSON of one or two polygons with holes, and the same as shapely's."""
    polygons: list[tuple[Any, Any]] = []
    while len(polygons) < chance.choice((1, 2)):
        lat, lon = chance.uniform(33, 34), chance.uniform(126, 127)
        outline = a_star(chance, lat, lon, 0.5)
        hole = a_star(chance, lat, lon, 0.1)
        rings = [outline, hole] if chance.random() < 0.6 else [outline]
        shape = shapely.Polygon(outline, rings[1:])
        if shape.is_valid and (len(rings) == 1 or shapely.Polygon(outline).contains(shapely.Polygon(hole))):
            polygons.append((rings, shape))
    whole = shapely.union_all([shape for _, shape in polygons])
    return {"type": "MultiPolygon", "coordinates": [rings for rings, _ in polygons]}, whole


def a_place(chance: random.Random) -> tuple[float, float]:
    return chance.uniform(32.4, 34.6), chance.uniform(125.4, 127.6)


def test_places_and_ways_are_closed_as_shapely_says() -> None:
    chance, inside, crossed, ways = random.Random(SEED), 0, 0, 0
    for _ in range(400):
        geometry, shape = an_area(chance)
        polygons = polygons_of(json.dumps(geometry))
        for _ in range(25):
            start, end = a_place(chance), a_place(chance)
            point, line = shapely.Point(start[1], start[0]), shapely.LineString([start[::-1], end[::-1]])
            if shapely.distance(shape.boundary, point) > EDGE:
                assert holds(polygons, *start) == shape.contains(point)
                inside += holds(polygons, *start)
            common = shape.intersection(line).length
            is_clear = common == 0 and shapely.distance(shape, line) > EDGE
            if common > EDGE or is_clear:
                ways += 1
                assert crosses(polygons, start, end) == (common > EDGE)
                crossed += crosses(polygons, start, end)
    assert inside > 400
    assert 1_000 < crossed < ways - 1_000


def test_hubs_vehicles_and_chargers_are_closed_as_each_closure_says() -> None:
    chance = random.Random(SEED + 1)
    for _ in range(60):
        closures, shapes = [], []
        for number in range(chance.randrange(1, 6)):
            geometry, shape = an_area(chance)
            begins, state = chance.randrange(100), chance.choice(("open", "open", "over"))
            ends = chance.choice((None, begins + chance.randrange(1, 100)))
            about = {"starts_at": begins, "ends_at": ends, "state": state}
            closures.append(a_closure(geometry, f"c-{number}", **about))
            shapes.append((shape, begins, math.inf if ends is None else ends, state))
        places: dict[str, Any] = {
            f"h-{one}": dict(zip(("lat", "lon"), a_place(chance), strict=True)) for one in range(40)
        }
        now = chance.randrange(200)
        expected = {
            name
            for name, at in places.items()
            if any(
                state == "open"
                and begins <= now < ends
                and shape.contains(shapely.Point(at["lon"], at["lat"]))
                for shape, begins, ends, state in shapes
            )
        }
        places["nowhere"] = None
        assert closed_among(places, closures, now).keys() == expected
        for name, at in places.items():
            corner = None if at is None else (at["lat"], at["lon"])
            assert (closing(corner, closures, now) is None) == (name not in expected)


def test_of_several_closures_the_board_tells_the_one_that_lasts_longest() -> None:
    short, long = a_closure(SQUARE, "a", ends_at=10), a_closure(SQUARE, "b", ends_at=20)
    forever = a_closure(SQUARE, "c")
    assert closing(INSIDE, [short, long], 0) == long
    assert closing(INSIDE, [short, forever, long], 0) == forever
    assert closing(INSIDE, [short, long], 20) is None
    assert closing(OUTSIDE, [forever], 0) is None


def test_a_ride_goes_round_what_lies_before_it_and_nothing_else() -> None:
    closed = a_closure(SQUARE)
    west, east, north = (33.5, 125.5), (33.5, 127.5), (35.0, 127.5)
    assert must_go_round((west, east, north), [closed], 0) == [closed]
    assert must_go_round((None, north, east), [closed], 0) == []
    assert must_go_round((None, None, INSIDE), [closed], 0) == [closed]
    assert must_go_round((), [closed], 0) == []
    assert must_go_round((west, east), [a_closure(SQUARE, ends_at=5)], 5) == []


def test_the_first_end_holds_and_an_older_row_changes_nothing() -> None:
    table, first = ClosureTable(), a_closure(SQUARE)
    over = a_closure(SQUARE, revision=2, state="over", ended_by="action-2")
    assert table.take(first)
    assert not table.take(first)
    assert not table.take(a_closure(SQUARE, reason="a repeat"))
    assert table.take(a_closure(SQUARE, reason="changed", revision=2))
    assert table.take(over)
    assert not table.take(a_closure(SQUARE, revision=3, state="over", ended_by="action-3"))
    assert not table.take(a_closure(SQUARE, revision=9))
    assert table.get("c-1") == over


def test_the_table_is_bounded_and_lets_go_what_is_over_first() -> None:
    table = ClosureTable(3)
    table.take(a_closure(SQUARE, "open"))
    table.take(a_closure(SQUARE, "over", state="over"))
    for number in range(2):
        table.take(a_closure(SQUARE, f"c-{number}"))
    assert {one.closure_id for one in table} == {"open", "c-0", "c-1"}
    assert table.dropped == 1


def test_the_next_change_is_a_beginning_or_an_end_to_come() -> None:
    table = ClosureTable()
    table.take(a_closure(SQUARE, "a", starts_at=10, ends_at=30))
    table.take(a_closure(SQUARE, "b", starts_at=5, ends_at=7, state="over"))
    assert [table.next_change_ms(now) for now in (0, 10, 29, 30)] == [10, 30, 30, None]


@pytest.mark.parametrize(
    "geometry",
    [
        "no JSON",
        "[]",
        '{"type": "Point", "coordinates": [1, 2]}',
        '{"type": "Polygon", "coordinates": []}',
        '{"type": "Polygon", "coordinates": [[]]}',
        '{"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [1, 2]]]}',
        '{"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 91]]]}',
        '{"type": "Polygon", "coordinates": [[[1, 2], [3, "4"], [5, 6]]]}',
        '{"type": "MultiPolygon", "coordinates": [3]}',
        json.dumps(
            {"type": "Polygon", "coordinates": [[[one / 1e3, one % 7] for one in range(CORNERS_MAX + 1)]]}
        ),
    ],
)
def test_what_encloses_no_area_is_refused(geometry: str) -> None:
    with pytest.raises(Invalid) as refused:
        polygons_of(geometry)
    assert refused.value.field == "geometry"
