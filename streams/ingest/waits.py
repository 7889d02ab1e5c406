"""The waits of a source that fails."""

from __future__ import annotations

import random

from schemas.errors import Retriable

BACKOFF_FIRST_S, BACKOFF_MAX_S = 1.0, 300.0
RETRY_AFTER_S_MAX = 3_600.0
"""The longest wait that a source can ask for with ``Retry-After``."""


def wait_after(error: Retriable, failures: int, chance: float) -> float:
    """Return the seconds until the next poll: the source's ``Retry-After`` and a little more, else the back-off."""
    if error.retry_after_s:
        return min(error.retry_after_s, RETRY_AFTER_S_MAX) * (1 + chance / 10)
    return backoff_s(failures, chance)


def backoff_s(failures: int, chance: float) -> float:
    """Return the seconds to wait after *failures* in a row: doubling, bounded, spread over half by *chance*
    in [0, 1).
    """
    full = min(BACKOFF_FIRST_S * 2 ** min(failures, 20), BACKOFF_MAX_S)
    return float(full * (0.5 + chance / 2))


def any_chance() -> float:
    """A chance in [0, 1) that spreads the waits of many."""
    return random.random()  # noqa: S311 (spreads polls, keeps no secret)
