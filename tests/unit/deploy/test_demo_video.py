"""The demo's video system: real pictures by ffmpeg, nothing without the gateway's word, and nothing left when it ends."""

from __future__ import annotations

import http.client
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy.demo import footage
from deploy.demo.footage import CAMERAS_MAX, IDLE_S, Footage, command, drawing, lettered
from deploy.demo.video import DRAWING, NO_FFMPEG, TOO_MANY, Door, Server
from tests.living_city import wait_until

PATIENCE_S = 20.0
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg: apt-get install ffmpeg")


class _Gate(BaseHTTPRequestHandler):
    """A gateway's check that knows one ticket and the cookie that it gives for it."""

    def do_GET(self) -> None:
        asked = self.headers["X-Original-URI"]
        self.server.asked.append((self.path, asked, self.headers["Host"]))  # type: ignore[attr-defined]  # a list of ours on the server
        by_cookie = self.headers.get("Cookie") == "viewing=1"
        passes = by_cookie or "ticket=good" in asked
        self.send_response(204 if passes else 403)
        if passes and not by_cookie:
            self.send_header("Set-Cookie", "viewing=1; Path=/video/C-1")
        self.send_header("Content-Type", "application/problem+json")
        self.end_headers()
        if not passes:
            self.wfile.write(b'{"reason": "revoked"}')

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class System:
    server: Server
    gate: ThreadingHTTPServer
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.gate.server_port}"

    def get(self, path: str, **headers: str) -> tuple[int, bytes, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path, headers=headers)
            told = connection.getresponse()
            return told.status, told.read(), told.headers
        finally:
            connection.close()


@contextmanager
def system(folder: Path) -> Iterator[System]:
    gate = ThreadingHTTPServer(("127.0.0.1", 0), _Gate)
    door = Door(f"http://127.0.0.1:{gate.server_port}", "town")
    made = System(Server(0, door, Footage(folder, time.monotonic)), gate)
    gate.asked = made.asked  # type: ignore[attr-defined]  # a list of ours on the server
    for one in (gate, made.server):
        threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield made
    finally:
        made.server.footage.end()
        for one in (made.server, gate):
            one.shutdown()
            one.server_close()


def is_running(word: str) -> bool:
    """Whether a process has *word* among its arguments."""
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in one.read_bytes():
                return True
        except OSError:
            continue
    return False


@needs_ffmpeg
def test_a_picture_comes_by_ticket_and_goes_on_by_cookie_and_is_refused_without(tmp_path: Path) -> None:
    with system(tmp_path) as video:
        assert video.get("/video/C-1/index.m3u8")[0] == 403
        assert video.server.footage.cameras() == [], "it is drawn for nobody"
        status, playlist, about = video.get("/video/C-1/index.m3u8?ticket=good")
        assert status == 200
        assert about["Content-Type"] == "application/vnd.apple.mpegurl"
        assert about["Set-Cookie"].startswith("viewing=1")
        assert about["Cache-Control"] == "private, no-store"
        newest = [line for line in playlist.decode().splitlines() if line.endswith(".ts")][-1]
        status, segment, about = video.get(f"/video/C-1/{newest}", Cookie="viewing=1")
        assert (status, segment[:1], about["Content-Type"]) == (200, b"\x47", "video/mp2t")
        assert about["Set-Cookie"] is None
        status, body, _ = video.get(f"/video/C-1/{newest}")
        assert (status, body) == (403, b'{"reason": "revoked"}')
        own = f"127.0.0.1:{video.server.server_port}"
        assert video.asked[1] == ("/v1/town/tickets/check", "/video/C-1/index.m3u8?ticket=good", own)
        for path in ("/video/C-1/text", "/video/C-1/..%2f..%2fa.ts", "/video/C-1/none.ts"):
            assert video.get(path, Cookie="viewing=1")[0] == 404


