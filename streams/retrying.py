"""Feeding again what was set aside, once it can be read: nothing is lost by it, and nothing doubled.

A DLQ tells its own story: rows of one event_id are one record. A row with ``retried_at`` says that it was fed again; it
is written in the transaction that feeds it, by the only producer that may do so, which reads the DLQ after it has
fenced whoever tried before. So a record is fed again once, however often and by however many it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from connectors.base import Heard
from schemas.catalogue import MEMORY, contract_name, load_catalogue
from schemas.event import Event
from streams.dlq import is_cut
from streams.runtime.records import ATTEMPTS, FIRST_AT, RETRY_OF
from streams.runtime.transaction import Headers

CHUNK = 500
SOURCE_DLQ = "source.dlq"


@dataclass(frozen=True, slots=True)
class Aside:
    """A record set aside, as all rows of its DLQ tell. *topic* and *key*: the DLQ's own."""

    topic: str
    key: bytes
    value: Mapping[str, Any]

    @property
    def event_id(self) -> str:
        return str(self.value["event_id"])

    @property
    def contract(self) -> str:
        return contract_name(self.topic)

    @property
    def is_waiting(self) -> bool:
        """Whether it may be fed again: not yet retried, all of it there, and no stage's memory."""
        return self.value["retried_at"] is None and not is_cut(self.value) and not self.is_memory

    @property
    def is_memory(self) -> bool:
        """Whether it was a stage's memory of itself, which has gone on since."""
        return self.contract.removesuffix(".dlq") in MEMORY

    def with_row(self, row: Aside) -> Aside:
        """This record after a later *row* of its id: fed again, still bad, or bad once more."""
        mine, its = self.value, row.value
        value = {
            **its,
            "first_at": min(mine["first_at"], its["first_at"]),
            "attempts": max(its["attempts"], mine["attempts"] + (its["retried_at"] is None)),
        }
        if its["retried_at"] is not None:
            value |= {name: mine[name] for name in ("original", "before", "after")}
        return replace(row, value=value)

    def heard(self) -> Heard:
        """What its source is to read: the original in a body of its own."""
        value = self.value
        body = (value["before"] or b"") + value["original"] + (value["after"] or b"")
        return Heard(body, value["heard_at"], attributes={"retry": self.event_id})

    def headers(self) -> Headers:
        """With which its bytes go back to where they stood."""
        value = self.value
        return [
            (RETRY_OF, self.event_id.encode()),
            (ATTEMPTS, str(value["attempts"]).encode()),
            (FIRST_AT, str(value["first_at"]).encode()),
        ]

    def row(self, *, now_ms: int, is_retried: bool, **changed: Any) -> Event:
        """Its next row. *is_retried*: it was fed; otherwise it was tried and is still bad."""
        value = {**self.value, "attempts": self.value["attempts"] + 1, "last_at": now_ms, **changed}
        if is_retried:
            value |= {"retried_at": now_ms, "original": b"", "before": None, "after": None}
        return Event(self.contract, self.key.decode(errors="replace"), value)

    def refused_event(self) -> Event | None:
        """The event, when it was its contract that refused it. ``None`` for what a source could not read."""
        topic = self.value["origin_topic"]
        if self.contract != SOURCE_DLQ or topic is None:
            return None
        contract = load_catalogue()[contract_name(topic)]
        value = orjson.loads(self.value["original"])
        return Event(contract.name, str(value[contract.key]), value)


def fold(rows: Iterable[Aside]) -> dict[tuple[str, str], Aside]:
    """Each record set aside by (DLQ, event_id), in the order of their newest rows."""
    asides: dict[tuple[str, str], Aside] = {}
    for row in rows:
        known = asides.pop((row.topic, row.event_id), None)
        asides[row.topic, row.event_id] = row if known is None else known.with_row(row)
    return asides


@dataclass(slots=True)
class Outcome:
    """What a retry came to. *said_since*: records whose case its source has told anew since; nothing was published."""

    fed: int = 0
    events: int = 0
    still_bad: int = 0
    said_since: int = 0

    def __iadd__(self, other: Outcome) -> Outcome:
        self.fed += other.fed
        self.events += other.events
        self.still_bad += other.still_bad
        self.said_since += other.said_since
        return self


Newest = Callable[[str, str], int | None]
"""(contract, key) → when that key was last received, as far as its topic still tells."""


def is_said_since(events: Sequence[Event], newest: Newest) -> bool:
    """Whether any of *events* would be a revision of a case that was told later than it: the old must not win."""
    for event in events:
        value = event.value or {}
        if value.get("revision", 1) > 1:
            received_ms = newest(event.topic, event.key)
            if received_ms is not None and received_ms > value["received_time"]:
                return True
    return False
