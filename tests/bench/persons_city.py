"""A made city for the search of missing persons: streets, cameras, buses, people with habits, and the truth about them.

All of it is drawn from a seed, and none of it is real but the outline of Bucheon where the data is there. It shares no code
with the search: it hands over places, words, times and the timetable, and keeps to itself who is who.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BLOCK_M, M_PER_DEG = 100.0, 111_195.0
OUTLINE = "korea/geo/hangjeongdong_bucheon_2021-04.geojson"
MADE_BOX = shapely.box(126.742, 37.458, 126.833, 37.554)
WORDS: dict[str, dict[str, float]] = {
    "sex": {"male": 0.5, "female": 0.5},
    "age_band": {"child": 0.08, "teenager": 0.1, "adult": 0.62, "old": 0.2},
    "hair": {"short": 0.6, "long": 0.4},
    "sleeves": {"short": 0.4, "long": 0.6},
    "upper_colour": dict(
        zip(
            ("black", "white", "red", "purple", "yellow", "gray", "blue", "green"),
            (0.3, 0.22, 0.07, 0.03, 0.05, 0.15, 0.12, 0.06),
            strict=True,
        )
    ),
    "lower_kind": {"trousers": 0.7, "shorts": 0.16, "skirt": 0.14},
    "lower_colour": dict(
        zip(
            ("black", "white", "pink", "purple", "yellow", "gray", "blue", "green", "brown"),
            (0.36, 0.08, 0.02, 0.02, 0.03, 0.15, 0.22, 0.04, 0.08),
            strict=True,
        )
    ),
    "hat": {"yes": 0.15, "no": 0.85},
    "bag": {"yes": 0.4, "no": 0.6},
    "backpack": {"yes": 0.2, "no": 0.8},
    "walking_aid": {"none": 0.93, "stick": 0.04, "walker": 0.02, "wheelchair": 0.01},
}
"""Made shares of each word among passers-by."""
ATTRIBUTES = tuple(WORDS)
CLOTHES = np.array(
    [ATTRIBUTES.index(one) for one in ("sleeves", "upper_colour", "lower_kind", "lower_colour", "hat")]
)


@dataclass(frozen=True, slots=True)
class Difficulty:
    """Shares as the bench is given them; *clock_s*: clocks are wrong by so much at most."""

    right: float
    missed: float
    alike: float
    clock_s: float
    rides: bool


DIFFICULTIES = {
    "D1": Difficulty(0.95, 0.10, 0.0, 2.0, rides=False),
    "D2": Difficulty(0.85, 0.30, 0.005, 10.0, rides=True),
    "D3": Difficulty(0.75, 0.30, 0.01, 10.0, rides=True),
}
PEOPLE, WALK_S, AFTER_S, EVERY_S = 8_000, 3_600.0, 1_800.0, 420.0
"""People out of doors at once; the missing person's walk before the case opens, and after; the time between buses."""
STEPS, CAMERA_SHARE, FALSE_SHARE, PLANTED_SHARE = 90, 1 / 3, 0.01, 0.3


@dataclass(frozen=True, slots=True)
class Town:
    """Crossings of a grid inside an outline, and the neighbours of each (-1: none)."""

    lat: Floats
    lon: Floats
    x: Floats
    y: Floats
    near: Ints


@lru_cache(2)
def town(data: Path | None) -> Town:
    """The grid inside Bucheon's outline, or inside a made box where *data* is None or has none."""
    outline: Any = MADE_BOX
    if data is not None and (data / OUTLINE).is_file():
        features = json.loads((data / OUTLINE).read_text(encoding="utf-8"))["features"]
        outline = shapely.unary_union([shape(one["geometry"]) for one in features])
    west, south, east, north = outline.bounds
    wide = M_PER_DEG * math.cos(math.radians((south + north) / 2))
    columns = np.arange(0, (east - west) * wide, BLOCK_M)
    rows = np.arange(0, (north - south) * M_PER_DEG, BLOCK_M)
    x, y = (part.ravel() for part in np.meshgrid(columns, rows))
    inside = shapely.contains_xy(outline, west + x / wide, south + y / M_PER_DEG)
    x, y = x[inside], y[inside]
    at = {
        (round(a / BLOCK_M), round(b / BLOCK_M)): number
        for number, (a, b) in enumerate(zip(x, y, strict=True))
    }
    sides = ((1, 0), (-1, 0), (0, 1), (0, -1))
    near = np.array([[at.get((i + di, j + dj), -1) for di, dj in sides] for i, j in at], dtype=np.int64)
    return Town(south + y / M_PER_DEG, west + x / wide, x, y, near)


