"""Live sources as services of a worker: each is heard by itself, so that one that hangs delays no other."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

from connectors.base import Heard, PolledSource
from schemas.errors import Fatal, Retriable
from streams import metrics
from streams.ingest import Ingest
from streams.log import log

BACKOFF_FIRST_S, BACKOFF_MAX_S = 1.0, 300.0


class PolledService:
    """Asks one source again and again, and publishes what it says."""

    def __init__(self, name: str, source: PolledSource, ingest: Ingest, *, every_s: float) -> None:
        self.name = name
        self.is_ready = False
        self._source = source
        self._ingest = ingest
        self._every_s = every_s

    async def run(self) -> None:
        try:
            await asyncio.to_thread(self._ingest.open)
            failures = 0
            while True:
                wait_s, failures = await self._once(failures)
                await asyncio.sleep(wait_s)
        except Fatal as error:  # refused by the outside: this source stops and says so, the others go on
            self.is_ready = False
            metrics.polls.labels(self.name, "refused").inc()
            log.error("source stopped", source=self.name, why=error.what)
        finally:
            await self._source.close()

    async def _once(self, failures: int) -> tuple[float, int]:
        """One poll; the seconds until the next, and how many have failed in a row."""
        try:
            heard = await self._source.poll(self._ingest.standing.place)
            await asyncio.to_thread(self._ingest.take, heard, played=False)
        except Retriable as error:
            metrics.polls.labels(self.name, "failed").inc()
            wait_s = error.retry_after_s or backoff_s(failures, random.random())  # noqa: S311 (spreads polls, keeps no secret)
            log.warning("source did not answer", source=self.name, why=error.what, again_in_s=wait_s)
            return wait_s, failures + 1
        metrics.polls.labels(self.name, "heard").inc()
        self.is_ready = True
        return self._every_s, 0


class SpeakingService:
    """Listens to a source that speaks by itself."""

    def __init__(self, name: str, source: Any, ingest: Ingest) -> None:
        self.name = name
        self.is_ready = False
        self._source = source
        self._ingest = ingest

    async def run(self) -> None:
        failures = 0
        try:
            await asyncio.to_thread(self._ingest.open)
            while True:
                try:
                    self.is_ready = True
                    async for heard in self._source.listen():
                        await self._publish(heard)
                        failures = 0
                    return
                except Retriable as error:
                    self.is_ready = False
                    wait_s = backoff_s(failures, random.random())  # noqa: S311 (spreads polls, keeps no secret)
                    failures += 1
                    log.warning("source fell silent", source=self.name, why=error.what, again_in_s=wait_s)
                    await asyncio.sleep(wait_s)
        finally:
            await self._source.close()

    async def _publish(self, heard: Heard) -> None:
        metrics.polls.labels(self.name, "heard").inc()
        await asyncio.to_thread(self._ingest.take, heard, played=False)


class ClockService:
    """Tells the city the time, once a second."""

    name = "clock"

    def __init__(self, ingest: Ingest, *, every_s: float = 1.0, now: Callable[[], float] = time.time) -> None:
        self.is_ready = False
        self._ingest = ingest
        self._every_s = every_s
        self._now = now

    async def run(self) -> None:
        await asyncio.to_thread(self._ingest.open)
        self.is_ready = True
        while True:
            try:
                await asyncio.to_thread(self._ingest.tick, int(self._now() * 1000))
            except Retriable as error:
                log.warning("tick not told", why=error.what)
            await asyncio.sleep(self._every_s)


def backoff_s(failures: int, chance: float) -> float:
    """Seconds to wait after *failures* in a row: doubling, bounded, and spread over half by *chance* in [0, 1)."""
    full = min(BACKOFF_FIRST_S * 2**failures, BACKOFF_MAX_S)
    return float(full * (0.5 + chance / 2))
