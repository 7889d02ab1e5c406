"""Receivers on this machine, to which the checks let a sink deliver: an HTTP server for a sink with a ``url``, a file for
one with a ``path``. A sink of another kind brings its own.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from connectors.base import Delivery


class Receiver(Protocol):
    """An outside system. *settings* lead to it, *secret* stands in them and must be told to nobody."""

    settings: dict[str, Any]
    allow_hosts: tuple[str, ...]
    secret: str

    def received(self) -> list[bytes]:
        """All that it took, each delivery with its id and body, in order."""

    def fail(self) -> None:
        """Take nothing until it is healed, as a system that is down for a while."""

    def refuse_us(self) -> None:
        """Take nothing, and say that it never will."""

    def heal(self) -> None: ...

    def refuse(self, event: Delivery) -> Delivery:
        """*event*, so made or remembered that this receiver never takes it."""


Opened = Callable[[], AbstractContextManager[Receiver]]


@dataclass(frozen=True, slots=True)
class Post:
    """One request: its path, its headers in lower case, and its body."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class WebReceiver:
    """An HTTP server that takes POST. *hangs*: it reads the request and never answers; *endless*: its body has no end."""

    settings: dict[str, Any]
    port: int
    secret: str = "k3y-in-the-query"  # noqa: S105 (invented)
    allow_hosts: tuple[str, ...] = ("127.0.0.1",)
    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    endless: bool = False
    asked: list[Post] = field(default_factory=list)
    taken: list[Post] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    sent_bytes: int = 0
    was_asked: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def received(self) -> list[bytes]:
        return [" ".join(one.headers.values()).encode() + b"\n" + one.body for one in self.taken]

    def fail(self) -> None:
        self.status, self.headers = 503, {"Retry-After": "7"}

    def refuse_us(self) -> None:
        self.status = 401

    def heal(self) -> None:
        self.status, self.headers, self.hangs, self.endless = 204, {}, False, False

    def refuse(self, event: Delivery) -> Delivery:
        self.refused.add(event.event_id)
        return event

    def status_of(self, asked: Post) -> int:
        told = " ".join(asked.headers.values()) + asked.body.decode("utf-8", "replace")
        return 422 if any(one in told for one in self.refused) else self.status


@contextmanager
def a_web_receiver(
    address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[WebReceiver]:
    """A receiver at a loopback *address*, with a secret in the query of its address."""
    server = ThreadingHTTPServer((address, port), BaseHTTPRequestHandler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    one = WebReceiver({}, server.server_port)
    one.settings["url"] = f"http{'s' if tls else ''}://{address}:{one.port}/hook?key={one.secret}"
    server.RequestHandlerClass = _handler(one)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield one
    finally:
        one.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(one: WebReceiver) -> type[BaseHTTPRequestHandler]:
    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            asked = Post(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            one.asked.append(asked)
            one.was_asked.set()
            if one.hangs:
                one.ended.wait(60)
                self.close_connection = True
                return
            status = one.status_of(asked)
            if 200 <= status < 300:
                one.taken.append(asked)
            self.send_response(status)
            for name, value in one.headers.items():
                self.send_header(name, value)
            if one.endless:
                self._without_end()
                return
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _without_end(self) -> None:
            self.send_header("Content-Length", str(2**30))
            self.end_headers()
            self.close_connection = True
            block = b"x" * 65_536
            try:
                while one.sent_bytes < 2**30 and not one.ended.is_set():
                    one.sent_bytes += self.connection.send(block)
            except OSError:
                return

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the parent's name)
            """Print nothing."""

    return Answer


@dataclass
class FileReceiver:
    """A file in a folder of its own. Its path tells no secret; the bodies are none of anybody's either."""

    path: Path
    settings: dict[str, Any]
    allow_hosts: tuple[str, ...] = ()
    secret: str = ""

    def received(self) -> list[bytes]:
        return self.path.read_bytes().splitlines() if self.path.is_file() else []

    def fail(self) -> None:
        """Put a disk in its place that is full."""
        self.path.symlink_to("/dev/full")

    def refuse_us(self) -> None:
        self.path.mkdir()

    def heal(self) -> None:
        if self.path.is_symlink():
            self.path.unlink()

    def refuse(self, event: Delivery) -> Delivery:
        return replace(event, body=event.body[:-1])


@contextmanager
def a_file_receiver() -> Iterator[FileReceiver]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "delivered"
        yield FileReceiver(path, {"path": str(path)})