def street_lines(of: Town) -> dict[str, Any]:
    """The streets as GeoJSON."""
    lines = [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {
                "type": "LineString",
                "coordinates": [[of.lon[one], of.lat[one]], [of.lon[other], of.lat[other]]],
            },
        }
        for one in range(len(of.x))
        for other in of.near[one, [0, 2]]
        if other >= 0
    ]
    return {"type": "FeatureCollection", "features": lines}


@dataclass(frozen=True, slots=True)
class Timetable:
    """Calls of buses: a row each, by run. *stops*: the crossing of each stop."""

    stops: Ints
    run: Ints
    stop: Ints
    time_s: Floats


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth that only the bench knows. *who*: of each sighting; 0 to cases - 1 are missing persons, -1 nobody."""

    who: Ints
    alike: NDArray[np.bool_]
    """For each case and sighting: in the case's clothes, and somebody else."""


@dataclass(frozen=True, slots=True)
class Made:
    """Everything that a search is given, and the truth."""

    town: Town
    camera_at: Ints
    camera: Ints
    time_s: Floats
    words: Ints
    timetable: Timetable
    wanted: list[dict[str, str]]
    last_seen: list[tuple[int, float]]
    truth: Truth


def make(seed: int, difficulty: Difficulty, cases: int = 1, data: Path | None = None) -> Made:
    """One city of a seed, from time 0; cases open at ``WALK_S``."""
    chance = np.random.default_rng(seed)
    of = town(data)
    camera_at = np.flatnonzero(chance.random(len(of.x)) < CAMERA_SHARE)
    number_of = np.full(len(of.x), -1)
    number_of[camera_at] = np.arange(len(camera_at))
    table = _timetable(of, chance)
    crowd = _crowd(of, chance, PEOPLE)
    persons = [_person(of, table, chance, rides=difficulty.rides) for _ in range(cases)]
    who = np.concatenate([np.full(len(one[0]), n) for n, one in enumerate(persons)] + [crowd[0] + cases])
    place = np.concatenate([one[0] for one in persons] + [crowd[1]])
    when = np.concatenate([one[1] for one in persons] + [crowd[2]])
    looks = _looks(chance, PEOPLE + cases)
    clothes = _dress_alike(chance, looks, difficulty.alike, cases)
    seen = (number_of[place] >= 0) & (chance.random(len(place)) >= difficulty.missed)
    who, camera, when = who[seen], number_of[place[seen]], when[seen]
    words = looks[who]
    who, camera, when, words = _planted(chance, of, camera_at, (who, camera, when, words), cases)
    words = _said(chance, words, difficulty.right)
    false = chance.random(len(who)) < FALSE_SHARE * (who >= cases)
    words[false] = _looks(chance, int(false.sum()))
    clock = chance.uniform(-difficulty.clock_s, difficulty.clock_s, len(camera_at))
    when = when + clock[camera]
    order = np.argsort(when, kind="stable")
    who, camera, when, words = who[order], camera[order], when[order], words[order]
    alike = np.array([((who >= 0) & (who != n) & clothes[n][who]) | (who == -2 - n) for n in range(cases)])
    wanted = [{a: list(WORDS[a])[looks[n, i]] for i, a in enumerate(ATTRIBUTES)} for n in range(cases)]
    starts = [(int(one[0][0]), float(one[1][0] + chance.uniform(-60, 60))) for one in persons]
    return Made(of, camera_at, camera, when, words, table, wanted, starts, Truth(who, alike))


