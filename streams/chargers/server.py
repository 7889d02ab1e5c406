"""The WebSocket server of a city's chargers. A call is answered once what it says is durable; else not at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from connectors.base import SourceContext
from connectors.formats.ocpp_calls import (
    FRAME_BYTES_MAX,
    SUBPROTOCOLS,
    Call,
    CallFault,
    ChargerAnswer,
    call_result,
    read_frame,
)
from connectors.subjects.charger_memory import MemoryStep, on_heard
from schemas.errors import Retriable
from streams import metrics_mobility
from streams.chargers.commits import Commits, NotCommitted
from streams.chargers.door import CLOSED, FULL, SHUT_OUT, UNKNOWN, Refusal, WrongKeys, charger_at
from streams.chargers.post import Post
from streams.chargers.rows import memory_event
from streams.chargers.tally import Tally
from streams.log import log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streams.chargers.charging_settings import ChargersSettings

PING_S = 60.0
"""A connection whose other end is gone is noticed in two of these."""
FRAMES_MAX = 4
"""Frames of one charger that wait in memory; more wait in its network."""
SUPERSEDED, SUPERSEDED_TEXT = 1000, "the charger has connected anew"
NOT_NOW, NOT_NOW_TEXT = 1013, "not ready: connect again"


_QUIET = logging.getLogger("bongsu.websockets")
_QUIET.setLevel(logging.CRITICAL)  # it would log each handshake that fails, with what the other end sent


class ChargerServer:
    """Takes the calls of *posts*. *join*: is awaited before the first call of a connection, which ends by ``Retriable`` and
    ``TimeoutError``."""

    def __init__(
        self,
        settings: ChargersSettings,
        posts: Mapping[str, Post],
        commits: Commits,
        tally: Tally,
        *,
        context: SourceContext,
        group: str,
        now_ms: Callable[[], int],
        join: Callable[[Post], Awaitable[None]],
    ) -> None:
        self._settings, self._posts, self._commits, self._tally = settings, posts, commits, tally
        self._context, self._group, self._now_ms = context, group, now_ms
        self._join = join
        self._wrong = WrongKeys()
        self._ending = set[asyncio.Task[None]]()  # bounded by the connections
        self._server: Server | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Server]:
        """Serve until the block ends; then all connections are closed."""
        async with serve(
            self._connected,
            self._settings.host,
            self._settings.port,
            subprotocols=[Subprotocol(one) for one in SUBPROTOCOLS],
            compression=None,  # a window of memory each, for messages of some hundred bytes
            process_request=self._refuse,
            server_header=None,
            logger=_QUIET,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            max_size=FRAME_BYTES_MAX,
            max_queue=FRAMES_MAX,
        ) as server:
            self._server = server
            yield server

    # -- the door ----------------------------------------------------------------------------------------------

    def _refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        refusal = self._refusal(connection, request)
        if refusal is None:
            return None
        metrics_mobility.charger_refusals.labels(self._group, refusal.reason).inc()
        response = connection.respond(refusal.status, refusal.text)
        if refusal.status == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="ocpp", charset="UTF-8"'
        if refusal.status in (429, 503):
            response.headers["Retry-After"] = "60"
        return response

    def _refusal(self, connection: ServerConnection, request: Request) -> Refusal | None:
        charger_id = charger_at(request.path, self._context.city)
        if charger_id is None or charger_id not in self._posts:
            return UNKNOWN
        keys = request.headers.get_all("Authorization")
        if not self._settings.is_key(keys[0] if len(keys) == 1 else None, charger_id):
            address = connection.remote_address
            return self._wrong.refusal(str(address[0]) if address else "", self._now_ms())
        if charger_id in self._settings.refused:
            return SHUT_OUT
        if not self._commits.is_open or self._commits.trouble is not None:
            return CLOSED  # nobody could be answered: each attempt would leave a call that waits
        is_back = self._posts[charger_id].connection is not None
        count = 0 if self._server is None else len(self._server.connections)
        return FULL if count >= self._settings.connections_max and not is_back else None

    # -- a connection ------------------------------------------------------------------------------------------

    async def _connected(self, connection: ServerConnection) -> None:
        charger_id = charger_at(
            "" if connection.request is None else connection.request.path, self._context.city
        )
        post = self._posts[charger_id or ""]
        self.end(post)
        post.connection, post.version = connection, SUBPROTOCOLS[str(connection.subprotocol)]
        metrics_mobility.chargers_connected.labels(self._group).inc()
        try:
            async with post.lock:
                if post.connection is connection:
                    await self._join(post)
                    post.is_joined = post.connection is connection
            while True:
                frame = await connection.recv(decode=False)
                if post.connection is not connection:
                    return
                await self._take(post, connection, frame)
        except ConnectionClosed:
            return
        except (Retriable, TimeoutError):
            await connection.close(NOT_NOW, NOT_NOW_TEXT)
        except Exception as error:  # a fault of ours: this connection ends, the others go on
            log.error("a charger's connection ended by a fault", why=type(error).__name__)
            raise
        finally:
            metrics_mobility.chargers_connected.labels(self._group).dec()
            if post.connection is connection:
                post.connection, post.is_joined = None, False
                post.hung_up()

    def end(self, post: Post) -> None:
        """End the connection that *post* has: its charger opened another one, here or elsewhere, and only one is alive."""
        if (old := post.connection) is None:
            return
        post.hung_up()
        post.connection, post.is_joined = None, False
        task = asyncio.create_task(old.close(SUPERSEDED, SUPERSEDED_TEXT))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _take(self, post: Post, connection: ServerConnection, frame: bytes) -> None:
        begun_s, post.heard_ms, action = perf_counter(), self._now_ms(), ""
        try:
            message = read_frame(frame, post.version)
            if isinstance(message, ChargerAnswer):
                if not post.take(message):
                    self._tally.noted("an answer that nobody waits for", at_ms=post.heard_ms)
                return
            action = message.action
            async with post.lock:
                if post.connection is not connection:
                    return  # its charger has another connection, and says it again there
                answer = await self._answer(post, message)
        except CallFault as fault:
            self._tally.refused(fault.code, at_ms=post.heard_ms)
            metrics_mobility.charger_calls.labels(self._group, action, "refused").inc()
            if (reply := fault.reply()) is not None:
                await connection.send(reply, text=True)
            return
        except NotCommitted:
            metrics_mobility.charger_calls.labels(self._group, action, "unanswered").inc()
            return
        await connection.send(answer, text=True)
        metrics_mobility.charger_calls.labels(self._group, action, "answered").inc()
        metrics_mobility.charger_seconds.labels(self._group).observe(perf_counter() - begun_s)

    async def _answer(self, post: Post, call: Call) -> bytes:
        """The answer to *call*, once its events and the charger's memory are durable. ``NotCommitted``, ``CallFault``."""
        at_ms = self._now_ms()
        step = on_heard(
            post.charger,
            call,
            post.memory,
            context=self._context,
            at_ms=at_ms,
            terms=post.terms,
            slot=self._settings.slot,
        )
        await self.keep(post, step, at_ms=at_ms)
        self._tally.heard(step, at_ms=at_ms)
        return call_result(call.unique_id, step.payload)

    async def keep(self, post: Post, step: MemoryStep, *, at_ms: int) -> None:
        """Make *step* durable, which *post* then remembers. What changes nothing needs no transaction."""
        if not step.events and step.memory == post.memory:
            return

        def after() -> None:
            post.memory = step.memory

        row = memory_event(
            self._context.city, self._context.source, post.charger.charger_id, step.memory, at_ms
        )
        await self._commits.put([*step.events, row], after)
