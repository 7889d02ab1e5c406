"""Acts of access into ``core.access``: one writer, one chain, many acts a transaction.

An act is answered when its record is committed. After a restart, or a transaction of unknown outcome, the writer reads the
topic and goes on after its own newest record; the tickets that were used come from there, too.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Producer

from connectors.gateway.access import Grants, Written
from connectors.gateway.chain import Head, appended, head_after
from connectors.gateway.viewings import Refusals, Viewings
from schemas.catalogue import topic_name
from schemas.errors import BongsuError, Retriable
from schemas.wire import Wire
from streams.log import log
from streams.runtime.kafka import Fenced, ends_of, read_whole, transactional_producer
from streams.runtime.replica import gateway_id
from streams.runtime.row_reader import RowReader
from streams.runtime.transaction import transaction

CONTRACT = "core.access"
WAITING_MAX = 1_000
BATCH_MAX = 200
LOOK_S, AGAIN_S, END_S = 0.5, 2.0, 10.0

Act = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Wanted:
    act: Act
    done: Future[Written]


class LogAccess:
    """The access log of one city's gateway (``connectors.gateway.access.AccessLog``), written by a thread of its own."""

    def __init__(
        self,
        city: str,
        grants: Grants,
        refusals: Refusals,
        *,
        bootstrap: str,
        wire: Wire,
        now_ms: Callable[[], int],
        replica: str | None = None,
        before: Callable[[], object] = lambda: None,
        fenced: Callable[[Fenced], object] = lambda _error: None,
    ) -> None:
        """*replica*: the gateway's name where a city has several; each writes a chain of its own."""
        self.writer = f"{gateway_id(city, replica)}.access"
        self._replica = replica
        self._city = city
        self._grants = grants
        self._refusals = refusals
        self._bootstrap = bootstrap
        self._wire = wire
        self._now_ms = now_ms
        self._before = before
        self._fenced = fenced
        self._reader = RowReader(wire, self.writer)
        self._waiting: queue.Queue[_Wanted] = queue.Queue(WAITING_MAX)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="access", daemon=True)
        self._producer: Producer | None = None
        self._head = Head()
        self._viewings = Viewings()
        self._over: str | None = None

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        self._thread.join(END_S)

    def write(self, act: Act) -> Future[Written]:
        """See ``connectors.gateway.access.AccessLog``."""
        if self._over is not None:
            raise Retriable(self._over)
        wanted = _Wanted(act, Future())
        try:
            self._waiting.put_nowait(wanted)
        except queue.Full:
            raise Retriable("too many acts wait for the log") from None
        return wanted.done

    def _run(self) -> None:
        while not self._ends.is_set():
            wanted = self._next()
            try:
                if self._producer is None:
                    self._open()
                self._write(wanted)
            except Exception as error:  # whoever asked must hear that it is not safe; the thread goes on
                self._failed(wanted, error)

    def _failed(self, wanted: Sequence[_Wanted], error: Exception) -> None:
        self._producer = None  # its outcome is unknown: read the topic again before the next record
        why = error.what if isinstance(error, BongsuError) else type(error).__name__
        for one in wanted:
            one.done.set_exception(Retriable(f"the access log cannot be written: {why}"))
        log.warning("access log", why=why)
        if isinstance(error, Fenced):
            self._over = "another gateway writes the access log"
            self._ends.set()
            self._fenced(error)
        self._ends.wait(AGAIN_S)

    def _next(self) -> list[_Wanted]:
        """The acts that wait, after ``LOOK_S`` at most; those whose asker has gone are left out."""
        found: list[_Wanted] = []
        try:
            found.append(self._waiting.get(timeout=LOOK_S))
            while len(found) < BATCH_MAX:
                found.append(self._waiting.get_nowait())
        except queue.Empty:
            pass
        return [one for one in found if one.done.set_running_or_notify_cancel()]

    def _open(self) -> None:
        """Fence earlier writers, then read all that they wrote: what is uncommitted is aborted by then, or another's."""
        self._before()
        topic = topic_name(self._city, CONTRACT)
        producer = transactional_producer(self._bootstrap, self.writer)
        ends = ends_of(self._bootstrap, [topic], is_committed=False)
        head, viewings = Head(), Viewings()
        # to the very end, not to the first open transaction: one of another writer may stand before our newest record
        for row in self._reader.values(
            read_whole(self._bootstrap, [topic], is_enough=lambda *at: at[2] >= ends[at[0], at[1]])
        ):
            is_own = row["writer"] == self.writer
            if (
                is_own or self._replica is None
            ):  # another replica ends its own viewings, and refuses our tickets
                viewings.take(row)
            if is_own and row["sequence"] > head.sequence:
                head = head_after(row)
        self._producer, self._head, self._viewings = producer, head, viewings

    def _write(self, wanted: Sequence[_Wanted]) -> None:
        """Commit the acts, and what is due by itself. The chain moves on only when they are committed."""
        now_ms = self._now_ms()
        results: list[Written] = []
        acts: list[Act] = []
        used_here: set[str] = set()
        for one in wanted:
            result = self._judged(one.act, used_here)
            results.append(result)
            if not result.is_used:
                acts.append(one.act)
        acts += self._refusals.due(now_ms)
        if self._grants.trouble is None:
            acts += list(self._viewings.ended(lambda its_id: self._grants.ending(its_id, now_ms=now_ms)))
        if acts:
            self._commit(acts, now_ms)
        for one, result in zip(wanted, results, strict=True):
            one.done.set_result(result)

    def _judged(self, act: Act, used_here: set[str]) -> Written:
        if act["act"] != "first_use":
            return Written()
        ticket_hash = act["ticket_hash"]
        if ticket_hash in used_here or self._viewings.is_used(ticket_hash):
            return Written(is_used=True)
        used_here.add(ticket_hash)
        return Written(is_first_video=not self._viewings.had_video(act["grant_id"]))

    def _commit(self, acts: Sequence[Act], now_ms: int) -> None:
        if self._producer is None:
            raise Retriable("the access log is not open")
        head, rows = self._head, []
        with transaction(self._producer, self._wire, self._city) as outbox:
            for act in acts:
                event = appended(self._city, self.writer, head, act, now_ms=now_ms)
                row = dict(event.value or {})
                head = head_after(row)
                rows.append(row)
                outbox.put(event)
        self._head = head
        for row in rows:
            self._viewings.take(row)
