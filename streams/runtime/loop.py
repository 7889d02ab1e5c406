"""A stage's loop: one thread polls Kafka, one thread decides; a bounded Faust channel lies between them.

The polling thread never decides, so heartbeats and fetches go on while a batch is processed. Only the
deciding thread touches the stage's state. Assignments pass through the same channel as batches, so they
cannot overtake them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.errors import Fatal, Retriable, Unreachable
from streams import metrics
from streams.log import log
from streams.runtime.kafka import as_ours, partitions_of
from streams.runtime.lag import StageLag
from streams.runtime.records import RecordBatch, record_of
from streams.runtime.stage import Stage

BATCH_MAX = 1_000
POLL_S = 0.5
RETRY_FIRST_S, RETRY_MAX_S = 0.05, 5.0
STOP_CHECK_S = 0.1


@dataclass(frozen=True, slots=True)
class Work:
    """A task of the deciding thread: a batch, or a change of the assignment."""

    do: Callable[[], None]
    done: Future[None]


class StageLoop:
    """Runs *stage* until stopped. *put* passes ``Work`` to the channel, from any thread; its future is done
    once it is in.
    """

    def __init__(self, stage: Stage, consumer: Consumer, put: Callable[[Work], Future[None]]) -> None:
        self._stage = stage
        self._consumer = consumer
        self._put = put
        self._lag = StageLag(stage.group)
        self._stopping = threading.Event()
        self._revoking = threading.Event()
        self.is_ready = False
        self.fault: BaseException | None = None

    def poll_until_stopped(self) -> None:
        """Poll until stopped; run by the polling thread."""
        try:
            self._consumer.subscribe(
                list(self._stage.topics),
                on_assign=self._assigned,
                on_revoke=self._revoked,
                on_lost=self._revoked,
            )
            while not self._stopping.is_set():
                batch = self._next_batch()
                if batch.records:
                    self._lag.took(min(one.timestamp_ms for one in batch.records))
                    self._hand(partial(self._answer, batch), wait=False)
        except BaseException as error:  # any end of this thread must end the worker
            self.fault = self.fault or error
        finally:
            self._consumer.close()

    def stop(self) -> None:
        self._stopping.set()

    def _next_batch(self) -> RecordBatch:
        """Return the records that are there; an empty batch after a short wait if there are none."""
        first = self._consumer.poll(POLL_S)
        if first is None:
            return RecordBatch((), None)
        messages = [first, *self._consumer.consume(BATCH_MAX, 0)]
        records = [record_of(message) for message in messages if is_record(message)]
        return RecordBatch(records, self._consumer.consumer_group_metadata())

    def _assigned(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        """Assign the stage its partitions, and all partitions of the topics it reads beside.

        The group assigns each topic by itself; without this, topics read together could go to different
        members.
        """
        if not partitions:
            return
        self._revoking.clear()
        self._hand(partial(self._repeat, self._stage.assigned))
        if self._stage.beside:
            self._repeat(partial(self._assign_beside, consumer, partitions))
        self.is_ready = True
        log.info("partitions assigned", stage=self._stage.group, count=len(partitions))

    def _assign_beside(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        consumer.assign([*partitions, *partitions_of(consumer, self._stage.beside)])

    def _revoked(self, _consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self.is_ready = False
        self._revoking.set()
        if partitions and not self._stopping.is_set():
            self._hand(self._stage.revoked)

    def _hand(self, do: Callable[[], None], *, wait: bool = True) -> None:
        """Pass a task to the deciding thread; wait until it is in the channel, and with *wait* until it is done.

        When stopping, neither is waited for: the channel takes nothing more.
        """
        done: Future[None] = Future()
        self._wait_for(self._put(Work(do, done)))
        if wait:
            self._wait_for(done)

    def _wait_for(self, done: Future[None]) -> None:
        while not self._stopping.is_set():
            try:
                done.result(STOP_CHECK_S)
            except TimeoutError:
                if done.done():  # raised by the work itself
                    raise
            else:
                return

    def _answer(self, batch: RecordBatch) -> None:
        """Process the batch; before it is repeated, rebuild the state from the log, as an aborted one is of no use."""
        try:
            self._repeat(partial(self._stage.take, batch), restore=self._stage.assigned)
        finally:
            self._lag.finished()

    def _repeat(self, work: Callable[[], None], *, restore: Callable[[], None] = lambda: None) -> None:
        """Do *work*; repeat it after *restore* while Kafka or the registry is unavailable.

        Once partitions are being revoked, it is not repeated: their next owner reads the records again.
        """
        delay_s, is_again = RETRY_FIRST_S, False
        while not self._revoking.is_set():
            try:
                if is_again:
                    restore()
                work()
            except (Retriable, Unreachable) as error:
                metrics.errors.labels(self._stage.group, metrics.RETRIABLE).inc()
                log.warning(
                    "stage waits to try again", stage=self._stage.group, why=error.what, wait_s=delay_s
                )
                if self._stopping.wait(delay_s):
                    return
                delay_s, is_again = min(delay_s * 2, RETRY_MAX_S), True
            else:
                return


def is_record(message: Any) -> bool:
    """Return whether it is a record; transient errors are not. ``Fatal`` or ``Retriable`` for any other error."""
    error = message.error()
    if error is None:
        return True
    if (
        error.code() in (KafkaError._PARTITION_EOF, KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT)
        or error.retriable()
    ):
        return False
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise Fatal(f"a topic is missing: {error.str()}", hint="create it with: bongsu topics apply")
    raise as_ours(KafkaException(error), "consuming")


async def decide(work: Work, run: Callable[[Callable[[], None]], asyncio.Future[None]]) -> None:
    """Run one task on the deciding thread, and complete its future."""
    try:
        await run(work.do)
    except BaseException as error:
        work.done.set_exception(error)
        raise
    work.done.set_result(None)
