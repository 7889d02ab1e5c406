"""The offset from which a restart reads: as far back as needed, and little further."""

from __future__ import annotations

from streams.speed.marks import Marks
from streams.speed.minutes import MINUTE_MS

NOON = 1_717_387_200_000


def read_until(minutes: int, *, each: int = 10) -> Marks:
    """*each* records a minute, a record at a time."""
    marks = Marks()
    for offset in range(minutes * each):
        marks = marks.seen(offset, NOON + offset * MINUTE_MS // each, float(offset))
    return marks


def test_a_restart_reads_all_that_was_heard_since_and_at_most_two_minutes_more() -> None:
    marks = read_until(60).since(NOON + 45 * MINUTE_MS)
    assert 430 <= marks.begin <= 450


def test_what_no_restart_needs_is_forgotten() -> None:
    assert len(read_until(600).since(NOON + 590 * MINUTE_MS).stood) <= 12


def test_a_partition_that_was_only_just_begun_is_read_from_its_first_record() -> None:
    assert Marks().seen(17, NOON, 0.0).since(NOON - MINUTE_MS).begin == 17


def test_a_time_that_goes_back_takes_nothing_back() -> None:
    marks = read_until(10)
    assert marks.seen(100, NOON, 1.0).clock == marks.clock
