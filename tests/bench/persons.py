"""The search of missing persons over made cities: precision, recall and answers, beside two searches that know less.

``python -m tests.bench.persons --seeds 10``. People, looks, buses and operators are made (``persons_city``); the figures are
of that model, not of any city's cameras. An operator takes 5 s an answer, is wrong in 2 % of them, in 10 % where the
clothes are the same; answers about one sighting err independently of each other. Each answer counts.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from streams.persons.anchors import Anchor
from streams.persons.feasible import are_feasible
from streams.persons.looks import Analytic, Looks
from streams.persons.route_numbers import RouteNumbers
from streams.persons.route_search import RouteSearch
from streams.persons.routes import UsedEvidence
from streams.persons.sightings_held import CameraColumns, Ground, Seen, on_foot
from streams.persons.streets import Streets
from streams.persons.travel import Calls
from tests.bench.machine import described
from tests.bench.persons_city import (
    AFTER_S,
    ATTRIBUTES,
    DIFFICULTIES,
    WALK_S,
    WORDS,
    Made,
    confusion,
    make,
    street_lines,
    town,
)

WAIT_S = 30.0
ANSWER_S, WRONG, WRONG_ALIKE, HOPS_LEAST, FRESH_S, SOON_S = 5.0, 0.02, 0.10, 5, 300.0, 600.0
WAYS = {
    "all": UsedEvidence(),
    "time alone": UsedEvidence(looks=False),
    "looks alone": UsedEvidence(place=False),
}
BARS = {"D1": (0.98, 0.85, 7.0), "D2": (0.98, 0.80, 15.0)}
FRESH_BAR = 0.80


@dataclass(frozen=True, slots=True)
class Load:
    """The runs: so many seeds of each difficulty, with so many cases at once."""

    seeds: int = 100
    cases: int = 1
    first: int = 1
    levels: tuple[str, ...] = ("D1", "D2", "D3")
    compare: bool = True
    processes: int = 1
    until_s: float = AFTER_S
    """The operator answers for so long after opening."""


@dataclass(frozen=True, slots=True)
class Found:
    """One case's end. *fresh*: ten minutes after opening, the last confirmed sighting was the last
    recorded one, or 5 min older at most.
    *impossible*: links of the route that cannot be.
    """

    hops: int
    right: int
    recorded: int
    answers: int
    first: int
    ten: int
    steps: int
    fresh: bool
    last_s: float
    impossible: int


def one_case(
    made: Made, case: int, level: str, way: str, seed: int, ground: Ground, until_s: float = AFTER_S
) -> Found:
    """Search for one person until *until_s* after opening, by an operator of that seed."""
    chance = np.random.default_rng((seed, case, 7))
    search = _search(made, case, level, way, ground)
    now, answers, fed, first, ten, steps = WALK_S, 0, 0, 0, 0, 0
    fresh, last_s, hops = None, math.inf, -1
    mine = made.truth.who == case
    while now < WALK_S + until_s:
        if fresh is None and now >= WALK_S + SOON_S:
            fresh = _is_fresh(search, made.time_s[:fed][mine[:fed]])
        upto = int(np.searchsorted(made.time_s, now))
        if upto > fed:
            search.see(_rows(made, fed, upto), _calls(made, now))
            fed = upto
        candidate = search.ask()
        if candidate is None:
            now += WAIT_S
            continue
        if len(search.hops) != hops:
            hops = len(search.hops)
            rank = _rank(search, mine)
            steps, first, ten = (
                steps + (rank is not None),
                first + (rank == 0),
                ten + (rank is not None and rank < 10),
            )
        search.answer(candidate.key, _verdict(chance, made, case, candidate.key))
        answers, now = answers + 1, now + ANSWER_S
        if last_s is math.inf and _is_fresh(search, made.time_s[:fed][mine[:fed]]):
            last_s = now - WALK_S
    if fresh is None:
        fresh = _is_fresh(search, made.time_s[:fed][mine[:fed]])
    return _found(search, made, mine[:fed], answers, (first, ten, steps), fresh, last_s)


def _found(
    search: RouteSearch,
    made: Made,
    mine: Any,
    answers: int,
    ranks: tuple[int, int, int],
    fresh: bool,
    last_s: float,
) -> Found:
    hops = search.route().hops
    keys = [one.key for one in hops]
    right = sum(bool(mine[key]) for key in keys)
    counted = len(hops) if len(hops) >= HOPS_LEAST else 0
    impossible = sum(not _can_be(made, search, one.key, other.key) for one, other in itertools.pairwise(hops))
    return Found(
        counted, right if counted else 0, int(mine.sum()), answers, *ranks, fresh, last_s, impossible
    )


def _can_be(made: Made, search: RouteSearch, one: int, other: int) -> bool:
    ground, at = search.ground, made.camera[[one, other]]
    spots = ground.spots(at, on_foot(2))
    least = ground.links.least_s(spots.at(np.array([0])), spots.at(np.array([1])))
    dt = np.array([made.time_s[other] - made.time_s[one]])
    return bool(are_feasible(least, dt, ground.cameras.clock_s[at].sum())[0])


def _ground(made: Made, level: str, data: Path | None) -> Ground:
    """The city of a seed; its searches share it, since most of their time went into the ways of each."""
    of, at, count = made.town, made.camera_at, len(made.camera_at)
    cameras = CameraColumns(
        of.lat[at], of.lon[at], np.full(count, DIFFICULTIES[level].clock_s), np.full(count, 20.0)
    )
    stops = made.timetable.stops
    return Ground(cameras, of.lat[stops], of.lon[stops], RouteNumbers(), _streets(data))


def _search(made: Made, case: int, level: str, way: str, ground: Ground) -> RouteSearch:
    """The search as the platform would begin it: what the report says, and no truth."""
    of = made.town
    analytic = Analytic(confusion(DIFFICULTIES[level].right), WORDS)
    place, when = made.last_seen[case]
    start = Anchor(float(of.lat[place]), float(of.lon[place]), when, 120.0, 100.0)
    looks = Looks(analytic, made.wanted[case], ATTRIBUTES)
    return RouteSearch(ground, looks, start, evidence=WAYS[way])


@lru_cache(1)
def _streets(data: Path | None) -> Streets:
    return Streets(street_lines(town(data)))


def _rows(made: Made, begin: int, end: int) -> Seen:
    return Seen(
        np.arange(begin, end),
        made.camera[begin:end],
        made.time_s[begin:end],
        made.words[begin:end],
        on_foot(end - begin),
    )


def _calls(made: Made, now: float) -> Calls:
    table = made.timetable
    past = table.time_s <= now
    return Calls(table.run[past], table.stop[past], table.time_s[past])


def _verdict(chance: np.random.Generator, made: Made, case: int, key: int) -> Any:
    is_true = made.truth.who[key] == case
    wrong = WRONG_ALIKE if made.truth.alike[case, key] else WRONG
    return "confirm" if is_true != (chance.random() < wrong) else "reject"


def _is_fresh(search: RouteSearch, recorded: Any) -> bool:
    last = search.last_seen()
    return last is not None and bool(len(recorded)) and bool(last >= recorded[-1] - FRESH_S)


def _rank(search: RouteSearch, mine: Any) -> int | None:
    """The rank of the first true candidate after the last hop; None where the records have none there."""
    ranked = search.ranked(ahead=True)
    return next((rank for rank, one in enumerate(ranked) if mine[one.key]), None)


def one_seed(
    level: str, seed: int, cases: int, ways: Sequence[str], until_s: float = AFTER_S
) -> dict[str, list[Found]]:
    data = _data()
    made = make(seed, DIFFICULTIES[level], cases, data)
    ground = _ground(made, level, data)
    return {
        way: [one_case(made, case, level, way, seed, ground, until_s) for case in range(cases)]
        for way in ways
    }


def _data() -> Path | None:
    folder = Path(os.environ.get("BONGSU_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    return folder if folder.is_dir() else None


def measure(load: Load, step: Callable[[], None] = lambda: None) -> dict[str, dict[str, list[list[Found]]]]:
    """The cases of each level, way and seed; *step* is called after each city."""
    ways = tuple(WAYS) if load.compare else ("all",)
    found: dict[str, dict[str, list[list[Found]]]] = {}
    with ProcessPoolExecutor(load.processes, mp_context=get_context("spawn")) as pool:
        for level in load.levels:
            seeds = range(load.first, load.first + load.seeds)
            jobs = [pool.submit(one_seed, level, seed, load.cases, ways, load.until_s) for seed in seeds]
            for job in jobs:
                job.add_done_callback(lambda _: step())
            done = [job.result() for job in jobs]
            found[level] = {way: [one[way] for one in done] for way in ways}
    return found


def figures(seeds: Sequence[Sequence[Found]]) -> dict[str, Any]:
    """Figures of all cases together, with 95 % intervals by drawing seeds again."""
    chance = np.random.default_rng(1)
    rows = np.array([_sums(cases) for cases in seeds])
    drawn = rows[chance.integers(0, len(rows), (400, len(rows)))].sum(axis=1)
    means, spread = _ratios(rows.sum(axis=0)), np.array([_ratios(one) for one in drawn])
    low, high = np.nanquantile(spread, [0.025, 0.975], axis=0)
    shown = {
        name: f"{mean:.3f} ({a:.3f}-{b:.3f})"
        for name, mean, a, b in zip(RATIOS, means, low, high, strict=True)
    }
    times = [one.last_s for cases in seeds for one in cases if one.last_s < math.inf]
    return {
        **dict(zip((f"_{name}" for name in RATIOS), map(float, means), strict=True)),
        **shown,
        "time_to_last_s": float(np.median(times)) if times else None,
        "impossible": sum(one.impossible for cases in seeds for one in cases),
    }


RATIOS = ("precision", "recall", "answers_a_hop", "rank_1", "rank_10", "fresh", "routes")


def _sums(cases: Sequence[Found]) -> list[float]:
    return [
        sum(one.right for one in cases),
        sum(one.hops for one in cases),
        sum(one.recorded for one in cases),
        sum(one.answers for one in cases),
        sum(one.first for one in cases),
        sum(one.ten for one in cases),
        sum(one.steps for one in cases),
        sum(one.fresh for one in cases),
        len(cases),
        sum(one.hops > 0 for one in cases),
    ]


def _ratios(sums: Any) -> list[float]:
    right, hops, recorded, answers, first, ten, steps, fresh, cases, routes = (float(one) for one in sums)
    none = math.nan
    return [
        right / hops if hops else none,
        right / recorded if recorded else none,
        answers / hops if hops else none,
        first / steps if steps else none,
        ten / steps if steps else none,
        fresh / cases,
        routes / cases,
    ]


def missed_bars(level: str, found: Mapping[str, Any]) -> list[str]:
    """Bars that these figures of a level do not reach; D3 has none."""
    if level not in BARS:
        return []
    precision, recall, answers = BARS[level]
    checks = {
        f"{level} precision": found["_precision"] >= precision,
        f"{level} recall": found["_recall"] >= recall,
        f"{level} answers": found["_answers_a_hop"] <= answers,
    }
    if level == "D2":
        checks["D2 fresh"] = found["_fresh"] >= FRESH_BAR
    return [name for name, is_met in checks.items() if not is_met]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--cases", type=int, default=1, help="at once in one city")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--levels", default="D1,D2,D3")
    parser.add_argument("--alone", action="store_true", help="leave out the two searches that know less")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=AFTER_S / 60, help="answer so long after opening")
    given = parser.parse_args()
    load = Load(
        given.seeds,
        given.cases,
        given.first,
        tuple(given.levels.split(",")),
        not given.alone,
        given.processes,
        given.minutes * 60,
    )
    found, is_met = run(load)
    print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())  # noqa: T201 - a command of the bench
    return 0 if is_met else 1


def run(load: Load, step: Callable[[], None] = lambda: None) -> tuple[dict[str, Any], bool]:
    """All figures of a run as they are shown, and whether the bars are met."""
    shown: dict[str, Any] = {"benchmark": "persons", "seeds": load.seeds, "cases": load.cases, **described()}
    missed: list[str] = []
    for level, ways in measure(load, step).items():
        for way, seeds in ways.items():
            one = figures(seeds)
            missed += missed_bars(level, one) if way == "all" else []
            shown[f"{level} {way}"] = {name: value for name, value in one.items() if name[0] != "_"}
    shown["missed"] = ", ".join(missed) or "none"
    return shown, not missed


if __name__ == "__main__":
    sys.exit(main())
