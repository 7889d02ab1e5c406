"""A case opened over millions of past sightings beside live cases: seconds to its first candidates; the live ones' delay.

``python -m tests.bench.persons_back`` (a cluster is up) writes the past, starts the stage as its own process, lets live
cases run, opens a case over the whole town and past, and prints both. A case is told of a candidate at the tick of its
next ranking, so a delay has up to ``--rank-s`` and a second in it by design.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from deploy.platform import Platform, reach
from deploy.topics import ensure_topics
from schemas.errors import Fatal
from tests.bench.machine import described, stolen_percent
from tests.bench.match import remove
from tests.bench.persons_run import PersonsRun, now, p99_of
from tests.bench.persons_town import EAST, NORTH, SOUTH, WANTED, WEST, MadeCase, Sightings, a_town, looks_of
from tests.person_town import HOUR_MS

MINUTE_MS = 60_000
HALF_DEG = 0.012
"""Half the side of a live case's area, in degrees."""
NEAR_M = 1_200.0
WARM_S, AFTER_S = 5, 3
PLANTED = 400
"""Sightings of the opened case's person in the past."""


@dataclass(slots=True)
class BackLoad:
    """*live*: cases that are open before; *planted*: of each of their persons, sightings a second."""

    past: int = 10_000_000
    hours: float = 3.0
    live: int = 4
    rate: int = 200
    planted: int = 2
    before_s: int = 15
    wait_s: int = 120
    rank_s: float = 1.0


@dataclass(slots=True)
class BackFigures:
    """Seconds, and (how many, median, 99th percentile) of the live cases' delays."""

    first_s: float = 0.0
    told: int = 0
    before: tuple[int, float, float] = (0, 0.0, 0.0)
    during: tuple[int, float, float] = (0, 0.0, 0.0)
    written_s: float = 0.0
    cpu_s: float = 0.0
    publisher_late_s: float = 0.0
    log: list[str] = field(default_factory=list)


def cases_of(load: BackLoad, base_ms: int) -> list[MadeCase]:
    """The live cases, each in an area of its own, and last the case over the whole town and past."""
    random, found = Random(5), []
    for number in range(load.live):
        lat, lon = SOUTH + 0.03 + 0.03 * number, WEST + 0.03 + 0.03 * number
        words = looks_of(random)
        area = (lat - HALF_DEG, lon - HALF_DEG, lat + HALF_DEG, lon + HALF_DEG)
        begun = base_ms - 10 * MINUTE_MS
        looks = {name: words[name] for name in WANTED}
        found.append(MadeCase(f"live-{number}", looks, (lat, lon), begun, begun, area))
    looks = {
        "sex": "male",
        "age_band": "old",
        "hair": "short",
        "upper_colour": "red",
        "lower_colour": "green",
        "hat": "yes",
    }
    begun = base_ms - round(load.hours * HOUR_MS)
    middle = ((SOUTH + NORTH) / 2, (WEST + EAST) / 2)
    return [*found, MadeCase("opened", looks, middle, base_ms - 40 * MINUTE_MS, begun)]


def measure(platform: Platform, load: BackLoad, tell: Any = lambda _: None) -> BackFigures:
    """Measure one run. ``Fatal`` where the opened case is told of nothing in time."""
    base_ms = now()
    cases = cases_of(load, base_ms)
    town = a_town(cases, platform.wire, near_m=NEAR_M)
    ensure_topics(platform.kafka, [town.city])
    figures = BackFigures()
    try:
        with tempfile.TemporaryDirectory(prefix="persons-") as folder:
            run = PersonsRun(platform, town, Path(folder), rank_s=load.rank_s)
            run.prepare()
            tell(f"writing {load.past:,} past sightings")
            began = time.monotonic()
            _write(run, load, cases[-1], base_ms)
            run.count_as_taken()
            figures.written_s = time.monotonic() - began
            _live(run, load, cases, figures, tell)
    finally:
        remove(platform, town.city)
    return figures


