"""The times of records by their offsets, kept as samples: how old is what a receiver does not have yet? Pure."""

from __future__ import annotations

from bisect import bisect_right, insort

SAMPLES_MAX = 2_048
EVERY_MS = 1_000


class OffsetTimes:
    """Times of the records of one topic: one a second, and fewer the more there are. Bounded by ``SAMPLES_MAX``."""

    def __init__(self) -> None:
        self._samples: list[tuple[int, int]] = []

    def saw(self, offset: int, at_ms: int) -> None:
        """Note when the record at *offset* was put into Kafka. Records may come in any order."""
        number = bisect_right(self._samples, (offset, at_ms))
        before = self._samples[number - 1] if number else None
        if before is not None and (before[0] == offset or at_ms - before[1] < EVERY_MS):
            return
        insort(self._samples, (offset, at_ms))
        if len(self._samples) > SAMPLES_MAX:
            del self._samples[1::2]  # the oldest stays, and the others lie twice as far apart

    def at(self, offset: int) -> int | None:
        """Return the time of the newest sample up to *offset*, else of the first one; ``None`` without samples."""
        if not self._samples:
            return None
        number = bisect_right(self._samples, (offset, 1 << 62))
        return self._samples[max(0, number - 1)][1]
