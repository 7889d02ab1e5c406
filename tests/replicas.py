"""Two replicas of a city's gateway with one key, and Debian's nginx before them as its page says."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from tests.a_gateway import PushedCity
from tests.living_city import LivingCity, end, wait_until

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("gateway-0", "gateway-1")
SHARED_KEY = bytes(range(64, 96)).hex()
READY_S = 20.0
NGINX = """
USER
daemon off;
pid nginx.pid;
error_log nginx.log;
events {}
http {
    access_log off;
    client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
MAPS
    server {
        listen 127.0.0.1:PORT;
VIDEO
LOCATIONS
    }
}
"""


@dataclass
class Replicas:
    """*gateways*: one for each of ``NAMES``, on one city and in one home."""

    city: LivingCity
    gateways: list[PushedCity] = field(init=False)
    proxy_port: int = field(default_factory=free_port)
    nginx: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.gateways = [
            PushedCity(self.city, environment={"BONGSU_REPLICA": name, "BONGSU_SHARED_KEY": SHARED_KEY})
            for name in NAMES
        ]

    def log(self, number: int) -> Path:
        return self.city.folder / f"{NAMES[number]}.log"

    def start(self) -> None:
        with ThreadPoolExecutor(len(NAMES)) as pool:
            list(pool.map(lambda number: self.gateways[number].start(self.log(number)), range(len(NAMES))))

    def start_proxy(self) -> None:
        folder = self.city.folder
        blocks = _blocks("replicas.md")
        video, _, _ = _blocks("video.md")[0].partition("location = /ticket")
        text = NGINX.replace("MAPS", blocks[0]).replace("LOCATIONS", blocks[1]).replace("VIDEO", video)
        values = {f"GATEWAY_{number}": f"127.0.0.1:{one.port}" for number, one in enumerate(self.gateways)}
        values |= {"CITY": self.city.name, "PORT": str(self.proxy_port), "FOLDER": str(folder / "video")}
        # of root's nginx the workers are another user, whom the test's folder is closed to
        values["USER"] = "user root;" if os.getuid() == 0 else ""
        for word, value in values.items():
            text = re.sub(rf"\b{word}\b", value, text)
        (folder / "nginx.conf").write_text(text, encoding="utf-8")
        with (folder / "nginx.out").open("wb") as out:
            command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
            self.nginx = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        wait_until(self._answers, READY_S, every_s=0.05)

    def _answers(self) -> bool:
        try:
            return self.ask("GET", "/") is not None
        except OSError:
            return False

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        """The answer of the proxy, read to its end."""
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy_port, timeout=30)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            answer.body = answer.read()  # type: ignore[attr-defined]  # kept for the caller beside its status
            return answer
        finally:
            connection.close()

    def push(self, key: str, value: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        """A push through the proxy."""
        sent = {"content_type": "application/json", "authorization": f"Bearer {key}", **headers}
        answer = self.ask("POST", f"/v1/{self.city.name}/sources/reports", orjson.dumps(value), **sent)
        return answer.status, orjson.loads(answer.body)  # type: ignore[attr-defined]  # set by `ask`

    def end(self) -> None:
        if self.nginx is not None:
            end(self.nginx)
        for one in self.gateways:
            one.stop()
        self.city.remove()


def replicas_of(cluster: Endpoints, name: str, folder: Path) -> Replicas:
    if shutil.which("nginx") is None:
        pytest.skip("no nginx: apt-get install nginx-light")
    return Replicas(LivingCity(name, folder, cluster))


def _blocks(page: str) -> list[str]:
    text = (ROOT / "deploy" / "examples" / page).read_text(encoding="utf-8")
    return re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
