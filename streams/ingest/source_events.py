"""The events that an ingest adds to those of its source: ticks, and the place of the source. Pure."""

from __future__ import annotations

from typing import Any

from schemas.event import Event, derived_id, event_fields
from streams.ingest.place import SourcePlace, body_of
from streams.runtime.inbox import Partition


def tick(city: str, time_ms: int, *, barrier: dict[Partition, int] | None) -> Event:
    """Return a tick. *barrier*: the offsets before it. In a play, consumers read up to them first, so time
    never overtakes events.
    """
    places = None
    if barrier is not None:
        places = [
            {"topic": topic, "partition": partition, "next_offset": offset}
            for (topic, partition), offset in sorted(barrier.items())
            if topic.endswith((".incident", "place.camera"))
        ]
    value = _common(city, "clock", derived_id("tick", city, time_ms), time_ms)
    return Event("core.tick", city, value | {"barrier": places, "played": barrier is not None})


def place_event(city: str, name: str, standing: SourcePlace, now_ms: int) -> Event:
    """Return the row of ``source.place`` that records the progress of a source. *name*: the row's."""
    value = _common(city, name, derived_id("place", city, name, now_ms), now_ms)
    newest_file = next(reversed([*standing.files]), None)
    return Event(
        "source.place",
        name,
        value
        | {
            "heard_at": standing.heard_at_ms,
            "digest": newest_file,
            "done": standing.files.get(newest_file, 0) if newest_file is not None else 0,
            "place": body_of(standing),
        },
    )


def _common(city: str, source: str, event_id: str, time_ms: int) -> dict[str, Any]:
    return event_fields(city, source, event_id=event_id, event_time_ms=time_ms, received_ms=time_ms)
