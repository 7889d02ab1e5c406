"""Calls of all chargers, gathered into one transaction at a time.

What waits is bounded by the connections: a charger has one call at a time, and silence and reports a few more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from schemas.errors import Retriable, Unreachable
from schemas.event import Event
from streams.log import log

GATHER_S = 0.01
"""The wait for further calls after the first one; those that come during a commit wait for the next."""
EVENTS_MAX = 2_000
"""Events of one transaction, or those of one call if it has more."""
AGAIN_FIRST_S, AGAIN_MAX_S = 0.2, 5.0

Memories = Mapping[str, dict[str, Any]]


class NotCommitted(Retriable):
    """Whether the events are durable is unknown: the charger is not answered, and repeats its call."""


class Ledger(Protocol):
    """Writes events durably, in one thread."""

    def open(self, charger_ids: Collection[str]) -> Memories: ...

    def commit(self, events: Sequence[Event]) -> None: ...


@dataclass(slots=True)
class _Waiting:
    events: Sequence[Event]
    after: Callable[[], None]
    done: asyncio.Future[None]


class Commits:
    """The queue before a ledger. *restored*: gets the committed memories at the start, and after each failure."""

    def __init__(
        self, ledger: Ledger, charger_ids: Sequence[str], restored: Callable[[Memories], None]
    ) -> None:
        self._ledger = ledger
        self._charger_ids = charger_ids
        self._restored = restored
        self._waiting: deque[_Waiting] = deque()  # bounded by who waits for ``put``
        self._under_way: Sequence[_Waiting] = ()
        self._has_ended = False
        self._news = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="chargers.commit")
        self.is_open = False
        self.trouble: str | None = None
        """Why nothing can be committed at present; ``None`` while it can."""

    async def put(self, events: Sequence[Event], after: Callable[[], None] = lambda: None) -> None:
        """Return once *events* are durable; *after* is called then, even where the caller has gone. ``NotCommitted``."""
        if self._has_ended:
            raise NotCommitted("nothing is committed any more")
        waiting = _Waiting(events, after, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._news.set()
        await waiting.done

    async def run(self) -> None:
        """Commit until cancelled. ``Fatal`` ends it: another process owns the id, or Kafka refuses us."""
        try:
            await self._open()
            while True:
                await self._news.wait()
                await asyncio.sleep(GATHER_S)
                batch = self._under_way = self._take()
                try:
                    await self._do(partial(self._ledger.commit, [e for one in batch for e in one.events]))
                except Retriable as error:
                    self._note(error)
                    await self._open()
                    _fail(batch)
                    continue
                for one in batch:
                    one.after()
                    if not one.done.done():
                        one.done.set_result(None)
        finally:
            # also what was under way when another process took over: who waits would keep the server from ending
            self._has_ended, self.is_open = True, False
            _fail((*self._under_way, *self._waiting))
            self._thread.shutdown(wait=False)

    async def _open(self) -> None:
        """Open the ledger, however long Kafka is away."""
        delay_s = AGAIN_FIRST_S
        while True:
            try:
                memories = await self._do(lambda: self._ledger.open(self._charger_ids))
            except Retriable as error:
                self._note(error)
                await asyncio.sleep(delay_s)
                delay_s = min(2 * delay_s, AGAIN_MAX_S)
            else:
                self._restored(memories)
                self.is_open, self.trouble = True, None
                return

    async def _do(self, work: Callable[[], Any]) -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except Unreachable as error:
            raise Retriable(error.what, hint=error.hint) from error

    def _note(self, error: Retriable) -> None:
        if self.trouble is None:
            log.warning("chargers are not answered", why=error.what)
        self.trouble = error.what

    def _take(self) -> list[_Waiting]:
        batch, count = list[_Waiting](), 0
        while self._waiting and (not batch or count + len(self._waiting[0].events) <= EVENTS_MAX):
            batch.append(self._waiting.popleft())
            count += len(batch[-1].events)
        if not self._waiting:
            self._news.clear()
        return batch


def _fail(waiting: Sequence[_Waiting]) -> None:
    for one in waiting:
        if not one.done.done():
            one.done.set_exception(NotCommitted("not known to be durable"))
            one.done.exception()  # whoever asked may have gone