def test_only_the_gateway_s_own_pages_may_read_it_by_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footage, "filming", lambda: None)
    with system(tmp_path) as video:
        path = "/video/C-1/index.m3u8?ticket=good"
        about = video.get(path, Origin=video.origin)[2]
        assert about["Access-Control-Allow-Origin"] == video.origin
        assert about["Access-Control-Allow-Credentials"] == "true"
        refused = video.get("/video/C-1/index.m3u8", Origin=video.origin)[2]
        assert refused["Access-Control-Allow-Origin"] == video.origin, "a script reads why"
        other = video.get(path, Origin="http://elsewhere.example")[2]
        assert other["Access-Control-Allow-Origin"] is None


def test_without_ffmpeg_a_drawing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footage, "filming", lambda: None)
    with system(tmp_path) as video:
        status, body, about = video.get("/video/%3Cb%3E/index.m3u8?ticket=good")
        assert (status, about["Content-Type"]) == (200, DRAWING)
        assert NO_FFMPEG in body.decode()
        assert "&lt;b&gt;" in body.decode()
    assert b"<b>" not in drawing("<b>", "why")


def test_a_gateway_that_does_not_answer_lets_nobody_in(tmp_path: Path) -> None:
    with system(tmp_path) as video:
        video.server.door.gateway = "http://127.0.0.1:1"
        assert video.get("/video/C-1/index.m3u8?ticket=good")[0] == 503
        assert video.server.footage.cameras() == []


@needs_ffmpeg
def test_so_many_at_once_and_each_ends_when_nobody_asks(tmp_path: Path) -> None:
    now = [100.0]
    films = Footage(tmp_path, lambda: now[0])
    try:
        folders = [films.folder_of(f"C-{number}") for number in range(CAMERAS_MAX)]
        assert None not in folders
        assert films.folder_of("C-more") is None
        now[0] += IDLE_S - 1
        assert films.folder_of("C-0") == folders[0]
        films.rest()
        assert len(films.cameras()) == CAMERAS_MAX
        now[0] += 1
        films.rest()
        assert films.cameras() == ["C-0"]
        assert not is_running(str(folders[1])), "ffmpeg goes on"
        assert not (folders[1] or tmp_path).exists()
        assert is_running(str(folders[0]))
        assert films.folder_of("C-more") is not None
    finally:
        films.end()
    assert not is_running(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_one_more_than_may_be_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Footage, "folder_of", lambda *_: None)
    monkeypatch.setattr(footage, "filming", lambda: ("ffmpeg", True))
    with system(tmp_path) as video:
        status, body, about = video.get("/video/C-1/index.m3u8?ticket=good")
        assert (status, about["Content-Type"]) == (503, DRAWING)
        assert TOO_MANY in body.decode()


@needs_ffmpeg
def test_ffmpeg_ends_with_whoever_started_it_however_that_ends(tmp_path: Path) -> None:
    begin = (
        "import sys, time; from pathlib import Path; from deploy.demo.footage import Footage;"
        "Footage(Path(sys.argv[1]), time.monotonic).folder_of('C-1'); print('made', flush=True); time.sleep(60)"
    )
    folder = tmp_path / "films"
    with subprocess.Popen([sys.executable, "-c", begin, str(folder)], stdout=subprocess.PIPE) as maker:
        assert maker.stdout is not None
        assert maker.stdout.readline() == b"made\n"
        wait_until(lambda: is_running(f"{next(folder.iterdir())}/index.m3u8"), PATIENCE_S, every_s=0.05)
        maker.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_running(str(folder)), PATIENCE_S, every_s=0.05)


def test_a_camera_s_name_writes_no_orders_for_ffmpeg(tmp_path: Path) -> None:
    assert lettered("%{pts}:'C\\-7'") == "__pts___C_-7_"
    assert lettered("둔산 7") == "둔산 7"
    assert "drawtext" not in " ".join(command("ffmpeg", tmp_path, writes=False))
