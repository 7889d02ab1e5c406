"""The contract between the route of a recorded day and what reads the delivered topics between two times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.gateway.live_place import Place


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """A revision as it was written. *at_ms*: the time of its record; *value*: the JSON form."""

    contract: str
    at_ms: int
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedPage:
    """Events in the order of their times. *after*: the place at which the next page begins; ``None`` on the last one."""

    events: Sequence[RecordedEvent]
    after: Place | None


class RecordedLog(Protocol):
    """The delivered topics of a city by time. Every method may wait; ``Retriable`` or ``Fatal`` without Kafka."""

    def kept_from_ms(self) -> int | None:
        """The time from which all is kept; ``None`` where nothing was deleted so far."""

    def page(self, from_ms: int, to_ms: int, after: Place | None, count: int) -> RecordedPage:
        """At most *count* events from *from_ms* on and before *to_ms*; those behind *after*, where it is given."""

    def standing(self, at_ms: int) -> Sequence[Mapping[str, Any]]:
        """The newest revision before *at_ms* of each situation that was open then, in the order of these revisions.
        ``Retriable`` where that is more than one call may read: the next one goes on from there."""
