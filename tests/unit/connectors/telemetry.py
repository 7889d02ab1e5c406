"""Helpers for tests of vehicles, trips and hubs."""

from __future__ import annotations

from typing import Any

from connectors.base import Reading
from schemas.catalogue import load_catalogue
from schemas.event import Event
from schemas.rows import RowCodec


def values(reading: Reading, topic: str | None = None) -> list[dict[str, Any]]:
    """The values of a reading's events; of one *topic*, where it is given."""
    return [dict(event.value or {}) for event in reading.events if topic in (None, event.topic)]


def lost_on_the_wire(events: list[Event]) -> list[str]:
    """The fields whose value is another after encoding and decoding."""
    lost = []
    codecs = {name: RowCodec(contract.newest) for name, contract in load_catalogue().items()}
    for event in events:
        value, codec = dict(event.value or {}), codecs[event.topic]
        back = codec.decode(codec.encode(value))
        lost += [name for name in value.keys() | back.keys() if value.get(name) != back.get(name)]
    return lost
