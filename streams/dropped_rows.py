"""Rows that a bounded table let go: counted, and told in the log."""

from __future__ import annotations

from streams import metrics
from streams.log import log


class DroppedRows:
    """Tells of the table that *group* has of *topic* how many rows it let go, as its own count says."""

    def __init__(self, group: str, topic: str) -> None:
        self._group, self._topic = group, topic
        self._count = self._told = 0

    def begin(self) -> None:
        """Note that the table is made anew, and counts from 0."""
        self._count = self._told = 0

    def seen(self, count: int) -> None:
        """Count up to *count*. Only the first, and each time twice as many, are logged."""
        if count <= self._count:
            return
        metrics.rows_dropped.labels(self._group, self._topic).inc(count - self._count)
        self._count = count
        if count >= max(1, 2 * self._told):
            self._told = count
            log.warning(
                "rows let go, as too many are held", topic=self._topic, reader=self._group, count=count
            )
