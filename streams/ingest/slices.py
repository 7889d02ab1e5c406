"""A source's reading, cut into transactions. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.base import Heard, Reading
from schemas.event import Event
from streams.ingest.place import ALL_DONE, SourcePlace

SLICE_MS = 60_000
SLICE_EVENTS = 5_000


@dataclass(frozen=True, slots=True)
class Slice:
    """The contents of one transaction."""

    events: Sequence[Event]
    asides: Sequence[Event]
    standing: SourcePlace
    time_ms: int | None


@dataclass(frozen=True, slots=True)
class Pushed:
    """An entry of a spool, *number*. *reading*: the reading made when it was pushed, if still valid."""

    number: int
    heard: Heard
    reading: Reading | None = None


def slices(heard: Heard, reading: Reading, asides: Sequence[Event], standing: SourcePlace) -> Iterator[Slice]:
    """Cut a reading into transactions: one for a snapshot; one per minute of event time for a file without a clock."""
    digest = hashlib.sha256(heard.body).hexdigest()
    if heard.at_ms is not None:
        after = standing.after_moment(heard.at_ms, reading.place)
        yield Slice(reading.events, asides, after, heard.at_ms)
        return
    events = sorted(reading.events, key=time_of)
    done = standing.files.get(digest, 0)
    asides = asides if done == 0 else []
    while done < len(events):
        count = _slice_size(events, done)
        part = events[done : done + count]
        done += count
        at_end = done == len(events)
        place = reading.place if at_end else standing.file_place
        after = standing.after_file(digest, ALL_DONE if at_end else done, place)
        yield Slice(part, asides, after, time_of(part[-1]))
        asides = []
    if not events:
        yield Slice([], asides, standing.after_file(digest, ALL_DONE, reading.place), None)


def time_of(event: Event) -> int:
    return int(event.value["event_time"]) if event.value is not None else 0


def _slice_size(events: Sequence[Event], start: int) -> int:
    """Return the number of events from *start* to the end of its minute, at most ``SLICE_EVENTS``.

    Reference data is not cut by minutes: it holds until it is replaced.
    """
    if events[start].topic.startswith("place."):
        return min(SLICE_EVENTS, len(events) - start)
    end_ms = (time_of(events[start]) // SLICE_MS + 1) * SLICE_MS
    size = 1
    while start + size < len(events) and size < SLICE_EVENTS and time_of(events[start + size]) < end_ms:
        size += 1
    return size
