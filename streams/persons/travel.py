"""The likelihood of place and time: how often a person passes a camera at a time, given where they were before or after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streams.persons.feasible import Floats, Ints
from streams.persons.route_numbers import RouteNumbers

DT_LEAST_S = 15.0
NEAR_M = 60.0
AROUND_M = 150.0
"""Cameras are counted over so many metres of way to both sides."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Stops of vehicles: a row for each call, in the order of each run. *stop* is a number of the city's stops."""

    run: Ints
    stop: Ints
    time_s: Floats

    @classmethod
    def none(cls) -> Calls:
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


@dataclass(frozen=True, slots=True)
class Exit:
    """A stop at which a ride may have ended: boarded at one call, left at another; *share*: of all links from there."""

    board: int
    leave: int
    share: float
    unseen: float
    """The probability that no camera recorded the person on their way to the stop."""


class Walks:
    """Rates of passing, by the speed with which people get along the streets."""

    def __init__(self, numbers: RouteNumbers) -> None:
        self.numbers = numbers

    def log_rate(self, way_m: Floats, dt_s: Floats, cameras_per_m: Floats) -> Floats:
        """Log of passes a second at a camera *way_m* from a place where the person was *dt_s* before or after.

        *cameras_per_m*: so many cameras share a metre of that distance.
        """
        n = self.numbers
        dt = np.maximum(DT_LEAST_S, dt_s)
        way = np.maximum(NEAR_M / 2, way_m)
        speed = way / dt
        bell = (np.log(speed / n.walk_median_mps) / n.walk_spread) ** 2
        direct = np.exp(-bell / 2) / (speed * n.walk_spread * np.sqrt(2 * np.pi))
        wander = (speed <= n.wander_mps_max) / n.wander_mps_max
        turned = -np.expm1(-dt / n.turn_s)
        density = (1 - turned) * direct + turned * wander
        found: Floats = np.log(np.maximum(1e-12, density) / dt / cameras_per_m / n.pass_every_s)
        return found

    def unseen(self, dt_s: Floats) -> Floats:
        """The probability that no camera recorded the person for *dt_s*; some are where few cameras are."""
        n = self.numbers
        times = np.maximum(0.0, dt_s) / n.pass_every_s
        found: Floats = (1 - n.apart_share) * np.exp(-times) + n.apart_share * np.exp(-times / 5)
        return found


def cameras_per_m(way_m: Floats, ways_sorted: Floats) -> Floats:
    """Cameras a metre of way at each distance; *ways_sorted* are the ways to all cameras."""
    low = np.searchsorted(ways_sorted, way_m - AROUND_M)
    high = np.searchsorted(ways_sorted, way_m + AROUND_M)
    found: Floats = np.maximum(1, high - low) / (2 * AROUND_M)
    return found


def exits(calls: Calls, stop_way_m: Floats, at_s: float, numbers: RouteNumbers) -> list[Exit]:
    """Rides that can begin at a place *stop_way_m* from each stop, where the person was at *at_s*."""
    ways, waits = stop_way_m[calls.stop], calls.time_s - at_s
    can = (ways <= numbers.board_m) & (waits >= ways / numbers.foot_mps)
    can &= waits <= ways / numbers.walk_median_mps + numbers.board_wait_s
    firsts: dict[int, int] = {}
    for call in np.flatnonzero(can)[np.argsort(ways[can], kind="stable")]:
        firsts.setdefault(int(calls.run[call]), int(call))
    found = [
        (call, int(later))
        for run, call in firsts.items()
        for later in np.flatnonzero((calls.run == run) & (calls.time_s > calls.time_s[call]))
    ][: numbers.exits_max]
    unseen = Walks(numbers).unseen(ways / numbers.walk_median_mps)
    return [
        Exit(board, leave, numbers.ride_share / len(found), float(unseen[board])) for board, leave in found
    ]
