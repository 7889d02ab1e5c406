"""A camera's picture in a real Chromium: the console's module, its policy, and the demo's video system at another port."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from connectors.sinks.console.console import HLS, pages, policy
from deploy.demo import footage
from deploy.demo.footage import Footage
from deploy.demo.video import Door, Server
from tests.living_city import wait_until

BEGIN = """async ([video, has_hls]) => {
    await (await import("/console/words.js")).speak("en");
    const { play } = await import("/console/picture.js");
    const grant = { grant_id: "g-1", camera_id: "C-1", expires_at: new Date(Date.now() + 3_600_000).toISOString() };
    play({ name: "town", video, has_hls }, grant, { camera_id: "C-1" }, document.createElement("button"));
}"""
END = """async () => {
    (await import("/console/picture.js")).stopEnded([{ grant_id: "g-1", revoked_at: new Date().toISOString() }]);
}"""
PLAYED_S = "() => document.querySelector('dialog video')?.currentTime ?? 0"
BY_SCRIPT = "() => document.querySelector('dialog video').src.startsWith('blob:')"
PLAYS_NO_HLS = "HTMLMediaElement.prototype.canPlayType = () => ''"
PATIENCE_S = 30.0
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg: apt-get install ffmpeg")


class _Gateway(BaseHTTPRequestHandler):
    """The console's files with their policy, one ticket, and the check of it."""

    video = "'self'"
    is_over = False
    hls: bytes | None = None

    def do_GET(self) -> None:
        if self.path.endswith("/tickets/check"):
            by_cookie = self.headers.get("Cookie") == "viewing=1"
            passes = not self.is_over and (by_cookie or "ticket=good" in self.headers["X-Original-URI"])
            cookie = {"Set-Cookie": "viewing=1; Path=/video/C-1; HttpOnly; SameSite=Strict"}
            self._send(204 if passes else 403, b"", "text/plain", {} if by_cookie or not passes else cookie)
            return
        if self.hls is not None and self.path == f"/console/{HLS}":
            self._send(200, self.hls, "text/javascript")
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
        rules = policy(video=self.video, has_hls=self.hls is not None)
        about = {"Content-Type": kind, "Content-Security-Policy": rules, **(more or {})}
        for name, value in about.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page(tmp_path: Path, browser: Browser) -> Iterator[tuple[Page, str]]:
    """A page of the console's origin, and the address of a camera's picture at another."""
    _Gateway.is_over, _Gateway.hls = False, None
    gate = ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    origin = f"http://127.0.0.1:{gate.server_port}"
    server = Server(0, Door(origin, "town"), Footage(tmp_path, time.monotonic))
    _Gateway.video = f"http://127.0.0.1:{server.server_port}"
    for one in (gate, server):
        threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True).start()
    context = browser.new_context()
    try:
        opened = context.new_page()
        opened.goto(f"{origin}/console/")
        yield opened, f"{_Gateway.video}/video/{{camera}}/index.m3u8?ticket={{ticket}}"
    finally:
        context.close()
        server.footage.end()
        for one in (server, gate):
            one.shutdown()
            one.server_close()


def _wait_until_it_plays_on(opened: Page) -> None:
    wait_until(lambda: opened.evaluate(PLAYED_S) > 0, PATIENCE_S, 0.02)
    wait_until(lambda: opened.evaluate(PLAYED_S) > footage.BEGIN + 0.5, PATIENCE_S, 0.05)


@needs_ffmpeg
def test_a_picture_of_another_port_plays_on_and_stops_with_its_grant(page: tuple[Page, str]) -> None:
    opened, video = page
    opened.evaluate(BEGIN, [video, False])
    _wait_until_it_plays_on(opened)
    status = opened.get_by_role("status")
    expect(status).to_contain_text("May be watched until")
    opened.evaluate(END)
    expect(status).to_contain_text("The leave to watch is over")
    expect(opened.locator("video")).to_have_count(0)


@needs_ffmpeg
def test_a_camera_that_begins_only_now_is_asked_again(
    page: tuple[Page, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footage, "BEGIN", 0)  # a list of one segment, as video systems make it at first
    opened, video = page
    opened.evaluate(BEGIN, [video, False])
    expect(opened.locator("dialog img")).to_be_attached()  # the browser failed at it
    _wait_until_it_plays_on(opened)


def test_a_drawing_is_shown_where_no_picture_moves(
    page: tuple[Page, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Footage, "is_able", False)
    opened, video = page
    opened.evaluate(BEGIN, [video, False])
    expect(opened.locator("dialog img")).to_be_visible()
    expect(opened.get_by_role("status")).to_contain_text("May be watched until")


def test_a_refused_picture_is_told_in_words(page: tuple[Page, str]) -> None:
    opened, video = page
    _Gateway.is_over = True
    opened.evaluate(BEGIN, [video, False])
    expect(opened.get_by_role("status")).to_contain_text("gives no picture", timeout=PATIENCE_S * 1000)


@pytest.fixture(scope="module")
def hls_script(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The script of npm's hls.js, as a city has it from there."""
    folder = tmp_path_factory.mktemp("npm")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm here: apt-get install npm")
    told = subprocess.run((npm, "pack", "hls.js"), cwd=folder, capture_output=True, check=False)
    if told.returncode:
        pytest.skip("npm gives no hls.js here")
    with tarfile.open(next(folder.glob("hls.js-*.tgz"))) as packed:
        script = packed.extractfile("package/dist/hls.min.js")
        assert script is not None
        return script.read()


@pytest.mark.long
@needs_ffmpeg
@pytest.mark.parametrize("plays_hls", [False, True])
def test_hls_js_plays_where_a_browser_does_not(
    page: tuple[Page, str], hls_script: bytes, plays_hls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, video = page
    _Gateway.hls = hls_script
    heard: list[str] = []
    opened.on("console", lambda said: heard.append(said.text) if said.type == "error" else None)
    if plays_hls:
        monkeypatch.setattr(footage, "BEGIN", 0)  # and fails at a list of one segment
    else:
        opened.add_init_script(PLAYS_NO_HLS)
    opened.reload()
    opened.evaluate(BEGIN, [video, True])
    _wait_until_it_plays_on(opened)
    assert opened.evaluate(BY_SCRIPT)
    opened.evaluate(END)
    expect(opened.get_by_role("status")).to_contain_text("The leave to watch is over")
    assert heard == []
