"""The sightings that a case holds, as columns, and the city in which it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import Fatal
from streams.persons.feasible import FOOT, Floats, Ints, Links, Spots
from streams.persons.looks import Looks
from streams.persons.route_numbers import RouteNumbers
from streams.persons.streets import Streets, Ways
from streams.persons.travel import Walks, cameras_per_m

PLACES_MAX = 10_000
"""Places from which ways are kept: cameras and stops, at most."""
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CameraColumns:
    """Cameras as columns: place, the greatest known error of the clock, and how far from it people are seen."""

    lat: Floats
    lon: Floats
    clock_s: Floats
    within_m: Floats


@dataclass(frozen=True, slots=True)
class Seen:
    """Sightings as columns. *key*: the caller's number of each; *camera*: a row of the cameras; *words*: see ``Looks``."""

    key: Ints
    camera: Ints
    time_s: Floats
    words: Ints
    mode: Ints

    @classmethod
    def none(cls, attributes: int) -> Seen:
        empty = np.empty(0, np.int64)
        return cls(empty, empty, np.empty(0), np.empty((0, attributes), np.int64), empty)

    @classmethod
    def joined(cls, many: Sequence[Seen]) -> Seen:
        """The sightings of *many*, one after the other; at least one of them."""
        names = [one.name for one in fields(cls)]
        return cls(*(np.concatenate([getattr(one, name) for one in many]) for name in names))

    def rows(self, chosen: Any) -> Seen:
        return Seen(
            self.key[chosen], self.camera[chosen], self.time_s[chosen], self.words[chosen], self.mode[chosen]
        )


class Ground:
    """The city of a search: its cameras, stops and streets."""

    def __init__(
        self,
        cameras: CameraColumns,
        stop_lat: Floats,
        stop_lon: Floats,
        numbers: RouteNumbers,
        streets: Streets | None = None,
    ) -> None:
        self.cameras, self.numbers = cameras, numbers
        self.stop_lat, self.stop_lon = stop_lat, stop_lon
        self.links = Links(stop_lat, stop_lon, numbers)
        self.walks = Walks(numbers)
        self._known: dict[tuple[float, float], tuple[Floats, Floats]] = {}
        self._density: dict[tuple[float, float], Floats] = {}
        self._cameras_as: dict[int, tuple[Spots, Floats]] = {}
        lat, lon = np.concatenate([cameras.lat, stop_lat]), np.concatenate([cameras.lon, stop_lon])
        self.ways = Ways(lat, lon, streets, numbers.detour)

    def ways_from(self, lat: float, lon: float) -> tuple[Floats, Floats]:
        """Metres from a place to each camera and to each stop."""
        if (lat, lon) not in self._known:
            if len(self._known) >= PLACES_MAX:
                self._known.clear()
            found = self.ways.from_place(lat, lon)
            count = len(self.cameras.lat)
            self._known[lat, lon] = (found[:count], found[count:])
        return self._known[lat, lon]

    def density_from(self, lat: float, lon: float) -> Floats:
        """Cameras a metre of way at the distance of each camera from a place."""
        if (lat, lon) not in self._density:
            if len(self._density) >= PLACES_MAX:
                self._density.clear()
            ways, _ = self.ways_from(lat, lon)
            self._density[lat, lon] = cameras_per_m(ways, np.sort(ways))
        return self._density[lat, lon]

    def around(self, camera: int) -> tuple[Floats, Floats]:
        """Metres from a camera to each camera, and cameras a metre at that distance."""
        lat, lon = float(self.cameras.lat[camera]), float(self.cameras.lon[camera])
        return self.ways_from(lat, lon)[0], self.density_from(lat, lon)

    def least_to_cameras_s(self, place: Spots, mode: int) -> Floats:
        """Seconds from one place to each camera, at the least, if the person is seen there in that *mode*."""
        if mode not in self._cameras_as:
            cameras = np.arange(len(self.cameras.lat))
            there = self.spots(cameras, np.full(len(cameras), mode))
            self._cameras_as[mode] = there, self.links.to_stops_s(there)
        return self.links.least_s(place, *self._cameras_as[mode])

    def spots(self, camera: Ints, mode: Ints) -> Spots:
        cameras = self.cameras
        return Spots(cameras.lat[camera], cameras.lon[camera], mode, cameras.within_m[camera])


@dataclass(slots=True)
class Pool:
    """The sightings of one case that look like the person enough; ``candidates_max`` at most, else ``Fatal``.

    All sightings count for how many people pass each camera.
    """

    ground: Ground
    looks: Looks
    seen: Seen
    log_looks: Floats = field(default_factory=lambda: np.empty(0))
    log_clothes: Floats = field(default_factory=lambda: np.empty(0))
    rows: dict[int, int] = field(default_factory=dict)
    """The row of each key."""
    passed: Floats = field(default_factory=lambda: np.empty(0))
    from_s: float = np.inf
    until_s: float = -np.inf

    def add(self, more: Seen, can: Bools) -> None:
        """Take sightings up, each key once. *can*: whether the person can ever have been there; others are only counted."""
        if not len(more.key):
            return
        counts = np.bincount(more.camera, minlength=len(self.ground.cameras.lat)).astype(float)
        self.passed = counts if not len(self.passed) else self.passed + counts
        self.from_s = min(self.from_s, float(more.time_s.min()))
        self.until_s = max(self.until_s, float(more.time_s.max()))
        ratios, clothes = self.looks.log_ratios(more.words)
        alike = can & (ratios >= self.ground.numbers.looks_floor)
        alike[alike] = [int(key) not in self.rows for key in more.key[alike]]
        kept, held = more.rows(alike), self.seen
        if len(held.key) + len(kept.key) > self.ground.numbers.candidates_max:
            raise Fatal("a case holds too many sightings", hint="make its area or time smaller")
        self.rows |= {int(key): len(held.key) + at for at, key in enumerate(kept.key)}
        self.seen = Seen.joined([held, kept])
        self.log_looks = np.concatenate([self.log_looks, ratios[alike]])
        self.log_clothes = np.concatenate([self.log_clothes, clothes[alike]])

    def log_passers(self, camera: Ints) -> Floats:
        """Log of the people a second that pass each camera."""
        span = max(60.0, self.until_s - self.from_s)
        found: Floats = np.log((self.passed[camera] + 0.5) / span)
        return found


def on_foot(count: int) -> Ints:
    """The mode of *count* sightings by analytics that see people walk."""
    return np.full(count, FOOT)
