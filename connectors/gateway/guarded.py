"""HTTP on the wire, bounded: how long a request's head may be, how soon it must be there, what may follow it unasked.

uvicorn bounds none of this: a head may take for ever and any size, its time for idle connections ends with the first byte of
the next request, and its bound on connections refuses whoever comes last. httptools puts a header together piece by piece,
which takes the square of its length, so a head is counted before it is parsed.
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
"""From the first byte of a request, or the connection's beginning, to the head's end."""
UNREAD_S = 2.0
"""How long a body may go on that was answered before it was read: who sends it should hear why."""
PIPELINED_MAX = 16
FRAMING_OF_BYTE = 8
"""Bytes that each byte of a chunked body may take beside itself."""
VISITOR = "visitor"
"""The connection's name in the state of a request's scope."""


class Refused(Exception):
    """The request cannot be: the status that says so."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class GuardedProtocol(HttpToolsProtocol):
    """A connection that may not take more than its share. ``door`` is the server's (``guarded``)."""

    door: Door

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self._deadline: asyncio.TimerHandle | None = None
        self._is_in_head = True
        self._is_body_over = True
        self._framing = self._body_bytes = self._headers_bytes = self._messages = 0
        self._wrong = 0
        self.door.come(self)
        self._allow(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self.door.leave(self)
        self._allow(None)
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def know(self, account_id: str) -> bool:
        """A request of this connection bears a good key: whether there is room for one more of that account."""
        return self.door.know(self, account_id)

    def send_away(self) -> None:
        metrics.sent_away.labels("too many").inc()
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
        except httptools.HttpParserUpgrade:  # nothing else is spoken here: the request is answered as it is
            pass
        except httptools.HttpParserError:
            raise Refused(self._wrong or 400) from None
        if self._messages != message:  # one began or ended in it: counted from the next piece on
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

    # -- what the parser found ---------------------------------------------------------------------------------

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
        if self.is_idle and not self.pipeline:  # it was answered before it was read
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

    # -- time --------------------------------------------------------------------------------------------------

    def _allow(self, seconds: float | None) -> None:
        """The connection ends in so many seconds, unless something happens; ``None``: it does not."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        metrics.sent_away.labels("late").inc()
        self.transport.abort()


def guarded(door: Door) -> type[Any]:
    """The protocol of a server with this door."""
    return type("Guarded", (GuardedProtocol,), {"door": door})
