"""A real HTTP server on loopback whose responses a check or a test sets."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class WebAnswer:
    """The next response, and the requests seen."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    asked: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    requests: list[dict[str, str]] = field(default_factory=list)
    pages: dict[str, bytes] = field(default_factory=dict)
    """Path → body, for several pages; *body* for all others."""
    paths: list[str] = field(default_factory=list)
    page_headers: dict[str, dict[str, str]] = field(default_factory=dict)
    """Path → headers of that page alone."""
    statuses: dict[str, int] = field(default_factory=dict)
    """Path → status, where it is another than *status*."""


@contextmanager
def a_web_server() -> Iterator[WebAnswer]:
    told = WebAnswer()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.requests.append(dict(self.headers))
            told.paths.append(self.path)
            told.asked.set()
            if told.hangs:
                self.rfile.read(1)  # returns when the client closes the connection
                told.left.set()
                return
            headers = {**told.headers, **told.page_headers.get(self.path, {})}
            status = told.statuses.get(self.path, told.status)
            if "ETag" in headers and self.headers.get("If-None-Match") == headers["ETag"]:
                status = 304
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            body = b"" if status == 304 else told.pages.get(self.path, told.body)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as above)
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/list"
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
