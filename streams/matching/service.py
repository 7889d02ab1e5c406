"""The match as a service of a worker: its loop in a thread of its own."""

from __future__ import annotations

import asyncio

from streams.matching.loop import MatchLoop

END_S = 10.0


class MatchService:
    """Runs *loop* until cancelled; what ends the loop ends the worker."""

    name = "match"

    def __init__(self, loop: MatchLoop) -> None:
        self._loop = loop

    @property
    def is_ready(self) -> bool:
        return self._loop.is_ready

    async def run(self) -> None:
        running = asyncio.create_task(asyncio.to_thread(self._loop.run), name="match.loop")
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            self._loop.stop()
            await asyncio.wait([running], timeout=END_S)
            raise
