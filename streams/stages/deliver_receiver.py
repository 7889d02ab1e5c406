"""One running receiver: its queue, its sink, and the task that tries it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

from connectors.base import Sink
from connectors.subscribers import Subscriber
from schemas.errors import BongsuError, Fatal, Invalid, Retriable
from streams import metrics
from streams.deliver.receivers import Item, Receiver
from streams.deliver.subscriptions import Subscription
from streams.log import log
from streams.stages.deliver_spans import Outcome, try_span
from streams.traces import traces

TRY_S = 60.0
"""A try that a sink itself does not end is ended then."""
CLOSE_S = 5.0
MakeSink = Callable[[Subscription], Sink]
"""Makes a subscription's sink. ``Fatal`` if its settings are wrong here, for one if a secret is missing."""


class RetryClock(Protocol):
    """The time by which receivers wait."""

    def now_ms(self) -> int: ...

    async def wait(self, woken: asyncio.Event, until_ms: int | None) -> None:
        """Return once *woken* is set, or at *until_ms*."""


class WallClock:
    """The machine's clock; with *speed*, one that goes so much faster from now on."""

    def __init__(self, speed: int = 1) -> None:
        self._speed = speed
        self._begun_ns = time.time_ns()

    def now_ms(self) -> int:
        gone_ns = time.time_ns() - self._begun_ns
        return (self._begun_ns + gone_ns * self._speed) // 1_000_000

    async def wait(self, woken: asyncio.Event, until_ms: int | None) -> None:
        left_s = None if until_ms is None else max(0, until_ms - self.now_ms()) / 1000 / self._speed
        with suppress(TimeoutError):
            async with asyncio.timeout(left_s):
                await woken.wait()


class RunningReceiver:
    """Tries what *receiver* has queued until it is closed. *changed* is called after each result."""

    def __init__(
        self,
        city: str,
        subscription: Subscription,
        receiver: Receiver,
        *,
        reader: Subscriber,
        make_sink: MakeSink,
        clock: RetryClock,
        changed: Callable[[], None],
    ) -> None:
        self.subscription = subscription
        self.receiver = receiver
        self.reader = reader
        self.told_changes: int | None = None
        self._counted = receiver.counts.set_aside
        self._labels = (city, subscription.name)
        self._group = f"{city}.deliver"
        self._make_sink = make_sink
        self._clock = clock
        self._changed = changed
        self._sink: Sink | None = None
        self._woken = asyncio.Event()
        self._tries: set[asyncio.Task[None]] = set()
        self._task = asyncio.create_task(self._run(), name=f"deliver.{subscription.name}")

    def wake(self) -> None:
        """Look at the queue again."""
        self._woken.set()

    async def use(self, subscription: Subscription, reader: Subscriber) -> None:
        """Go on with a changed *subscription*: what is queued for the old one is read and judged again."""
        is_same_sink = (subscription.sink, subscription.settings) == (
            self.subscription.sink,
            self.subscription.settings,
        )
        self.subscription, self.reader = subscription, reader
        if not is_same_sink:
            await self._close_sink()

    async def close(self) -> None:
        """End all tries. What they had in hand is delivered again by the next process, under the same id."""
        tasks = [self._task, *self._tries]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._close_sink()

    async def _close_sink(self) -> None:
        """Close the sink once no try uses it: one that went on would open its connection again."""
        sink, self._sink = self._sink, None
        tries = [one for one in self._tries if one is not asyncio.current_task()]
        for one in tries:
            one.cancel()
        try:
            await asyncio.gather(*tries, return_exceptions=True)
        finally:
            if sink is not None:
                with suppress(Exception):  # its connection is dropped either way
                    async with asyncio.timeout(CLOSE_S):
                        await sink.close()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            while (item := self.receiver.take(self._clock.now_ms())) is not None:
                one = asyncio.create_task(self._try(item))
                self._tries.add(one)
                one.add_done_callback(self._tries.discard)
            await self._clock.wait(self._woken, self.receiver.wake_at())

    async def _try(self, item: Item) -> None:
        """Deliver *item* once, and tell the queue what came of it."""
        begun_ns = traces.now_ns()
        with metrics.delivery_seconds.labels(self._labels[0]).time():
            outcome, tell = await self._deliver(item)
        try_span(self._labels[0], self.subscription, item, outcome, begun_ns)
        was_dead = self.receiver.state == "dead"
        tell()
        counted, self._counted = (
            self._counted,
            self.receiver.counts.set_aside,
        )  # some when an event was offered
        metrics.deliveries.labels(*self._labels, "set_aside").inc(self._counted - counted)
        metrics.errors.labels(self._group, metrics.INVALID).inc(self._counted - counted)
        if self.receiver.state == "dead" and not was_dead:
            log.warning("receiver set aside", receiver=self.subscription.name, why=self.receiver.last_error)
            await self._close_sink()
        self._woken.set()
        self._changed()

    async def _deliver(self, item: Item) -> tuple[Outcome, Callable[[], None]]:
        """Deliver *item* once; return the outcome, and what tells it to the queue."""
        try:
            if self._sink is None:
                self._sink = self._make_sink(self.subscription)
            async with asyncio.timeout(TRY_S):
                await self._sink.deliver([item.delivery])
        except TimeoutError:
            return "retried", partial(self._failed, item, "no answer in time")
        except Retriable as error:
            return "retried", partial(self._failed, item, error.what, error.retry_after_s)
        except Invalid as error:
            return "set_aside", partial(self.receiver.set_aside, item, error.what)
        except Fatal as error:
            return "refused", partial(self.receiver.refuse, item, error.what)
        except Exception as error:  # a sink's own fault must not end the others
            why = error.what if isinstance(error, BongsuError) else type(error).__name__
            return "retried", partial(self._failed, item, why)
        return "delivered", partial(self._succeeded, item)

    def _succeeded(self, item: Item) -> None:
        self.receiver.succeed(item, self._clock.now_ms())
        metrics.deliveries.labels(*self._labels, "delivered").inc()
        metrics.events_put.labels(self._group, item.delivery.topic).inc()

    def _failed(self, item: Item, why: str, retry_after_s: float | None = None) -> None:
        metrics.deliveries.labels(*self._labels, "retried").inc()
        metrics.errors.labels(self._group, metrics.RETRIABLE).inc()
        after_ms = None if retry_after_s is None else int(retry_after_s * 1000)
        self.receiver.fail(item, self._clock.now_ms(), why, retry_after_ms=after_ms)
