"""Memories of chargers as rows of ``source.place``, and their ids. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields

PLACE = "source.place"
BETWEEN = "/"
"""Between the source's name, which has none, and the charger's id."""


def memory_key(source: str, charger_id: str) -> str:
    return f"{source}{BETWEEN}{charger_id}"


def charger_of(source: str, key: str) -> str | None:
    """The charger of the row *key*; ``None`` for a row of something else."""
    named, _, charger_id = key.partition(BETWEEN)
    return charger_id if named == source and charger_id else None


def memory_event(city: str, source: str, charger_id: str, memory: Mapping[str, Any], at_ms: int) -> Event:
    """The row that keeps *memory*."""
    key = memory_key(source, charger_id)
    body = orjson.dumps(memory, option=orjson.OPT_SORT_KEYS)
    its_id = derived_id("place", city, key, at_ms)
    value = event_fields(city, key, event_id=its_id, event_time_ms=at_ms, received_ms=at_ms)
    return Event(PLACE, key, value | {"heard_at": at_ms, "digest": None, "done": 0, "place": body})


def mark_key(source: str, slot: str) -> str:
    """The key of the marks of the process *slot*: no charger's, and no source's."""
    return f"{source}:{slot}"


def mark_event(city: str, source: str, slot: str, mark: str, at_ms: int) -> Event:
    """A row that says nothing: who reads it has read all that was committed before it."""
    key = mark_key(source, slot)
    its_id = derived_id("place", city, key, mark)
    value = event_fields(city, key, event_id=its_id, event_time_ms=at_ms, received_ms=at_ms)
    return Event(
        PLACE, key, value | {"heard_at": at_ms, "digest": None, "done": 0, "place": mark.encode("ascii")}
    )


def memory_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The memory that *row* keeps. ``Invalid`` if it keeps none."""
    try:
        memory = orjson.loads(row["place"])
        kept = [memory["connectors"], memory["sessions"], *memory["sessions"].values()]
        is_memory = all(isinstance(one, dict) for one in kept) and isinstance(memory["ids"], list)
        if is_memory and isinstance(memory["slot"], str) and isinstance(memory["is_silent"], bool):
            return dict(memory)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise Invalid("no memory of a charger", field="place", expected="what the stage of chargers wrote")


def check_memory(key: str, row: Mapping[str, Any]) -> None:
    """Raise ``Invalid`` for a row of a charger that cannot be read. Rows of other sources pass."""
    if BETWEEN in key:
        memory_of(row)
