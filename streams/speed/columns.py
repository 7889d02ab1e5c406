"""Columns of the speed's minutes, one row for each position or vehicle: positions, sums, boxes, tracks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.geo import EARTH_RADIUS_M

Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions, one per row. *vehicle*: a number unique to the vehicle. *heard*: the platform's received
    time. *speed*, *lat*, *lon*: NaN if unknown. *is_out*: marked by the operator as not counting (stale,
    disabled, reserved, at a hub).
    """

    vehicle: Longs
    time: Longs
    heard: Longs
    lat: Doubles
    lon: Doubles
    speed: Doubles
    is_out: Flags

    def __len__(self) -> int:
        return len(self.vehicle)


@dataclass(frozen=True, slots=True)
class Sums:
    """Vehicles in one minute, each once when reduced: number and sum of its speeds, its last place, and the
    box of its places.
    """

    vehicle: Longs
    time: Longs
    lat: Doubles
    lon: Doubles
    speeds: Doubles
    count: Longs
    south: Doubles
    north: Doubles
    west: Doubles
    east: Doubles

    def __len__(self) -> int:
        return len(self.vehicle)

    def reduced(self) -> Sums:
        """Return each vehicle once, by number."""
        if not len(self):
            return self
        order = np.lexsort((self.lon, self.lat, self.time, self.vehicle))
        vehicle = self.vehicle[order]
        first = np.flatnonzero(np.r_[True, vehicle[1:] != vehicle[:-1]])
        last = order[np.r_[first[1:], len(order)] - 1]
        return Sums(
            vehicle[first],
            self.time[last],
            self.lat[last],
            self.lon[last],
            np.add.reduceat(self.speeds[order], first),
            np.add.reduceat(self.count[order], first),
            np.minimum.reduceat(self.south[order], first),
            np.maximum.reduceat(self.north[order], first),
            np.minimum.reduceat(self.west[order], first),
            np.maximum.reduceat(self.east[order], first),
        )


@dataclass(frozen=True, slots=True)
class Boxes:
    """Vehicles by number, and the box of each one's places in one minute or several."""

    vehicle: Longs
    south: Doubles
    north: Doubles
    west: Doubles
    east: Doubles

    def with_those_of(self, other: Boxes) -> Boxes:
        """Return our vehicles' boxes, widened to include their places in *other*."""
        if not len(other.vehicle):
            return self
        at = np.minimum(np.searchsorted(other.vehicle, self.vehicle), len(other.vehicle) - 1)
        both = other.vehicle[at] == self.vehicle
        return Boxes(
            self.vehicle,
            np.where(both, np.minimum(self.south, other.south[at]), self.south),
            np.where(both, np.maximum(self.north, other.north[at]), self.north),
            np.where(both, np.minimum(self.west, other.west[at]), self.west),
            np.where(both, np.maximum(self.east, other.east[at]), self.east),
        )

    def only(self, vehicles: Longs) -> Boxes:
        """Return the boxes of *vehicles*."""
        rows = np.isin(self.vehicle, vehicles, assume_unique=True)
        return Boxes(*(column_of(self, name)[rows] for name in Boxes.__slots__))

    def width_m(self) -> Doubles:
        """Return the distance between the corners of each box."""
        return away_m(self.south, self.west, self.north, self.east)


@dataclass(frozen=True, slots=True)
class Tracks:
    """The last place of each vehicle (by number), and its time *at*."""

    vehicle: Longs
    at: Longs
    lat: Doubles
    lon: Doubles


NO_TRACKS = Tracks(*(np.empty(0, kind) for kind in (np.int64, np.int64, float, float)))


def away_m(lat_a: Doubles, lon_a: Doubles, lat_b: Doubles, lon_b: Doubles) -> Doubles:
    """Return metres between places near each other, row by row (equirectangular)."""
    east = np.radians((lon_b - lon_a + 180) % 360 - 180) * np.cos(np.radians((lat_a + lat_b) / 2))
    metres: Doubles = EARTH_RADIUS_M * np.hypot(np.radians(lat_b - lat_a), east)
    return metres


def joined(parts: Sequence[Sums]) -> Sums:
    return Sums(*(np.concatenate([column_of(one, name) for one in parts]) for name in Sums.__slots__))


def column_of(of: Sums | Boxes | Tracks, name: str) -> NDArray[Any]:
    column: NDArray[Any] = getattr(of, name)
    return column
