"""Kept observations that are compressed are, opened again, the same bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from streams.match.core.compressed import CompressedBatch, compressed_columns, kind_of, opened_columns
from streams.match.core.look_back_room import Shortage, shortage
from streams.match.core.observations import NAMES
from streams.match.core.recent import Recent
from streams.match.native.frames import CompressedFrames, KernelFrames
from tests.unit.streams.test_recent import NOON, ONE, many

FAR = np.iinfo(np.int64)
MINUTE_MS = 60_000


@pytest.mark.parametrize("rows", [0, 1, 2, 4_096])
def test_every_column_is_the_same_bit_for_bit(rows: int) -> None:
    chance = np.random.default_rng(rows)
    columns: list[Any] = [
        chance.choice([FAR.min, FAR.max, -1, 0, 7], rows),
        chance.integers(0, 255, rows).astype(np.uint8),
        chance.choice([np.nan, -0.0, 0.0, 37.5, np.inf], rows),
        chance.integers(0, 2**64 - 1, rows, np.uint64),
        chance.random((rows, 4)).astype(np.float32),
        np.empty((rows, 0), np.float32),
    ]
    found = opened_columns(compressed_columns(columns), [kind_of(one) for one in columns], rows)
    for before, after in zip(columns, found, strict=True):
        assert (before.dtype, before.shape) == (after.dtype, after.shape)
        assert before.tobytes() == after.tobytes()


def test_a_batch_is_the_same_and_takes_less() -> None:
    batch = many(4_096, NOON, offset=77)
    small = CompressedBatch.of(batch)
    again = small.opened()
    for name in NAMES:
        assert getattr(batch.seen, name).tobytes() == getattr(again.seen, name).tobytes(), name
    assert (again.place.tolist(), again.offset.tolist()) == (batch.place.tolist(), batch.offset.tolist())
    assert (len(small), again.places) == (4_096, batch.places)
    assert small.nbytes < batch.nbytes / 5


def test_payloads_are_the_same_at_new_addresses() -> None:
    words = [b"%d" % number * (number % 5) for number in range(300)]
    held = np.frombuffer(b"".join(words), np.uint8)
    size = np.array([len(one) for one in words], np.int64)
    begins = np.cumsum(size) - size + held.ctypes.data
    group = np.arange(300).astype(np.uint8) % 3
    frames = KernelFrames(begins, size, group, {}, frozenset({4}), None, held)
    small = frames.compressed()
    assert isinstance(small, CompressedFrames)
    again = small.kept()
    assert [again._frame(row) for row in range(300)] == words
    assert (again.group.tolist(), again.unsure, len(small)) == (group.tolist(), frozenset({4}), 300)
    assert small.nbytes < frames.nbytes / 2
    assert len(small.joined([small])) == 600


def filled(bytes_max: int, *, a_second: int = 4_096, seconds: int = 12) -> Recent:
    recent = Recent(MINUTE_MS, bytes_max)
    for second in range(seconds):
        recent.keep(many(a_second, NOON + second * 1000, offset=second * a_second))
        recent.trim({ONE: NOON + second * 1000})
    return recent


def test_nothing_is_dropped_while_compressing_makes_room() -> None:
    roomy = filled(1 << 30)
    tight = filled(roomy.nbytes // 4)
    assert (tight.dropped, tight.rows, tight.held_ms({ONE: NOON + 11_000})) == (0, roomy.rows, 11_000)
    assert tight.nbytes <= tight.bytes_max < roomy.nbytes
    assert any(isinstance(one.batch, CompressedBatch) for one in tight._settled)
    for one, other in zip(roomy.batches(), tight.batches(), strict=True):
        assert one.offset.tolist() == other.offset.tolist()
        assert one.seen.received.tolist() == other.seen.received.tolist()


def test_a_partition_is_forgotten_among_compressed_ones_too() -> None:
    recent = filled(filled(1 << 30).nbytes // 4)
    rows, nbytes = recent.rows, recent.nbytes
    recent.forget([("city.cctv.detection", 9)])
    assert (recent.rows, recent.nbytes) == (rows, nbytes)
    recent.forget([ONE])
    assert (recent.rows, recent.nbytes, list(recent.batches()), recent.first_offset(ONE)) == (0, 0, [], None)


def test_what_cannot_be_held_is_told_with_the_memory_that_would_do() -> None:
    newest = {ONE: NOON + 11_000}
    assert shortage(filled(1 << 30), newest) is None
    assert shortage(filled(1 << 20, seconds=5), {ONE: NOON + 4_000}) is None  # too short to know the rate
    # 12 x 4,096 in 11 s are 268,101 in a minute; 85 bytes each are 21.7 MiB, of which 20 MiB hold 55 s
    assert shortage(filled(20 << 20), newest) == Shortage(55, 60, 24)


def test_what_is_held_is_told_from_the_bytes_that_were_measured() -> None:
    recent = filled(20_000)
    assert recent.dropped > 0
    short = shortage(recent, {ONE: NOON + 11_000})
    assert short is not None
    assert short.holds_s < 30
