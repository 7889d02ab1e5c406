"""How long a source that does not answer is left alone."""

from __future__ import annotations

import pytest

from connectors.base import Heard
from schemas.errors import Retriable
from streams.hearing import BACKOFF_MAX_S, RETRY_AFTER_S_MAX, later_than, wait_after


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_a_wish_to_wait_is_heard_and_never_cut_short(chance: float) -> None:
    assert 17 <= wait_after(Retriable("503", retry_after_s=17), 0, chance) <= 18.7


def test_a_wish_to_wait_for_ever_ends_after_an_hour() -> None:
    assert wait_after(Retriable("503", retry_after_s=1e300), 0, 0.0) == RETRY_AFTER_S_MAX


def test_failures_wait_longer_and_longer_within_a_bound_and_apart_from_each_other() -> None:
    waits = [wait_after(Retriable("no"), failures, 0.0) for failures in range(2_000)]
    assert waits[:4] == [0.5, 1, 2, 4]
    assert max(waits) == BACKOFF_MAX_S / 2
    assert wait_after(Retriable("no"), 3, 0.0) != wait_after(Retriable("no"), 3, 0.7)


def test_two_things_said_in_one_millisecond_are_both_heard() -> None:
    assert later_than(1_000, Heard(b"second", 1_000)).at_ms == 1_001
    assert later_than(1_000, Heard(b"by a clock set back", 10)).at_ms == 1_001
    assert later_than(1_000, Heard(b"later", 2_000)).at_ms == 2_000
    assert later_than(None, Heard(b"first", 5)).at_ms == 5
    assert later_than(1_000, Heard(b"a file", None)).at_ms is None
