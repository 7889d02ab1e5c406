"""Places by seeded chance: the same seed gives the same places on every machine."""

from __future__ import annotations

import math
import random

from pydantic import BaseModel, ConfigDict, Field

from connectors.base import Bounds

METRES_PER_DEGREE = 111_195.0
"""Of latitude, on a sphere of 6,371 km."""
TRIES_MAX = 64


class Spot(BaseModel):
    """A disc in which things happen or cameras stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lat: float = Field(ge=-90, le=90, description="degrees north")
    lon: float = Field(ge=-180, le=180, description="degrees east")
    radius_m: float = Field(1_000, gt=0, le=100_000, description="metres")


def moved(lat: float, lon: float, *, north_m: float, east_m: float) -> tuple[float, float]:
    """A point some metres away, to a tenth of a metre, so that no machine's last digit shows."""
    per_lon = METRES_PER_DEGREE * math.cos(math.radians(lat))
    return round(lat + north_m / METRES_PER_DEGREE, 6), round(lon + east_m / per_lon, 6)


def in_disc(chance: random.Random, lat: float, lon: float, radius_m: float) -> tuple[float, float]:
    """A point within *radius_m* metres."""
    while True:  # each try succeeds with 78 %
        north, east = 2 * chance.random() - 1, 2 * chance.random() - 1
        if north * north + east * east <= 1:
            return moved(lat, lon, north_m=north * radius_m, east_m=east * radius_m)


def somewhere(chance: random.Random, bounds: Bounds, spots: tuple[Spot, ...]) -> tuple[float, float]:
    """A point in one of *spots* and within *bounds*; anywhere within *bounds* where there are none."""
    for _ in range(TRIES_MAX if spots else 0):
        spot = spots[int(chance.random() * len(spots))]
        lat, lon = in_disc(chance, spot.lat, spot.lon, spot.radius_m)
        if bounds.holds(lat, lon):
            return lat, lon
    lat = bounds.south + chance.random() * (bounds.north - bounds.south)
    lon = bounds.west + chance.random() * (bounds.east - bounds.west)
    return round(lat, 6), round(lon, 6)
