"""Recent sights are kept for the whole look-back, and no longer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from streams.match.core.batch import ObservationBatch
from streams.match.core.flow import Partition
from streams.match.core.observations import NAMES, observations
from streams.match.core.recent import Recent

ONE, OTHER = ("city.cctv.detection", 0), ("city.cctv.detection", 1)
LOOK_BACK_MS = 60_000
NOON = 1_772_971_200_000


class NoFrames:
    """Frames of which nobody asks for more than their number."""

    nbytes = 0

    def __init__(self, count: int) -> None:
        self._count = count

    def kept(self) -> NoFrames:
        return self

    def compressed(self) -> NoFrames:
        return self

    def joined(self, others: Sequence[Any]) -> NoFrames:
        return NoFrames(self._count + sum(map(len, others)))

    def __len__(self) -> int:
        return self._count


def seen(at_ms: int, *places: Partition, offset: int = 0) -> ObservationBatch:
    """One observation in each of *places*, received at *at_ms*."""
    columns = observations(len(places))
    columns.received[:] = columns.time[:] = at_ms
    columns.at[:] = np.arange(len(places))
    frames: Any = NoFrames(len(places))
    numbers = np.arange(len(places), dtype=np.uint8)
    return ObservationBatch(columns, places, numbers, np.full(len(places), offset, np.int64), frames, {})


def kept(recent: Recent) -> list[int]:
    return [int(one) for batch in recent.batches() for one in batch.seen.received]


def a_recent(*batches: ObservationBatch, bytes_max: int = 1 << 20) -> Recent:
    """Each of *batches* in a chunk of its own."""
    recent = Recent(LOOK_BACK_MS, bytes_max)
    for batch in batches:
        recent.keep(batch)
        list(recent.batches())
    return recent


def test_all_of_the_look_back_is_kept_and_not_a_moment_more() -> None:
    ages = (60_001, 60_000, 59_999, 31_000, 29_000, 0)
    recent = a_recent(*(seen(NOON - age, ONE) for age in ages))
    recent.trim({ONE: NOON})
    assert kept(recent) == [NOON - age for age in ages[1:]]
    recent.trim({ONE: NOON + LOOK_BACK_MS})
    assert kept(recent) == [NOON]
    recent.trim({ONE: NOON + LOOK_BACK_MS + 1})
    assert (kept(recent), recent.rows, recent.nbytes, recent.dropped) == ([], 0, 0, 0)


def test_a_slow_partition_keeps_what_a_quick_one_is_past() -> None:
    recent = a_recent(seen(NOON, ONE, OTHER), seen(NOON + 1, ONE))
    recent.trim({ONE: NOON + 10 * LOOK_BACK_MS, OTHER: NOON + LOOK_BACK_MS})
    assert kept(recent) == [NOON, NOON, NOON + 1]
    recent.trim({ONE: NOON + 10 * LOOK_BACK_MS, OTHER: NOON + LOOK_BACK_MS + 1})
    assert kept(recent) == []


def test_where_there_is_no_room_the_oldest_go_first_and_are_counted() -> None:
    batches = [seen(NOON + number, ONE, offset=number) for number in range(4)]
    size = a_recent(batches[0]).nbytes
    recent = a_recent(*batches, bytes_max=2 * size)
    recent.trim({ONE: NOON})
    assert (kept(recent), recent.dropped, recent.first_offset(ONE)) == ([NOON + 2, NOON + 3], 2, 2)


def test_what_another_worker_has_now_is_forgotten_and_the_rest_is_not() -> None:
    recent = a_recent(seen(NOON, ONE, OTHER, offset=5), seen(NOON + 1, OTHER, offset=6))
    recent.forget([ONE])
    assert (kept(recent), recent.rows) == ([NOON, NOON + 1], 2)
    assert (recent.first_offset(ONE), recent.first_offset(OTHER)) == (None, 5)


def many(count: int, at_ms: int, *, offset: int = 0) -> ObservationBatch:
    """So many observations of one partition in one batch, all of them received at *at_ms*."""
    columns = observations(count)
    for name in NAMES:
        getattr(columns, name)[:] = 0
    columns.received[:] = columns.time[:] = at_ms
    columns.at[:] = np.arange(count)
    frames: Any = NoFrames(count)
    offsets = np.arange(offset, offset + count, dtype=np.int64)
    return ObservationBatch(columns, [ONE], np.zeros(count, np.uint8), offsets, frames, {})


def chunks(recent: Recent) -> list[int]:
    return [len(one.batch) for one in recent._chunks]


def test_small_batches_are_joined_up_to_4096_rows_and_a_large_one_stands_alone_in_its_order() -> None:
    recent = Recent(LOOK_BACK_MS, 1 << 30)
    recent.keep(many(4_095, NOON))
    assert (chunks(recent), recent.rows) == ([], 4_095)
    recent.keep(many(1, NOON + 1))
    assert (chunks(recent), recent.rows) == ([4_096], 4_096)
    recent.keep(many(3, NOON + 2))
    recent.keep(many(4_096, NOON + 3))
    assert (chunks(recent), recent.rows) == ([4_096, 3, 4_096], 8_195)
    recent.keep(many(0, NOON + 4))
    assert [len(one) for one in recent.batches()] == [4_096, 3, 4_096]


def test_what_is_small_has_its_bytes_and_its_first_offset_too() -> None:
    recent = Recent(LOOK_BACK_MS, 1 << 30)
    assert (recent.rows, recent.nbytes, recent.dropped, recent.first_offset(ONE)) == (0, 0, 0, None)
    one, two = many(10, NOON, offset=5), many(20, NOON, offset=15)
    recent.keep(one)
    recent.keep(two)
    assert recent.nbytes == one.nbytes + two.nbytes > 0
    assert (recent.first_offset(ONE), recent.first_offset(OTHER)) == (5, None)
    list(recent.batches())
    assert chunks(recent) == [30]
    assert recent.nbytes == one.nbytes + two.nbytes + 1_024
    assert recent.first_offset(ONE) == 5


def test_of_chunks_of_different_sizes_the_oldest_is_the_one_that_is_counted() -> None:
    recent = Recent(LOOK_BACK_MS, 1 << 30)
    recent.keep(many(4_096, NOON))
    recent.keep(many(5_000, NOON + 1))
    recent.bytes_max = 1
    recent._compress()
    recent._compress()
    recent.bytes_max = recent.nbytes - 1
    recent.trim({ONE: NOON})
    assert (recent.dropped, chunks(recent)) == (4_096, [])
    assert [len(one) for one in recent.batches()] == [5_000]
    assert (recent.rows, recent.nbytes) == (5_000, recent._settled_nbytes)


def test_of_a_partition_of_which_nothing_is_known_nothing_is_too_old() -> None:
    recent = a_recent(seen(-LOOK_BACK_MS, ONE))
    recent.trim({})
    assert kept(recent) == [-LOOK_BACK_MS]
