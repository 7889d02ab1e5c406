"""The chargers in closures: the same as a test of each place by a library, and each area tested once."""

from __future__ import annotations

import random

import pytest
import shapely

from connectors.subjects.charger_list import ListedCharger
from streams.chargers.closed_chargers import ChargersByPlace
from streams.closures.closed_area import ClosedPolygon
from tests.closed_places import a_closure

SEED = 26


def a_ring(chance: random.Random) -> list[list[float]]:
    """A square of which no corner is a place of a charger."""
    lon, lat, side = chance.uniform(126, 127), chance.uniform(33, 34), chance.uniform(0.01, 0.5)
    ring = [[lon, lat], [lon + side, lat], [lon + side, lat + side], [lon, lat + side]]
    return [*ring, ring[0]]


def test_the_chargers_in_each_closure_are_those_that_a_library_finds() -> None:
    chance = random.Random(SEED)
    chargers = {
        f"C-{n}": ListedCharger(f"C-{n}", "x", (chance.uniform(33, 34), chance.uniform(126, 127)))
        for n in range(400)
    }
    chargers["C-nowhere"] = ListedCharger("C-nowhere", "x", None)
    shapes = [[[a_ring(chance)] for _ in range(chance.randint(1, 3))] for _ in range(25)]
    closures = [
        a_closure({"type": "MultiPolygon", "coordinates": one}, f"c-{n}") for n, one in enumerate(shapes)
    ]
    found = ChargersByPlace(chargers).closed_by(closures)
    for one, shape in zip(found, shapes, strict=True):
        area = shapely.union_all([shapely.Polygon(rings[0]) for rings in shape])
        placed = {name: each.place for name, each in chargers.items() if each.place is not None}
        inside = {name for name, (lat, lon) in placed.items() if area.contains(shapely.Point(lon, lat))}
        assert one.chargers == inside
    assert sum(len(one.chargers) for one in found) > 400


def test_an_area_is_tested_once_and_never_beyond_its_box(monkeypatch: pytest.MonkeyPatch) -> None:
    chance, looks = random.Random(SEED), [0]
    holds = ClosedPolygon.holds

    def counted(polygon: ClosedPolygon, lat: float, lon: float) -> bool:
        looks[0] += 1
        return holds(polygon, lat, lon)

    monkeypatch.setattr(ClosedPolygon, "holds", counted)
    chargers = {f"C-{n}": ListedCharger(f"C-{n}", "x", (33 + n / 100, 126.5)) for n in range(100)}
    by_place = ChargersByPlace(chargers)
    area = {"type": "Polygon", "coordinates": [[[126, 33.105], [127, 33.105], [127, 33.205], [126, 33.205]]]}
    first, second = a_closure(area), a_closure({"type": "Polygon", "coordinates": [a_ring(chance)]}, "c-2")
    before = by_place.closed_by([first])
    assert (len(before[0].chargers), looks) == (10, [10])
    assert by_place.closed_by([first]) == before and looks == [10]
    by_place.closed_by([first, second])
    looks_of_both = looks[0]
    assert by_place.closed_by([first])[0].chargers == before[0].chargers and looks == [looks_of_both]
    by_place.closed_by([second])
    assert looks[0] > looks_of_both, "what is over is not kept"
