"""Flow control: a watch has its bound of each second of a partition; the rest is counted, and told of once."""

from __future__ import annotations

from dataclasses import replace

from streams.match.core.flow import PER_SECOND_MAX, SECOND_MS, Flow
from streams.match.core.watches import FOREVER_MS, Watch

ONE, OTHER = ("city.cctv.detection", 0), ("city.cctv.detection", 1)
NOON = 1_772_971_200_000
WATCH = Watch("w1", "s1", "everywhere", opens_at=0, closes_at=FOREVER_MS, since=0, purpose="find")


def sees(
    flow: Flow,
    count: int,
    *,
    at: int = NOON,
    first: int = 0,
    place: tuple[str, int] = ONE,
    watch: Watch = WATCH,
) -> int:
    """The number of published matches of *count* sights in one second; each has an id of its own."""
    offsets = range(first, first + count)
    ids = [str(offset).encode() for offset in offsets]
    times = [at + number % SECOND_MS for number in range(count)]
    return len(flow.kept([watch] * count, times, [place] * count, offsets, ids))


def test_of_a_busy_second_the_bound_is_told_and_the_rest_is_counted_once() -> None:
    flow = Flow()
    assert sees(flow, 50) == PER_SECOND_MAX
    assert sees(flow, 10, first=50) == 0, "another batch of the same second finds no room"
    assert flow.closed(ONE, NOON + SECOND_MS - 1) == [], "it may still go on"
    (second,) = flow.closed(ONE, NOON + SECOND_MS)
    assert (second.watch, second.left_out, second.last_offset) == (WATCH, 40, 59)
    assert flow.closed(ONE, NOON + SECOND_MS) == []


def test_each_second_partition_and_watch_has_a_bound_of_its_own() -> None:
    flow = Flow()
    sees(flow, 30)
    assert sees(flow, 30, at=NOON + SECOND_MS) == PER_SECOND_MAX
    assert sees(flow, 30, place=OTHER) == PER_SECOND_MAX
    assert sees(flow, 30, watch=replace(WATCH, watch_id="w2")) == PER_SECOND_MAX
    assert sees(flow, 30, watch=replace(WATCH, watch_id="w3", per_second_max=2)) == 2
    left_out = {(one.watch.watch_id, one.second_ms): one.left_out for one in flow.closed(ONE, NOON + 60_000)}
    assert left_out == {("w1", NOON): 10, ("w1", NOON + SECOND_MS): 10, ("w2", NOON): 10, ("w3", NOON): 28}


def test_an_observation_that_comes_twice_is_neither_told_again_nor_counted() -> None:
    flow = Flow()
    assert sees(flow, PER_SECOND_MAX) == PER_SECOND_MAX
    assert sees(flow, PER_SECOND_MAX) == 0
    assert flow.closed(ONE, NOON + SECOND_MS) == [], "nothing was left out"


def test_a_partition_that_another_worker_has_now_is_forgotten() -> None:
    flow = Flow()
    sees(flow, 50)
    sees(flow, 50, place=OTHER)
    flow.forget(ONE)
    assert flow.closed(ONE, NOON + 60_000) == []
    assert [one.left_out for one in flow.closed(OTHER, NOON + 60_000)] == [30]


def test_a_second_of_which_nothing_was_left_out_is_forgotten_with_the_others() -> None:
    flow = Flow()
    sees(flow, 3, at=NOON + SECOND_MS)
    sees(flow, 25, at=NOON)
    assert flow.closed(ONE, NOON + SECOND_MS - 1) == []
    assert [one.left_out for one in flow.closed(ONE, NOON + SECOND_MS)] == [5]
    assert list(flow.seconds[ONE]) == [NOON + SECOND_MS]
    assert flow.closed(ONE, NOON + 2 * SECOND_MS) == []
    assert flow.seconds[ONE] == {}


def test_the_usual_bound_is_twenty_in_a_second_of_a_thousand_milliseconds() -> None:
    flow = Flow()
    assert sees(flow, 21, at=NOON) == 20
    ids = [b"a", b"b"]
    rows = Flow(1).kept([WATCH] * 2, [NOON + 999, NOON + 1_000], [ONE] * 2, [0, 1], ids)
    assert rows == [0, 1]
    assert sees(Flow(), 0) == 0


def test_the_last_offset_is_the_highest_however_the_rows_stand() -> None:
    flow = Flow(1)
    flow.kept([WATCH] * 3, [NOON] * 3, [ONE] * 3, [7, 9, 8], [b"a", b"b", b"c"])
    (second,) = flow.closed(ONE, NOON + SECOND_MS)
    assert (second.left_out, second.last_offset) == (2, 9)
