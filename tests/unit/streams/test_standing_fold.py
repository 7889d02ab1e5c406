"""The fold of what stands, which a stream gets when its place is lost."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.gateway.live_view import LiveEvent
from streams.operators.standing import Fold, stands
from tests.unit.gateway.a_live_log import ALERT, GRANT, SITUATION, ZERO, example

NOON_MS = 1_780_000_000_000
LATER, BEFORE = "2026-05-28T20:26:41.000+00:00", "2026-05-28T20:26:40.000+00:00"
"""A second after noon, and noon itself."""
OPEN = {"status": "open", "merged_into": None}
GRANTED = {"revoked_at": None, "expires_at": LATER}


@pytest.mark.parametrize(
    ("contract", "about", "expected"),
    [
        (SITUATION, OPEN, True),
        (SITUATION, OPEN | {"status": "closed"}, False),
        (SITUATION, OPEN | {"merged_into": "S2"}, False),
        (ALERT, {"message_type": "update"}, True),
        (ALERT, {"message_type": "cancel"}, False),
        (GRANT, GRANTED, True),
        (GRANT, GRANTED | {"expires_at": BEFORE}, False),
        (GRANT, GRANTED | {"revoked_at": BEFORE}, False),
    ],
)
def test_what_stands_is_open_in_force_and_not_expired(
    contract: str, about: dict[str, Any], expected: bool
) -> None:
    assert stands(contract, example(contract, **about), now_ms=NOON_MS) == expected


def an_event(contract: str, offset: int, **about: Any) -> LiveEvent:
    return LiveEvent(contract, "S", offset, example(contract, **about), ZERO)


def test_the_newest_revision_counts_and_situations_come_first() -> None:
    fold = Fold(NOON_MS)
    alert = an_event(ALERT, 0, alert_id="A", message_type="alert")
    first, second = (an_event(SITUATION, number, situation_id="1", **OPEN) for number in range(2))
    other = an_event(SITUATION, 2, situation_id="2", **OPEN)
    closed = an_event(SITUATION, 3, situation_id="2", **OPEN | {"status": "closed"})
    fold.take([alert, first, second, other, closed])
    found = fold.standing(ZERO)
    assert (list(found.events), found.is_whole) == ([second, alert], True)


def test_beyond_its_bound_the_oldest_are_left_out_and_it_says_so() -> None:
    fold = Fold(NOON_MS, count_max=2)
    fold.take([an_event(SITUATION, number, situation_id=str(number), **OPEN) for number in range(5)])
    found = fold.standing(ZERO)
    assert ([one.offset for one in found.events], found.is_whole) == ([3, 4], False)
