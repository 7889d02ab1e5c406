"""Examine an agency's push before it is answered: how many events it holds, and which records are bad and why."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.base import Heard, Place, Reader, Reading, SetAside
from connectors.gateway.cloud_events import BadEvent, PushedMessage
from schemas.errors import Invalid
from schemas.event import Event

NAMED_MAX = 100
"""Bad records named in one answer; the others are counted."""
EXCERPT = 200


@dataclass(slots=True)
class Examined:
    """The result for one request. *marks* identify each message; ``None`` where a repeat is a message of its own."""

    events: int = 0
    bad: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    refused_messages: list[int] = field(default_factory=list)
    """The numbers of all messages of which something was refused, ascending."""
    left_out: Counter[str] = field(default_factory=Counter)
    marks: list[bytes | None] = field(default_factory=list)
    readings: list[Reading | None] = field(default_factory=list)
    """Of each message the reading, where it does not depend on earlier messages; else ``None``."""

    @property
    def is_all_bad(self) -> bool:
        return self.bad > 0 and self.events == 0 and not self.left_out


class PushedSource:
    """One source that may be pushed to.

    *place*: the source's place, as far as its drain has come. *wake* signals the drain that something was pushed. *encoded*
    encodes an event; ``Invalid`` where its contract refuses it. *over*: why this process will not publish for the source;
    ``None``: it will. *agencies*: the agencies for which the source speaks; empty: none.
    ``takes_objects``: a push to it may name the object that it is about, as its reader says of itself.
    """

    def __init__(
        self,
        name: str,
        reader: Reader,
        *,
        place: Callable[[], Place] = dict,
        wake: Callable[[], None] = lambda: None,
        encoded: Callable[[Event], Event] = lambda event: event,
        is_stopped: Callable[[], bool] = lambda: False,
        over: Callable[[], str | None] = lambda: None,
        agencies: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.over = over
        self.agencies = frozenset(agencies)
        self.wake = wake
        self.is_stopped = is_stopped
        self._reader = reader
        self.takes_objects = getattr(reader, "takes_objects", False) is True
        self._place = place
        self._encoded = encoded

    def examine(self, messages: Sequence[PushedMessage | BadEvent], at_ms: int) -> Examined:
        """Read *messages* as the drain will. A bad event is refused; *marks* and *readings* are those of the others."""
        found = Examined()
        place = self._place()
        for number, message in enumerate(messages):
            if isinstance(message, BadEvent):
                error = message.error
                self._refuse(
                    found, number, SetAside(message.original, error.what, error.field, error.expected)
                )
            else:
                self._examine(number, message, at_ms, place, found)
        return found

    def _examine(
        self, number: int, message: PushedMessage, at_ms: int, place: Place, found: Examined
    ) -> None:
        try:
            reading = self._reader.read(Heard(message.body, at_ms), place)
        except Exception as error:  # a fault in the source's code: the drain sets the body aside
            self._refuse(
                found, number, SetAside(message.body, f"the source broke on it: {type(error).__name__}")
            )
            found.marks.append(_mark(message))
            found.readings.append(None)
            return
        events, misfits = self._fitting(reading.events)
        for aside in [*reading.aside, *misfits]:
            self._refuse(found, number, aside)
        found.events += len(reading.events) - len(misfits)
        found.left_out.update(reading.skipped)
        is_the_same_again = reading.place == place
        found.marks.append(_mark(message) if message.mark is not None or is_the_same_again else None)
        found.readings.append(replace(reading, events=events) if is_the_same_again else None)

    def _fitting(self, events: Sequence[Event]) -> tuple[list[Event], list[SetAside]]:
        """The events, encoded where that is possible offline, and the records that their contract refuses."""
        made, misfits = [], []
        for event in events:
            try:
                made.append(self._encoded(event))
            except Invalid as error:
                made.append(event)
                misfits.append(SetAside(b"", error.what, error.field, error.expected))
        return made, misfits

    def _refuse(self, found: Examined, number: int, aside: SetAside) -> None:
        found.bad += 1
        if found.refused_messages[-1:] != [number]:
            found.refused_messages.append(number)
        if len(found.refused) < NAMED_MAX:
            found.refused.append(
                {
                    "message": number,
                    "record": aside.number,
                    "reason": aside.reason,
                    "field": aside.field,
                    "expected": aside.expected,
                    "begins": aside.original[:EXCERPT].decode(errors="replace"),
                }
            )


def _mark(message: PushedMessage) -> bytes:
    return message.mark or hashlib.sha256(message.body).digest()


def summary(examined: Examined) -> Mapping[str, Any]:
    """The part of the response about the records."""
    return {
        "accepted": examined.events,
        "refused": examined.refused,
        "refused_count": examined.bad,
        "refused_messages": examined.refused_messages,
        "left_out": dict(examined.left_out),
    }
