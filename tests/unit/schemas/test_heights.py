"""Heights over four references against limits over four references: the truth is never answered with *not*, and certainty
is never wrong."""

from __future__ import annotations

import math
import random

import pytest

from schemas.heights import (
    ABOVE_GROUND,
    ABOVE_SEA,
    ABOVE_TAKEOFF,
    ABOVE_WGS84,
    NOT,
    POSSIBLE,
    REFERENCES,
    SURE,
    Bound,
    Terrain,
    above_ground_and_sea,
    between,
    limit,
)

FLAT = Terrain(Bound(140.0, 140.0), Bound(-30.0, -30.0))
HILLS = Terrain(Bound(130.0, 190.0), Bound(-31.0, -29.0))


def answer(height_m: float, over: str, ceiling_m: float, limited_over: str | None, terrain: Terrain) -> str:
    ground, sea = above_ground_and_sea({over: height_m}, terrain)
    ceiling = limit(ceiling_m, limited_over, terrain)
    assert ceiling is not None
    bound, reference = ceiling
    return between(ground if reference == ABOVE_GROUND else sea, None, bound)


# 100 m above flat ground of 140 m, with the geoid 30 m below the ellipsoid: the same point over each reference, by hand
POINT = {ABOVE_GROUND: 100.0, ABOVE_SEA: 240.0, ABOVE_WGS84: 210.0, ABOVE_TAKEOFF: 100.0}


@pytest.mark.parametrize("over", REFERENCES)
@pytest.mark.parametrize("limited_over", REFERENCES)
def test_each_pair_of_references_is_exact_where_ground_and_geoid_are_known(
    over: str, limited_over: str
) -> None:
    assert answer(POINT[over], over, POINT[limited_over] + 1, limited_over, FLAT) == SURE
    assert answer(POINT[over], over, POINT[limited_over] - 1, limited_over, FLAT) == NOT


# whether the doubt of HILLS (60 m of ground, 2 m of geoid) enters the comparison, by hand for each pair
EXACT = {(ABOVE_GROUND, ABOVE_GROUND), (ABOVE_SEA, ABOVE_SEA)}
GEOID_ONLY = {(ABOVE_SEA, ABOVE_WGS84), (ABOVE_WGS84, ABOVE_SEA), (ABOVE_WGS84, ABOVE_WGS84)}


@pytest.mark.parametrize("over", REFERENCES)
@pytest.mark.parametrize("limited_over", REFERENCES)
def test_each_pair_says_possible_within_its_doubt(over: str, limited_over: str) -> None:
    middle = {ABOVE_GROUND: 100.0, ABOVE_SEA: 260.0, ABOVE_WGS84: 230.0, ABOVE_TAKEOFF: 100.0}
    pair = (over, limited_over)
    if pair in EXACT:
        assert answer(middle[over], over, middle[limited_over] + 0.5, limited_over, HILLS) == SURE
        assert answer(middle[over], over, middle[limited_over] - 0.5, limited_over, HILLS) == NOT
        return
    assert answer(middle[over], over, middle[limited_over], limited_over, HILLS) == POSSIBLE
    doubt = 4.5 if pair in GEOID_ONLY else 200.0
    assert answer(middle[over], over, middle[limited_over] + doubt, limited_over, HILLS) == SURE
    assert answer(middle[over], over, middle[limited_over] - doubt, limited_over, HILLS) == NOT
    if pair not in GEOID_ONLY:
        assert answer(middle[over], over, middle[limited_over] + 4.5, limited_over, HILLS) == POSSIBLE


def test_the_truth_is_never_refused_and_certainty_never_wrong() -> None:
    chance = random.Random(5)
    seen = {SURE: 0, POSSIBLE: 0, NOT: 0}
    for _ in range(20_000):
        terrain = Terrain(
            Bound(low := chance.uniform(-50, 500), low + chance.choice((0, 5, 80))),
            Bound(geoid := chance.uniform(-60, 60), geoid + chance.choice((0, 1, 10))),
        )
        ground, takeoff = chance.uniform(*terrain.ground), chance.uniform(*terrain.ground)
        undulation, height = chance.uniform(*terrain.geoid), chance.uniform(0, 200)
        error = chance.uniform(0, 10)
        true = {
            ABOVE_GROUND: height,
            ABOVE_SEA: ground + height,
            ABOVE_WGS84: ground + height + undulation,
            ABOVE_TAKEOFF: ground + height - takeoff,
        }
        names = chance.sample(REFERENCES, chance.randint(0, 4))
        said = {name: true[name] + chance.uniform(-error, error) for name in names}
        limited_over = chance.choice(REFERENCES)
        # the limit as a height of this very place; that over take-off is over the drone's own
        limits = sorted(true[limited_over] + chance.uniform(-60, 60) for _ in range(2))
        bounds = above_ground_and_sea(said, terrain, accuracy_m=error)
        floor, ceiling = (limit(one, limited_over, terrain) for one in limits)
        assert floor is not None and ceiling is not None
        got = between(bounds[floor[1] != ABOVE_GROUND], floor[0], ceiling[0])
        is_in = limits[0] <= true[limited_over] <= limits[1]
        assert got != (NOT if is_in else SURE), (said, limits, limited_over)
        seen[got] += 1
    assert min(seen.values()) > 200, seen


@pytest.mark.parametrize("metres", [None, 99_999, 99_999.0, 100_000.0, math.inf, math.nan])
def test_no_limit_is_no_limit(metres: float | None) -> None:
    assert limit(metres, ABOVE_GROUND, FLAT) is None


def test_a_limit_whose_reference_nobody_says_is_possible_unless_all_four_agree() -> None:
    assert answer(100.0, ABOVE_GROUND, 120.0, None, FLAT) == POSSIBLE
    assert answer(-300.0, ABOVE_GROUND, 120.0, None, FLAT) == SURE
    assert answer(400.0, ABOVE_GROUND, 120.0, None, FLAT) == NOT


def test_a_height_that_nobody_knows_is_possible_everywhere() -> None:
    ground, sea = above_ground_and_sea({}, Terrain())
    assert between(ground, Bound(0, 0), Bound(120, 120)) == between(sea, None, Bound(1, 1)) == POSSIBLE
    assert between(ground, None, None) == SURE


def test_without_a_word_on_ground_and_geoid_other_references_are_possible() -> None:
    assert answer(100.0, ABOVE_SEA, 120.0, ABOVE_GROUND, Terrain()) == POSSIBLE
    assert answer(100.0, ABOVE_GROUND, 120.0, ABOVE_GROUND, Terrain()) == SURE
    assert answer(10_000.0, ABOVE_SEA, 120.0, ABOVE_GROUND, Terrain()) == NOT


def test_two_heights_narrow_each_other_and_a_contradiction_keeps_the_first() -> None:
    ground, sea = above_ground_and_sea({ABOVE_GROUND: 20.0, ABOVE_SEA: 200.0}, HILLS)
    assert ground == Bound(20.0, 20.0) and sea == Bound(200.0, 200.0)
    ground, _ = above_ground_and_sea({ABOVE_GROUND: 20.0, ABOVE_SEA: 9_000.0}, HILLS)
    assert ground == Bound(20.0, 20.0)
