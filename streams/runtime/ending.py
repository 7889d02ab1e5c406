"""How a Faust worker ends: our own threads and services first, then Faust within a bound.

Faust's consumer may wait for ever when the end is asked for while it is still joining its group. By then nothing of
ours depends on it: transactions are closed, sources and sinks too, and its ticks have no offsets that anybody needs.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from typing import Any

import faust
from mode.threads import ServiceThread, WorkerThread

GRACE_S = 3.0


class _Thread(WorkerThread):  # type: ignore[misc]
    """Faust's consumer thread, as one that no process waits for at its end."""

    def __init__(self, service: Any, **options: Any) -> None:
        super().__init__(service, **options)
        self.daemon = True


ServiceThread.Worker = _Thread


class EndingWorker(faust.Worker):  # type: ignore[misc]
    """Calls *ending* as soon as a signal asks for the end, and stops the event loop itself if Faust does not.

    *ending* cancels our own tasks and names them; they have until *GRACE_S* to put their things in order.
    """

    def __init__(
        self, app: Any, *, ending: Callable[[], Sequence[asyncio.Task[None]]], **options: Any
    ) -> None:
        super().__init__(app, **options)
        self._ending = ending
        self._ours: Sequence[asyncio.Task[None]] = ()
        self.was_cut_short = False
        self.spinner = None  # a service says what it does in its log

    def _schedule_shutdown(self, number: signal.Signals) -> None:
        self._ours = self._ending()
        self.loop.call_later(GRACE_S, self._cut_short)
        super()._schedule_shutdown(number)

    def _cut_short(self) -> None:
        self.was_cut_short = True
        self.loop.stop()

    async def _sentinel_task(self) -> None:
        """The last that Faust waits for, a second long by itself: our own tasks instead."""
        if self._ours:
            await asyncio.wait(self._ours)
