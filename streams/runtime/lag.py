"""The lag of a stage: the age of the oldest record that it has read and not finished."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from streams import metrics


def wall_ms() -> float:
    return time.time() * 1000


class StageLag:
    """The times of the batches in hand, oldest first, shown as ``bongsu_lag_seconds`` of *group*.

    It is computed at each scrape, so the lag of a stage that hangs grows. One thread calls ``took``, one ``finished``. The
    stages poll whenever they have room, so what lies unread in Kafka is newer than what is in hand.
    """

    def __init__(self, group: str, now_ms: Callable[[], float] = wall_ms) -> None:
        self._now_ms = now_ms
        self._oldest: deque[float] = deque()  # bounded by the stage's channel
        metrics.lag_seconds.labels(group).set_function(self.seconds)

    def took(self, oldest_ms: float) -> None:
        """Note a batch whose oldest record was put into Kafka, or received, at *oldest_ms*."""
        self._oldest.append(oldest_ms)

    def finished(self) -> None:
        """Note that the oldest batch in hand is committed, or given up."""
        if self._oldest:
            self._oldest.popleft()

    def seconds(self) -> float:
        """Return the lag; 0 with nothing in hand."""
        try:
            oldest_ms = min(self._oldest)
        except (ValueError, RuntimeError):  # empty, or changed by another thread while it was read
            return 0.0
        return max(0.0, self._now_ms() - oldest_ms) / 1000
