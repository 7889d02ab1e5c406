"""Links that can be: whether one person can have been at both sightings, by the straight line and the clocks' errors.

The shortest possible time goes by straight lines, since a detour that is guessed could rule out a way that exists.
Between two stops a person may ride; elsewhere nobody changes between walking, cycling and riding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.geo import EARTH_RADIUS_M
from streams.persons.route_numbers import RouteNumbers

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FOOT: Final = 0
CYCLE: Final = 1
VEHICLE: Final = 2
ANY: Final = 3
"""The mode of a sighting that does not say it: each of the three is possible."""
ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True)
class Spots:
    """Places in degrees, the mode in which the person was seen there, and how far from the place they may have been."""

    lat: Floats
    lon: Floats
    mode: Ints
    within_m: Floats

    @classmethod
    def of(cls, lat: Floats, lon: Floats, mode: int = FOOT, within_m: float = 0.0) -> Spots:
        """Spots of one *mode*, each within the same distance."""
        return cls(lat, lon, np.full(len(lat), mode), np.full(len(lat), float(within_m)))

    def at(self, rows: Ints) -> Spots:
        return Spots(self.lat[rows], self.lon[rows], self.mode[rows], self.within_m[rows])


def straight_m(lat_a: Floats, lon_a: Floats, lat_b: Floats, lon_b: Floats) -> Floats:
    """Metres between places in degrees, by broadcasting; the formula of ``streams.geo``."""
    phi_a, phi_b = np.radians(lat_a), np.radians(lat_b)
    half_lat, half_lon = np.sin((phi_b - phi_a) / 2), np.sin(np.radians(lon_b - lon_a) / 2)
    chord = half_lat**2 + np.cos(phi_a) * np.cos(phi_b) * half_lon**2
    found: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, chord)))
    return found


class Links:
    """The shortest possible times of a city with these stops."""

    def __init__(self, stop_lat: Floats, stop_lon: Floats, numbers: RouteNumbers) -> None:
        self.lat, self.lon = stop_lat, stop_lon
        fastest = max(numbers.foot_mps, numbers.cycle_mps, numbers.vehicle_mps)
        self.speeds = np.array([numbers.foot_mps, numbers.cycle_mps, numbers.vehicle_mps, fastest])
        self._ride_s = straight_m(stop_lat[:, None], stop_lon[:, None], stop_lat, stop_lon) / fastest

    def least_s(self, a: Spots, b: Spots, b_to_stops_s: Floats | None = None) -> Floats:
        """Seconds that each of *b* is away from its *a* at the least; one *a* serves all of *b*.

        *b_to_stops_s*: what ``to_stops_s`` says of *b*, where the caller keeps it.
        """
        straight = straight_m(a.lat, a.lon, b.lat, b.lon) - a.within_m - b.within_m
        can = (a.mode == b.mode) | (a.mode == ANY) | (b.mode == ANY)
        speed = np.minimum(self.speeds[a.mode], self.speeds[b.mode])
        found = np.where(can, np.maximum(0.0, straight) / speed, np.inf)
        if not len(self.lat):
            return found
        to_stop = self.to_stops_s(a)
        from_stop = self.to_stops_s(b) if b_to_stops_s is None else b_to_stops_s
        at_stop = np.full_like(to_stop, np.inf)
        for stop in range(len(self.lat)):
            np.minimum(at_stop, to_stop[:, [stop]] + self._ride_s[stop], out=at_stop)
        by_stops: Floats = np.minimum(found, (at_stop + from_stop).min(axis=1))
        return by_stops

    def to_stops_s(self, spots: Spots) -> Floats:
        """Seconds to each stop: a row for each spot."""
        away = straight_m(spots.lat[:, None], spots.lon[:, None], self.lat, self.lon)
        found: Floats = np.maximum(0.0, away - spots.within_m[:, None]) / self.speeds[spots.mode][:, None]
        return found


def are_feasible(least_s: Floats, dt_s: Floats, clocks_s: Floats) -> NDArray[np.bool_]:
    """Whether each link can be: *dt_s* by the cameras' clocks, which together are wrong by *clocks_s* at most."""
    most_s = dt_s + clocks_s
    found: NDArray[np.bool_] = (most_s > 0) & (least_s <= most_s + ROUNDING_S)
    return found
