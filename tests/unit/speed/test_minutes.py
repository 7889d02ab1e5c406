"""Mean speed by cell and minute: which vehicles count, and that the order of positions does not matter."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.geo import EARTH_RADIUS_M
from streams.speed.cells import cell_at
from streams.speed.columns import Positions
from streams.speed.minutes import MINUTE_MS, CellSpeed, Minutes, SpeedConfig, by_cell

NOON = 1_717_387_200_000
LAT, LON = 36.3489, 127.3815
"""The middle of a cell."""
CELL = tuple(int(one) for one in cell_at(LAT, LON).split(":"))
M = math.degrees(1 / EARTH_RADIUS_M)
Row = tuple[int, float, float, float | None]
"""(vehicle, seconds after noon, metres north of the middle, speed)."""


def positions(rows: Sequence[Row], *, is_out: bool = False) -> Positions:
    vehicle, seconds, north, speed = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Positions(
        np.array(vehicle, np.int64),
        np.array([NOON + round(one * 1000) for one in seconds], np.int64),
        np.full(len(rows), NOON, np.int64),
        np.array([LAT + one * M for one in north], np.float64),
        np.full(len(rows), LON),
        np.array([math.nan if one is None else one for one in speed], np.float64),
        np.full(len(rows), is_out),
    )


def driving(
    vehicle: int, mps: float, *, until_s: int = 300, said: bool = True, every_s: int = 20
) -> list[Row]:
    """Positions of a vehicle that drives up and down the middle 300 m of the cell."""
    rows: list[Row] = []
    for at in range(0, until_s, every_s):
        way = mps * at % 600
        rows.append((vehicle, at, (way if way < 300 else 600 - way) - 150, mps if said else None))
    return rows


def patient(**numbers: float) -> Minutes:
    """Minutes that accept all rows of a test at once: none counts as ahead of the clock."""
    return Minutes(SpeedConfig.model_validate({"ahead_max_s": 3_600, **numbers}))


def told(rows: Sequence[Row], minutes: Minutes | None = None) -> list[CellSpeed]:
    minutes = minutes or patient()
    return minutes.take(positions(rows), NOON) + minutes.take(positions([]), NOON + 900_000)


def fifth(speeds: Sequence[CellSpeed]) -> tuple[int, float] | None:
    """(vehicles, speed) of the fifth minute."""
    ours = [one for one in speeds if one.minute == NOON + 4 * MINUTE_MS]
    assert all((one.row, one.column) == CELL for one in ours)
    return (ours[0].vehicles, ours[0].mean_speed_mps) if ours else None


def test_each_vehicle_counts_once_with_the_mean_of_its_own_speeds_however_often_it_sends() -> None:
    assert fifth(told(driving(1, 4) + driving(2, 10, every_s=1))) == (2, 7.0)


def test_who_tells_no_speed_counts_by_the_way_it_went() -> None:
    assert fifth(told(driving(1, 3, said=False))) == (1, 3.0)


def test_a_fleet_that_stands_about_does_not_count_and_is_counted() -> None:
    minutes = patient()
    standing = [(vehicle, at, vehicle % 100, 0.0) for vehicle in range(50) for at in range(0, 300, 30)]
    assert told(standing, minutes) == []
    assert minutes.left_out["parked"] == 250


def test_a_vehicle_that_creeps_in_a_jam_counts_and_one_that_stopped_long_ago_does_not() -> None:
    creeping: list[Row] = [(1, at, at * 0.4, 0.4) for at in range(0, 300, 10)]
    parked: list[Row] = [(2, 0, 0, 9.0), (2, 30, 90, 9.0), *((2, at, 95, 0.0) for at in range(60, 900, 30))]
    speeds = told(creeping + parked)
    assert fifth(speeds) == (2, 0.2)
    assert (
        max(one.minute for one in speeds) == NOON + 5 * MINUTE_MS
    )  # half a minute after it moved, for five more


def test_who_says_that_it_is_stale_disabled_reserved_or_at_a_hub_does_not_count() -> None:
    minutes = patient()
    minutes.take(positions(driving(1, 8), is_out=True), NOON)
    assert told([], minutes) == []
    assert minutes.left_out["out"] == 15


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((1, 3_700.0, 0, 5.0), "ahead"),
        ((1, 0, math.nan, 5.0), "unplaced"),
        ((1, 0, 0, -1.0), "speed"),
        ((1, 0, 0, 400.0), "speed"),
    ],
)
def test_what_cannot_be_does_not_count_and_is_counted(row: Row, reason: str) -> None:
    minutes = patient()
    assert told([row], minutes) == []
    assert +minutes.left_out == {reason: 1}


def test_a_vehicle_whose_place_jumps_is_left_out_of_that_minute() -> None:
    minutes = patient()
    assert told([(1, 0, 0, None), (1, 60, 90_000, None)], minutes) == []
    assert minutes.left_out["speed"] == 1


def test_a_minute_is_told_once_when_its_late_positions_have_come() -> None:
    minutes = patient(lateness_s=30)
    minutes.take(positions(driving(1, 6, until_s=260)), NOON)
    before = minutes.take(positions([]), NOON + 5 * MINUTE_MS + 29_999)
    late_in_time = positions([(1, 270, 20, 6.0)])
    then = minutes.take(late_in_time, NOON + 5 * MINUTE_MS + 29_999)
    due = minutes.take(positions([]), NOON + 5 * MINUTE_MS + 30_000)
    too_late = minutes.take(positions([(2, 280, 0, 1.0)]), NOON + 5 * MINUTE_MS + 30_001)
    assert fifth(before) is None
    assert then == too_late == []
    assert fifth(due) == (1, 6.0)
    assert minutes.left_out["late"] == 1


def test_minutes_that_were_told_in_another_life_are_not_told_again_but_vehicles_are_followed() -> None:
    rows = driving(1, 4) + driving(2, 10)
    again = patient()
    again.silent_until = NOON + 4 * MINUTE_MS
    assert told(rows, again) == [one for one in told(rows) if one.minute == NOON + 4 * MINUTE_MS]


def creeping(vehicle: int, mps: float, until_s: int) -> list[Row]:
    return [(vehicle, at, mps * at, mps) for at in range(0, until_s, 30)]


@settings(max_examples=30)
@given(
    st.lists(st.floats(0, 0.4), min_size=1, max_size=8),
    st.integers(8, 25),
)
def test_a_restart_that_reads_its_look_back_again_tells_what_one_life_would_have_told(
    speeds: list[float], restarted: int
) -> None:
    rows = [row for vehicle, mps in enumerate(speeds) for row in creeping(vehicle, mps, 1_800)]
    begin = restarted * MINUTE_MS
    again = patient()
    again.silent_until = NOON + begin
    since_s = (begin - again.config.look_back_ms) / 1000
    later = [one for one in told_until_the_end(rows, patient()) if one.minute >= again.silent_until]
    assert told_until_the_end([row for row in rows if row[1] >= since_s], again) == later


def told_until_the_end(rows: Sequence[Row], minutes: Minutes) -> list[CellSpeed]:
    return minutes.take(positions(rows), NOON) + minutes.take(positions([]), NOON + 3_600_000)


@settings(max_examples=30)
@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_the_order_and_the_batches_in_which_positions_come_do_not_matter(
    chance: random.Random, parts: int
) -> None:
    rows = [row for vehicle in range(6) for row in driving(vehicle, 2 + vehicle)]
    once = told(rows)
    chance.shuffle(rows)
    minutes = patient()
    for part in range(parts):
        assert minutes.take(positions(rows[part::parts]), NOON) == []
    assert told([], minutes) == once


def test_so_many_vehicles_are_followed_and_no_more() -> None:
    minutes = patient(vehicles_max=10)
    told([row for vehicle in range(40) for row in driving(vehicle, 5, until_s=60)], minutes)
    assert minutes.left_out["full"] == 30
    assert minutes.followed == 10


def test_cells_are_those_that_are_counted_one_by_one() -> None:
    chance = random.Random(7)
    places = [(chance.uniform(-89, 89), chance.uniform(-180, 180)) for _ in range(500)]
    lat, lon = (np.array(column) for column in zip(*places, strict=True))
    found = {(one.cell, one.vehicles) for one in by_cell(lat, lon, np.ones(len(lat)), NOON)}
    assert found == {(cell_at(*place), 1) for place in places}
