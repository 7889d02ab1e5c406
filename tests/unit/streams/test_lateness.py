"""Late observations, and ones from the future, by the order of their own partition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from streams.match.core.batch import ObservationBatch
from streams.match.core.flow import Partition
from streams.match.core.lateness import Watermarks, future
from streams.match.core.observations import observations
from tests.unit.streams.test_recent import NOON, ONE, OTHER, NoFrames


def heard(*rows: tuple[int, int, Partition]) -> ObservationBatch:
    """Observations as (event time, received time, partition), both after noon in ms."""
    columns = observations(len(rows))
    columns.time[:] = [NOON + at for at, _, _ in rows]
    columns.received[:] = [NOON + at for _, at, _ in rows]
    places = list(dict.fromkeys(place for _, _, place in rows))
    numbers = np.array([places.index(place) for _, _, place in rows], np.uint8)
    frames: Any = NoFrames(len(rows))
    return ObservationBatch(columns, places, numbers, np.arange(len(rows)), frames, {})


def late(marks: Watermarks, *rows: tuple[int, int, Partition]) -> Sequence[bool] | None:
    found = marks.late(heard(*rows))
    return None if found is None else [bool(one) for one in found]


def test_an_observation_is_late_before_the_full_second_of_the_newest_less_the_lateness() -> None:
    marks = Watermarks(3_000)
    assert marks.horizon_ms(ONE) is None
    assert late(marks, (0, 10_500, ONE)) == [True]
    assert marks.horizon_ms(ONE) == NOON + 7_000
    assert late(marks, (6_999, 10_500, ONE), (7_000, 10_500, ONE)) == [True, False]
    assert late(marks, (7_000, 0, ONE)) is None, "received earlier, it moves nothing back"
    assert marks.newest == {ONE: NOON + 10_500}


def test_each_row_is_compared_with_those_before_it_and_not_with_those_behind_it() -> None:
    marks = Watermarks(3_000)
    rows = (0, 0, ONE), (0, 9_000, ONE), (0, 0, ONE)
    assert late(marks, *rows) == [False, True, True]


def test_a_quick_partition_makes_nothing_of_a_slow_one_late() -> None:
    marks = Watermarks(3_000)
    rows = (0, 60_000, ONE), (0, 0, OTHER), (0, 2_000, OTHER)
    assert late(marks, *rows) == [True, False, False]
    assert (marks.horizon_ms(ONE), marks.horizon_ms(OTHER)) == (NOON + 57_000, NOON - 1_000)
    assert late(marks, (0, 0, OTHER)) is None


def test_what_lies_more_than_five_minutes_ahead_is_of_the_future() -> None:
    batch = heard((300_000, 0, ONE), (300_001, 0, ONE), (0, 300_000, ONE), (0, 300_001, ONE))
    found = future(batch, NOON)
    assert found is not None
    assert list(found) == [False, True, False, True]
    assert future(heard((300_000, 0, ONE), (0, 300_000, ONE)), NOON) is None
