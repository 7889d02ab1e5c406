"""Places and times that are held to be the person's: where they were last seen, confirmed hops, stops of a ride."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from streams.persons.feasible import FOOT, Floats, Ints, Spots, are_feasible
from streams.persons.sightings_held import Ground, Pool, Seen
from streams.persons.travel import Calls, Exit, exits

RIDE_S = 1200.0
"""A ride is followed for so long from its end to the next sighting."""


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
    density: Floats = field(init=False)
    _least: dict[int, Floats] = field(default_factory=dict)
    _exits: list[tuple[Exit, Passing]] | None = None

    def __post_init__(self) -> None:
        self.camera_m, self.stop_m = self.ground.ways_from(self.anchor.lat, self.anchor.lon)
        self.density = self.ground.density_from(self.anchor.lat, self.anchor.lon)

    def can_be(
        self, seen: Seen, *, after: bool, slack_s: float = 0.0
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Whether the person can have been at each sighting and, before or *after* it, here; in up to *slack_s* more."""
        dt = seen.time_s - self.anchor.time_s
        least = np.full(len(dt), np.inf)
        for mode in np.unique(seen.mode):
            rows = seen.mode == mode
            least[rows] = self._least_s(int(mode))[seen.camera[rows]]
        clocks = self.ground.cameras.clock_s[seen.camera] + self.anchor.clock_s + slack_s
        return are_feasible(least, dt if after else -dt, clocks)

    def _least_s(self, mode: int) -> Floats:
        """Seconds to each camera, at the least, if the person is seen there in that *mode*."""
        if mode not in self._least:
            self._least[mode] = self.ground.least_to_cameras_s(self.anchor.spots(), mode)
        return self._least[mode]

    def take(self, calls: Calls) -> None:
        """Know more calls of vehicles."""
        self.calls, self._exits = calls, None

    def log_walk(self, camera: Ints, dt_s: Floats) -> Floats:
        return self.ground.walks.log_rate(self.camera_m[camera], dt_s, self.density[camera])

    def rate(self, camera: Ints, time_s: Floats, *, rides: bool = True) -> Floats:
        """Rate of the next recorded pass at each camera and later time: on foot, or by a ride from a stop near here."""
        dt = time_s - self.anchor.time_s
        found: Floats = np.exp(self.log_walk(camera, dt)) * self.ground.walks.unseen(dt)
        if rides and self.exits():
            found += self._ridden(camera, time_s)
        return found

    def _ridden(self, camera: Ints, time_s: Floats) -> Floats:
        stops = self.exits()
        left = np.array([there.anchor.time_s for _, there in stops])
        ways = np.stack([there.camera_m for _, there in stops])
        dt = time_s - left[:, None]
        one, at = np.nonzero((dt > 0) & (dt < RIDE_S) & (ways[:, camera] < 1.6 * dt + 60))
        dt = dt[one, at]
        density = np.stack([there.density for _, there in stops])[one, camera[at]]
        rates = np.exp(self.ground.walks.log_rate(ways[one, camera[at]], dt, density))
        shares = np.array([exit_.share * exit_.unseen for exit_, _ in stops])
        rates = rates * self.ground.walks.unseen(dt) * shares[one]
        found: Floats = np.bincount(at, rates, len(camera)).astype(np.float64)
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
        best, found = float(self.rate(at, when, rides=False)[0]), None
        for exit_, there in self.exits():
            dt = when - there.anchor.time_s
            if dt[0] > 0:
                rate = float(there.rate(at, when, rides=False)[0]) * exit_.share * exit_.unseen
                if rate > best:
                    best, found = rate, (self._stop(exit_.board), there.anchor)
        return found


def links_between(
    start: Anchor, hops: Sequence[tuple[Anchor, tuple[Anchor, Anchor] | None]]
) -> list[tuple[Anchor, Anchor | None]]:
    """Pairs of neighbouring anchors between which the person walked; the last has no end."""
    found: list[tuple[Anchor, Anchor | None]] = []
    before = start
    for hop, ride in hops:
        if ride is not None:
            found.append((before, ride[0]))
            before = ride[1]
        found.append((before, hop))
        before = hop
    return [*found, (before, None)]


def hop_of(pool: Pool, row: int) -> Anchor:
    """The sighting at *row* as a place and time of the person's."""
    seen, cameras = pool.seen, pool.ground.cameras
    camera = int(seen.camera[row])
    return Anchor(
        float(cameras.lat[camera]),
        float(cameras.lon[camera]),
        float(seen.time_s[row]),
        float(cameras.clock_s[camera]),
        float(cameras.within_m[camera]),
        int(seen.key[row]),
        camera,
        int(seen.mode[row]),
    )
