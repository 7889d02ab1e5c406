"""People on a grid of streets: clothes in the words of ``schemas/appearance.toml``, habits, where each passes when. Pure.

Seconds count from a moment that the caller chooses; what is drawn depends on seed and person alone, never on the order of
calls.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from connectors.simulation.street_grid import BusLine, Crossing, Grid

Words = Mapping[str, str]
"""Attribute → word."""
SHARES: dict[str, dict[str, float]] = {
    "sex": {"male": 0.5, "female": 0.5},
    "age_band": {"child": 0.08, "teenager": 0.1, "adult": 0.62, "old": 0.2},
    "hair": {"short": 0.6, "long": 0.4},
    "sleeves": {"short": 0.4, "long": 0.6},
    "upper_colour": {
        "black": 0.3, "white": 0.22, "gray": 0.15, "blue": 0.12, "red": 0.07, "green": 0.06, "yellow": 0.05,
        "purple": 0.03,
    },
    "lower_kind": {"trousers": 0.7, "shorts": 0.16, "skirt": 0.14},
    "lower_colour": {
        "black": 0.36, "blue": 0.22, "gray": 0.15, "white": 0.08, "brown": 0.08, "green": 0.04, "yellow": 0.03,
        "pink": 0.02, "purple": 0.02,
    },
    "hat": {"yes": 0.15, "no": 0.85},
    "bag": {"yes": 0.4, "no": 0.6},
    "backpack": {"yes": 0.2, "no": 0.8},
}  # fmt: skip
"""Made shares of each word among passers-by."""
PLACES = 3
"""Places that a person goes to, one after the other, and again."""
AWAY_BLOCKS_MAX = 12
SPEED_MPS, SPEED_SPREAD, SPEED_BOUNDS = 1.25, 0.2, (0.6, 2.0)
REST_SHARE, REST_S = 0.04, (20.0, 240.0)
"""The share of crossings at which somebody stands for a while, and how long."""

BOARD_AFTER_S = 90.0
"""A child stands so long at a stop before it boards a bus."""


class Passing(NamedTuple):
    """Somebody at a crossing, and the second."""

    crossing: Crossing
    at_s: float


@dataclass(frozen=True, slots=True)
class Journey:
    """A journey on foot and by bus: what is passed on foot, and the stops between which it was ridden."""

    passed: tuple[Passing, ...]
    boarded: Passing
    left: Passing
    run: str


def person_chance(seed: int, person: str) -> random.Random:
    """The chance of one person, the same on every machine."""
    return random.Random(f"{seed}:{person}")  # noqa: S311 - repeatable on purpose


def dressed(chance: random.Random) -> dict[str, str]:
    """The true words of a passer-by. Skirts are women's."""
    found = {name: chance.choices([*words], [*words.values()])[0] for name, words in SHARES.items()}
    if found["sex"] == "male" and found["lower_kind"] == "skirt":
        found["lower_kind"] = "trousers"
    return found


def stroll(
    grid: Grid, chance: random.Random, from_s: float, until_s: float, home: Crossing | None = None
) -> Iterator[Passing]:
    """Where a person of habits passes: from one of their places, their *home* first, to the next, with rests."""
    home = home or chance.choice(grid.crossings())
    places = [home, *(_place(grid, chance, home) for _ in range(PLACES - 1))]
    speed = min(max(chance.gauss(SPEED_MPS, SPEED_SPREAD), SPEED_BOUNDS[0]), SPEED_BOUNDS[1])
    at, now_s, leg = home, from_s + chance.uniform(0, 2 * grid.block_m / speed), 1
    while now_s < until_s:
        yield Passing(at, now_s)
        if at == places[leg % PLACES]:
            leg += 1
        at = _toward(grid, chance, at, places[leg % PLACES])
        now_s += grid.block_m / speed
        if chance.random() < REST_SHARE:
            now_s += chance.uniform(*REST_S)


def _place(grid: Grid, chance: random.Random, home: Crossing) -> Crossing:
    found = tuple(part + chance.randint(-AWAY_BLOCKS_MAX, AWAY_BLOCKS_MAX) for part in home)
    return min(max(found[0], 0), grid.columns - 1), min(max(found[1], 0), grid.rows - 1)


def _toward(grid: Grid, chance: random.Random, at: Crossing, goal: Crossing) -> Crossing:
    """The next crossing: mostly nearer to the goal."""
    return min(
        grid.near(at),
        key=lambda one: abs(one[0] - goal[0]) + abs(one[1] - goal[1]) + chance.uniform(0, 1.5),
    )


def walked(
    grid: Grid, chance: random.Random, way: tuple[Crossing, Crossing], from_s: float, mps: float
) -> list[Passing]:
    """A walk between two crossings without a way round; which street comes first is drawn at each."""
    at, goal = way
    found = [Passing(at, from_s)]
    while at != goal:
        steps = [
            one for one in grid.near(at) if abs(one[0] - goal[0]) + abs(one[1] - goal[1])
            < abs(at[0] - goal[0]) + abs(at[1] - goal[1])
        ]  # fmt: skip
        at = chance.choice(steps)
        found.append(Passing(at, found[-1].at_s + grid.block_m / mps))
    return found


def journey(
    grid: Grid, line: BusLine, chance: random.Random, ways: tuple[Crossing, Crossing, Crossing, Crossing], from_s: float,
    mps: float,
) -> Journey:  # fmt: skip
    """A walk to a stop, a ride on the first bus after ``BOARD_AFTER_S``, and a walk on.

    *ways*: where it begins, the stop to board at, the stop to leave at, where it ends. ``ValueError`` where no bus of the
    line goes from one to the other.
    """
    start, board, leave, end = ways
    before = walked(grid, chance, (start, board), from_s, mps)
    here_s = before[-1].at_s
    calls = [*line.calls(here_s, here_s + 2 * line.every_s + line.ride_s * len(line.stops()))]
    rides = [
        (on_s, off_s, run)
        for run, stop, on_s in calls
        if stop == board
        for other, its_stop, off_s in calls
        if (other, its_stop) == (run, leave) and off_s > on_s >= here_s + BOARD_AFTER_S
    ]
    if not rides:
        raise ValueError(f"no bus goes from {board} to {leave}")
    on_s, off_s, run = min(rides)
    after = walked(grid, chance, (leave, end), off_s, mps)
    return Journey((*before, *after), Passing(board, on_s), Passing(leave, off_s), run)
