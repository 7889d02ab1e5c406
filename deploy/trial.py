"""Run a source over a file without Kafka: the events it would publish, and the records it would set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from connectors.base import Heard, Place, Reader, SetAside
from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.event import Event
from schemas.rows import RowCodec


@dataclass(slots=True)
class Tried:
    """The counts so far."""

    events: Counter[str] = field(default_factory=Counter)
    unplaced: int = 0
    aside: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)


def try_out(reader: Reader, recording: Iterable[Heard], tried: Tried) -> Iterator[Event | SetAside]:
    """Yield everything in order; an event that its contract refuses is set aside, as in a worker. Counts in *tried*."""
    place: Place = {}
    for heard in recording:
        reading = reader.read(heard, place)
        place = reading.place
        tried.skipped.update(reading.skipped)
        tried.noted.update(reading.noted)
        for found in (*map(_checked, reading.events), *reading.aside):
            if isinstance(found, SetAside):
                tried.aside[found.reason] += 1
            else:
                tried.events[found.topic] += 1
                tried.unplaced += found.value is not None and found.value["position"] is None
            yield found


def _checked(event: Event) -> Event | SetAside:
    contract = load_catalogue().get(event.topic)
    if contract is None:
        return SetAside(b"", f"topic {event.topic} is not in the catalogue", "topic", "a topic of ours")
    if event.value is None:
        return event
    try:
        codec = RowCodec(contract.newest, max_bytes=contract.max_bytes)
        codec.encode(event.value)
    except Invalid as error:
        return SetAside(repr(event.key).encode(), error.what, error.field, error.expected)
    return event
