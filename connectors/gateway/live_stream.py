"""The response that is a live stream: begin, resume or reset, catch up from the log, then go on from the ring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.live_client import LOG, RETRY_MS, SLOW, Client
from connectors.gateway.live_hub import CHUNK_BYTES, Hub
from connectors.gateway.live_log import EventReading
from connectors.gateway.live_place import Place
from connectors.gateway.live_view import LiveEvent, block
from schemas.errors import BongsuError

CATCH_UP_S = 600.0
"""The longest time for which a client is served from the log."""
LOOK_S = 0.5
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a stream begins. *place*: to resume there; *is_oldest*: with all that is kept; *why_lost*: with a reset. None of
    them: from now on."""

    place: Place | None = None
    is_oldest: bool = False
    why_lost: str | None = None


class _OverError(Exception):
    """The client has gone or is dropped."""


class EventStream(Response):
    """Streams to *client* until either side ends it."""

    def __init__(
        self, hub: Hub, client: Client, beginning: Beginning, is_current: Callable[[Client], bool]
    ) -> None:
        super().__init__()
        self._hub = hub
        self._client = client
        self._beginning = beginning
        self._is_current = is_current
        self._send: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._send = send
        self._hub.join(self._client, self._is_current)
        listening = asyncio.create_task(self._listen(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await self._run()
            if self._client.dropped is not None and not self._client.is_gone:
                await self._write(self._client.last_word())
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            listening.cancel()
            self._hub.leave(self._client)

    async def _listen(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._client.leave()

    async def _run(self) -> None:
        try:
            await self._begin()
            while not self._client.is_over:
                if not self._hub.is_in_ring(self._client):
                    await self._catch_up()
                await self._live()
        except _OverError:
            pass
        except BongsuError:
            self._client.drop(LOG, monotonic())

    async def _write(self, part: bytes) -> None:
        """Send *part*; wait while the client's buffers are full."""
        client = self._client
        client.sending_since = monotonic()
        try:
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
        finally:
            client.sending_since = None
        client.sent_at = monotonic()

    async def _begin(self) -> None:
        hub, client, beginning = self._hub, self._client, self._beginning
        why = beginning.why_lost
        if beginning.is_oldest:
            client.place, _ = await asyncio.to_thread(hub.log.bounds)
        elif beginning.place is not None:
            client.place = beginning.place
            why = await hub.why_lost(beginning.place)
        elif why is None and hub.ring.place is not None:
            client.place = hub.ring.place
        if why is not None:
            await self._write(f"retry: {RETRY_MS}\n\n".encode())
            await self._reset(why)
        else:
            await self._write(f"retry: {RETRY_MS}\n".encode() + client.id_block())

    async def _reset(self, why: str) -> None:
        """A word, all that stands, and only then the id from which the stream goes on: a client that is cut in between gets
        a reset again."""
        metrics.streams_reset.inc()
        standing = await self._patiently(self._hub.standing())
        view = self._client.view
        bodies = [body for one in standing.events if (body := view.body_of(one)) is not None]
        about = {"reason": why, "snapshot": len(bodies), "is_whole": standing.is_whole}
        await self._write_all([block("reset", about), *bodies])
        self._client.place = standing.place
        await self._write(self._client.id_block())

    async def _write_all(self, parts: Iterable[bytes]) -> None:
        """Write *parts* in chunks; ``_OverError`` as soon as the client is."""
        chunk: list[bytes] = []
        size = 0
        for part in parts:
            chunk.append(part)
            size += len(part)
            if size >= CHUNK_BYTES:
                await self._write(b"".join(chunk))
                chunk, size = [], 0
                if self._client.is_over:
                    raise _OverError
        if chunk:
            await self._write(b"".join(chunk))

    async def _patiently(self, work: asyncio.Task[Any]) -> Any:
        """The result of *work*, with heartbeats until then. It is not cancelled when the client goes."""
        while not work.done():
            await asyncio.wait({work}, timeout=LOOK_S)
            if self._client.is_over:
                raise _OverError
            if not work.done() and self._hub.is_heartbeat_due(self._client, monotonic()):
                await self._write(self._client.heartbeat())
        return work.result()

    # -- from the log ----------------------------------------------------------------------------------------

    async def _catch_up(self) -> None:
        """Send what the client lacks from the log, until the ring goes on without a gap."""
        until = monotonic() + CATCH_UP_S
        async with self._turn():
            while not self._hub.is_in_ring(self._client):
                # a reading passes over what lies behind the ring's start: once that has moved on, another one is needed
                reading = await asyncio.to_thread(self._hub.log.reading, self._client.place)
                try:
                    await self._read_to_ring(reading, until)
                finally:
                    await asyncio.shield(asyncio.to_thread(reading.close))

    @asynccontextmanager
    async def _turn(self) -> Any:
        readings = self._hub.readings
        waiting = asyncio.create_task(readings.acquire())
        try:
            await self._patiently(waiting)
            yield
        finally:
            if not waiting.cancel() and not waiting.cancelled():
                readings.release()

    async def _read_to_ring(self, reading: EventReading, until: float) -> None:
        client = self._client
        _, start = self._hub.ring.cursor_at(client.place)
        while (events := await asyncio.to_thread(reading.next, start)) is not None:
            await self._write_all(part for event in events for part in self._lines(event))
            if monotonic() > until:
                client.drop(SLOW, monotonic())
            if client.is_over:
                raise _OverError
            if self._hub.is_heartbeat_due(client, monotonic()):
                await self._write(client.heartbeat())
        client.place = client.place.joined(start)

    def _lines(self, event: LiveEvent) -> tuple[bytes, ...]:
        if self._client.place.offsets[event.number] > event.offset:
            return ()
        return self._client.render(event, self._client.place.after(event.number, event.offset))

    # -- from the ring ---------------------------------------------------------------------------------------

    async def _live(self) -> None:
        """Go on until the stream is over, or until more came at once than the ring holds: the log has it."""
        hub, client = self._hub, self._client
        while not client.is_over and hub.holds(client):
            client.news.clear()
            if chunk := hub.chunk(client):
                await self._write(chunk)
            elif hub.is_heartbeat_due(client, monotonic()):
                await self._write(client.heartbeat())
            else:
                await client.news.wait()
