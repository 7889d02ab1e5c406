"""Live sources as services of a worker. Each runs by itself, so a source that hangs delays no other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from connectors.base import Heard, PolledSource
from schemas.errors import Fatal, Retriable, Unreachable
from streams import metrics
from streams.ingest.channel import Stopped
from streams.ingest.ingest import Ingest
from streams.ingest.waits import any_chance, backoff_s, wait_after
from streams.log import facts_of, log
from streams.runtime.kafka import ANOTHER, Fenced
from streams.runtime.lag import StageLag, wall_ms

POLL_S_MAX = 120.0
TELL_EVERY_S = 5.0
LOOK_EVERY_S = 5.0
"""The interval at which a stopped source checks whether it was resumed."""

Done = TypeVar("Done")


class _Service:
    """The common part of all live sources: a thread of its own, the report, and the end."""

    def __init__(self, name: str, source: Any, ingest: Ingest) -> None:
        self.name = name
        self.is_ready = False
        self._is_open = False
        self._source = source
        self._ingest = ingest
        self._lag = StageLag(ingest.group)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"{name}.ingest")

    async def run(self) -> None:
        """Run until cancelled or the source has ended. ``Fenced`` if another worker owns the source: it may
        then own all of them.
        """
        tasks = [asyncio.create_task(one) for one in (self._hear_or_stop(), self._tell())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._source.close()
            self._thread.shutdown(wait=False)

    async def _hear_or_stop(self) -> None:
        try:
            await self._again_and_again(self._ingest.open)
            self._is_open = True
            await self._hear()
        except Fenced:
            raise
        except Exception as error:  # this source stops and reports it, whatever it is; the others go on
            facts = facts_of(error)
            self.is_ready = False
            metrics.polls.labels(self.name, "refused").inc()
            log.error("source stopped", source=self.name, **facts)
            await self._do(partial(self._ingest.failed, facts["why"], is_refused=True))
            with contextlib.suppress(Retriable, Fatal):
                await self._do(self._ingest.tell)

    async def _hear(self) -> None:
        raise NotImplementedError

    async def _do(self, work: Callable[[], Done]) -> Done:
        """Run *work* in the source's own thread: an ingest is not shared, and no source waits for another.

        ``Retriable`` where Kafka or the registry went away: it may come back, so the source waits and does not stop.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except Unreachable as error:
            raise Retriable(error.what, hint=error.hint) from error

    async def _take(self, heard: Heard) -> None:
        """Publish *heard*. After a retry, not another worker, has fenced us, publish it again."""
        try:
            await self._do(partial(self._ingest.take, heard, played=False))
        except Stopped:
            raise
        except Retriable:  # the commit may have gone through: the log tells which place is committed
            await self._again_and_again(self._ingest.open)
            raise
        except Fenced as error:
            await self._after_a_retry(error)
            await self._do(partial(self._ingest.take, heard, played=False))

    async def _after_a_retry(self, error: Fenced) -> None:
        """Open the ingest again if a retry has fenced us; otherwise raise *error* with its source."""
        if not await self._again_and_again(self._ingest.regained):
            self.is_ready = False
            raise Fenced(f"source {self.name}: {error.what}", hint=ANOTHER) from error

    async def _again_and_again(self, work: Callable[[], Done]) -> Done:
        """Repeat *work* until it succeeds, as Kafka may be unavailable."""
        failures = 0
        while True:
            try:
                return await self._do(work)
            except Retriable as error:
                wait_s = backoff_s(failures, any_chance())
                failures += 1
                log.warning("Kafka unavailable", source=self.name, why=error.what, again_in_s=wait_s)
                await asyncio.sleep(wait_s)

    async def _may_hear(self) -> None:
        """Wait while the channel is stopped."""
        while True:
            try:
                if await self._do(self._ingest.may_hear):
                    return
            except Retriable as error:
                log.warning("channel state cannot be read", source=self.name, why=error.what)
            await asyncio.sleep(LOOK_EVERY_S)

    def _say_stopped(self, error: Stopped) -> None:
        metrics.polls.labels(self.name, "stopped").inc()
        log.error("source stopped", source=self.name, why=error.what, how_to_mend=error.hint)

    async def _tell(self) -> None:
        """Publish the source's report every few seconds, also while a poll hangs, and check that we still own the
        source.

        A source that is polled once an hour would not notice otherwise that it was fenced.
        """
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            try:
                if self.is_ready or self._ingest.channel.report.trouble:
                    await self._do(self._ingest.tell)
                if self._is_open:
                    await self._do(self._ingest.ask)
            except Fenced as error:
                await self._after_a_retry(error)
            except Retriable as error:
                log.warning("source report not published", source=self.name, why=error.what)
                if self._is_open:
                    await self._again_and_again(self._ingest.open)
            except Fatal as error:
                log.warning("source report not published", source=self.name, why=error.what)


