"""What an agency's push holds, before it is answered: how many events, and which records are bad and why."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from connectors.base import Heard, Place, Reader, SetAside
from connectors.gateway.cloud_events import Said
from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.event import Event
from schemas.rows import RowCodec

NAMED_MAX = 100
"""Bad records named in one answer; the others are counted."""
EXCERPT = 200


@dataclass(slots=True)
class Examined:
    """Of one request: *marks* tell each message from others, ``None`` where saying it again says something."""

    events: int = 0
    bad: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    marks: list[bytes | None] = field(default_factory=list)

    @property
    def is_all_bad(self) -> bool:
        return self.bad > 0 and self.events == 0 and not self.left_out


class Ear:
    """One source that may be pushed to. *place*: where it stands, as far as its drain knows."""

    def __init__(
        self,
        name: str,
        reader: Reader,
        *,
        place: Callable[[], Place] = dict,
        wake: Callable[[], None] = lambda: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name = name
        self.wake = wake
        self.is_stopped = is_stopped
        self._reader = reader
        self._place = place

    def examine(self, messages: Sequence[Said], at_ms: int) -> Examined:
        """Read *messages* as the drain will."""
        found = Examined()
        place = self._place()
        for number, said in enumerate(messages):
            self._examine(number, said, at_ms, place, found)
        return found

    def _examine(self, number: int, said: Said, at_ms: int, place: Place, found: Examined) -> None:
        try:
            reading = self._reader.read(Heard(said.body, at_ms), place)
        except Exception as error:  # a source's own fault: the drain sets the body aside
            self._refuse(
                found, number, SetAside(said.body, f"the source broke on it: {type(error).__name__}")
            )
            found.marks.append(_mark(said))
            return
        misfits = _misfits(reading.events)
        for aside in [*reading.aside, *misfits]:
            self._refuse(found, number, aside)
        found.events += len(reading.events) - len(misfits)
        found.left_out.update(reading.skipped)
        found.marks.append(_mark(said) if said.mark is not None or reading.place == place else None)

    def _refuse(self, found: Examined, number: int, aside: SetAside) -> None:
        found.bad += 1
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


def _mark(said: Said) -> bytes:
    return said.mark or hashlib.sha256(said.body).digest()


def _misfits(events: Sequence[Event]) -> list[SetAside]:
    """Of events that their own contract refuses, why."""
    found = []
    for event in events:
        try:
            if event.value is not None:
                _codec(event.topic).encode(event.value)
        except Invalid as error:
            found.append(SetAside(b"", error.what, error.field, error.expected))
    return found


@cache
def _codec(contract: str) -> RowCodec:
    about = load_catalogue()[contract]
    return RowCodec(about.newest, max_bytes=about.max_bytes)


def summary(examined: Examined) -> Mapping[str, Any]:
    """What the answer says of the records."""
    return {
        "accepted": examined.events,
        "refused": examined.refused,
        "refused_count": examined.bad,
        "left_out": dict(examined.left_out),
    }
