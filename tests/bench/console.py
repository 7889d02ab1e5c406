"""The console in one Chromium: from an accepted incident to row, sign and picture, and the time that its thread is blocked.

Run by ``python -m tests.bench.console``; needs the local cluster and Chromium. Browser, city and cluster share the machine.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import psutil
from playwright.sync_api import Browser

from deploy.settings import endpoints
from tests.a_console import ConsoleCity, Person, chromium
from tests.a_picture import PictureCity, picture_city
from tests.bench.machine import stolen_percent
from tests.living_city import wait_until

INCIDENTS = 50
PICTURES, PAUSE_S = (
    5,
    7.0,
)  # the demo's video system ends a picture 20 s after it was asked for, and makes four at once
OPEN, CHANGES_PER_S, CHANGING_S = 500, 20, 30
CLIENTS, SETTLE_S = 19, 5.0
CHANCE, REVISIONS = Random(1), count(2)
SHOWN = "() => [document.querySelector('.map').dataset.signs, document.querySelectorAll('.row').length].map(Number)"
LONG_TASKS = """() => {
    window.blocked = [];
    new PerformanceObserver((list) => list.getEntries().forEach((one) => window.blocked.push(one.duration)))
        .observe({ type: "longtask", buffered: false });
}"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as folder, chromium() as browser:
        name = f"bench-console-{int(time.time())}"
        with picture_city(name, Path(folder), endpoints()) as video:
            measure(video, browser)


def measure(video: PictureCity, browser: Browser) -> None:
    city = video.city
    person = Person(browser, city)
    person.sign_in("desk-1")
    delays = [one_incident(city, person, number) for number in range(INCIDENTS)]
    print(f"accepted → on the map, ms: {said(delays)}", flush=True)  # noqa: T201 (a benchmark's result)
    pictures = [first_picture(video, person, number) for number in range(PICTURES)]
    print(f"first picture: accepted → playing, one click, ms: {said(pictures)}", flush=True)  # noqa: T201 (the result)
    fill_up(city, person)
    alone = Changes.of(city, person)
    with clients(city) as counted:
        beside = Changes.of(city, person)
    more = (beside.cpu_percent - alone.cpu_percent) / CLIENTS
    result = [
        f"{OPEN} open, {CHANGES_PER_S} changes a second, long tasks: {said(alone.blocked)}",
        f"the same beside {CLIENTS} clients: {said(beside.blocked)}",
        f"server, % of a core: {alone.cpu_percent:.1f} with one, {more:.2f} more for each client",
        f"events of each client: {min(counted)} to {max(counted)}; stolen {stolen_percent()} %",
    ]
    print("\n".join(result))  # noqa: T201 (a benchmark's result)
    person.close()


def one_incident(city: ConsoleCity, person: Person, number: int) -> float:
    """Milliseconds from the gateway's answer until list and map show one more."""
    before = person.page.evaluate(SHOWN)
    city.push("reports", f"B-{number}", "crash.vehicle", place(number))
    accepted = time.perf_counter()

    def is_shown() -> bool:
        return all(now > was for now, was in zip(person.page.evaluate(SHOWN), before, strict=True))

    wait_until(is_shown, 20, 0.01)
    return (time.perf_counter() - accepted) * 1_000


def first_picture(video: PictureCity, person: Person, number: int) -> float:
    """Milliseconds from the gateway's answer until the nearest camera plays: found, clicked and seen."""
    about: dict[str, Any] = {"status": "dispatched", "units": ["unit-1"]}
    cameras = video.city.read("cameras?near=36.35,127.38&radius_m=5000&limit=500")["cameras"]
    beside = cameras[number * len(cameras) // PICTURES]["camera"]["position"]
    video.city.push("calls", f"V-{number}", "fire.building", (beside["lat"], beside["lon"]), **about)
    accepted = time.perf_counter()
    video.begin(person, f"V-{number}")
    taken = (time.perf_counter() - accepted) * 1_000
    person.page.keyboard.press("Escape")
    person.page.get_by_role("searchbox").fill("")
    time.sleep(PAUSE_S)
    return taken


def fill_up(city: ConsoleCity, person: Person) -> None:
    for number in range(INCIDENTS, OPEN):
        city.push("reports", f"B-{number}", "crash.vehicle", place(number))
    wait_until(lambda: person.page.evaluate(SHOWN)[0] >= OPEN, 120, 0.5)
    person.page.evaluate(LONG_TASKS)


@dataclass(frozen=True, slots=True)
class Changes:
    """A while of changes. *blocked*: the page's long tasks, ms; *cpu_percent*: of a core, by the city's processes."""

    blocked: list[float]
    cpu_percent: float

    @classmethod
    def of(cls, city: ConsoleCity, person: Person) -> Changes:
        """Let the open situations change, and measure."""
        person.page.evaluate("() => { window.blocked.length = 0; }")
        before, begun = cpu_s(city), time.monotonic()
        for turn in range(CHANGES_PER_S * CHANGING_S):
            number = CHANCE.randrange(OPEN)
            about: dict[str, Any] = {
                "revision": next(REVISIONS),
                "status": CHANCE.choice(["dispatched", "arrived"]),
            }
            city.push("reports", f"B-{number}", "crash.vehicle", place(number), **about)
            time.sleep(max(0.0, begun + (turn + 1) / CHANGES_PER_S - time.monotonic()))
        passed = time.monotonic() - begun
        return cls(person.page.evaluate("() => window.blocked"), 100 * (cpu_s(city) - before) / passed)


def cpu_s(city: ConsoleCity) -> float:
    """The processor time of the city's processes."""
    ours = psutil.Process().children(recursive=True)
    its = [one for one in ours if str(city.city.file) in one.cmdline() and "run" in one.cmdline()]
    return sum(sum(one.cpu_times()[:2]) for one in its)


@contextmanager
def clients(city: ConsoleCity) -> Iterator[list[int]]:
    """``CLIENTS`` more clients in a process of their own. The list has the events of each one afterwards."""
    words = (city.url, city.city.name, city.users["desk-2"], str(CLIENTS))
    program = [sys.executable, "-m", "tests.bench.console_clients", *words]
    found: list[int] = []
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        time.sleep(SETTLE_S)
        yield found
        told, _ = running.communicate()
        found += map(int, told.split())


def place(number: int) -> tuple[float, float]:
    """A place of its own, some 550 m from the next: no two incidents are one happening."""
    row, column = divmod(number, 27)
    return 36.285 + row * 0.007, 127.305 + column * 0.0057


def said(values: Sequence[float]) -> str:
    if not values:
        return "none"
    ordered = sorted(values)
    return f"{len(values)}, p50 {ordered[len(ordered) // 2]:.0f}, longest {ordered[-1]:.0f}"


if __name__ == "__main__":
    main()