class PolledService(_Service):
    """Polls one source at an interval and publishes its responses."""

    def __init__(self, name: str, source: PolledSource, ingest: Ingest, *, every_s: float) -> None:
        super().__init__(name, source, ingest)
        self._every_s = every_s

    async def _hear(self) -> None:
        failures = 0
        while True:
            wait_s, failures = await self._once(failures)
            await asyncio.sleep(wait_s)

    async def _once(self, failures: int) -> tuple[float, int]:
        """Poll once. Return the seconds until the next poll, and the number of failures in a row."""
        await self._may_hear()
        try:
            heard = await self._poll()
            self._lag.took(heard.at_ms or wall_ms())
            try:
                await self._take(heard)
            finally:
                self._lag.finished()
        except Stopped as error:
            self._say_stopped(error)
            return 0.0, 0
        except Retriable as error:
            metrics.polls.labels(self.name, "failed").inc()
            wait_s = wait_after(error, failures, any_chance())
            log.warning("source did not answer", source=self.name, why=error.what, again_in_s=wait_s)
            await self._do(partial(self._ingest.failed, error.what))
            return wait_s, failures + 1
        metrics.polls.labels(self.name, "heard").inc()
        self.is_ready = True
        return self._every_s, 0

    async def _poll(self) -> Heard:
        """Return the source's response. ``Retriable`` after ``POLL_S_MAX``: a response that never ends counts
        as none.
        """
        try:
            with metrics.retriable_counted(self._ingest.group):
                async with asyncio.timeout(POLL_S_MAX):
                    heard: Heard = await self._source.poll(self._ingest.standing.place)
                    return heard
        except TimeoutError:
            metrics.errors.labels(self._ingest.group, metrics.RETRIABLE).inc()
            raise Retriable(f"no answer within {POLL_S_MAX:.0f} s") from None


class SpeakingService(_Service):
    """Listens to a source that pushes by itself."""

    async def _hear(self) -> None:
        failures = 0
        while True:
            try:
                self.is_ready = True
                async for heard in self._source.listen():
                    await self._publish(heard)
                    failures = 0
                return
            except Retriable as error:
                self.is_ready = False
                metrics.errors.labels(self._ingest.group, metrics.RETRIABLE).inc()
                wait_s = wait_after(error, failures, any_chance())
                failures += 1
                log.warning("source disconnected", source=self.name, why=error.what, again_in_s=wait_s)
                await self._do(partial(self._ingest.failed, error.what))
                await asyncio.sleep(wait_s)

    async def _publish(self, heard: Heard) -> None:
        """Publish *heard* or set it aside. Nothing more is read from the source before that: it keeps the rest."""
        metrics.polls.labels(self.name, "heard").inc()
        heard = later_than(self._ingest.standing.heard_at_ms, heard)
        self._lag.took(heard.at_ms or wall_ms())
        try:
            await self._publish_until_taken(heard)
        finally:
            self._lag.finished()

    async def _publish_until_taken(self, heard: Heard) -> None:
        failures = 0
        while True:
            await self._may_hear()
            try:
                await self._take(heard)
            except Stopped as error:
                self._say_stopped(error)
                if not error.is_taken:
                    continue
            except Retriable as error:
                wait_s = backoff_s(failures, any_chance())
                failures += 1
                log.warning("not published", source=self.name, why=error.what, again_in_s=wait_s)
                await asyncio.sleep(wait_s)
                continue
            return


class ClockService:
    """Publishes a tick of the clock to the city once a second."""

    name = "clock"

    def __init__(self, ingest: Ingest, *, every_s: float = 1.0, now: Callable[[], float] = time.time) -> None:
        self.is_ready = False
        self._ingest = ingest
        self._every_s = every_s
        self._now = now

    async def run(self) -> None:
        while True:
            try:
                if not self.is_ready:
                    await asyncio.to_thread(self._ingest.open)
                    self.is_ready = True
                await asyncio.to_thread(self._ingest.tick, int(self._now() * 1000))
            except (Retriable, Unreachable) as error:
                log.warning("tick not published", why=error.what)
            await asyncio.sleep(self._every_s)


def later_than(newest_ms: int | None, heard: Heard) -> Heard:
    """Return *heard* with its time, moved to 1 ms after *newest_ms* if it is not later.

    Two messages in one ms, or a clock that was set back, must not look like a repeat.
    """
    if heard.at_ms is None or newest_ms is None or heard.at_ms > newest_ms:
        return heard
    return replace(heard, at_ms=newest_ms + 1)
