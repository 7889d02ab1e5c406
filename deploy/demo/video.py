"""The demo's video system, a process of its own: it asks the gateway's ticket check at each request, as nginx does.

Run by ``video_running``; it ends when its standard input ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.demo.footage import CAMERAS_MAX, PLAYLIST, Footage, drawing, has_begun

CHECK_S, FIRST_S, LOOK_S, REST_S = 5.0, 8.0, 0.03, 1.0
NO_FFMPEG = "no moving picture: ffmpeg is not installed"
TOO_MANY = f"at most {CAMERAS_MAX} pictures at once: close another"
TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t"}
DRAWING = "image/svg+xml"


def city_text(port: int) -> str:
    """The part of the city's file that names the system."""
    return f'[console]\nvideo = "http://127.0.0.1:{port}/video/{{camera}}/index.m3u8?ticket={{ticket}}"\n'


@contextmanager
def video_running(port: int, gateway: str, city: str, folder: Path, *, zone: str) -> Iterator[None]:
    """Run it at *port* of loopback, below *folder*. *gateway*: its address; it decides who sees what."""
    command = (sys.executable, "-m", "deploy.demo.video", str(port), gateway, city, str(folder), zone)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        process.communicate()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the check: a status, and what goes on to the browser."""

    status: int
    cookie: str | None = None
    body: bytes = b""
    media_type: str = "application/problem+json"

    @property
    def passes(self) -> bool:
        return self.status in (200, 204)


@dataclass(slots=True)
class Door:
    """The gateway's ticket check of *city*."""

    gateway: str
    city: str

    def ask(self, uri: str, host: str, cookie: str | None, viewer: str) -> Answer:
        """May *viewer* have *uri*? 503 where the gateway does not answer."""
        headers = {
            "Host": host,
            "X-Original-URI": uri,
            "X-Forwarded-Proto": "http",
            "X-Forwarded-For": viewer,
            **({"Cookie": cookie} if cookie else {}),
        }
        connection = HTTPConnection(urlsplit(self.gateway).netloc, timeout=CHECK_S)
        try:
            connection.request("GET", f"/v1/{self.city}/tickets/check", headers=headers)
            told = connection.getresponse()
            about = told.headers.get("Content-Type", "text/plain")
            return Answer(told.status, told.headers.get("Set-Cookie"), told.read(), about)
        except (OSError, HTTPException):
            return Answer(503, body=b"the gateway does not answer", media_type="text/plain")
        finally:
            connection.close()


class Server(ThreadingHTTPServer):
    """Answers with what *door* lets pass of *footage*, at *port* of loopback."""

    daemon_threads = True

    def __init__(self, port: int, door: Door, footage: Footage) -> None:
        self.door, self.footage, self.over = door, footage, threading.Event()
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    timeout = 30

    def do_GET(self) -> None:
        allowed = self.server.door.ask(
            self.path, self.headers.get("Host", ""), self.headers.get("Cookie"), self.client_address[0]
        )
        if not allowed.passes:
            self._send(allowed.status, allowed.body, allowed.media_type)
            return
        camera, _, name = urlsplit(self.path).path.removeprefix("/video/").partition("/")
        status, body, media_type = self._file(unquote(camera), unquote(name))
        self._send(status, body, media_type, allowed.cookie)

    def _file(self, camera: str, name: str) -> tuple[int, bytes, str]:
        media_type = TYPES.get(Path(name).suffix)
        if media_type is None or "/" in name or not camera:
            return 404, b"no such file", "text/plain"
        footage = self.server.footage
        if not footage.is_able:
            return 200, drawing(camera, NO_FFMPEG), DRAWING
        folder = footage.folder_of(camera)
        if folder is None:
            return 503, drawing(camera, TOO_MANY), DRAWING
        if name == PLAYLIST:
            until_s = time.monotonic() + FIRST_S
            while (
                not has_begun(folder / name) and time.monotonic() < until_s and not self.server.over.is_set()
            ):
                time.sleep(LOOK_S)
        try:
            return 200, (folder / name).read_bytes(), media_type
        except OSError:
            return 404, b"no such file", "text/plain"

    def _send(self, status: int, body: bytes, media_type: str, cookie: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "private, no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Vary", "Origin")
        if self.headers.get("Origin") == self.server.door.gateway:
            # a player in script reads it, with the cookie of the viewing
            self.send_header("Access-Control-Allow-Origin", self.server.door.gateway)
            self.send_header("Access-Control-Allow-Credentials", "true")
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a ticket stands in each address."""


def main() -> None:
    port, gateway, city, folder, zone = sys.argv[1:]
    footage = Footage(Path(folder), time.monotonic, zone=zone)
    server = Server(int(port), Door(gateway, city), footage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=_rest, args=(server,), daemon=True).start()
    try:
        while os.read(sys.stdin.fileno(), 4096):
            pass
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        footage.end()


def _rest(server: Server) -> None:
    while not server.over.wait(REST_S):
        server.footage.rest()


if __name__ == "__main__":
    main()
