"""Receivers of webhooks on ports of this machine, good and bad ones, all served by one thread."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from standardwebhooks.webhooks import Webhook as Checker

SECRET = "whsec_" + base64.b64encode(b"receivers-of-a-test " * 2).decode()
REASONS = {200: "OK", 307: "Temporary Redirect", 500: "Internal Server Error"}
GIGABYTE = 1 << 30
A_PART = b"x" * 65_536


@dataclass(frozen=True, slots=True)
class Got:
    """One delivery that the receiver took, and the wall's time at which it had it."""

    event_id: str
    key: str
    revision: int
    at_s: float


@dataclass
class WebhookReceiver:
    """A receiver that answers each request as ``answer(number)`` says: a status, ``hang`` or ``flood``.

    *keeps_all*: whether it keeps what it answers 500, as one that fails after it stored it. ``flood`` is a yes with a body
    of 1 GB.
    """

    answer: Callable[[int], int | str] = lambda _number: 200
    keeps_all: bool = False
    port: int = 0
    got: list[Got] = field(default_factory=list)
    asked: int = 0
    connected: int = 0
    sent_bytes: int = 0
    faults: list[str] = field(default_factory=list)
    redirects_to: str = ""
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def begin(self) -> None:
        """Listen: at the same port again where it had one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected += 1
        self._open.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                headers = _headers(head)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.asked += 1
                await self._reply(writer, self.answer(self.asked), headers, body)
        self._open.discard(writer)
        writer.transport.abort()

    async def _reply(
        self, writer: asyncio.StreamWriter, answer: int | str, headers: dict[str, str], body: bytes
    ) -> None:
        if answer == "hang":
            await asyncio.sleep(3_600)
        if answer in (200, "flood") or (answer == 500 and self.keeps_all):
            self._take(headers, body)
        if answer == "flood":
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {GIGABYTE}\r\n\r\n".encode())
            for _ in range(GIGABYTE // len(A_PART)):
                writer.write(A_PART)
                await writer.drain()
                self.sent_bytes += len(A_PART)
            return
        status = int(answer)
        more = f"location: {self.redirects_to}\r\n" if status == 307 else ""
        writer.write(f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-length: 0\r\n{more}\r\n".encode())
        await writer.drain()

    def _take(self, headers: dict[str, str], body: bytes) -> None:
        """Keep the delivery, if its signature is right; its time is that of its arrival."""
        at_s = time.time()
        try:
            Checker(SECRET).verify(body, headers)
        except Exception as error:
            self.faults.append(f"{type(error).__name__}: {error}")
            return
        event = orjson.loads(body)
        if event["id"] != headers["webhook-id"]:
            self.faults.append(f"the header says {headers['webhook-id']}, the event {event['id']}")
        data = event["data"]
        self.got.append(Got(event["id"], data["situation_id"], data["revision"], at_s))


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (one.split(":", 1) for one in lines if ":" in one)
    return {name.strip().lower(): value.strip() for name, value in pairs}


class Streets:
    """The thread in which receivers are served."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="receivers", daemon=True)
        self._all: list[WebhookReceiver] = []

    def open(self, one: WebhookReceiver) -> WebhookReceiver:
        self._all.append(one)
        self.revive(one)
        return one

    def revive(self, one: WebhookReceiver) -> None:
        self._do(one.begin())

    def kill(self, one: WebhookReceiver) -> None:
        self._do(one.die())

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        for one in self._all:
            self._do(one.die())
        self._do(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


async def _cancel_all() -> None:
    tasks = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
    for one in tasks:
        one.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # their transports close in the loop's next turn


@contextmanager
def streets() -> Iterator[Streets]:
    made = Streets()
    made.start()
    try:
        yield made
    finally:
        made.end()


def a_dead_port() -> int:
    """A port at which nobody listens now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def missing(got: Sequence[Got], wanted: Collection[tuple[str, int, str]]) -> set[tuple[str, int, str]]:
    """The (situation, revision, event's id) of *wanted* that *got* has not; a repeat under another id counts as strange."""
    had = {(one.key, one.revision, one.event_id) for one in got}
    assert had <= set(wanted), f"strange deliveries: {sorted(had - set(wanted))[:5]}"
    return set(wanted) - had


def out_of_order(got: Sequence[Got]) -> list[str]:
    """Situations of which a revision came before an earlier one had come once."""
    newest: dict[str, int] = defaultdict(int)
    found = []
    for one in got:
        if one.revision > newest[one.key] + 1:
            found.append(f"{one.key}: {one.revision} after {newest[one.key]}")
        newest[one.key] = max(newest[one.key], one.revision)
    return found
