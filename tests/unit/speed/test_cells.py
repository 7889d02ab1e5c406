"""The cells of speeds: every place is in exactly one, and the cells near a place are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.geo import distance_m
from streams.speed.cells import HALF_DIAGONAL_M, cell_at, cells_near, centre_of

LATS = st.floats(-89, 89)
LONS = st.floats(-180, 180)


@given(LATS, LONS)
def test_a_place_is_within_half_a_diagonal_of_the_middle_of_its_cell(lat: float, lon: float) -> None:
    cell = cell_at(lat, lon)
    middle = centre_of(cell)
    assert cell_at(*middle) == cell
    assert distance_m(lat, lon, *middle) <= HALF_DIAGONAL_M


@given(LATS, LONS, st.floats(0, 2_000))
def test_the_cells_near_a_place_are_those_whose_middle_is(lat: float, lon: float, radius_m: float) -> None:
    near = dict(cells_near(lat, lon, radius_m))
    assert all(distance_m(lat, lon, *centre_of(cell)) == away_m <= radius_m for cell, away_m in near.items())
    own = cell_at(lat, lon)
    assert (own in near) == (distance_m(lat, lon, *centre_of(own)) <= radius_m)


def test_a_circle_of_a_kilometre_holds_some_thirteen_cells_wherever_it_is() -> None:
    for lat, lon in ((0.0, 180.0), (36.35, 127.38), (-36.35, -127.38), (65.0, 25.5)):
        assert 11 <= len(list(cells_near(lat, lon, 1_000))) <= 15


@pytest.mark.parametrize("said", ["40500:0", "-1:0", "28428:99999", "here", ""])
def test_what_is_no_cell_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match=r"cell|literal|unpack"):
        centre_of(said)
