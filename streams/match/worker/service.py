"""The match as a service of a worker: its loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time

from schemas.errors import Fatal
from streams.match.worker.loop import MatchLoop

END_S = 10.0
LOOK_S = 1.0
STUCK_S = 150.0
"""Longer than any wait for Kafka, and than reading a partition's look-back."""


class MatchService:
    """Starts *loop* at once, before the rest of the worker has started, and ends it when ``run`` is cancelled.

    The worker ends if the loop ends, or makes no turn for *stuck_s*.
    """

    name = "match"

    def __init__(self, loop: MatchLoop, *, stuck_s: float = STUCK_S) -> None:
        self._loop = loop
        self._stuck_s = stuck_s
        self._fault: BaseException | None = None
        self._running = threading.Thread(target=self._run, name="match.loop", daemon=True)
        self._running.start()

    @property
    def is_ready(self) -> bool:
        return self._loop.is_ready

    async def run(self) -> None:
        try:
            while self._running.is_alive():
                await asyncio.sleep(LOOK_S)
                if time.monotonic() - self._loop.turned_at > self._stuck_s:
                    raise Fatal(f"the match has been stuck for {self._stuck_s:.0f} s", hint="start it again")
        except asyncio.CancelledError:
            self._loop.stop()
            await asyncio.to_thread(self._running.join, END_S)
            raise
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        try:
            self._loop.run()
        except BaseException as error:  # any end of the thread must end the worker
            self._fault = error
