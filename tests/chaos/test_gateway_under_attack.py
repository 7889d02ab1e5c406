"""Strangers and another agency attack the gateway, from other addresses and from the honest agency's own. The honest agency
gets its responses in time, loses nothing, and memory stays bounded.

The short variant runs in CI, the long one with ``-m long``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import psutil
import pytest

from deploy.settings import Endpoints
from tests.a_gateway import EVENT_MS, PushedCity
from tests.living_city import ROOT, LivingCity, wait_until

pytestmark = pytest.mark.cluster

P99_S_MAX = 1.0
MEMORY_MAX = 250 << 20
DRAINED_S = 120.0
OTHERS, OWN = ("2", "50"), ("1", "1")


@pytest.fixture
def city(cluster: Endpoints, tmp_path: Path) -> Iterator[PushedCity]:
    made = PushedCity(LivingCity("attacked", tmp_path, cluster))
    try:
        yield made
    finally:
        made.stop()
        made.city.remove()


class Honest:
    """An agency that pushes one sight after another, each on its own connection. Records times and the gateway's memory."""

    def __init__(self, city: PushedCity, key: str) -> None:
        self.took_s: list[float] = []
        self.failed: list[str] = []
        self.peak = 0
        self._city, self._key = city, key
        self._ends = threading.Event()
        assert city.process is not None
        self._process = psutil.Process(city.process.pid)
        self._thread = threading.Thread(target=self._push_all)
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        self._thread.join()

    @property
    def p99_s(self) -> float:
        return sorted(self.took_s)[int(len(self.took_s) * 0.99)]

    def _push_all(self) -> None:
        while not self._ends.is_set():
            seen = {"camera_id": "C-1", "label": "person", "confidence": 0.5}
            seen |= {"event_time": EVENT_MS + len(self.took_s), "position": {"lat": 36.5, "lon": 127.5}}
            begun = monotonic()
            try:
                status, _ = self._city.push(self._key, "cameras", seen)
            except OSError as error:
                self.failed.append(type(error).__name__)
                continue
            self.took_s.append(monotonic() - begun)
            if status != 202:
                self.failed.append(str(status))
            self.peak = max(self.peak, self._process.memory_info().rss)
            self._ends.wait(0.02)


def attacked(city: PushedCity, *, silent: int, head_bytes: int, bodies: int) -> None:
    honest_key, keys = city.key("--source", "cameras"), [city.key(), city.key()]
    city.start()
    for first, last in (OTHERS, OWN):
        honest = Honest(city, honest_key)
        words = [
            str(city.port),
            city.city.name,
            *keys,
            first,
            last,
            str(silent),
            str(head_bytes),
            str(bodies),
        ]
        attack = subprocess.run(
            [sys.executable, "-m", "tests.attackers", *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        honest.end()
        seen = (
            f"from 127.0.0.{first}-{last}: {len(honest.took_s)} pushes, p99 {honest.p99_s:.3f} s, slowest "
            f"{max(honest.took_s):.3f} s, failed {honest.failed[:5]}, memory {honest.peak >> 20} MiB, load "
            f"{os.getloadavg()[0]:.1f}, attackers {attack.stdout.strip()}"
        )
        print(seen)
        assert not honest.failed, seen
        assert honest.p99_s <= P99_S_MAX, seen
        assert honest.peak <= MEMORY_MAX, seen
        acknowledged = len(honest.took_s)
        wait_until(lambda: city.waiting() == 0, DRAINED_S)
        times = {one["event_time"] for one in city.city.values("cctv.detection")}
        assert times >= {EVENT_MS + number for number in range(acknowledged)}, (
            "something acknowledged was lost"
        )
    assert "Traceback" not in (city.city.folder / "gateway.log").read_text()


def test_an_honest_agency_is_heard_under_a_short_attack(city: PushedCity) -> None:
    attacked(city, silent=300, head_bytes=4 << 20, bodies=25)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_an_honest_agency_is_heard_under_attack(city: PushedCity) -> None:
    attacked(city, silent=2_000, head_bytes=100 << 20, bodies=10_000)