def _write(run: PersonsRun, load: BackLoad, case: MadeCase, base_ms: int) -> None:
    random, step = np.random.default_rng(3), 1_000_000
    since = base_ms - round(load.hours * HOUR_MS)
    for first in range(0, load.past, step):
        numbers = np.arange(first, min(load.past, first + step))
        many = run.town.crowd(random, first, since + numbers * (base_ms - since) // load.past)
        rows = np.flatnonzero(many.at_ms >= case.seen_ms)
        share = PLANTED * len(rows) // max(1, load.past * 40 // round(load.hours * 60))
        run.town.plant(random, many, case, random.choice(rows, min(share, len(rows)), replace=False))
        run.write(many)


def _live(run: PersonsRun, load: BackLoad, cases: list[MadeCase], figures: BackFigures, tell: Any) -> None:
    random, live, until_ms = np.random.default_rng(4), cases[:-1], now() + HOUR_MS
    for case in live:
        run.open_case(case, until_ms=until_ms)
    run.tick()
    turn = opened_at = first_at = begun_at = 0.0
    told_at = begin = 0
    per_slice = load.rate // 20

    def plant(many: Sightings) -> None:
        nonlocal turn
        turn += load.planted * len(live) / 20
        rows = random.choice(per_slice, min(per_slice, int(turn)), replace=False)
        turn -= len(rows)
        for row in rows.tolist():
            case = live[int(random.integers(0, len(live)))]
            run.town.plant(random, many, case, np.array([row]))

    def each(second: int) -> bool:
        nonlocal opened_at, first_at, told_at, begin, begun_at
        if not begun_at:
            if all(run.told_of(case.case_id) for case in live):
                begun_at, begin = (
                    time.time(),
                    second + WARM_S,
                )  # by the clock: a publisher that is late catches up
            return second > load.wait_s
        if not opened_at and time.time() >= begun_at + WARM_S + load.before_s:
            tell("opening the case")
            opened_at = run.open_case(cases[-1], until_ms=until_ms)
        if opened_at and not first_at and run.told_of(cases[-1].case_id):
            first_at, told_at = time.time(), second
        waited = second - begin - load.before_s
        return bool(first_at and second >= told_at + AFTER_S) or waited > load.wait_s

    with run.stage():
        run.flow(load.rate, 10 * load.wait_s, plant, each, first=load.past)
        figures.cpu_s = run.cpu()
        time.sleep(1 + load.rank_s)
        figures.log = [one for one in (run.folder / "log").read_text().splitlines() if " INFO " not in one]
    _judge(run, load, begun_at + WARM_S, opened_at, figures)


def _judge(run: PersonsRun, load: BackLoad, since: float, opened_at: float, figures: BackFigures) -> None:
    sent = run.all_sent()
    sent_at = dict(zip(sent.number.tolist(), (sent.at_ms / 1000).tolist(), strict=True))
    rows = run.rows()
    its = [at for at, row in rows if row["case_id"] == "opened"]
    if not its:
        raise Fatal(f"void: the opened case was told of nothing in {load.wait_s} s: {figures.log[-3:]}")
    figures.first_s, figures.told = its[0] - opened_at, sum(at <= its[0] + 0.5 for at in its)
    before, during = [], []
    for at, row in rows:
        made = sent_at.get(int(row["sighting_id"], 16))
        if row["case_id"] == "opened" or row["revision"] or made is None or at < since:
            continue
        if at < opened_at:
            before.append(at - made)
        elif made >= opened_at and made < its[0]:
            during.append(at - made)
    figures.before, figures.during = p99_of(before), p99_of(during)
    figures.publisher_late_s = run.late_s


def shown(figures: BackFigures) -> str:
    """The figures in words."""
    lines = [
        f"past written in {figures.written_s:.0f} s; the publisher at most {figures.publisher_late_s:.2f} s late",
        f"first candidates ({figures.told} within half a second) after {figures.first_s:.1f} s (bar 30)",
    ]
    for name in ("before", "during"):
        count, middle, p99 = getattr(figures, name)
        lines.append(f"live cases {name}: {count} candidates, p50 {middle:.2f} s, p99 {p99:.2f} s")
    lines.append(f"the stage's processor seconds: {figures.cpu_s:.1f}; stolen: {stolen_percent()} %")
    return "\n".join([*lines, *figures.log])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    usual = BackLoad()
    parser.add_argument("--past", type=int, default=usual.past)
    parser.add_argument("--live", type=int, default=usual.live, help="live cases")
    parser.add_argument("--rate", type=int, default=usual.rate, help="live sightings a second")
    parser.add_argument("--rank-s", type=float, default=usual.rank_s)
    asked = parser.parse_args()

    def say(what: object) -> None:
        sys.stdout.write(f"{what}\n")
        sys.stdout.flush()

    say(described())
    load = BackLoad(past=asked.past, live=asked.live, rate=asked.rate, rank_s=asked.rank_s)
    say(shown(measure(reach(), load, say)))


if __name__ == "__main__":
    main()
