"""A log of delivered events in memory, as the live streams read it, and events of the contracts' examples."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.gateway.live_log import Listener, Standing
from connectors.gateway.live_place import NUMBER, Place
from connectors.gateway.live_view import LiveEvent
from schemas.catalogue import load_catalogue
from schemas.errors import Retriable

ZERO = Place((0, 0, 0, 0))
SITUATION, ALERT, GRANT, HUB = NUMBER


def example(contract: str, **more: Any) -> dict[str, Any]:
    file = load_catalogue()[contract].folder / "examples" / "typical.json"
    return {**json.loads(file.read_text(encoding="utf-8")), **more}


@dataclass
class MemoryLog:
    """Holds all that was written; *oldest* as if records before it had been deleted. *jump*: offsets that a transaction's
    mark takes after each event."""

    oldest: Place = ZERO
    jump: int = 0
    events: list[LiveEvent] = field(default_factory=list)
    newest: Place = ZERO
    listener: Listener | None = None
    readings: int = 0
    open_readings: int = 0
    is_away: bool = False
    gate: threading.Event = field(default_factory=threading.Event)
    trouble: str | None = None

    def __post_init__(self) -> None:
        self.gate.set()

    def start(self, listener: Listener) -> None:
        self.listener = listener
        listener.begin(self.newest)

    def end(self) -> None:
        self.listener = None

    def write(self, contract: str, **more: Any) -> LiveEvent:
        """Write an event, and tell the listener."""
        number = NUMBER[contract]
        offset = self.newest.offsets[number]
        value = example(contract, **more)
        event = LiveEvent(
            contract,
            value["hub_id" if contract == HUB else "situation_id"],
            offset,
            value,
            self.newest.after(number, offset),
            len(json.dumps(value)),
        )
        self.events.append(event)
        self.newest = self.newest.after(number, offset + self.jump)
        if self.listener is not None:
            self.listener.take([event], self.newest)
        return event

    def bounds(self) -> tuple[Place, Place]:
        if self.is_away:
            raise Retriable("Kafka unavailable")
        return self.oldest, self.newest

    def reading(self, place: Place) -> MemoryReading:
        if self.is_away:
            raise Retriable("Kafka unavailable")
        self.readings += 1
        self.open_readings += 1
        return MemoryReading(self, place)

    def standing(self, now_ms: int) -> Standing:
        self.bounds()
        return Standing(self.newest, [one for one in self.events if not one.value.get("closed_at")])


@dataclass
class MemoryReading:
    """Gives two events at a time, by topics, so not in the order in which they were written."""

    log: MemoryLog
    place: Place

    def next(self, until: Place) -> Sequence[LiveEvent] | None:
        self.log.gate.wait(10)
        if self.place.reaches(until):
            return None
        left = [
            one
            for one in sorted(self.log.events, key=lambda one: one.number)
            if self.place.offsets[one.number] <= one.offset < until.offsets[one.number]
        ]
        for one in left[:2]:
            self.place = self.place.joined(self.place.after(one.number, one.offset))
        if len(left) <= 2:  # Kafka's reader has passed over what lies behind, too
            self.place = self.place.joined(until).joined(self.log.newest)
        return left[:2]

    def close(self) -> None:
        self.log.open_readings -= 1
