"""Real video by ticket: ffmpeg makes HLS, nginx serves it behind the real gateway, and the picture stops with the grant."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.gateway.chain import Audit, anchor_from_json, verified
from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from tests.a_gateway import PushedCity
from tests.a_grant import plant_grant
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parents[2]
SEEN_S = 20.0
STOPS_S = 5.0
CAMERA = "C-1"
FILE = """
name = "{name}"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 36.0
west = 127.0
north = 37.0
east = 128.0
[gateway]
port = {port}
ticket_s = TICKET_S
[[source]]
name = "reports"
type = "city_events"
contract = "police.incident"
push = true
"""
NGINX = """
USER
daemon off;
pid PID;
error_log ERRORS;
events {}
http {
    access_log off;
    types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; }
    client_body_temp_path TEMP; proxy_temp_path TEMP; fastcgi_temp_path TEMP; uwsgi_temp_path TEMP; scgi_temp_path TEMP;
    server {
        listen 127.0.0.1:PORT;
LOCATIONS
    }
}
"""


@dataclass
class Video:
    """A running gateway, an nginx before a folder of HLS, and an ffmpeg that fills it."""

    gateway: PushedCity
    folder: Path
    ticket_s: int
    key: str = ""
    port: int = field(default_factory=free_port)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def city(self) -> LivingCity:
        return self.gateway.city

    def grant(
        self, grant_id: str, *, camera: str = CAMERA, for_s: float = 600, revision: int = 1, **about: Any
    ) -> None:
        plant_grant(self.city, grant_id, camera=camera, for_s=for_s, revision=revision, **about)

    def revoke(self, grant_id: str) -> None:
        self.grant(grant_id, revision=2, revoked_at=int(time.time() * 1000))

    def redeem(self, grant_id: str) -> tuple[int, dict[str, Any]]:
        path = f"/v1/{self.city.name}/grants/{grant_id}/access"
        status, told = self.gateway.ask("POST", path, authorization=f"Bearer {self.key}")
        return status, orjson.loads(told)

    def ticket(self, grant_id: str) -> str:
        """A ticket, as soon as the gateway knows the grant."""
        found: list[str] = []

        def redeemed() -> bool:
            status, told = self.redeem(grant_id)
            found.extend([told["ticket"]] if status == 201 else [])
            return bool(found)

        wait_until(redeemed, SEEN_S, every_s=0.1)
        return found[0]

    def get(self, path: str, cookie: str | None = None) -> tuple[int, bytes, str | None]:
        """Status, body and cookie of a request to nginx."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            made = answer.headers.get("Set-Cookie")
            return answer.status, answer.read(), made.partition(";")[0] if made else None
        finally:
            connection.close()

    def records(self) -> list[dict[str, Any]]:
        return self.city.values("core.access")

    def start_nginx(self) -> None:
        page = (ROOT / "deploy" / "examples" / "video.md").read_text(encoding="utf-8")
        (locations,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
        place = {"FOLDER": str(self.folder / "video"), "GATEWAY": f"127.0.0.1:{self.gateway.port}"}
        text = NGINX.replace("LOCATIONS", locations)
        for word, value in {
            **place,
            "CITY": self.city.name,
            "PORT": str(self.port),
            "PID": str(self.folder / "nginx.pid"),
            "ERRORS": str(self.folder / "nginx.log"),
            "TEMP": str(self.folder / "temp"),
            # of root's nginx the workers are another user, whom the test's folder is closed to
            "USER": "user root;" if os.getuid() == 0 else "",
        }.items():
            text = re.sub(rf"\b{word}\b", value, text)
        (self.folder / "nginx.conf").write_text(text, encoding="utf-8")
        self._run("nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"))
        wait_until(self.answers, SEEN_S, every_s=0.05)

    def answers(self) -> bool:
        try:
            return self.get("/") is not None
        except OSError:
            return False

    def start_ffmpeg(self) -> Path:
        """A live test picture with the camera's name, in segments of a second."""
        folder = self.folder / "video" / CAMERA
        folder.mkdir(parents=True)
        self._run(
            "ffmpeg", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=5",
            "-metadata", f"title={CAMERA}", "-c:v", "mpeg2video", "-g", "5", "-f", "hls", "-hls_time", "1",
            "-hls_list_size", "4", "-hls_flags", "delete_segments", str(folder / "index.m3u8"),
        )  # fmt: skip
        wait_until((folder / "index.m3u8").is_file, SEEN_S, every_s=0.1)
        return folder

    def _run(self, *command: str) -> None:
        with (self.folder / f"{command[0]}.out").open("wb") as out:
            self.running.append(subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL))

    def end(self) -> None:
        for one in self.running:
            one.send_signal(signal.SIGTERM)
        for one in self.running:
            one.wait(10)
        self.gateway.stop()


