"""Memory of transmitters of Remote ID: their ids and operators, from message to message. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.formats.open_drone_id import BasicId, LocationMessage, Message, OperatorId, SystemMessage
from connectors.subjects.drone_ids import DroneId, judged
from connectors.subjects.drone_reports import place_on_earth

TRANSMITTERS_MAX = 2_000
"""Transmitters remembered: far more than fly over a city at once. One that is forgotten counts as new."""
OPERATOR_HOLDS_MS = 60_000
"""Its word of its operator holds so long: it must say it again every 3 s."""
CLOCK_STANDS_MS = 2_000
"""A time that is said for so long, of other places, is that of a clock that stands. Some count whole seconds."""


@dataclass(slots=True)
class Sender:
    """The ids, type and operator that a transmitter has said. *newest_ns*: when its last frame was captured."""

    newest_ns: int = 0
    ids: dict[str, DroneId] = field(default_factory=dict)
    drone_type: str | None = None
    operator: dict[str, Any] = field(default_factory=dict)
    operator_ms: int = 0
    said_time: list[Any] = field(default_factory=list)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Sender:
        ids = {kind: DroneId(*one) for kind, one in kept["ids"].items()}
        return cls(
            kept["newest_ns"],
            ids,
            kept["drone_type"],
            dict(kept["operator"]),
            kept["operator_ms"],
            list(kept["said_time"]),
        )

    def kept(self) -> dict[str, Any]:
        """All of it as JSON, for the source's place."""
        return {
            "newest_ns": self.newest_ns,
            "ids": {kind: list(one) for kind, one in self.ids.items()},
            "drone_type": self.drone_type,
            "operator": self.operator,
            "operator_ms": self.operator_ms,
            "said_time": self.said_time,
        }

    def hear(self, message: Message, at_ms: int) -> tuple[str, ...]:
        """Take in what *message* says of the drone itself; its faults."""
        if isinstance(message, BasicId):
            self.drone_type = message.drone_type or self.drone_type
            if message.text is not None:
                self.ids[message.id_kind or ""] = judged(
                    message.text, message.id_kind, is_whole=message.is_whole
                )
        elif isinstance(message, OperatorId):
            self._operator(at_ms, operator_id=message.text)
        elif isinstance(message, SystemMessage):
            self._operator(
                at_ms,
                operator_position=place_on_earth(message.lat, message.lon),
                operator_position_kind=message.operator_kind,
            )
        return message.faults

    def _operator(self, at_ms: int, **said: Any) -> None:
        self.operator = {**self.operator_at(at_ms), **said}
        self.operator_ms = at_ms

    def clock_stands(self, location: LocationMessage, at_ms: int) -> bool:
        """Whether the time of *location*, heard at *at_ms*, was said before of another place, too long ago to be rounded."""
        if self.said_time[:1] != [location.tenths]:
            self.said_time = [location.tenths, location.lat, location.lon, at_ms, False]
        tenths, lat, lon, first_ms, stood = self.said_time
        moved = (lat, lon) != (location.lat, location.lon) and at_ms - first_ms >= CLOCK_STANDS_MS
        self.said_time = [tenths, lat, lon, first_ms, stood or moved]
        return stood or moved

    def operator_at(self, at_ms: int) -> dict[str, Any]:
        return self.operator if abs(at_ms - self.operator_ms) <= OPERATOR_HOLDS_MS else {}


class Senders:
    """The transmitters that are known while a body is read, the last heard last."""

    def __init__(self, kept: Mapping[str, Any]) -> None:
        self._senders = {name: Sender.of(one) for name, one in kept.items()}
        self._before = {name: sender.newest_ns for name, sender in self._senders.items()}

    def hear(self, transmitter: str | None, at_ns: int) -> Sender | None:
        """The sender of a frame of *at_ns*; ``None`` where that is no newer than its last in an earlier body.

        One without an address is known for this frame alone.
        """
        if transmitter is None:
            return Sender(at_ns)
        if at_ns <= self._before.get(transmitter, -1):
            return None
        sender = self._senders.pop(transmitter, None) or Sender()
        sender.newest_ns = max(at_ns, sender.newest_ns)
        self._senders[transmitter] = sender
        return sender

    def kept(self) -> dict[str, Any]:
        """The remembered transmitters as JSON."""
        last = list(self._senders.items())[-TRANSMITTERS_MAX:]
        return {name: sender.kept() for name, sender in last}
