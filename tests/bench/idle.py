"""A city in which nothing happens: its processes, their memory and their processor time, beside a running neighbour.

Memory is PSS: a page that several processes share counts in equal parts. Both cities run from this folder's code, so the
neighbour shares the libraries' pages as a second city of a real machine does.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from deploy.assembly.child import worker_running
from deploy.assembly.stages import free_port
from deploy.city.city import load_city
from deploy.platform import Platform
from deploy.topics import ensure_topics
from schemas.errors import Fatal
from tests.bench.bench_city import remove_topics
from tests.bench.machine import described

PSS_MB, CORE_PERCENT = 250.0, 2.0
READY_S, SETTLE_S = 90.0, 20.0
CITY = """
name = "{name}"
timezone = "Etc/UTC"
law = "us"
[bounds]
south = 0
west = 0
north = 60
east = 60
[gateway]
port = {port}
[match]
[[rule]]
name = "joint-incident"
[[source]]
name = "reports"
type = "city_events"
contract = "fire.incident"
push = true
[[source]]
name = "seen"
type = "city_events"
contract = "cctv.detection"
push = true
"""


@dataclass(frozen=True, slots=True)
class Load:
    """Nothing, for *seconds*, after the start has settled."""

    seconds: float = 60.0


@dataclass(slots=True)
class Figures:
    """*pss_mb*: by process. *percent*: of one core, by process; *threads*: those that took time, in percent by name."""

    pss_mb: list[float] = field(default_factory=list)
    percent: list[float] = field(default_factory=list)
    threads: dict[str, float] = field(default_factory=dict)

    @property
    def meets_targets(self) -> bool:
        return sum(self.pss_mb) <= PSS_MB and sum(self.percent) <= CORE_PERCENT


def measure(platform: Platform, load: Load) -> Figures:
    with ExitStack() as stack:
        for _ in range(2):
            _name, file, port = stack.enter_context(_city(platform))
            before = set(psutil.Process().children())
            stack.enter_context(worker_running(load_city(file)))
            (worker,) = set(psutil.Process().children()) - before
            _wait(port)
        return _measured(worker, load)


def _measured(worker: psutil.Process, load: Load) -> Figures:
    time.sleep(SETTLE_S)
    processes = [worker, *worker.children(recursive=True)]
    begun, busy, threads = time.monotonic(), [_busy_s(one) for one in processes], _threads(processes)
    time.sleep(load.seconds)
    took = time.monotonic() - begun
    later = _threads(processes)
    percent = {name: 100 * (at - threads.get(name, 0.0)) / took for name, at in later.items()}
    return Figures(
        [pss_mb(one) for one in processes],
        [100 * (_busy_s(one) - was) / took for one, was in zip(processes, busy, strict=True)],
        {name: value for name, value in percent.items() if value >= 0.005},
    )


def _busy_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _threads(processes: Sequence[psutil.Process]) -> Counter[str]:
    """Processor seconds by place of the process and name of the thread."""
    found: Counter[str] = Counter()
    for number, process in enumerate(processes):
        for thread in process.threads():
            try:
                name = Path(f"/proc/{process.pid}/task/{thread.id}/comm").read_text("utf-8").strip()
            except OSError:  # it ended
                continue
            found[f"{number} {name}"] += thread.user_time + thread.system_time
    return found


def pss_mb(process: psutil.Process) -> float:
    told = Path(f"/proc/{process.pid}/smaps_rollup").read_text("utf-8")
    found = re.search(r"^Pss:\s+(\d+) kB", told, re.MULTILINE)
    if found is None:
        raise Fatal("this system does not tell PSS")
    return int(found[1]) / 1024


@contextmanager
def _city(platform: Platform) -> Iterator[tuple[str, str, int]]:
    name, port = f"idle-{uuid4().hex[:8]}", free_port()
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as folder:
        file = Path(folder) / f"{name}.toml"
        file.write_text(CITY.format(name=name, port=port), encoding="utf-8")
        ensure_topics(platform.kafka, [name])
        try:
            yield name, str(file), port
        finally:
            remove_topics(platform, name)


def _wait(port: int) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise Fatal(f"the city was not ready within {READY_S:.0f} s")


def surroundings(load: Load) -> dict[str, Any]:
    """The machine and settings, reported beside the figures."""
    return {
        "benchmark": "idle",
        **described(),
        "seconds": load.seconds,
    }


def shown(figures: Figures) -> dict[str, Any]:
    return {
        "processes": len(figures.pss_mb),
        "PSS, MB": round(sum(figures.pss_mb), 1),
        "PSS of each, MB": {str(number): round(one, 1) for number, one in enumerate(figures.pss_mb)},
        "percent of a core": round(sum(figures.percent), 2),
        "percent of each": {str(number): round(one, 2) for number, one in enumerate(figures.percent)},
        "busiest threads": {
            name: round(value, 2)
            for name, value in sorted(figures.threads.items(), key=lambda one: -one[1])[:12]
        },
    }
