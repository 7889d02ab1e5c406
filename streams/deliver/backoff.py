"""Waiting between tries: exponential with full jitter, at most a day. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

DAY_MS = 24 * 3_600_000
Chance = Callable[[], float]
"""A number from 0 up to 1, without 1."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """The wait after the first failure, its growth with each further one, and the longest."""

    first_ms: int = 1_000
    factor: float = 2.0
    max_ms: int = DAY_MS

    def bound_ms(self, attempts: int) -> int:
        """The longest wait after *attempts* failures in a row, at least one."""
        steps = min(attempts - 1, 64)
        return int(min(self.max_ms, self.first_ms * self.factor**steps))

    def wait_ms(self, attempts: int, chance: Chance) -> int:
        """The wait after *attempts* failures: any time up to the bound is as likely as another."""
        return 1 + int(chance() * self.bound_ms(attempts))
