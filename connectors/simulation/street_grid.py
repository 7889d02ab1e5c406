"""A made grid of streets with cameras and a line of buses: the same seed gives the same on every machine. Pure."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from connectors.simulation.chance import moved

Crossing = tuple[int, int]
"""Column and row, from the south-west."""
Corner = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Grid:
    """Streets that cross every *block_m* metres, north and east of the *corner* (degrees)."""

    corner: Corner
    columns: int
    rows: int
    block_m: float = 100.0

    def at(self, crossing: Crossing) -> tuple[float, float]:
        """Degrees north and east."""
        return moved(*self.corner, north_m=crossing[1] * self.block_m, east_m=crossing[0] * self.block_m)

    def holds(self, crossing: Crossing) -> bool:
        return 0 <= crossing[0] < self.columns and 0 <= crossing[1] < self.rows

    def near(self, crossing: Crossing) -> list[Crossing]:
        """The two to four crossings a block away."""
        column, row = crossing
        around = ((column + 1, row), (column - 1, row), (column, row + 1), (column, row - 1))
        return [one for one in around if self.holds(one)]

    def crossings(self) -> list[Crossing]:
        return [(column, row) for column in range(self.columns) for row in range(self.rows)]


@dataclass(frozen=True, slots=True)
class StreetCamera:
    """A camera at a crossing. Its clock is off by *clock_off_s*; its keeper knows only the most that it may be."""

    camera_id: str
    crossing: Crossing
    clock_off_s: float
    clock_error_s: float


def cameras_on(
    grid: Grid,
    seed: int,
    *,
    count: int,
    clock_error_s: float,
    also: Collection[Crossing] = (),
    prefix: str = "street",
) -> dict[Crossing, StreetCamera]:
    """So many cameras, one a crossing: those at *also*, and others drawn by the seed.

    ``ValueError`` where there are fewer crossings than cameras.
    """
    chance = random.Random(f"{seed}:cameras")  # noqa: S311 - repeatable on purpose
    first = sorted(set(also))
    rest = [one for one in grid.crossings() if one not in first]
    chosen = sorted([*first, *chance.sample(rest, count - len(first))])
    return {
        (column, row): StreetCamera(
            f"{prefix}-{column:02d}{row:02d}",
            (column, row),
            round(chance.uniform(-clock_error_s, clock_error_s), 1),
            clock_error_s,
        )
        for column, row in chosen
    }


def column_of(camera_id: str) -> int:
    """The column of the camera's crossing, which its id tells."""
    return int(camera_id.rpartition("-")[2][:2])


@dataclass(frozen=True, slots=True)
class BusLine:
    """Buses along one row, both ways: a stop each *stop_every* blocks, a bus each *every_s* seconds."""

    row: int
    columns: int
    stop_every: int = 4
    every_s: float = 240.0
    ride_s: float = 65.0
    """From one stop to the next."""

    def stops(self) -> list[Crossing]:
        return [(column, self.row) for column in range(0, self.columns, self.stop_every)]

    def calls(self, from_s: float, until_s: float) -> Iterator[tuple[str, Crossing, float]]:
        """Calls at stops within that time: the run, the stop, the second; run by run in order."""
        stops = self.stops()
        whole_s = self.ride_s * (len(stops) - 1)
        for way, ordered in (("east", stops), ("west", stops[::-1])):
            first = int((from_s - whole_s) // self.every_s)
            for number in range(first, int(until_s // self.every_s) + 1):
                for place, stop in enumerate(ordered):
                    at_s = number * self.every_s + place * self.ride_s
                    if from_s <= at_s <= until_s:
                        yield f"{way}-{number}", stop, at_s
