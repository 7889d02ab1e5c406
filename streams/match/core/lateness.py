"""Late observations, and ones from the future. The result depends on each partition's order alone, not on batches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streams.match.core.batch import ObservationBatch
from streams.match.core.flow import SECOND_MS, Partition

FUTURE_MS_MAX = 5 * 60_000
Bools = npt.NDArray[np.bool_]


class Watermarks:
    """The newest received time of each partition. *lateness_ms*: how far an event time may lie behind it."""

    def __init__(self, lateness_ms: int) -> None:
        self._lateness_ms = lateness_ms
        self.newest: dict[Partition, int] = {}

    def horizon_ms(self, place: Partition) -> int | None:
        """Return the time, a full second, before which observations are late. ``None``: nothing was read yet."""
        newest = self.newest.get(place)
        return None if newest is None else _full_second(newest - self._lateness_ms)

    def late(self, batch: ObservationBatch) -> Bools | None:
        """Return the late rows, each compared with the rows before it; ``None`` if there are none. All rows
        advance the watermark.
        """
        seen, before = batch.seen, {place: self.newest.get(place, 0) for place in batch.places}
        latest = int(seen.received.max())
        rows = self._advance(batch)
        # nearly every batch is in time: one comparison of its extremes saves the work by row
        if int(seen.time.min()) >= _full_second(max(latest, *before.values()) - self._lateness_ms):
            return None
        late = np.zeros(len(seen), np.bool_)
        for place, its in rows.items():
            newest = np.maximum(np.maximum.accumulate(seen.received[its]), before[place])
            horizon = newest - self._lateness_ms
            late[its] = seen.time[its] < horizon - horizon % SECOND_MS
        return late if late.any() else None

    def _advance(self, batch: ObservationBatch) -> dict[Partition, Bools | slice]:
        rows: dict[Partition, Bools | slice] = {}
        for number, place in enumerate(batch.places):
            its: Bools | slice = slice(None) if len(batch.places) == 1 else batch.place == number
            received = batch.seen.received[its]
            if len(received):
                rows[place] = its
                self.newest[place] = max(self.newest.get(place, 0), int(received.max()))
        return rows


def future(batch: ObservationBatch, now_ms: int) -> Bools | None:
    """Return the rows that happened, or were received, in the future; ``None`` if there are none. *now_ms*:
    the reader's clock.
    """
    seen = batch.seen
    ahead = (seen.time > seen.received + FUTURE_MS_MAX) | (seen.received > now_ms + FUTURE_MS_MAX)
    return ahead if ahead.any() else None


def _full_second(time_ms: int) -> int:
    return time_ms - time_ms % SECOND_MS
