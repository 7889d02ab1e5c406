"""The contract between the live streams and what reads the delivered topics from the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.gateway.live_place import Place
from connectors.gateway.live_view import LiveEvent


@dataclass(frozen=True, slots=True)
class Standing:
    """The open situations, and the alerts and grants in force, as of *place*. *is_whole*: none was left out."""

    place: Place
    events: Sequence[LiveEvent]
    is_whole: bool = True


class Listener(Protocol):
    """Gets the new events, from a thread of the log's own."""

    def begin(self, place: Place) -> None:
        """Begin anew at *place*: no event from before is followed by the next one."""

    def take(self, events: Sequence[LiveEvent], place: Place) -> None:
        """The next *events*, after which the reader stands at *place*."""


class EventReading(Protocol):
    """A reading of the log for one stream. Every method may wait."""

    def next(self, until: Place) -> Sequence[LiveEvent] | None:
        """More events before *until*, perhaps none; ``None`` once all of them were returned. *until* is the same in each
        call: what lies behind it is passed over. ``Retriable`` when Kafka is unavailable."""

    def close(self) -> None:
        """End it."""


class EventLog(Protocol):
    """The delivered topics of a city. Every method but ``trouble`` may wait; ``Retriable`` or ``Fatal`` when Kafka is
    unavailable."""

    @property
    def trouble(self) -> str | None:
        """Why the log is not read now; ``None`` when it is."""

    def start(self, listener: Listener) -> None:
        """Follow the log in a thread."""

    def end(self) -> None:
        """End that thread."""

    def bounds(self) -> tuple[Place, Place]:
        """The places of the oldest record that is kept, and behind the newest."""

    def reading(self, place: Place) -> EventReading:
        """A reading from *place* on."""

    def standing(self, now_ms: int) -> Standing:
        """A fold of all that is kept."""
