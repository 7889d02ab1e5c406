"""A real Prometheus over a running city: every panel of the dashboards has data, normal play is silent, faults ring."""

from __future__ import annotations

import http.server
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deploy.assembly.stages import free_port
from deploy.manifests.dashboards import CITY, DASHBOARDS
from deploy.settings import Endpoints
from schemas.catalogue import topic_name
from streams.runtime.clients import producer_of
from tests.integration.test_deploy_processes import rendered
from tests.living_city import LivingCity, wait_until
from tests.rendered import program_in, started

pytestmark = [pytest.mark.cluster]

CALM_S, SETTLED_S = float(os.environ.get("BONGSU_CALM_S", "300")), 90.0
"""``BONGSU_CALM_S=3600`` for a calm hour."""
AT_MOST = "30s"
LATER = {"sources: Set aside a minute, by topic", "sources: Error budget left of 30 days, by agency"}
"""Panels of what a calm city does not have, and of what is recorded every five minutes."""
SECRET = {"WATCHED_SECRET": "whsec_" + "QUJD" * 11}
RINGS_S = 200.0
MORE = """
[speed]
[gateway]
port = {port}
[deliver]
allow_hosts = ["127.0.0.1"]
[[subscription]]
name = "honest"
who = "desk"
sink = "webhook"
audience = "*"
contracts = ["core.alert"]
url = "http://127.0.0.1:{honest}/hook"
secrets = ["${{WATCHED_SECRET}}"]
[[subscription]]
name = "failing"
who = "desk"
sink = "webhook"
audience = "*"
contracts = ["core.alert"]
url = "http://127.0.0.1:{failing}/hook"
secrets = ["${{WATCHED_SECRET}}"]
"""


