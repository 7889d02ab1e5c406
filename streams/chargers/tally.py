"""The chargers' report as a source (``core.source``): counts of their calls and faults. Time is a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.subjects.charger_memory import MemoryStep
from schemas.event import Event
from streams.ingest.breaker import Breaker
from streams.ingest.report import SourceReport

_OF_ITS_MOMENT = ("event_id", "event_time", "received_time", "counted_since_at")


class Tally:
    """Counts of one process. *row*: the key of its report. One charger's faults never stop the others: no breaker opens."""

    def __init__(self, city: str, row: str) -> None:
        self._city, self._row = city, row
        self._report = SourceReport()
        self._told: Mapping[str, Any] = {}

    def heard(self, step: MemoryStep, *, at_ms: int) -> None:
        """Count a call that was answered."""
        self._report.heard(step.events, at_ms=at_ms, skipped=step.skipped.total(), noted=step.noted)

    def refused(self, code: str, *, at_ms: int) -> None:
        """Count a call that was set aside with the *code* of its CALLERROR."""
        self._report.heard((), at_ms=at_ms, reasons=[code or "an answer that is not whole"])

    def noted(self, what: str, *, at_ms: int) -> None:
        """Count a remark."""
        self._report.heard((), at_ms=at_ms, noted={what: 1})

    def failed(self, why: str, *, at_ms: int) -> None:
        """Note that nothing can be answered."""
        self._report.failed(why, at_ms=at_ms)

    def news(self, *, now_ms: int) -> Event | None:
        """The report as it is now; ``None`` if nothing changed since it was last told."""
        event = self._report.event(self._city, self._row, Breaker(), now_ms=now_ms)
        return None if _lasting(event) == self._told else event

    def told(self, event: Event) -> None:
        """Remember *event* as told."""
        self._told = _lasting(event)


def _lasting(event: Event) -> dict[str, Any]:
    return {name: value for name, value in (event.value or {}).items() if name not in _OF_ITS_MOMENT}
