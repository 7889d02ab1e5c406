"""Places and times that are held to be the person's: where they were last seen, confirmed hops, stops of a ride."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from streams.persons.feasible import FOOT, Floats, Ints, Spots, are_feasible
from streams.persons.sightings_held import Ground, Seen
from streams.persons.travel import Calls, Exit, cameras_per_m, exits


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place and a time, both within bounds. *key*: of the confirmed sighting; None for a report or a stop of a ride."""

    lat: float
    lon: float
    time_s: float
    clock_s: float
    within_m: float = 0.0
    key: int | None = None
    camera: int | None = None
    mode: int = FOOT

    def spots(self) -> Spots:
        return Spots(
            np.array([self.lat]), np.array([self.lon]), np.array([self.mode]), np.array([self.within_m])
        )


@dataclass(slots=True)
class Passing:
    """Rates and feasibility of passing cameras before or after one anchor."""

    ground: Ground
    anchor: Anchor
    calls: Calls
    camera_m: Floats = field(init=False)
    stop_m: Floats = field(init=False)
    _sorted_m: Floats = field(init=False)
    _least: dict[int, Floats] = field(default_factory=dict)
    _exits: list[tuple[Exit, Passing]] | None = None

    def __post_init__(self) -> None:
        self.camera_m, self.stop_m = self.ground.ways_from(self.anchor.lat, self.anchor.lon)
        self._sorted_m = np.sort(self.camera_m)

    def can_be(self, seen: Seen, *, after: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Whether the person can have been at each sighting and, before or *after* it, here."""
        dt = seen.time_s - self.anchor.time_s
        least = np.full(len(dt), np.inf)
        for mode in np.unique(seen.mode):
            rows = seen.mode == mode
            least[rows] = self._least_s(int(mode))[seen.camera[rows]]
        clocks = self.ground.cameras.clock_s[seen.camera] + self.anchor.clock_s
        return are_feasible(least, dt if after else -dt, clocks)

    def _least_s(self, mode: int) -> Floats:
        """Seconds to each camera, at the least, if the person is seen there in that *mode*."""
        if mode not in self._least:
            cameras = np.arange(len(self.ground.cameras.lat))
            there = self.ground.spots(cameras, np.full(len(cameras), mode))
            self._least[mode] = self.ground.links.least_s(self.anchor.spots(), there)
        return self._least[mode]

    def take(self, calls: Calls) -> None:
        """Know more calls of vehicles."""
        self.calls, self._exits = calls, None

    def log_walk(self, camera: Ints, dt_s: Floats) -> Floats:
        ways = self.camera_m[camera]
        return self.ground.walks.log_rate(ways, dt_s, cameras_per_m(ways, self._sorted_m))

    def log_rate(self, camera: Ints, time_s: Floats, *, rides: bool = True) -> Floats:
        """Log passes a second of each camera at each later time: on foot, or by a ride from a stop near here."""
        found = self.log_walk(camera, time_s - self.anchor.time_s)
        if rides:
            for exit_, there in self.exits():
                dt = time_s - there.anchor.time_s
                near = np.flatnonzero((dt > 0) & (dt < 1200) & (there.camera_m[camera] < 1.6 * dt + 60))
                if len(near):
                    by_ride = there.log_walk(camera[near], dt[near]) + np.log(exit_.share)
                    found[near] = np.logaddexp(found[near], by_ride)
        return found

    def exits(self) -> list[tuple[Exit, Passing]]:
        """Stops at which a ride from here may have ended."""
        if self._exits is None:
            found = exits(self.calls, self.stop_m, self.anchor.time_s, self.ground.numbers)
            self._exits = [(one, Passing(self.ground, self._stop(one.leave), Calls.none())) for one in found]
        return self._exits

    def _stop(self, call: int) -> Anchor:
        stop = int(self.calls.stop[call])
        ground = self.ground
        return Anchor(
            float(ground.stop_lat[stop]), float(ground.stop_lon[stop]), float(self.calls.time_s[call]), 60.0
        )

    def ride_to(self, camera: int, time_s: float) -> tuple[Anchor, Anchor] | None:
        """The likeliest ride by which the person came to *camera*: where it began and ended. None: they walked."""
        at, when = np.array([camera]), np.array([time_s])
        best, found = float(self.log_walk(at, when - self.anchor.time_s)[0]), None
        for exit_, there in self.exits():
            dt = when - there.anchor.time_s
            if dt[0] > 0:
                rate = float(there.log_walk(at, dt)[0]) + float(np.log(exit_.share))
                if rate > best:
                    best, found = rate, (self._stop(exit_.board), there.anchor)
        return found
