"""The match's transaction: opened by what is to be told, closed by time or idleness, with the offsets in it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from confluent_kafka import KafkaException, Producer

from schemas.wire import Wire
from streams import metrics
from streams.match.flow import Partition
from streams.match.step import Standing
from streams.matching.standings import committed_of
from streams.runtime.kafka import as_ours
from streams.runtime.transaction import COMMIT_TIMEOUT_S, Outbox, transaction


class Committing:
    """At most one transaction of *producer* is open. *name* is left beside each offset, while its partition is ours."""

    def __init__(self, producer: Producer, wire: Wire, city: str, *, group: str, name: str) -> None:
        self._producer = producer
        self._wire = wire
        self._city = city
        self._group = group
        self._name = name
        self._open: tuple[ExitStack, Outbox] | None = None
        self._begun = 0.0

    @property
    def is_open(self) -> bool:
        return self._open is not None

    @property
    def age_ms(self) -> float:
        return (time.monotonic() - self._begun) * 1000 if self._open is not None else 0.0

    def outbox(self) -> Outbox:
        """That of the open transaction; one is opened where none is."""
        if self._open is None:
            stack = ExitStack()
            outbox = stack.enter_context(transaction(self._producer, self._wire, self._city))
            self._open, self._begun = (stack, outbox), time.monotonic()
        return self._open[1]

    def commit(
        self, standings: Mapping[Partition, Standing], group_metadata: Any, *, giving_up: bool = False
    ) -> None:
        """All that was put, and how far all was read, or nothing. *giving_up*: whoever comes next need fence nobody."""
        self.outbox()
        stack, outbox = self._taken()
        with stack:
            outbox.flush()
            if standings:
                offsets = committed_of(standings, None if giving_up else self._name)
                self._producer.send_offsets_to_transaction(offsets, group_metadata, COMMIT_TIMEOUT_S)
        metrics.transactions.labels(self._group).observe(time.monotonic() - self._begun)

    def abort(self, error: BaseException) -> None:
        """Because of *error*, nothing of what was put."""
        if self._open is None:
            return
        stack, _ = self._taken()
        try:
            stack.__exit__(type(error), error, error.__traceback__)
        except KafkaException as fault:
            raise as_ours(fault, "giving up a transaction") from fault
        except type(error):
            pass  # it is on its way already

    def _taken(self) -> tuple[ExitStack, Outbox]:
        taken = self._open
        if taken is None:
            raise ValueError("no transaction is open")
        self._open = None
        return taken
