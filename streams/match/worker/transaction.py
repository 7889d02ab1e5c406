"""The match's transaction: opened by the first record to publish, committed after a time or when idle, with the
offsets.

A thread of its own commits it. That takes three responses of a broker, and the loop reads on meanwhile.
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
from streams.match.core.flow import Partition
from streams.match.core.step import PartitionProgress
from streams.match.worker.offsets import committed_of
from streams.runtime.kafka import as_ours
from streams.runtime.transaction import COMMIT_TIMEOUT_S, Outbox, transaction


class MatchTransaction:
    """At most one open transaction of *producer*. *name* is committed beside each offset, while its partition
    is ours.
    """

    def __init__(self, producer: Future[Producer], wire: Wire, city: str, *, group: str, name: str) -> None:
        self._opening = producer
        self._wire = wire
        self._city = city
        self._group = group
        self._name = name
        self._open: tuple[ExitStack, Outbox] | None = None
        self._opened_at = 0.0
        self._closing: Future[None] | None = None

    def opened(self) -> Producer:
        """Return the producer. Wait for it; raise the error that kept it from opening."""
        return self._opening.result()

    @property
    def is_closing(self) -> bool:
        """Whether a commit is still running: nothing can be put before ``settle``."""
        return self._closing is not None and not self._closing.done()

    def settle(self) -> None:
        """Wait for the commit that is running; raise its error."""
        closing, self._closing = self._closing, None
        if closing is not None:
            closing.result()

    @property
    def is_open(self) -> bool:
        return self._open is not None

    @property
    def age_ms(self) -> float:
        return (time.monotonic() - self._opened_at) * 1000 if self._open is not None else 0.0

    def outbox(self) -> Outbox:
        """Return the outbox of the open transaction; open one if there is none."""
        if self._open is None:
            self.settle()
            stack = ExitStack()
            outbox = stack.enter_context(transaction(self.opened(), self._wire, self._city))
            self._open, self._opened_at = (stack, outbox), time.monotonic()
        return self._open[1]

    def commit(
        self,
        standings: Mapping[Partition, PartitionProgress],
        group_metadata: Any,
        *,
        giving_up: bool = False,
    ) -> None:
        """Start to commit all that was put, with the progress of each partition.

        *giving_up*: leave no name beside the offsets, so that the next owner fences nobody.
        """
        self.outbox()
        stack, outbox = self._take_open()
        offsets = committed_of(standings, None if giving_up else self._name) if standings else []
        closing: Future[None] = Future()

        def close() -> None:
            try:
                with stack:
                    outbox.flush()
                    if offsets:
                        self.opened().send_offsets_to_transaction(offsets, group_metadata, COMMIT_TIMEOUT_S)
            except BaseException as error:  # raised to the loop by ``settle``
                closing.set_exception(error)
            else:
                metrics.transactions.labels(self._group).observe(time.monotonic() - self._opened_at)
                closing.set_result(None)

        self._closing = closing
        threading.Thread(target=close, name="match.commit", daemon=True).start()

    def abort(self, error: BaseException) -> None:
        """Abort the transaction because of *error*: nothing that was put is published."""
        with suppress(Retriable):  # the caller starts again anyway: a failed commit is no news to it
            self.settle()
        if self._open is None:
            return
        stack, _ = self._take_open()
        try:
            stack.__exit__(type(error), error, error.__traceback__)
        except KafkaException as fault:
            raise as_ours(fault, "aborting a transaction") from fault
        except type(error):
            pass  # the transaction raises the error it was given; the caller has it already

    def _take_open(self) -> tuple[ExitStack, Outbox]:
        taken = self._open
        if taken is None:
            raise ValueError("no transaction is open")
        self._open = None
        return taken
