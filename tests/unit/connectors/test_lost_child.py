"""The simulated town of a lost child: possible walks, one ride, clothes that cameras tell, and errors at their shares."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from connectors.simulation.lost_child import (
    ALIKE,
    CHILD,
    CHILD_LOOKS,
    CHILD_MPS,
    LostChild,
    TownSettings,
)
from connectors.simulation.street_grid import BusLine, Grid
from connectors.simulation.street_people import Passing, dressed, journey, person_chance, stroll
from connectors.simulation.street_sightings import NOBODY, Errors, sightings_of
from streams.geo import distance_m

CORNER = (37.492, 126.766)
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module", params=SEEDS)
def town(request: pytest.FixtureRequest) -> LostChild:
    return LostChild(request.param, CORNER, TownSettings(people=200))


def test_the_same_seed_sees_the_same_however_it_is_asked_and_another_does_not(town: LostChild) -> None:
    again = LostChild(town.seed, CORNER, TownSettings(people=200))
    whole = town.seen(-300, 900)
    assert whole == [*again.seen(-300, 111), *again.seen(111, 900)]
    assert whole != LostChild(town.seed + 10, CORNER, TownSettings(people=200)).seen(-300, 900)


def test_there_are_so_many_cameras_each_at_a_crossing_of_its_own(town: LostChild) -> None:
    assert len(town.cameras) == len({one.camera_id for one in town.cameras.values()}) == 120
    assert all(town.grid.holds(crossing) for crossing in town.cameras)
    assert all(abs(one.clock_off_s) <= one.clock_error_s == 3 for one in town.cameras.values())
    assert len({one.clock_off_s for one in town.cameras.values()}) > 20


def test_the_child_walks_along_streets_and_rides_once_between_two_stops(town: LostChild) -> None:
    way, ride = town.journey.passed, (town.journey.boarded, town.journey.left)
    assert way[0] == (town.playground, 0.0)
    for one, other in pairwise(way):
        away_m = distance_m(*town.grid.at(one.crossing), *town.grid.at(other.crossing))
        if (one.crossing, other.crossing) == (ride[0].crossing, ride[1].crossing):
            assert away_m == pytest.approx(800, rel=0.01)
            assert one.at_s + 90 <= ride[0].at_s < ride[1].at_s == other.at_s
            assert 2.5 < away_m / (ride[1].at_s - ride[0].at_s) < 20
        else:
            assert away_m == pytest.approx(100, rel=0.01)
            assert away_m / (other.at_s - one.at_s) == pytest.approx(CHILD_MPS, rel=0.01)
    calls = [*town.line.calls(0, town.end_s)]
    assert {(town.journey.run, *one) for one in ride} <= set(calls)


def test_each_second_crossing_of_the_child_has_a_camera_and_most_of_them_record_it(town: LostChild) -> None:
    passed = [one for one in town.journey.passed if one.crossing in town.cameras]
    assert len(passed) >= len(town.journey.passed) // 2
    recorded = {(one.camera.crossing, one.true_s) for one in town.of_child}
    assert recorded <= {(one.crossing, one.at_s) for one in passed}
    assert len(recorded) >= 5


def test_another_child_in_the_same_clothes_is_seen_and_no_two_objects_share_an_id(town: LostChild) -> None:
    seen = town.seen(-300, town.end_s + 1)
    who = Counter(one.who for one in seen)
    assert who[ALIKE] >= 2 and who[CHILD] == len(town.of_child) and who[NOBODY] > 0
    assert len({(one.camera.camera_id, one.object_id) for one in seen}) == len(seen)
    clothes = ("upper_colour", "lower_kind", "lower_colour", "backpack")
    alike = [one for one in seen if one.who == ALIKE]
    assert any(all(one.words[name] == CHILD_LOOKS[name] for name in clothes) for one in alike)


def test_people_of_habits_stay_on_the_streets_and_come_back_to_their_places() -> None:
    grid = Grid(CORNER, 20, 18)
    way = [*stroll(grid, person_chance(1, "person-1"), 0, 7_200)]
    assert all(other.crossing in grid.near(one.crossing) for one, other in pairwise(way))
    assert all(other.at_s - one.at_s >= grid.block_m / 2.0 for one, other in pairwise(way))
    assert max(Counter(one.crossing for one in way).values()) > 1


@pytest.mark.parametrize(("right", "missed", "false"), [(0.95, 0.1, 0.01), (0.75, 0.3, 0.2)])
def test_sightings_are_missed_made_up_and_told_wrongly_at_their_shares(
    right: float, missed: float, false: float
) -> None:
    town = LostChild(1, CORNER)
    crossing = next(iter(town.cameras))
    passed = [Passing(crossing, float(number)) for number in range(4_000)]
    looks = dressed(person_chance(1, "person-7"))
    seen = [*sightings_of("person-7", looks, passed, town.cameras, Errors(right, missed, false), 1)]
    true = [one for one in seen if one.who == "person-7"]
    assert len(true) / 4_000 == pytest.approx(1 - missed, abs=0.02)
    assert (len(seen) - len(true)) / 4_000 == pytest.approx(false, abs=0.02)
    for name in ("upper_colour", "sex"):
        told = [one.words[name] == looks[name] for one in true if name in one.words]
        assert sum(told) / len(told) == pytest.approx(right, abs=0.02)
    assert sum("sex" in one.words for one in true) / len(true) == pytest.approx(0.7, abs=0.03)


def test_a_ride_that_no_bus_makes_is_refused() -> None:
    grid, line = Grid(CORNER, 20, 18), BusLine(8, 20)
    with pytest.raises(ValueError, match="no bus"):
        journey(grid, line, person_chance(1, CHILD), ((1, 15), (4, 8), (15, 8), (18, 2)), 0, CHILD_MPS)
