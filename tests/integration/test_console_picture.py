"""A camera's picture in a real Chromium: the console's module, its policy, and the demo's video system at another port."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from connectors.sinks.console.console import pages, policy
from deploy.demo.footage import Footage
from deploy.demo.video import Door, Server
from tests.a_console import chromium

BEGIN = """async (video) => {
    await (await import("/console/words.js")).speak("en");
    const { play } = await import("/console/picture.js");
    const grant = { grant_id: "g-1", camera_id: "C-1", expires_at: new Date(Date.now() + 3_600_000).toISOString() };
    play({ name: "town", video }, grant, { camera_id: "C-1" }, document.createElement("button"));
}"""


class _Gateway(BaseHTTPRequestHandler):
    """The console's files with their policy, one ticket, and the check of it."""

    video = "'self'"
    is_over = False

    def do_GET(self) -> None:
        if self.path.endswith("/tickets/check"):
            by_cookie = self.headers.get("Cookie") == "viewing=1"
            passes = not self.is_over and (by_cookie or "ticket=good" in self.headers["X-Original-URI"])
            cookie = {"Set-Cookie": "viewing=1; Path=/video/C-1; HttpOnly; SameSite=Strict"}
            self._send(204 if passes else 403, b"", "text/plain", {} if by_cookie or not passes else cookie)
            return
        found = pages().get(self.path.removeprefix("/console/"))
        if found is None:
            self._send(200, b"<!doctype html><title>t</title>", "text/html")
        else:
            self._send(200, found.body, found.media_type)

    def do_POST(self) -> None:
        self._send(201, b'{"ticket": "good", "expires_in_s": 60, "replica": null}', "application/json")

    def _send(self, status: int, body: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        about = {"Content-Type": kind, "Content-Security-Policy": policy(video=self.video), **(more or {})}
        for name, value in about.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page(tmp_path: Path) -> Iterator[tuple[Page, str]]:
    """A page of the console's origin, and the address of a camera's picture at another."""
    _Gateway.is_over = False
    gate = ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    origin = f"http://127.0.0.1:{gate.server_port}"
    server = Server(0, Door(origin, "town"), Footage(tmp_path, time.monotonic))
    _Gateway.video = f"http://127.0.0.1:{server.server_port}"
    for one in (gate, server):
        threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True).start()
    try:
        with chromium() as browser:
            opened = browser.new_page()
            opened.goto(f"{origin}/console/")
            yield opened, f"{_Gateway.video}/video/{{camera}}/index.m3u8?ticket={{ticket}}"
    finally:
        server.footage.end()
        for one in (server, gate):
            one.shutdown()
            one.server_close()


def test_a_drawing_is_shown_where_no_picture_moves(
    page: tuple[Page, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Footage, "is_able", False)
    opened, video = page
    opened.evaluate(BEGIN, video)
    expect(opened.locator("dialog img")).to_be_visible()
    expect(opened.get_by_role("status")).to_contain_text("May be watched until")
