"""Ten cases over a whole town under 15,000 sightings a second: the stage of missing persons alone on one core.

``python -m tests.bench.persons_flow`` (a cluster is up) pins the stage to the last core, the broker and this process to the
others. A run is void unless the candidates are those of a plain search, and each revision was told once; with ``--kill`` the
stage is killed (-9) at half time, and started again.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import numpy as np

from deploy.platform import Platform, reach
from deploy.topics import ensure_topics
from schemas.errors import Fatal
from streams.persons.analytic_table import ATTRIBUTES, AnalyticTable, usual_table, words_of_attribute
from tests.bench.machine import described, stolen_percent
from tests.bench.match import core_for_worker, remove
from tests.bench.persons_run import PersonsRun, now, p99_of
from tests.bench.persons_town import EAST, NORTH, SOUTH, WANTED, WEST, MadeCase, Sightings, a_town, looks_of
from tests.person_town import HOUR_MS

DRAIN_S, NEAR_M, SEEN_MS = 60.0, 5_000.0, 20 * 60_000
"""A case's person was seen so long before; those who look the same are at cameras so near, some of them out of reach."""
FLOOR, APART, RAREST = 5.0, 0.05, 1e-3
"""The least log ratio of looks that is taken, the room around it, and the largest share of passers-by of a case's words."""


@dataclass(slots=True)
class FlowLoad:
    """*planted*: sightings a second of people who look like one of the sought."""

    rate: int = 15_000
    seconds: int = 60
    cases: int = 10
    planted: int = 10
    rank_s: float = 5.0
    kill: bool = False


@dataclass(slots=True)
class FlowFigures:
    """Sightings behind at each second; the rate while they were offered; (how many, median, 99th percentile) of delays."""

    behind: list[int] = field(default_factory=list)
    rate: float = 0.0
    drained_s: float = 0.0
    delays: tuple[int, float, float] = (0, 0.0, 0.0)
    cpu_s: float = 0.0
    wall_s: float = 0.0
    offered: int = 0
    candidates: int = 0
    rows: int = 0
    publisher_late_s: float = 0.0
    log: list[str] = field(default_factory=list)


def cases_of(load: FlowLoad, base_ms: int) -> list[MadeCase]:
    """Cases over the whole town whose words are such that only sightings with all of them reach ``FLOOR``."""
    random, found = Random(11), list[MadeCase]()
    while len(found) < load.cases:
        drawn = looks_of(random)
        words = {name: drawn[name] for name in WANTED}
        if is_told_apart(words) and all(one.looks != words for one in found):
            lat = random.uniform(SOUTH + 0.06, NORTH - 0.06)
            at = (lat, random.uniform(WEST + 0.07, EAST - 0.07))
            begun = base_ms - SEEN_MS
            found.append(MadeCase(f"case-{len(found)}", words, at, begun, begun))
    return found


def is_told_apart(words: Mapping[str, str]) -> bool:
    """Whether *words* are rare, reach ``FLOOR`` together, and do not where any one is another."""
    prior = usual_table()["prior"]
    share = math.prod(prior[name][word] for name, word in words.items())
    table = AnalyticTable({}).looks(words).table
    logs, whole, losses = np.log(table), 0.0, list[float]()
    for column, name in enumerate(ATTRIBUTES):
        if name in words:
            said = words_of_attribute(name)
            right = logs[column, said.index(words[name])]
            whole += right
            losses += [right - logs[column, at] for at, word in enumerate(said) if word != words[name]]
    return bool(share <= RAREST and whole >= FLOOR + APART and whole - min(losses) <= FLOOR - APART)


def measure(platform: Platform, load: FlowLoad, tell: Any = lambda _: None) -> FlowFigures:
    """Measure one run. ``Fatal`` where the candidates are not those of the plain search, each revision once."""
    cases = cases_of(load, now())
    town = a_town(cases, platform.wire, near_m=NEAR_M)
    ensure_topics(platform.kafka, [town.city])
    figures = FlowFigures(offered=load.rate * load.seconds)
    try:
        with tempfile.TemporaryDirectory(prefix="persons-") as folder, core_for_worker(platform) as core:
            run = PersonsRun(platform, town, Path(folder), looks_floor=FLOOR, rank_s=load.rank_s)
            run.prepare()
            for case in cases:
                run.open_case(case, until_ms=now() + HOUR_MS)
            run.tick()
            with run.stage(core):
                _flow(run, load, core, figures, tell)
                _drain(run, load, figures)
            figures.cpu_s += run.cpu_s
            log = (run.folder / "log").read_text(encoding="utf-8").splitlines()
            figures.log = [one for one in log if " INFO " not in one]
            _verify(run, figures)
    finally:
        remove(platform, town.city)
    return figures


