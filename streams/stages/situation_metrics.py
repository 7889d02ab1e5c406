"""The situations, grants and alerts of a city as metrics."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from schemas.event import Event
from streams import metrics
from streams.situations.model import Situation

SHOWN_EVERY_S = 10.0


class SituationMetrics:
    """Counts what *group* publishes, and sets its gauges every ten seconds: counting 100,000 situations takes 0.1 s."""

    def __init__(self, group: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self._group = group
        self._now_s = now_s
        self._shown_s: float | None = None
        self._kinds: set[str] = set()  # bounded by the catalogue of kinds

    def count(self, event: Event) -> None:
        """Count an event that is published; an alert also by its rule."""
        metrics.events_put.labels(self._group, event.topic).inc()
        if event.topic == "core.alert" and event.value is not None:
            metrics.alerts.labels(self._group, event.value["rule"], event.value["message_type"]).inc()

    def show(self, situations: Iterable[Situation]) -> None:
        """Show *situations*, all that the state holds. A kind without an open one goes back to 0."""
        now_s = self._now_s()
        if self._shown_s is not None and now_s - self._shown_s < SHOWN_EVERY_S:
            return
        self._shown_s = now_s
        kinds, grants = Counter[str](), 0
        for one in situations:
            grants += len(one.grants)
            if one.view.closed_at is None and one.view.merged_into is None:
                kinds[one.view.kind] += 1
        self._kinds |= kinds.keys()
        for kind in self._kinds:
            metrics.situations_open.labels(self._group, kind).set(kinds[kind])
        metrics.grants_open.labels(self._group).set(grants)
