"""Places by seeded chance: the same seed gives the same places on every machine."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from connectors.base import Bounds

METRES_PER_DEGREE = 111_195.0
"""Of latitude, on a sphere of 6,371 km."""
TRIES_MAX = 64
GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


class Spot(BaseModel):
    """A disc in which things happen or cameras stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lat: float = Field(ge=-90, le=90, description="degrees north")
    lon: float = Field(ge=-180, le=180, description="degrees east")
    radius_m: float = Field(1_000, gt=0, le=100_000, description="metres")


class Disc(Spot):
    """A part of a city with a name, and so many cameras of its own."""

    name: str = Field(min_length=1, description="the part of the city")
    count: int = Field(ge=1, le=50_000, description="how many cameras stand in it")


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


def spread(chance: random.Random, disc: Disc) -> Iterator[tuple[float, float]]:
    """The *count* points of *disc*, about equally far from their neighbours, turned by chance.

    The points of a sunflower (Vogel, 1979): each on its own circle, turned by the golden angle against the one before.
    Chance alone leaves gaps of several times the mean distance, which no city plans.
    """
    turned = chance.random() * math.tau
    for number in range(disc.count):
        away_m = disc.radius_m * math.sqrt((number + 0.5) / disc.count)
        angle = turned + number * GOLDEN_ANGLE
        yield moved(disc.lat, disc.lon, north_m=away_m * math.cos(angle), east_m=away_m * math.sin(angle))


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
