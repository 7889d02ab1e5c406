"""The counts of what a source reads, puts and sets aside."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import Reading, SourceContext
from schemas.event import Event
from streams import metrics


def count_read(context: SourceContext, reading: Reading) -> None:
    """Count what the source skipped by its policy, and what it took with a note."""
    for reason, count in reading.skipped.items():
        metrics.skipped.labels(context.source, reason).inc(count)
    metrics.noted.labels(context.city, context.source).inc(sum(reading.noted.values()))


def count_put(group: str, events: Sequence[Event]) -> None:
    """Count *events*, which are committed."""
    for event in events:
        metrics.events_put.labels(group, event.topic).inc()


def count_asides(group: str, asides: Sequence[Event]) -> None:
    """Count the ``source.dlq`` events *asides*: a record that is unreadable as a whole, or wrong in a field."""
    for event in asides:
        reason = metrics.FIELD if (event.value or {})["field"] else metrics.UNREADABLE
        metrics.set_aside.labels(group, "source.dlq", reason).inc()
    metrics.errors.labels(group, metrics.INVALID).inc(len(asides))
