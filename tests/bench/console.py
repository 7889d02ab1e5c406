"""The console in one Chromium: from an accepted incident to its row and its sign, and the time that its thread is blocked.

Run by ``python -m tests.bench.console``; needs the local cluster and Chromium. Browser, city and cluster share the machine.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from deploy.settings import endpoints
from tests.a_console import ConsoleCity, Person, chromium
from tests.living_city import LivingCity, wait_until

INCIDENTS = 50
OPEN, CHANGES_PER_S, CHANGING_S = 500, 20, 30
SHOWN = "() => [document.querySelector('.map').dataset.signs, document.querySelectorAll('.row').length].map(Number)"
LONG_TASKS = """() => {
    window.blocked = [];
    new PerformanceObserver((list) => list.getEntries().forEach((one) => window.blocked.push(one.duration)))
        .observe({ type: "longtask", buffered: false });
}"""


def main() -> None:
    places = endpoints()
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as folder, chromium() as browser:
        city = ConsoleCity(LivingCity(f"bench-console-{int(time.time())}", Path(folder), places))
        with city.running():
            person = Person(browser, city)
            person.sign_in("desk-1")
            delays = [one_incident(city, person, number) for number in range(INCIDENTS)]
            print(f"accepted → on the map, ms: {said(delays)}")  # noqa: T201 (a benchmark's result)
            blocked = changing(city, person)
            print(f"long tasks, {OPEN} open, {CHANGES_PER_S} changes a second: {said(blocked)}")  # noqa: T201 (the result)
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


def changing(city: ConsoleCity, person: Person) -> list[float]:
    """The long tasks of the page, in ms, while the open situations change."""
    for number in range(INCIDENTS, OPEN):
        city.push("reports", f"B-{number}", "crash.vehicle", place(number))
    wait_until(lambda: person.page.evaluate(SHOWN)[0] >= OPEN, 120, 0.5)
    person.page.evaluate(LONG_TASKS)
    chance, begun = Random(1), time.monotonic()
    for turn in range(CHANGES_PER_S * CHANGING_S):
        number = chance.randrange(OPEN)
        about: dict[str, Any] = {"revision": 2 + turn, "status": chance.choice(["dispatched", "arrived"])}
        city.push("reports", f"B-{number}", "crash.vehicle", place(number), **about)
        time.sleep(max(0.0, begun + (turn + 1) / CHANGES_PER_S - time.monotonic()))
    blocked: list[float] = person.page.evaluate("() => window.blocked")
    return blocked


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
