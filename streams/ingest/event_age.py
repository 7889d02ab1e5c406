"""The age of live events when they are received, by agency, and the objective that each source has for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from schemas.event import Event
from streams import metrics

AGE_OBJECTIVE_S = 300.0
AGENCIES_MAX = 50
OTHERS = "others"
"""The agency of all further ones, once a source has named ``AGENCIES_MAX``."""


@dataclass(frozen=True, slots=True)
class AgeObjective:
    """The objective of a source: so large a *share* of its events is at most *seconds* old when it is received."""

    seconds: float = AGE_OBJECTIVE_S
    share: float = 0.99


class EventAges:
    """Counts the ages of one source's events, and those within its objective."""

    def __init__(self, city: str, source: str, objective: AgeObjective) -> None:
        self._labels = (city, source)
        self._objective = objective
        self._agencies: set[str] = set()
        self._is_shown = False

    def count(self, events: Iterable[Event]) -> None:
        """Count *events*, which are live and committed."""
        self._show()
        for agency, age_s in ages_of(events):
            labels = (*self._labels, self._bounded(agency))
            metrics.event_age.labels(*labels).observe(age_s)
            metrics.events_aged.labels(*labels).inc()
            metrics.events_in_time.labels(*labels).inc(age_s <= self._objective.seconds)

    def _show(self) -> None:
        """Show the objective from the first count on: a source without live events has none to keep."""
        if not self._is_shown:
            self._is_shown = True
            metrics.event_age_objective.labels(*self._labels).set(self._objective.seconds)
            metrics.event_age_objective_share.labels(*self._labels).set(self._objective.share)

    def _bounded(self, agency: str) -> str:
        if agency not in self._agencies:
            if len(self._agencies) >= AGENCIES_MAX:
                return OTHERS
            self._agencies.add(agency)
        return agency


def ages_of(events: Iterable[Event]) -> Iterator[tuple[str, float]]:
    """Yield agency (empty where the event has none) and age in seconds of each first report.

    Reference data holds until it is replaced, and a revision has the time of the first report: neither has an age. An event
    ahead of our clock has the age 0.
    """
    for event in events:
        value = event.value
        if value is None or event.topic.startswith("place.") or value.get("revision", 1) != 1:
            continue
        age_s = (value.get("received_time", value["event_time"]) - value["event_time"]) / 1000
        yield str(value.get("agency") or ""), max(0.0, age_s)
