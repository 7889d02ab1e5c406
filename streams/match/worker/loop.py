"""The match's loop: one thread reads, compares observations with the watches, and commits evidence with the offsets.

After a failure of Kafka it starts again: the producer, the watches and the look-back are built again from the
log.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException, Producer

from schemas.errors import Invalid, Retriable, Unreachable
from schemas.wire import Wire
from streams import metrics
from streams.log import log
from streams.match.core.config import MatchConfig
from streams.match.core.flow import Partition
from streams.match.core.open_watches import WatchRecord
from streams.match.core.step import Found, Match, PartitionProgress
from streams.match.worker.metrics import MatchMetrics
from streams.match.worker.offsets import Left, taken_over
from streams.match.worker.publish import EvidencePublisher
from streams.match.worker.reader import Reader
from streams.match.worker.restarts import Restarts
from streams.match.worker.transaction import MatchTransaction
from streams.match.worker.watches import WatchReader
from streams.runtime.kafka import Fenced, as_ours, transactional_producer
from streams.runtime.records import Record

IDLE_S = 0.1
"""The wait for records when there are none; a new watch may wait as long. Records end the wait."""
COLLECT = (100_000, 20, 100)
"""Settings of the garbage collector.

Each match creates objects without cycles, which would start the collector often and in vain.
"""
DUE_MAX = 4
"""The number of results that wait for a commit before the loop waits as well."""
ASIDE_MAX = 1_000
"""The number of unreadable records written at once, or what there is at the end of a transaction.

