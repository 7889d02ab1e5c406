"""The reading of a source's data. Nothing is lost by a fault in the source's code or an event that does not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import orjson

from connectors.base import Heard, Place, Reader, Reading, SetAside, SourceContext
from schemas.errors import Fatal, Invalid
from schemas.event import Event
from schemas.wire import Wire
from streams.dlq.rows import RefusedEvent
from streams.ingest.slices import Pushed
from streams.log import log


class SourceReader:
    """Reads a source's data with *reader* and encodes its events; ``None`` for an ingest that only publishes ticks."""

    def __init__(self, context: SourceContext, reader: Reader | None, wire: Wire) -> None:
        self._context = context
        self._reader = reader
        self._wire = wire
        self._name = f"{context.city}.ingest.{context.source}"

    @property
    def has_source(self) -> bool:
        return self._reader is not None

    def read(
        self, heard: Heard, place: Place, alter: Callable[[Event], Event] = lambda event: event
    ) -> Reading:
        """Return what the source reads from *heard*. If the source raises, the whole body is set aside; other
        sources go on.
        """
        if self._reader is None:
            raise Fatal(f"{self._name}: no source reads its data")
        try:
            reading = self._reader.read(heard, place)
        except Exception as error:  # a fault in a source's code must not lose its data
            log.error("source failed on a body", source=self._context.source, why=type(error).__name__)
            reason = f"the source broke on it: {type(error).__name__}"
            return Reading(
                (), place, aside=[SetAside(heard.body, reason, expected="a source without a fault")]
            )
        return self.encodable(replace(reading, events=[alter(event) for event in reading.events]))

    def of_push(self, push: Pushed, place: Place) -> Reading:
        """Return the reading of a push. It was read when it was pushed; only its place is replaced by *place*."""
        if push.heard.error:
            return _unreadable(push.heard, place)
        if push.reading is None:
            return self.read(push.heard, place)
        return self.encodable(replace(push.reading, place=place))

    def encodable(self, reading: Reading) -> Reading:
        """Encode every event. An event that its contract refuses is set aside, so that it cannot fail the
        transaction.
        """
        good, bad = [], []
        for event in reading.events:
            try:
                good.append(self._wire.encoded(self._context.city, event))
            except Invalid as error:
                original = orjson.dumps(event.value, default=str)
                bad.append(
                    RefusedEvent(original, error.what, error.field, error.expected, contract=event.topic)
                )
        return replace(reading, events=good, aside=[*reading.aside, *bad])


def _unreadable(heard: Heard, place: Place) -> Reading:
    """Set the whole body of a push aside: it cannot be requested again."""
    return Reading(
        (), place, aside=[SetAside(heard.body, heard.error or "", expected="the bytes that were pushed")]
    )
