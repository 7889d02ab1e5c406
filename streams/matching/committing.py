"""The match's transaction: opened by what is to be told, closed by time or idleness, with the offsets in it.

It is closed by a thread of its own: that is three answers of a broker, while which the loop reads on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from typing import Any

from confluent_kafka import KafkaException, Producer

from schemas.errors import Retriable
from schemas.wire import Wire
from streams import metrics
from streams.match.flow import Partition
from streams.match.step import Standing
from streams.matching.standings import committed_of
from streams.runtime.kafka import as_ours
from streams.runtime.transaction import COMMIT_TIMEOUT_S, Outbox, transaction


class Committing:
    """At most one transaction of *producer* is open, once it is there. *name* is left beside each offset, while its
    partition is ours."""

    def __init__(self, producer: Future[Producer], wire: Wire, city: str, *, group: str, name: str) -> None:
        self._opening = producer
        self._wire = wire
        self._city = city
        self._group = group
        self._name = name
        self._open: tuple[ExitStack, Outbox] | None = None
        self._begun = 0.0
        self._closing: Future[None] | None = None

    def opened(self) -> Producer:
        """The producer. Waits for it; what kept it from opening is raised here."""
        return self._opening.result()

    @property
    def is_closing(self) -> bool:
        """Whether the last transaction is not over yet: nothing can be put before ``settle``."""
        return self._closing is not None and not self._closing.done()

    def settle(self) -> None:
        """Wait for what is being committed; what went wrong with it is raised here."""
        closing, self._closing = self._closing, None
        if closing is not None:
            closing.result()

    @property
    def is_open(self) -> bool:
        return self._open is not None

    @property
    def age_ms(self) -> float:
        return (time.monotonic() - self._begun) * 1000 if self._open is not None else 0.0

    def outbox(self) -> Outbox:
        """That of the open transaction; one is opened where none is."""
        if self._open is None:
            self.settle()
            stack = ExitStack()
            outbox = stack.enter_context(transaction(self.opened(), self._wire, self._city))
            self._open, self._begun = (stack, outbox), time.monotonic()
        return self._open[1]

    def commit(
        self, standings: Mapping[Partition, Standing], group_metadata: Any, *, giving_up: bool = False
    ) -> None:
        """Begin to commit all that was put, and how far all was read; or nothing.

        *giving_up*: whoever comes next need fence nobody.
        """
        self.outbox()
        stack, outbox = self._taken()
        offsets = committed_of(standings, None if giving_up else self._name) if standings else []
        closing: Future[None] = Future()

        def close() -> None:
            try:
                with stack:
                    outbox.flush()
                    if offsets:
                        self.opened().send_offsets_to_transaction(offsets, group_metadata, COMMIT_TIMEOUT_S)
            except BaseException as error:  # it is raised where the loop settles
                closing.set_exception(error)
            else:
                metrics.transactions.labels(self._group).observe(time.monotonic() - self._begun)
                closing.set_result(None)

        self._closing = closing
        threading.Thread(target=close, name="match.commit", daemon=True).start()

    def abort(self, error: BaseException) -> None:
        """Because of *error*, nothing of what was put."""
        with suppress(Retriable):  # there is a reason to begin anew already; that it was fenced is another
            self.settle()
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