def _flow(run: PersonsRun, load: FlowLoad, core: int | None, figures: FlowFigures, tell: Any) -> None:
    random, slice_size = np.random.default_rng(6), load.rate // 20
    turn = 0.0

    def plant(many: Sightings) -> None:
        nonlocal turn
        turn += load.planted / 20
        rows = random.choice(slice_size, min(slice_size, int(turn)), replace=False)
        turn -= len(rows)
        for row in rows.tolist():
            case = run.town.cases[int(random.integers(0, len(run.town.cases)))]
            run.town.plant(random, many, case, np.array([row]))

    def each(second: int) -> bool:
        if second:
            figures.behind.append(second * load.rate - run.taken())
        if load.kill and second == load.seconds // 2:
            tell("killing the stage")
            run.end(kill=True)
            Thread(target=run.start, args=(core,), daemon=True).start()
        return False

    time.sleep(2 * load.rank_s)  # the cases are settled at a tick, and have no past
    figures.cpu_s, begun = -run.cpu(), time.time()
    run.flow(load.rate, load.seconds, plant, each)
    figures.behind.append(figures.offered - run.taken())
    figures.rate = (figures.offered - figures.behind[-1]) / (time.time() - begun)
    figures.wall_s = time.time() - begun


def _drain(run: PersonsRun, load: FlowLoad, figures: FlowFigures) -> None:
    """Go on with ticks until all is taken, and ranked once more."""
    begun = time.monotonic()
    while run.taken() < figures.offered:
        if time.monotonic() - begun > DRAIN_S:
            raise Fatal(f"void: {run.taken()} of {figures.offered} were taken")
        run.tick()
        time.sleep(0.5)
    figures.drained_s = time.monotonic() - begun
    for _ in range(math.ceil(load.rank_s) + 2):
        run.tick()
        time.sleep(1)


def _verify(run: PersonsRun, figures: FlowFigures) -> None:
    sent, rows = run.all_sent(), run.rows()
    sent_at = dict(zip(sent.number.tolist(), (sent.at_ms / 1000).tolist(), strict=True))
    newest: dict[tuple[str, int], str] = {}
    revisions, delays = Counter[tuple[str, str, int]](), []
    for at, row in rows:
        number = int(row["sighting_id"], 16)
        newest[row["case_id"], number] = row["state"]
        revisions[row["case_id"], row["candidate_id"], row["revision"]] += 1
        if row["revision"] == 0:
            delays.append(at - sent_at[number])
    told = {place for place, state in newest.items() if state == "open"}
    wanted = {(one.case_id, number) for one in run.town.cases for number in run.town.wanted(one, sent)}
    figures.candidates, figures.rows, figures.delays = len(told), len(rows), p99_of(delays)
    figures.publisher_late_s = run.late_s
    if told != wanted or len(newest) != len(told):
        more = f"{len(told & wanted)} of {len(wanted)}, {len(told - wanted)} others, {len(newest)} ever"
        raise Fatal(f"void: the candidates are {more}; {figures.log[-3:]}")
    if max(revisions.values()) > 1:
        raise Fatal("void: a revision of a candidate was told twice")


def shown(figures: FlowFigures) -> str:
    """The figures in words."""
    count, middle, p99 = figures.delays
    behind = figures.behind
    lines = [
        f"{figures.offered:,} sightings offered in {figures.wall_s:.1f} s, the publisher at most"
        f" {figures.publisher_late_s:.2f} s late",
        f"taken while offered: {figures.rate:,.0f}/s; behind at the end {behind[-1]:,}, at most {max(behind):,},"
        f" median {sorted(behind)[len(behind) // 2]:,}; the rest taken in {figures.drained_s:.1f} s",
        f"the stage's processor seconds: {figures.cpu_s:.1f}; stolen: {stolen_percent()} %",
        f"{figures.candidates} candidates, those of the plain search, in {figures.rows} rows, each revision once",
        f"from sighting to candidate: {count}, p50 {middle:.2f} s, p99 {p99:.2f} s",
    ]
    return "\n".join([*lines, *figures.log])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    usual = FlowLoad()
    parser.add_argument("--rate", type=int, default=usual.rate)
    parser.add_argument("--seconds", type=int, default=usual.seconds)
    parser.add_argument("--cases", type=int, default=usual.cases)
    parser.add_argument("--rank-s", type=float, default=usual.rank_s)
    parser.add_argument("--kill", action="store_true", help="kill -9 at half time, and start again")
    asked = parser.parse_args()

    def say(what: object) -> None:
        sys.stdout.write(f"{what}\n")
        sys.stdout.flush()

    say(described())
    about = {"cases": asked.cases, "rank_s": asked.rank_s, "kill": asked.kill}
    load = FlowLoad(rate=asked.rate, seconds=asked.seconds, **about)
    say(shown(measure(reach(), load, say)))


if __name__ == "__main__":
    main()