class Receiver(http.server.BaseHTTPRequestHandler):
    """A receiver of webhooks that answers with the *status* of its server."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)  # type: ignore[attr-defined]  # set below
        self.end_headers()

    def log_message(self, *_words: Any) -> None:
        pass


@contextmanager
def receiver() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.status = 204  # type: ignore[attr-defined]  # read by the handler
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class Prometheus:
    """Debian's Prometheus on the rendered settings, each second instead of each 15 s; no alarm waits longer than half a
    minute."""

    def __init__(self, folder: Path, settings: Path) -> None:
        program = shutil.which("prometheus")
        if program is None:
            pytest.skip("no prometheus here: apt-get install prometheus")
        whole = yaml.safe_load(settings.read_text("utf-8"))
        whole["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        rules = yaml.safe_load(settings.with_name("rules.yml").read_text("utf-8"))
        for one in rules["groups"][0]["rules"]:
            if "for" in one:
                one["for"] = AT_MOST
        folder.mkdir()
        (folder / "prometheus.yml").write_text(yaml.safe_dump(whole), "utf-8")
        (folder / "rules.yml").write_text(yaml.safe_dump(rules), "utf-8")
        self.url = f"http://127.0.0.1:{free_port()}"
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    program,
                    f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address={self.url.removeprefix('http://')}",
                ],
                stdout=log,
                stderr=log,
            )

    def samples(self, query: str) -> list[float]:
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": query}).json()
        assert answer["status"] == "success", f"{query}: {answer}"
        return [float(one["value"][1]) for one in answer["data"]["result"]]

    def ringing(self) -> set[str]:
        found = httpx.get(f"{self.url}/api/v1/alerts").json()["data"]["alerts"]
        return {one["labels"]["alertname"] for one in found if one["state"] == "firing"}


def without_data(prometheus: Prometheus, city: str) -> list[str]:
    """The panels whose query gives no number now."""
    return [
        f"{name}: {title}"
        for name, (_, panels) in DASHBOARDS.items()
        for title, query, _ in panels
        if not any(value == value for value in prometheus.samples(query.replace(CITY, city)))  # noqa: PLR0124 (NaN)
    ]


@pytest.mark.long
@pytest.mark.timeout(1_500 + CALM_S)
def test_every_panel_has_data_a_calm_city_is_silent_and_faults_ring(
    cluster: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRET.items():
        monkeypatch.setenv(name, value)
    with receiver() as honest, receiver() as failing:
        folder = tmp_path / "city"
        folder.mkdir()
        city = LivingCity(f"watched-{free_port()}", folder, cluster, of="demo")
        ports = {"honest": honest.server_port, "failing": failing.server_port, "port": free_port()}
        city.file.write_text(city.file.read_text("utf-8") + MORE.format(**ports), "utf-8")
        described = rendered(city, "systemd", program_in(tmp_path))
        found = [replace(one, environment={**one.environment, **SECRET}) for one in described]
        out = city.folder / "systemd"
        with started(found, city.folder, city.places, out / "etc" / "cities") as processes:
            key = city.bongsu(
                "key", "add", "112", "--city", str(city.file), "--source", "reports-push", "--subscribe"
            )
            door = Door(ports["port"], city.name, key.stdout.split()[-1])
            wait_until(door.is_open, 30, 0.5)
            prometheus = Prometheus(tmp_path / "prometheus", out / "prometheus.yml")
            try:
                watched(prometheus, city, door)
                failing.status = 410  # type: ignore[attr-defined]  # read by the handler
                faults(prometheus, cluster.kafka, door, processes, f"bongsu-{city.name}-speed.service")
                assert without_data(prometheus, city.name) == []
            finally:
                prometheus.process.terminate()
                prometheus.process.wait(30)


class Door:
    """The gateway as an agency uses it."""

    def __init__(self, port: int, city: str, key: str) -> None:
        self.city = city
        self._root = f"http://127.0.0.1:{port}/v1/{city}"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._number = 0

    def is_open(self) -> bool:
        return self.push() == 202

    def push(self, *, kind: str = "police.theft", **about: Any) -> int:
        self._number += 1
        event = {
            "agency": "112",
            "agency_case_no": f"W-{self._number}",
            "kind": kind,
            "kind_text": kind,
            "status": "open",
            "units": [],
            "revision": 1,
            "event_time": time.time_ns() // 1_000_000,
            "position": {"lat": 36.35, "lon": 127.38, "accuracy_m": 10.0},
            **about,
        }
        answer = httpx.post(f"{self._root}/sources/reports-push", json=event, headers=self._headers)
        return answer.status_code

    def read(self) -> None:
        httpx.get(f"{self._root}/situations", headers=self._headers).raise_for_status()


def watched(prometheus: Prometheus, city: LivingCity, door: Door) -> None:
    """Play for ``CALM_S``: in the end every panel has data, and no alarm rang after `SETTLED_S`."""
    begun, rang = time.monotonic(), dict[str, float]()
    while (passed := time.monotonic() - begun) < CALM_S:
        assert door.push() == 202
        door.read()
        if passed > SETTLED_S:
            rang |= dict.fromkeys(prometheus.ringing(), passed)
        time.sleep(1)
    print(f"calm for {CALM_S:.0f} s; rang: {rang}; without data: {without_data(prometheus, city.name)}")  # noqa: T201 (shown with -s)
    assert rang == {}
    assert set(without_data(prometheus, city.name)) <= LATER


def faults(prometheus: Prometheus, kafka: str, door: Door, processes: dict[str, Any], victim: str) -> None:
    """Cause faults one after the other, and wait for the alarm of each."""
    begun = time.monotonic()

    def rings(name: str, cause: Any = lambda: None) -> None:
        def is_ringing() -> bool:
            cause()
            return name in prometheus.ringing()

        wait_until(is_ringing, RINGS_S, 0.5)
        print(f"{name} rang {time.monotonic() - begun:.0f} s after the first fault")  # noqa: T201 (shown with -s)

    junk = producer_of({"bootstrap.servers": kafka})

    def spoil() -> None:
        junk.produce(topic_name(door.city, "fire.incident"), b"not a record", key=b"k")
        junk.flush(5)

    rings("RecordsSetAside", spoil)
    rings("KindsUnknown", lambda: door.push(kind="unknown"))
    rings("ReceiverDead")
    processes[victim].kill()
    rings("ProcessDown")