def _timetable(of: Town, chance: np.random.Generator) -> Timetable:
    """Lines of buses along rows and columns of the grid, a stop each 400 m, both ways."""
    stops: list[int] = []
    rows: list[tuple[int, int, float]] = []
    run = 0
    for axis, other in ((of.x, of.y), (of.y, of.x)):
        for line in np.arange(500, other.max(), 1000):
            on = np.flatnonzero(np.abs(other - round(line / BLOCK_M) * BLOCK_M) < 1)
            on = on[np.argsort(axis[on])][::4]
            numbers = np.arange(len(stops), len(stops) + len(on))
            stops += [int(one) for one in on]
            for way in (numbers, numbers[::-1]):
                for leaves in np.arange(chance.uniform(-2000, -2000 + EVERY_S), WALK_S + AFTER_S, EVERY_S):
                    rows += [(run, int(stop), leaves + n * 65.0) for n, stop in enumerate(way)]
                    run += 1
    runs, at, times = zip(*rows, strict=True)
    return Timetable(np.array(stops), np.array(runs), np.array(at), np.array(times, dtype=float))


def _toward(of: Town, chance: np.random.Generator, at: Ints, goal: Ints) -> Ints:
    """The next crossing of each person: mostly nearer to the goal."""
    near = of.near[at]
    away = np.abs(of.x[near] - of.x[goal][:, None]) + np.abs(of.y[near] - of.y[goal][:, None])
    away = away + chance.uniform(0, 150, near.shape) + np.where(near < 0, 1e9, 0)
    found: Ints = near[np.arange(len(at)), away.argmin(axis=1)]
    return np.where(found < 0, at, found)


def _goals(of: Town, chance: np.random.Generator, at: Ints) -> Ints:
    """Three places that each person goes to, some 0.3 to 2 km from where they are."""
    turn, far = chance.uniform(0, 2 * math.pi, (3, len(at))), chance.uniform(300, 2000, (3, len(at)))
    x, y = of.x[at] + far * np.cos(turn), of.y[at] + far * np.sin(turn)
    index = {
        (round(a / BLOCK_M), round(b / BLOCK_M)): n for n, (a, b) in enumerate(zip(of.x, of.y, strict=True))
    }
    flat = [
        index.get((round(a / BLOCK_M), round(b / BLOCK_M)), int(own))
        for a, b, own in zip(x.ravel(), y.ravel(), np.tile(at, 3), strict=True)
    ]
    return np.array(flat).reshape(3, len(at))


def _crowd(of: Town, chance: np.random.Generator, count: int) -> tuple[Ints, Ints, Floats]:
    """Who passed which crossing when: people go from one of their places to the next."""
    at = chance.integers(0, len(of.x), count)
    goals, leg = _goals(of, chance, at), np.zeros(count, dtype=np.int64)
    speed, now = chance.normal(1.25, 0.2, count).clip(0.6, 2.0), chance.uniform(-600, 300, count)
    who, place, when = [], [], []
    for _ in range(STEPS):
        goal = goals[leg % 3, np.arange(count)]
        leg += at == goal
        at = _toward(of, chance, at, goals[leg % 3, np.arange(count)])
        now = now + BLOCK_M / speed + np.where(chance.random(count) < 0.04, chance.uniform(20, 240, count), 0)
        out = (now >= 0) & (now < WALK_S + AFTER_S)
        who.append(np.flatnonzero(out))
        place.append(at[out])
        when.append(now[out])
    return np.concatenate(who), np.concatenate(place), np.concatenate(when)


