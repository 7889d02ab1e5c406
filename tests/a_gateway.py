"""A city with pushed sources: its file, its gateway as a process, and an agency that pushes until it gets 2xx."""

from __future__ import annotations

import http.client
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import orjson

from deploy.assembly.stages import free_port
from tests.living_city import LivingCity, end, wait_until

READY_S = 30.0
HEARD_S = 120.0
EVENT_MS = 1_780_000_000_000

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
[[source]]
name = "reports"
type = "city_events"
contract = "police.incident"
push = true
[[source]]
name = "cameras"
type = "city_events"
contract = "cctv.detection"
push = true
[[source]]
name = "metadata"
type = "onvif_metadata"
push = true
camera_id = "C-1"
[source.cameras.C-1]
lat = 36.5
lon = 127.5
[[source]]
name = "plates"
type = "axis_plates"
push = true
camera_id = "C-1"
key = "${{PLATE_KEY}}"
[source.cameras.C-1]
lat = 36.5
lon = 127.5
[[source]]
name = "rows"
type = "mapped_rows"
push = true
domain = "fire"
agency = "119"
format = "csv"
encoding = "cp949"
[source.columns]
case_no = "no"
time = "time"
kind_text = "what"
lat = "lat"
lon = "lon"
[[rule]]
name = "joint-incident"
"""
PLATE_KEY = "a key of more than sixteen bytes"


@dataclass
class PushedCity:
    """*city* under its own name; ``start`` and ``kill`` its gateway as often as needed."""

    city: LivingCity
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    form: str = FILE
    environment: dict[str, str] = field(default_factory=dict)
    stage: str = "gateway"

    def __post_init__(self) -> None:
        if self.stage == "gateway":
            text = self.form.format(name=self.city.name, port=self.port)
            self.city.file.write_text(text, encoding="utf-8")

    def key(self, *options: str) -> str:
        done = self.city.bongsu("key", "add", "police", "--city", str(self.city.file), *options)
        return done.stdout.strip()

    def start(self, log: Path | None = None) -> None:
        os.environ.setdefault("PLATE_KEY", PLATE_KEY)
        with (log or self.city.folder / "gateway.log").open("ab") as errors:
            words = ("run", str(self.city.file), "--stage", self.stage, "--web-port", str(self.port))
            process = self.city.start(*words, environment=self.environment, stderr=errors)
        self.process = process
        wait_until(lambda: self.status("GET", "/readyz") == 200 or process.poll() is not None, READY_S)
        assert process.poll() is None, (self.city.folder / "gateway.log").read_text()

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None:
            end(self.process)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def status(self, method: str, path: str) -> int | None:
        try:
            return self.ask(method, path)[0]
        except OSError:
            return None

    def push(self, key: str, source: str, value: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        body = value if isinstance(value, bytes) else orjson.dumps(value)
        path = f"/v1/{self.city.name}/sources/{source}"
        sent = {"content_type": "application/json", "authorization": f"Bearer {key}", **headers}
        status, answer = self.ask("POST", path, body, **sent)
        return status, orjson.loads(answer)

    def act(
        self, key: str, situation_id: str, action: str, *, reason: str = "seen on the camera", **about: Any
    ) -> tuple[int, dict[str, Any]]:
        """An operator's request; ``idempotency_key="…"`` beside the fields of its body."""
        sent = {"content_type": "application/json", "authorization": f"Bearer {key}"}
        if (word := about.pop("idempotency_key", None)) is not None:
            sent["idempotency_key"] = word
        body = orjson.dumps({"action": action, "reason": reason, **about})
        path = f"/v1/{self.city.name}/situations/{situation_id}/actions"
        status, answer = self.ask("POST", path, body, **sent)
        return status, orjson.loads(answer)

    def user(self, name: str, role: str) -> str:
        """A user's key."""
        done = self.city.bongsu("user", "add", name, "--role", role, "--city", str(self.city.file))
        return done.stdout.strip()

    def readiness(self) -> tuple[int, dict[str, Any]]:
        """The status and body of ``/readyz``."""
        status, told = self.ask("GET", "/readyz")
        return status, orjson.loads(told)

    def waiting(self) -> int:
        """The number of pushes in the spool."""
        _, told = self.readiness()
        return sum(one["pushes"] for one in told["sources"].values())


@dataclass
class Agency:
    """Pushes its reports, each again until it is answered with 2xx; *acknowledged* are the case numbers."""

    gateway: PushedCity
    key: str
    batches: Sequence[Sequence[dict[str, Any]]]
    pause_s: float = 0.0
    begun: float | None = None
    """Of an agency that keeps a rate: batch number N is due ``N * pause_s`` after that moment (``monotonic``)."""
    acknowledged: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._push_all)
        self.thread.start()

    def _push_all(self) -> None:
        for number, batch in enumerate(self.batches):
            if self.begun is not None:
                sleep(max(0.0, self.begun + number * self.pause_s - monotonic()))
            end_at = monotonic() + HEARD_S
            while not self._push(batch) and monotonic() < end_at:
                sleep(0.05)
            if self.begun is None:
                sleep(self.pause_s)

    def _push(self, batch: Sequence[dict[str, Any]]) -> bool:
        try:
            status, _ = self.gateway.push(self.key, "reports", list(batch))
        except (OSError, http.client.HTTPException) as error:
            self.answers[type(error).__name__] += 1
            return False
        self.answers[str(status)] += 1
        if status == 202:
            self.acknowledged += [one["agency_case_no"] for one in batch]
        return status == 202


def reports(who: str, count: int) -> list[dict[str, Any]]:
    """*count* reports of that agency's, each with a case number of its own."""
    return [
        {
            "agency": "police",
            "agency_case_no": f"{who}-{number}",
            "kind": "theft",
            "kind_text": "절도",
            "status": "open",
            "units": [],
            "revision": 1,
            "event_time": EVENT_MS + number,
            "position": {"lat": 36.5, "lon": 127.5},
        }
        for number in range(count)
    ]


def in_batches(whole: Sequence[dict[str, Any]], size: int) -> list[Sequence[dict[str, Any]]]:
    return [whole[start : start + size] for start in range(0, len(whole), size)]
