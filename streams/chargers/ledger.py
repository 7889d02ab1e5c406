"""The chargers' own producer: events, memories and reports of all chargers of a process, in transactions.

Not shared between threads: ``Commits`` calls it in one of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from confluent_kafka import Producer

from schemas.catalogue import topic_name
from schemas.errors import Fatal
from schemas.event import Event
from schemas.wire import Wire
from streams import metrics
from streams.chargers.rows import PLACE, charger_of, check_memory, memory_key, memory_of
from streams.runtime.clients import producer_of
from streams.runtime.kafka import transactional_producer
from streams.runtime.row_reader import RowReader
from streams.runtime.tables import read_rows
from streams.runtime.transaction import transaction

TRANSACTION_MS = 10_000
"""A transaction that a killed process left open is ended then, or up to 10 s later, by Kafka's own look: who takes over its
chargers waits no longer."""


def chargers_id(city: str, replica: str | None) -> str:
    """The transactional id of the stage. *replica*: the process among several."""
    return f"{city}.chargers" if replica is None else f"{city}.chargers.{replica}"


def _ends_soon(settings: dict[str, Any]) -> Producer:
    return producer_of({**settings, "transaction.timeout.ms": TRANSACTION_MS})


class ChargerLedger:
    """Writes what chargers say. Any earlier process of the same id is fenced by ``open``."""

    def __init__(self, city: str, source: str, *, bootstrap: str, wire: Wire, replica: str | None) -> None:
        self.group = chargers_id(city, replica)
        self._city, self._source = city, source
        self._bootstrap, self._wire = bootstrap, wire
        self._producer: Producer | None = None

    def open(self, charger_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """Own the transactional id, then return the committed memories of those of *charger_ids* that have one."""
        with metrics.retriable_counted(self.group):
            self._producer = transactional_producer(self._bootstrap, self.group, make=_ends_soon)
            keys = {memory_key(self._source, one).encode() for one in charger_ids}
            reader = RowReader(self._wire, self.group, check=check_memory)
            kept = read_rows(self._bootstrap, topic_name(self._city, PLACE), reader, only=keys)
            if kept.unreadable:
                with transaction(self._producer, self._wire, self._city) as outbox:
                    kept.mend(outbox, self._city)
        return {
            charger: memory_of(row.value)
            for key, row in kept.rows.items()
            if row.value is not None and (charger := charger_of(self._source, key)) is not None
        }

    def commit(self, events: Sequence[Event]) -> None:
        """Return once all *events* are durable. ``Retriable``: none is, or all are; ``open`` tells which."""
        if self._producer is None:
            raise Fatal(f"{self.group}: wrote before it was opened")
        timed = metrics.transactions.labels(self.group).time()
        failures = metrics.retriable_counted(self.group)
        with failures, timed, transaction(self._producer, self._wire, self._city) as outbox:
            for event in events:
                outbox.put(event)
        for event in events:
            metrics.events_put.labels(self.group, event.topic).inc()
