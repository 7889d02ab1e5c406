"""Retries of records set aside: each is fed again once, without loss.

A DLQ holds the state itself: rows of one event_id are one record, and a row with ``retried_at`` marks it as
fed. That row is written in the transaction that feeds the record. Its producer first fences any earlier
retry, then reads the DLQ. So a record is fed once, however many retries are started.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from connectors.base import Heard
from schemas.catalogue import MEMORY, contract_name, load_catalogue
from schemas.event import Event
from streams.dlq.rows import is_cut
from streams.runtime.records import ATTEMPTS, FIRST_AT, RETRY_OF
from streams.runtime.transaction import Headers

CHUNK = 500
SOURCE_DLQ = "source.dlq"


@dataclass(frozen=True, slots=True)
class Aside:
    """A record set aside, folded from all its rows. *topic* and *key* are those of the DLQ."""

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
        """Whether it may be retried: not yet retried, not cut, and not a stage's own state."""
        return self.value["retried_at"] is None and not is_cut(self.value) and not self.is_memory

    @property
    def is_memory(self) -> bool:
        """Whether it was a record of a stage's state, which has moved on since."""
        return self.contract.removesuffix(".dlq") in MEMORY

    def with_row(self, row: Aside) -> Aside:
        """Return this record after a later *row* of its id: retried, still bad, or bad again."""
        mine, its = self.value, row.value
        value = {
            **its,
            "first_at": min(mine["first_at"], its["first_at"]),
            "attempts": max(its["attempts"], mine["attempts"] + (its["retried_at"] is None)),
        }
        # the row of a retry has no original: keep ours
        if its["retried_at"] is not None:
            value |= {name: mine[name] for name in ("original", "before", "after")}
        return replace(row, value=value)

    def heard(self) -> Heard:
        """Return the original as a body that its source can read."""
        value = self.value
        body = (value["before"] or b"") + value["original"] + (value["after"] or b"")
        return Heard(body, value["heard_at"], attributes={"retry": self.event_id})

    def headers(self) -> Headers:
        """Return the headers of the record when it is written to its topic again."""
        value = self.value
        return [
            (RETRY_OF, self.event_id.encode()),
            (ATTEMPTS, str(value["attempts"]).encode()),
            (FIRST_AT, str(value["first_at"]).encode()),
        ]

    def row(self, *, now_ms: int, is_retried: bool, **changed: Any) -> Event:
        """Return its next row. *is_retried*: it was fed; otherwise it was tried and is still bad."""
        value = {**self.value, "attempts": self.value["attempts"] + 1, "last_at": now_ms, **changed}
        if is_retried:
            value |= {"retried_at": now_ms, "original": b"", "before": None, "after": None}
        return Event(self.contract, self.key.decode(errors="replace"), value)

    def refused_event(self) -> Event | None:
        """Return the event that its contract refused; ``None`` if it was a source that could not read the record."""
        topic = self.value["origin_topic"]
        if self.contract != SOURCE_DLQ or topic is None:
            return None
        contract = load_catalogue()[contract_name(topic)]
        value = orjson.loads(self.value["original"])
        return Event(contract.name, str(value[contract.key]), value)


def fold(rows: Iterable[Aside]) -> dict[tuple[str, str], Aside]:
    """Map (DLQ, event_id) to each record, in the order of their newest rows."""
    asides: dict[tuple[str, str], Aside] = {}
    for row in rows:
        known = asides.pop((row.topic, row.event_id), None)
        asides[row.topic, row.event_id] = row if known is None else known.with_row(row)
    return asides


@dataclass(slots=True)
class RetryOutcome:
    """The counts of a retry. *said_since*: records not published, as their source has sent a newer revision since."""

    fed: int = 0
    events: int = 0
    still_bad: int = 0
    said_since: int = 0

    def __iadd__(self, other: RetryOutcome) -> RetryOutcome:
        self.fed += other.fed
        self.events += other.events
        self.still_bad += other.still_bad
        self.said_since += other.said_since
        return self


Newest = Callable[[str, str], int | None]
"""Returns when the key of a contract was last received, in ms, from (contract, key); ``None`` if its topic
has no record of it.
"""


def is_said_since(events: Sequence[Event], newest: Newest) -> bool:
    """Return whether a newer revision of any of *events* was published since: the older must not overwrite it."""
    for event in events:
        value = event.value or {}
        if value.get("revision", 1) > 1:
            received_ms = newest(event.topic, event.key)
            if received_ms is not None and received_ms > value["received_time"]:
                return True
    return False