def _person(of: Town, table: Timetable, chance: np.random.Generator, *, rides: bool) -> tuple[Ints, Floats]:
    """Where and when a missing person passed; the first is where they were seen last."""
    at = chance.integers(0, len(of.x), 1)
    goals, leg, now = _goals(of, chance, at), 0, 0.0
    speed, bus_at = (
        min(1.7, max(0.7, chance.normal(1.15, 0.2))),
        chance.uniform(900, 2100) if rides else math.inf,
    )
    place, when = [int(at[0])], [0.0]
    while now < WALK_S + AFTER_S:
        goal = goals[leg % 3]
        if now > bus_at:
            stop = int(np.argmin(np.abs(of.x[table.stops] - of.x[at]) + np.abs(of.y[table.stops] - of.y[at])))
            goal = table.stops[[stop]]
            if at[0] == goal[0]:
                at, now, bus_at = _ride(table, chance, stop, now)
                goals = _goals(of, chance, at)
        if at[0] == goal[0]:
            leg += 1
            goals = _goals(of, chance, at) if leg % 3 == 0 else goals
        at = _toward(of, chance, at, goals[leg % 3] if now <= bus_at else goal)
        now += BLOCK_M / speed + (chance.uniform(20, 240) if chance.random() < 0.05 else 0)
        place.append(int(at[0]))
        when.append(now)
    return np.array(place), np.array(when)


def _ride(table: Timetable, chance: np.random.Generator, stop: int, now: float) -> tuple[Ints, float, float]:
    """Take the next bus that goes on from *stop*: where and when it is left; nobody rides twice."""
    for call in np.flatnonzero((table.stop == stop) & (table.time_s >= now)):
        later = np.flatnonzero((table.run == table.run[call]) & (table.time_s > table.time_s[call]))
        if len(later):
            left = later[min(len(later) - 1, int(chance.integers(2, 9)))]
            return table.stops[[table.stop[left]]], float(table.time_s[left]), math.inf
    return table.stops[[stop]], now, math.inf


def _looks(chance: np.random.Generator, count: int) -> Ints:
    """The true words of people. Skirts are women's, walking aids mostly old people's."""
    columns = [chance.choice(len(one), count, p=list(one.values())) for one in WORDS.values()]
    found = np.stack(columns, axis=1)
    found[(found[:, 0] == 0) & (found[:, 5] == 2), 5] = 0
    young = (found[:, 1] < 3) & (chance.random(count) < 0.8)
    found[young, 10] = 0
    return found


def _dress_alike(
    chance: np.random.Generator, looks: Ints, share: float, cases: int
) -> list[NDArray[np.bool_]]:
    """Give *share* of the passers-by the clothes of each case; for each case, who wears them."""
    found = []
    for case in range(cases):
        alike = chance.random(len(looks)) < share
        alike[:cases] = False
        looks[np.ix_(np.flatnonzero(alike), CLOTHES)] = looks[case, CLOTHES]
        found.append(alike)
    return found


def _planted(
    chance: np.random.Generator,
    of: Town,
    camera_at: Ints,
    seen: tuple[Ints, Ints, Floats, Ints],
    cases: int,
) -> tuple[Ints, Ints, Floats, Ints]:
    """Add impossible matches: the looks of a missing person, 3 km or more away within a minute; *who* is -2 - case."""
    who, camera, when, words = seen
    true = np.flatnonzero((who < cases) & (chance.random(len(who)) < PLANTED_SHARE))
    far = chance.integers(0, len(camera_at), len(true))
    here, there = camera_at[camera[true]], camera_at[far]
    good = np.hypot(of.x[here] - of.x[there], of.y[here] - of.y[there]) > 3000
    true, far = true[good], far[good]
    times = when[true] + chance.uniform(-60, 60, len(true))
    return (
        np.concatenate([who, -2 - who[true]]),
        np.concatenate([camera, far]),
        np.concatenate([when, times]),
        np.concatenate([words, words[true]]),
    )


def _said(chance: np.random.Generator, words: Ints, right: float) -> Ints:
    """The words that an analytic says: each right with that share, else another word of the attribute."""
    sizes = np.array([len(one) for one in WORDS.values()])
    other = (words + 1 + (chance.random(words.shape) * (sizes - 1)).astype(np.int64)) % sizes
    return np.where(chance.random(words.shape) < right, words, other)


def confusion(right: float) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """The analytic's confusion, as its vendor would publish it."""
    return {
        attribute: {
            true: {said: right if said == true else (1 - right) / (len(words) - 1) for said in words}
            for true in words
        }
        for attribute, words in WORDS.items()
    }