Writing them together loads their code into the processor's caches once, not in every batch.
"""
PRODUCER: dict[str, Any] = {"linger.ms": 5, "compression.type": "lz4", "transaction.timeout.ms": 15_000}
"""The producer's settings. After ``transaction.timeout.ms`` the broker aborts the transaction of a worker
that died before its first commit.
"""

OpenReader = Callable[[str], Reader]


@dataclass(slots=True)
class MatchLoop:
    """One worker of a city's match. *name*: its transactional id, used by one worker at a time. *open_reader*
    makes a member of the given group, *make_producer* a producer from librdkafka's settings.
    """

    city: str
    config: MatchConfig
    bootstrap: str
    wire: Wire
    name: str
    open_reader: OpenReader
    make_producer: Callable[[dict[str, Any]], Any] = Producer
    is_ready: bool = False
    turned_at: float = field(default_factory=time.monotonic)
    """The time of the last turn: it shows a call into Kafka that never returns."""
    _stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def group(self) -> str:
        return f"{self.city}.match"

    def run(self) -> None:
        """Run until ``stop``. ``Fatal`` when fenced for good, refused, or a topic is missing; Kafka or a registry
        that is unavailable is waited for.
        """
        restarts = Restarts()
        gc.collect()
        gc.freeze()  # batches are columns, without cycles: let the collector run seldom
        gc.set_threshold(*COLLECT)
        while not self._stopping.is_set():
            begun = self.turned_at = time.monotonic()
            try:
                self._run_once()
            except (Retriable, Unreachable, Fenced, KafkaException) as fault:
                error = as_ours(fault, "matching") if isinstance(fault, KafkaException) else fault
                wait_s = restarts.wait_s(error, ran_s=time.monotonic() - begun)
                if wait_s is None:
                    raise error from fault
                metrics.errors.labels(self.group, metrics.RETRIABLE).inc()
                log.warning("match restarts after a fault", stage=self.group, why=error.what, wait_s=wait_s)
                self._stopping.wait(wait_s)
            finally:
                self.is_ready = False

    def stop(self) -> None:
        self._stopping.set()

    def _open(self, producer: Future[Producer]) -> None:
        """Open the transactional producer. In a daemon thread, not a pool's: a process waits for those of a pool when it
        ends, so a worker that is stuck here would end, and be started again, half a minute late.
        """
        try:
            opened = transactional_producer(self.bootstrap, self.name, make=self.make_producer, **PRODUCER)
        except BaseException as error:  # raised to the loop by ``MatchTransaction.opened``
            producer.set_exception(error)
        else:
            producer.set_result(opened)

    def _run_once(self) -> None:
        with ExitStack() as stack:
            producer: Future[Producer] = Future()
            # The producer is opened while kernels are loaded, so that a restart is shorter.
            opening = threading.Thread(target=self._open, args=[producer], name="match.producer", daemon=True)
            opening.start()
            stack.callback(opening.join)  # else the next run's producer would be fenced by this one
            watches = WatchReader(self.city, bootstrap=self.bootstrap, wire=self.wire)
            stack.callback(watches.close)
            reader = self.open_reader(self.group)
            stack.callback(reader.close)
            transaction = MatchTransaction(producer, self.wire, self.city, group=self.group, name=self.name)
            run = MatchRun(self, transaction, watches, reader)
            try:
                run.begin()
                while not self._stopping.is_set():
                    run.turn()
                run.end()
            except BaseException as error:
                transaction.abort(error)
                raise


class MatchRun:
    """One run of the loop: from reading the watches until a failure."""

    def __init__(
        self, loop: MatchLoop, transaction: MatchTransaction, watches: WatchReader, reader: Reader
    ) -> None:
        self._loop = loop
        self._transaction = transaction
        self._watches = watches
        self._reader = reader
        reader.subscribe(self._assigned, self._revoked, self._lost)
        self._match = Match(loop.config)
        self._publisher = EvidencePublisher(loop.city, loop.group, loop.wire)
        self._metrics = MatchMetrics(loop.city, loop.group)
        self._due: list[Found] = []
        """Results that wait until the former transaction is committed."""
        self._aside: list[tuple[Record, Invalid]] = []
        self._fault: BaseException | None = None
        self._is_ours = False
        """Whether the known partitions are assigned to us.

        Between a revocation and the next assignment they are not, but their state is kept, as they often come
        back.
        """

    def begin(self) -> None:
        """Read all watches; no observation is read before. Partitions are assigned within ``turn``."""
        self._tell(self._watches.until_end())
        self._watches.aside.clear()  # they were set aside when they were new
        self._transaction.opened()
        log.info("watches read", stage=self._loop.group, count=self._match.engine.watches)

    def turn(self) -> None:
        if not self._transaction.is_closing:  # a commit that never ends is noticed by this
            self._loop.turned_at = time.monotonic()
            self._transaction.settle()
        told = self._watches.news() if self._is_ours else ()
        if told or self._watches.aside:
            self._answer(self._tell(told))
        batch = self._reader.read(
            0 if self._due or self._transaction.is_open else IDLE_S, lambda: self._match.engine.filter
        )
        if self._fault is not None:
            raise self._fault
        if batch is not None:
            self._answer(self._match.take(batch, now_ms=_now_ms()))
            self._metrics.batch(batch)
        if batch is None or len(self._due) >= DUE_MAX or not self._transaction.is_closing:
            self._put()
        if self._transaction.is_open and (
            batch is None or self._transaction.age_ms >= self._loop.config.transaction_ms
        ):
            self._commit()
        self._metrics.now(self._match, self._reader)

    def end(self) -> None:
        """Commit and release the partitions."""
        if self._fault is None and self._is_ours and self._match.standings():
            self._commit(giving_up=True)
        self._transaction.settle()
        self._is_ours = False

    # -- the group -------------------------------------------------------------------------------------------

    # These three must not raise: their caller is a C library. ``turn`` raises the fault instead.

    def _assigned(self, places: Sequence[Partition]) -> Mapping[Partition, int]:
        if self._fault is not None:  # releasing the former partitions failed: this run is over
            return {}
        try:
            return self._take_up(places)
        except BaseException as fault:
            self._fault = fault
            return {}

    def _revoked(self) -> None:
        """Commit what was read, and release the partitions. The last moment to do so."""
        self._loop.is_ready = False
        try:
            self.end()
        except BaseException as fault:
            self._fault = fault

    def _lost(self) -> None:
        """End the run: another worker has the partitions already, or the brokers were unavailable.

        A producer whose coordinator was unavailable may wait for ever in its next transaction (librdkafka
        2.16: ``send_offsets_to_transaction`` ignores its timeout then), so the next run makes another.
        """
        self._loop.is_ready = self._is_ours = False
        self._fault = Retriable("the partitions were lost")

    def _take_up(self, places: Sequence[Partition]) -> Mapping[Partition, int]:
        """Continue each partition where its last owner left it, and commit our name there."""
        match = self._match
        left = taken_over(self._loop.bootstrap, self._loop.group, places, us=self._loop.name)
        match.forget(
            [
                place
                for place, standing in match.standings().items()
                if place not in places or _standing(left.get(place)) != standing
            ]
        )
        kept = match.standings()
        for place in places:
            if place not in kept:
                self._answer(self._restore(place, left.get(place)))
        self._is_ours = True
        if places:
            self._commit()
            self._transaction.settle()
        self._loop.is_ready = True
        log.info("partitions assigned", stage=self._loop.group, count=len(places), kept=len(kept))
        return {place: one.next_offset for place, one in match.standings().items()}

    def _restore(self, place: Partition, left: Left | int | None) -> Found:
        """Restore the state of *place*; return the evidence of look-backs that its last owner did not commit."""
        self._loop.turned_at = time.monotonic()
        match = self._match
        standing = _standing(left)
        if standing is None:  # a new group, or offsets set by hand: no look-back is due
            begin = left if isinstance(left, int) else self._reader.begin_of(place)
            standing = PartitionProgress(begin, match.wanted.next_offset, begin, 0)
        if standing.watch_offset > match.wanted.next_offset:  # its last owner had read more watches than we
            self._answer(self._tell(self._watches.until(standing.watch_offset)))
        before = self._reader.between(place, standing.first_offset, standing.next_offset)
        return match.restore(
            place, standing, before if standing.first_offset < standing.next_offset else (), now_ms=_now_ms()
        )

    def _tell(self, told: Sequence[WatchRecord]) -> Found:
        return self._match.tell(told, read_up_to=self._watches.next_offset)

    # -- answers ---------------------------------------------------------------------------------------------

    def _answer(self, found: Found) -> None:
        found.aside += self._watches.aside
        self._watches.aside.clear()
        self._due.append(found)
        self._metrics.found(found)

    def _put(self) -> None:
        due, self._due = self._due, []
        for found in due:
            outbox = self._transaction.outbox()
            self._publisher.evidence(found.evidence, outbox)
            self._publisher.left_out(found.left_out, outbox)
            self._aside += found.aside
        if len(self._aside) >= ASIDE_MAX:
            self._set_aside()

    def _set_aside(self) -> None:
        aside, self._aside = self._aside, []
        if aside:
            self._publisher.aside(aside, self._transaction.outbox())

    def _commit(self, *, giving_up: bool = False) -> None:
        self._put()
        self._set_aside()
        self._transaction.commit(self._match.standings(), self._reader.group_metadata(), giving_up=giving_up)


def _standing(left: Left | int | None) -> PartitionProgress | None:
    return left.standing if isinstance(left, Left) else None


def _now_ms() -> int:
    return int(time.time() * 1000)
