"""The end of a Faust worker: our own threads and services first, then Faust within a bound.

Nothing of ours depends on Faust by then: transactions, sources and sinks are closed.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from typing import Any

import faust

GRACE_S = 3.0


class EndingWorker(faust.Worker):  # type: ignore[misc]  # faust has no types
    """Calls *ending* as soon as a signal asks for the end, and stops the event loop itself if Faust does not.

    *ending* cancels our own tasks and returns them; they have *GRACE_S* to finish.
    """

    def __init__(
        self, app: Any, *, ending: Callable[[], Sequence[asyncio.Task[None]]], **options: Any
    ) -> None:
        super().__init__(app, **options)
        self._ending = ending
        self._ours: Sequence[asyncio.Task[None]] = ()
        self.was_cut_short = False
        self.spinner = None  # a service reports by its log

    def _setproctitle(self, info: str, **_ident: str) -> None:
        """Leave the process its command line: lists of processes show city and stage by it."""

    def _schedule_shutdown(self, number: signal.Signals) -> None:
        self._ours = self._ending()
        self.loop.call_later(GRACE_S, self._cut_short)
        super()._schedule_shutdown(number)

    def _cut_short(self) -> None:
        self.was_cut_short = True
        self.loop.stop()

    async def _sentinel_task(self) -> None:
        """Wait for our own tasks. Faust waits for this task last; its own version sleeps a second."""
        if self._ours:
            await asyncio.wait(self._ours)
