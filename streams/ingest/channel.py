"""The channel of one source: whether it may go on, its report, and the records that it set aside. Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.base import Heard, Reading
from schemas.errors import Retriable
from schemas.event import Event
from streams.ingest.breaker import SAMPLES, STOPPED, TRIAL, Breaker
from streams.ingest.report import SourceReport

REMEMBERED = 5_000


class Stopped(Retriable):
    """More than half of a source's records are bad. *is_taken*: the last reading is published or set aside
    nevertheless.
    """

    def __init__(self, city: str, source: str, reason: str | None, *, is_taken: bool) -> None:
        super().__init__(
            f"source '{source}' of {city} is stopped: over half of its last records are bad, most often: {reason}",
            hint="look at 'bongsu dlq list', mend the source or its settings, then: "
            f"bongsu source resume {source} --city {city}",
        )
        self.is_taken = is_taken


class Remembered:
    """A set of the newest ``REMEMBERED`` ids."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, one: object) -> bool:
        return one in self._ids

    def add(self, one: str) -> None:
        self._ids[one] = None
        self._ids.move_to_end(one)
        if len(self._ids) > REMEMBERED:
            self._ids.popitem(last=False)


class Channel:
    """The breaker and the report of a source. Takes each reading; time is a parameter."""

    def __init__(self, city: str, source: str, *, row: str | None = None) -> None:
        """*row*: the name of its row in ``core.source``, where that is not the source's."""
        self._row = source if row is None else row
        self.breaker = Breaker()
        self.report = SourceReport()
        self.kept = Remembered()
        """The event_ids of records in the DLQ: the same bytes in the next poll are the same record."""
        self._city, self._source = city, source
        self._counted = Remembered()
        self._weighed: Heard | None = None
        self._goes_on = True
        self._told: Mapping[str, Any] = {}

    def weigh(self, heard: Heard, reading: Reading, asides: Sequence[Event], *, now_ms: int) -> bool:
        """Return whether the channel may go on after *reading*. Publishing the same reading again does not
        count it twice.
        """
        if heard is self._weighed:
            return self._goes_on
        self._weighed = heard
        reasons = [aside.reason for aside in reading.aside]
        skipped = sum(reading.skipped.values())
        if heard.error is None:
            self.report.heard(
                reading.events,
                at_ms=now_ms if heard.at_ms is None else heard.at_ms,
                reasons=reasons,
                skipped=skipped,
                noted=reading.noted,
                has_clock=heard.at_ms is not None,
                missing=heard.missing,
            )
        ids = {str(event.value["event_id"]) for event in asides if event.value is not None}
        # a trial judges the reading as it is: bad records that were counted before must count again, or it
        # would always pass
        new = ids if self.breaker.state == TRIAL else {one for one in ids if one not in self._counted}
        for one in new:
            self._counted.add(one)
        self._goes_on = self.breaker.judge(
            good=len(reading.events) + skipped, bad=len(new), now_ms=now_ms, reason=_most(reasons)
        )
        return self._goes_on

    def is_too_much(self, asides: Sequence[Event]) -> bool:
        """Return whether the reading that stopped the channel has so many bad records that only samples are kept."""
        return not self._goes_on and len(asides) > SAMPLES

    def stopped(self, *, is_taken: bool) -> Stopped:
        return Stopped(self._city, self._source, self.breaker.reason, is_taken=is_taken)

    def news(self, *, now_ms: int) -> Event | None:
        """Return ``core.source`` as it is now; ``None`` if nothing changed since it was last published."""
        event = self.report.event(self._city, self._row, self.breaker, now_ms=now_ms)
        value = event.value or {}
        said = {name: value[name] for name in value if name not in _OF_ITS_MOMENT}
        return None if said == self._told else event

    def told(self, event: Event) -> None:
        """Remember *event* as published."""
        value = event.value or {}
        self._told = {name: value[name] for name in value if name not in _OF_ITS_MOMENT}

    def restore(self, row: Mapping[str, Any]) -> None:
        """Restore the state from the last ``core.source``, so that a restart does not open a stopped channel."""
        if row["state"] in (STOPPED, TRIAL):
            self.breaker = Breaker(row["state"], row["state_since_at"], row["trials"], row["state_reason"])

    def heed(self, row: Mapping[str, Any], *, now_ms: int) -> None:
        """Start a trial if an operator has asked for one in *row* (``core.source``)."""
        if row["state"] == TRIAL:
            self.breaker.resume(now_ms)


_OF_ITS_MOMENT = ("event_id", "event_time", "received_time", "counted_since_at")


def _most(reasons: Sequence[str]) -> str:
    counted = Counter(reasons).most_common(1)
    return counted[0][0] if counted else ""
