"""A bounded ring of the newest events, which all streams share: each has only a cursor in it. One thread writes."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from connectors.gateway.live_place import Place
from connectors.gateway.live_view import LiveEvent

COUNT_MAX = 4_096
BYTES_MAX = 4 << 20
"""Bytes of the events as JSON; as Python values they take some five times as much."""
CHUNK = 64


class Ring:
    """The newest events in the order in which they were read, numbered without gaps; *start* is the place before the oldest,
    *end* the place after the newest."""

    def __init__(self, count_max: int = COUNT_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._count_max = count_max
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._events: list[LiveEvent] = []
        self._bytes = 0
        self._first = 0
        self._start: Place | None = None
        self._end: Place | None = None

    @property
    def place(self) -> Place | None:
        """The place after the newest event; ``None`` before the log was read at all."""
        return self._end

    def begin(self, place: Place) -> None:
        """Begin anew at *place*: every cursor of before is out of the ring."""
        with self._lock:
            self._first += len(self._events) + 1
            self._events.clear()
            self._bytes = 0
            self._start = self._end = place

    def append(self, events: Sequence[LiveEvent], place: Place) -> None:
        """Add *events*, after which the reader stands at *place*; drop the oldest beyond the bounds."""
        with self._lock:
            self._events += events
            self._bytes += sum(one.size for one in events)
            self._end = place
            count, size = len(self._events), self._bytes
            gone = 0
            while gone < count and (count - gone > self._count_max or size > self._bytes_max):
                size -= self._events[gone].size
                gone += 1
            if gone:
                self._start = self._events[gone - 1].place
                del self._events[:gone]
                self._first += gone
                self._bytes = size

    def holds(self, cursor: int) -> bool:
        """Whether nothing after *cursor* was dropped yet."""
        return cursor >= self._first

    def cursor_at(self, place: Place) -> tuple[int | None, Place]:
        """The cursor for a reader at *place*, ``None`` when the ring does not reach back that far, and the ring's start."""
        with self._lock:
            if self._start is None or self._end is None:
                raise LookupError("the ring has not begun")
            if place.reaches(self._end):
                return self._first + len(self._events), self._start
            return (self._first if place.reaches(self._start) else None), self._start

    def since(self, cursor: int) -> tuple[Sequence[LiveEvent], Place | None]:
        """A chunk of events from *cursor* on, and the ring's end if these are all. Empty if it is not held."""
        with self._lock:
            at = cursor - self._first
            if at < 0:
                return (), None
            found = self._events[at : at + CHUNK]
            return found, self._end if at + len(found) == len(self._events) else None
