"""Bounds on HTTP connections: the size of a request's head, the time until it is complete, and pipelined requests.

uvicorn bounds none of these: a head may take any time and any size, its timeout for idle connections stops at the first byte
of the next request, and its bound on connections refuses the newest. httptools joins a header piece by piece, in quadratic
time, so a head's bytes are counted before they are parsed.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connectors.gateway import metrics
from connectors.gateway.door import Door

HEAD_BYTES_MAX = 16_384
HEADERS_MAX = 100
HEAD_S = 5.0
"""The time from the first byte of a request, or from the connection's start, to the end of the head."""
UNREAD_S = 2.0
"""The time left to a client that is still sending a body that was already answered: it should read the response."""
UNSENT_S = 60.0
"""The time left to a client to read a response that is complete. Until then its bytes are in memory."""
PIPELINED_MAX = 16
FRAMING_OF_BYTE = 8
"""The bytes of framing allowed for each byte of a chunked body."""
VISITOR = "visitor"
"""The key of the connection in the state of a request's ASGI scope."""


class Refused(Exception):
    """The request breaks a bound; *status* is the HTTP status of the response."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class GuardedProtocol(HttpToolsProtocol):
    """A connection with bounds. ``door`` is the server's (``guarded``)."""

    door: Door

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self._deadline: asyncio.TimerHandle | None = None
        self._unsent: asyncio.TimerHandle | None = None
        self._is_in_head = True
        self._is_body_over = True
        self._framing = self._body_bytes = self._headers_bytes = self._messages = 0
        self._wrong = 0
        self.door.come(self)
        self._allow(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self.door.leave(self)
        self._allow(None)
        self._look_unsent_in(None)
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def know(self, account_id: str) -> bool:
        """A request of this connection has a valid key: return whether the account may have one more connection."""
        return self.door.know(self, account_id)

    def send_away(self) -> None:
        metrics.sent_away.labels("too many").inc()
        self.transport.abort()

    def cut(self) -> None:
        """Close it at once: the client reads nothing of its stream any more."""
        metrics.sent_away.labels("slow").inc()
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self.transport.is_closing():
            size = HEAD_BYTES_MAX + 1 - self._framing if self._is_in_head else len(view)
            piece, view = view[:size], view[size:]
            try:
                self._feed(piece)
            except Refused as error:
                self._refuse(error.status)

    def _feed(self, piece: memoryview) -> None:
        before, message = self._body_bytes, self._messages
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:  # ignored: answered as plain HTTP
            pass
        except httptools.HttpParserError:
            raise Refused(self._wrong or 400) from None
        if self._messages != message:  # a message began or ended in this piece: count from the next one on
            return
        self._framing += len(piece) - (self._body_bytes - before)
        if self._framing > HEAD_BYTES_MAX + FRAMING_OF_BYTE * self._body_bytes:
            raise Refused(431)

    def _refuse(self, status: int) -> None:
        metrics.sent_away.labels(str(status)).inc()
        if self.is_idle:
            phrase = HTTPStatus(status).phrase
            head = f"HTTP/1.1 {status} {phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode("ascii"))
        self.transport.close()

    # -- callbacks of the parser --------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._is_in_head, self._is_body_over = True, False
        self._messages += 1
        self._framing = self._body_bytes = self._headers_bytes = 0
        if self._deadline is None:
            self._allow(HEAD_S)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers_bytes += len(name) + len(value)
        if len(self.headers) >= HEADERS_MAX or self._headers_bytes > HEAD_BYTES_MAX:
            self._wrong = 431
            raise Refused(431)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= PIPELINED_MAX:
            self._wrong = 429
            raise Refused(429)
        self._allow(None)
        self._is_in_head = False
        self.scope["state"][VISITOR] = self
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_head = self._is_body_over = True
        self._messages += 1
        self._framing = self._body_bytes = 0
        super().on_message_complete()
        if self.is_idle and not self.pipeline:  # the response ended before the body: uvicorn set no timeout
            self._allow(None)
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._is_body_over and not self.pipeline and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._allow(UNREAD_S)
        # a transport that is closed, too, waits without end for a client that does not read
        self._look_unsent_in(UNSENT_S if self.transport.get_write_buffer_size() else None)

    # -- time --------------------------------------------------------------------------------------------------

    def _allow(self, seconds: float | None) -> None:
        """Close the connection after *seconds* unless this is called again; ``None``: cancel the timeout."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self._too_late)

    def _look_unsent_in(self, seconds: float | None) -> None:
        """Close the connection after *seconds* if the client has not read all by then."""
        if self._unsent is not None:
            self._unsent.cancel()
        self._unsent = None if seconds is None else self.loop.call_later(seconds, self._look_unsent)

    def _look_unsent(self) -> None:
        if self.transport.get_write_buffer_size():
            metrics.sent_away.labels("slow").inc()
            self.transport.abort()

    def _too_late(self) -> None:
        metrics.sent_away.labels("late").inc()
        self.transport.abort()


def guarded(door: Door) -> type[Any]:
    """The protocol class of a server with this door."""
    return type("Guarded", (GuardedProtocol,), {"door": door})
