"""The restarts of the match's loop: whether it may start again after a fault, and how long it waits before."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import BongsuError, Retriable, Unreachable
from streams.runtime.kafka import Fenced
from streams.runtime.loop import RETRY_FIRST_S, RETRY_MAX_S

YOUNG_S = 60.0
"""The time after a start in which a worker may be fenced by mistake: longer than a rebalance of the group takes."""
FENCED_MAX = 5
"""The limit of fencings in a row after young starts. Beyond it two workers truly have one name."""


def may_restart(error: BongsuError, *, ran_s: float, fenced: int) -> bool:
    """Return whether to start again after *error* ended a run of *ran_s*; *fenced*: the young runs fenced in a row.

    A restarted worker has the name of its former run. The new owner of that run's partitions finds the name
    beside the offsets and fences it, which hits the restarted worker if it was quicker. Nothing committed is
    lost, and the worker may start again. A worker that is fenced later gives way to another of its name.
    """
    if isinstance(error, Fenced):
        return ran_s < YOUNG_S and fenced <= FENCED_MAX
    return isinstance(error, Retriable | Unreachable)


@dataclass(slots=True)
class Restarts:
    """Counts the faults of one worker. The wait doubles, up to ``RETRY_MAX_S``, until a run lasts longer than that."""

    _delay_s: float = RETRY_FIRST_S
    _fenced: int = 0

    def wait_s(self, error: BongsuError, *, ran_s: float) -> float | None:
        """Return the wait before the next run; ``None`` if *error* ends the worker."""
        self._fenced = (self._fenced if ran_s < YOUNG_S else 0) + isinstance(error, Fenced)
        if not may_restart(error, ran_s=ran_s, fenced=self._fenced):
            return None
        delay_s = RETRY_FIRST_S if ran_s > RETRY_MAX_S else self._delay_s
        self._delay_s = min(delay_s * 2, RETRY_MAX_S)
        return delay_s