@contextmanager
def running(cluster: Endpoints, name: str, folder: Path, *, ticket_s: int) -> Iterator[Video]:
    for tool in ("nginx", "ffmpeg"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}: apt-get install nginx-light ffmpeg")
    form = FILE.replace("TICKET_S", str(ticket_s))
    made = Video(PushedCity(LivingCity(name, folder, cluster), form=form), folder, ticket_s)
    try:
        done = made.city.bongsu("key", "add", "119", "--subscribe", "--city", str(made.city.file))
        made.key = done.stdout.strip()
        made.gateway.start()
        made.start_ffmpeg()
        made.start_nginx()
        yield made
    finally:
        made.end()
        made.city.remove()


@pytest.fixture(scope="module")
def video(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Video]:
    with running(cluster, "picture", tmp_path_factory.mktemp("video"), ticket_s=4) as made:
        yield made


def plays(video: Video, cookie: str) -> bool:
    """Whether the playlist and its newest segment come, and the segment is video (MPEG-TS)."""
    status, playlist, _ = video.get(f"/video/{CAMERA}/index.m3u8", cookie)
    if status != 200:
        return False
    newest = [line for line in playlist.decode().splitlines() if line.endswith(".ts")][-1]
    status, segment, _ = video.get(f"/video/{CAMERA}/{newest}", cookie)
    return status == 200 and segment[:1] == b"\x47"


def show(video: Video) -> None:
    """Play past the ticket, revoke the grant, and see the picture stop."""
    video.grant("g-1")
    ticket = video.ticket("g-1")
    assert video.get(f"/video/{CAMERA}/index.m3u8")[0] == 401
    status, _, cookie = video.get(f"/video/{CAMERA}/index.m3u8?ticket={ticket}")
    assert status == 200, video.records()
    assert cookie is not None
    over_at = time.monotonic() + video.ticket_s
    assert video.get(f"/video/{CAMERA}/index.m3u8?ticket={ticket}")[0] == 403, "a second browser"
    assert video.get("/video/C-2/index.m3u8", cookie)[0] == 403, "another camera"
    while time.monotonic() < over_at + 0.5:
        assert plays(video, cookie)
        time.sleep(0.5)
    video.revoke("g-1")
    revoked_at = time.monotonic()
    wait_until(lambda: video.get(f"/video/{CAMERA}/index.m3u8", cookie)[0] == 403, STOPS_S, every_s=0.1)
    assert time.monotonic() - revoked_at < STOPS_S
    assert not plays(video, cookie)
    wait_until(lambda: any(one["act"] == "ended" for one in video.records()), SEEN_S, every_s=0.2)
    told = [(one["act"], one["reason"]) for one in video.records() if one["grant_id"] == "g-1"]
    assert told[0] == ("redeemed", None)
    assert told.count(("first_use", None)) == told.count(("ended", "revoked")) == 1
    assert {("refused", "used"), ("refused", "other_camera"), ("refused", "revoked")} <= set(told)


def test_the_picture_plays_past_its_ticket_and_stops_with_the_grant(video: Video) -> None:
    show(video)


@pytest.mark.long
def test_the_picture_plays_past_a_ticket_of_sixty_seconds(cluster: Endpoints, tmp_path: Path) -> None:
    with running(cluster, "picture-long", tmp_path, ticket_s=60) as made:
        show(made)


def test_a_killed_gateway_forgets_no_used_ticket_and_its_chain_goes_on(video: Video) -> None:
    video.grant("g-2")
    ticket, unused = video.ticket("g-2"), video.ticket("g-2")
    cookie = video.get(f"/video/{CAMERA}/index.m3u8?ticket={ticket}")[2]
    assert cookie is not None
    before = video.records()
    video.gateway.kill()
    video.gateway.start()
    wait_until(lambda: plays(video, cookie or ""), SEEN_S, every_s=0.1)
    assert video.get(f"/video/{CAMERA}/index.m3u8?ticket={ticket}")[0] == 403
    video.get(f"/video/{CAMERA}/index.m3u8?ticket={unused}")
    video.revoke("g-2")
    wait_until(lambda: video.get(f"/video/{CAMERA}/index.m3u8", cookie)[0] == 403, STOPS_S, every_s=0.1)
    wait_until(
        lambda: any((one["act"], one["grant_id"]) == ("ended", "g-2") for one in video.records()),
        SEEN_S,
        every_s=0.2,
    )
    after = video.records()
    assert after[: len(before)] == before
    assert [one["sequence"] for one in after] == list(range(1, len(after) + 1))
    uses = [one["ticket_hash"] for one in after if one["act"] == "first_use"]
    assert len(uses) == len(set(uses)), "a ticket was used twice"
    made = {one["ticket_hash"] for one in after if one["act"] == "redeemed"}
    assert set(uses) <= made, "a viewing without its ticket's record"


def test_the_audit_holds_and_finds_what_is_cut_off(video: Video) -> None:
    file = str(video.city.file)
    anchor = video.folder / "anchor.json"
    text = video.city.bongsu("audit", "anchor", file).stdout.encode()
    known = anchor_from_json(text, video.city.name)
    assert verified((("", one) for one in video.records()), Audit(known)) == []
    told = orjson.loads(text)
    (writer,) = told["writers"].values()
    writer["sequence"] += 1
    anchor.write_bytes(orjson.dumps(told))
    found = video.city.bongsu("audit", "verify", file, "--anchor", str(anchor), code=1)
    assert "cut off" in found.stdout
