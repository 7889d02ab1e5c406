"""From the gateway's spool into Kafka: each pushed source in a thread of its own, in the order of its pushes.

The number of the last published push is part of the source's place, and is committed in the transaction of
its events. After a restart or a kill, publishing continues behind it, so each push is published once.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from connectors.base import Heard, Place
from connectors.gateway.spool import Spool
from connectors.gateway.spool_values import Kept
from connectors.gateway.trouble import Trouble
from connectors.transport.web_page import wall_clock_ms
from schemas.errors import BongsuError, Retriable, Unreachable
from streams import metrics
from streams.ingest.breaker import STOPPED
from streams.ingest.channel import Stopped
from streams.ingest.ingest import Ingest
from streams.ingest.slices import Pushed, Slice
from streams.ingest.waits import any_chance, backoff_s
from streams.ingest.worker import LOOK_EVERY_S, TELL_EVERY_S
from streams.log import facts_of, log
from streams.runtime.kafka import Fenced
from streams.runtime.lag import StageLag

PUSHES_MAX = 500
IDLE_S = 3.0
TRANSACTION_S = 0.05
"""The shortest time between the beginnings of two transactions under load."""
ASK_EVERY_S = 3.0
"""The interval of asking Kafka whether this process still owns the source, while nothing is published."""
BACKOFF_S_MAX = 5.0
"""The longest wait before Kafka is tried again."""

Done = TypeVar("Done")


class Drain:
    """The drain of one pushed source. ``place`` and ``trouble`` may be read from any thread."""

    def __init__(
        self,
        name: str,
        ingest: Ingest,
        spool: Spool,
        *,
        before: Callable[[], object] = lambda: None,
        fenced: Callable[[Fenced], object] = lambda _error: None,
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        """*before* is run once Kafka is available, before the first push is published. *fenced* is called
        when another process takes over the source.
        """
        self.name = name
        self._ingest = ingest
        self._spool = spool
        self._before = before
        self._fenced = fenced
        self._now_ms = now_ms
        self._lag = StageLag(ingest.group)
        self._there_is_more = threading.Event()
        self._began_at = 0.0
        self._ends = threading.Event()
        self._done_up_to = 0
        self._told_at = 0.0
        self._heard_of_us_at = 0.0
        self.trouble: Trouble | None = Trouble("its drain is starting", now_ms())
        self._thread = threading.Thread(target=self._run, name=f"{name}.drain", daemon=True)

    @property
    def place(self) -> Place:
        """The last known place of the source: a push is read from there."""
        return self._ingest.standing.place

    @property
    def over(self) -> str | None:
        """The reason why this process publishes nothing more of the source; ``None`` while it does."""
        trouble = self.trouble
        return trouble.why if trouble is not None and trouble.is_over else None

    @property
    def is_stopped(self) -> bool:
        """Whether the source's channel is stopped: nothing is accepted until it is resumed."""
        return self._ingest.channel.breaker.state == STOPPED

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Wake the thread: something was pushed."""
        self._there_is_more.set()

    def end(self, timeout_s: float = 10.0) -> None:
        """Finish the current transaction and stop."""
        self._ends.set()
        self._there_is_more.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._patiently(self._before)
            self._open()
            while not self._ends.is_set():
                self._step_if_ours()
        except Ended:
            log.info("drain ended; unpublished pushes stay in the spool", source=self.name)
        except Exception as error:  # this source stops and reports it, the others go on
            self._stop(error)

    def _stop(self, error: Exception) -> None:
        facts = facts_of(error)
        if isinstance(error, sqlite3.Error):
            facts = {"why": f"the spool cannot be read: {error}"}
        self.trouble = Trouble(f"source {self.name}: {facts['why']}", self._now_ms(), is_over=True)
        metrics.errors.labels(self._ingest.group, metrics.FATAL).inc()
        log.error("pushed source stopped", source=self.name, **facts)
        if isinstance(error, Fenced):
            self._fenced(error)

    def _step_if_ours(self) -> None:
        """Run one step. After a retry has fenced us, continue from the place that the retry committed."""
        try:
            self._step()
        except Fenced:
            if not self._patiently(self._ingest.regained):
                raise

    def _step(self) -> None:
        self._there_is_more.clear()
        self._ask()
        if not self._may_hear():
            return
        kept = self._spool.waiting(self.name, after=self._done_up_to, pushes_max=PUSHES_MAX)
        if kept:
            self._began_at = time.monotonic()
            self._lag.took(kept[0].at_ms)
            try:
                self._publish(kept)
            finally:
                self._lag.finished()
        self._tell()
        if not kept:
            self._there_is_more.wait(IDLE_S)
        elif len(kept) > 1:  # under load, fewer and larger transactions
            self._ends.wait(max(0.0, self._began_at + TRANSACTION_S - time.monotonic()))

    def _ask(self) -> None:
        """Ask Kafka from time to time whether this process still owns the source.

        A transaction would report it; while nothing is published, we have to ask.
        """
        now = time.monotonic()
        if now - self._heard_of_us_at < ASK_EVERY_S:
            return
        try:
            self._ingest.ask()
        except (Retriable, Unreachable) as error:
            self._say_trouble(error)
            self._open()
        self._heard_of_us_at = now

    def _may_hear(self) -> bool:
        """Return whether the channel may go on; if not, wait ``LOOK_EVERY_S`` first."""
        if not self.is_stopped:
            return True
        try:
            if self._ingest.may_hear():
                return True
        except (Retriable, Unreachable) as error:
            log.warning("channel state cannot be read", source=self.name, why=error.what)
        self._ends.wait(LOOK_EVERY_S)
        return False

    def _publish(self, kept: Sequence[Kept]) -> None:
        pushes = [Pushed(one.seq, heard_of(one), one.reading) for one in kept]
        try:
            for part in self._ingest.pushed_parts(self._spool.spool_id, pushes):
                self._patiently(self._put(part))
        except Stopped as error:
            metrics.polls.labels(self.name, "stopped").inc()
            log.error("source stopped", source=self.name, why=error.what, how_to_mend=error.hint)
        except (Retriable, Unreachable) as error:
            log.warning("not published", source=self.name, why=error.what)
            self._open()
        metrics.polls.labels(self.name, "heard").inc(len(kept))
        up_to = self._ingest.standing.spools.get(self._spool.spool_id, 0)
        if up_to > self._done_up_to:
            self._done_up_to = up_to
            self._spool.done(self.name, up_to)

    def _put(self, part: Slice) -> Callable[[], None]:
        """Return a function that publishes *part*.

        It may be called again. A failed commit may have gone through nevertheless, so the second call first
        reads the committed place.
        """
        wanted = part.standing.spools[self._spool.spool_id]
        is_again = False

        def put() -> None:
            nonlocal is_again
            if is_again:
                self._ingest.open()
                if self._ingest.standing.spools.get(self._spool.spool_id, 0) >= wanted:
                    return
            is_again = True
            self._ingest.publish(part, played=False)
            self._heard_of_us_at = time.monotonic()

        return put

    def _open(self) -> None:
        self._patiently(self._ingest.open)
        self._heard_of_us_at = time.monotonic()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told_at < TELL_EVERY_S:
            return
        self._told_at = now
        try:
            self._ingest.tell()
        except (Retriable, Unreachable) as error:
            log.warning("source report not published", source=self.name, why=error.what)
            self._open()

    def _patiently(self, work: Callable[[], Done]) -> Done:
        """Repeat *work* until it succeeds, as Kafka may be unavailable. ``Ended`` when the gateway ends: the
        spool keeps the rest.
        """
        failures = 0
        while True:
            try:
                done = work()
            except (Retriable, Unreachable) as error:
                wait_s = min(backoff_s(failures, any_chance()), BACKOFF_S_MAX)
                failures += 1
                self._say_trouble(error)
                log.warning(
                    "Kafka unavailable", source=self.name, why=error.what, again_in_s=round(wait_s, 1)
                )
                if self._ends.wait(wait_s):
                    raise Ended("the gateway ends") from None
            else:
                # *before* does not touch the source, so its success leaves the source's trouble as it is
                if work != self._before:
                    self.trouble = None
                return done

    def _say_trouble(self, error: BongsuError) -> None:
        """Set ``trouble`` to *error*, keeping the time when the trouble began."""
        before = self.trouble
        self.trouble = Trouble(error.what, self._now_ms() if before is None else before.since_ms)


class Ended(BongsuError):
    """The gateway ends: what is left waits in the spool. Not a fault."""


def heard_of(kept: Kept) -> Heard:
    """Return the pushed body. A body whose checksum does not fit is marked with an error."""
    if kept.is_whole:
        return Heard(kept.body, kept.at_ms)
    return Heard(kept.body, kept.at_ms, error="its checksum does not fit")
