"""Compact Position Reporting, by which ADS-B writes places (RTCA DO-260B, A.1.7; ICAO Doc 9871, C.2.6). Pure.

A message has 17 bits of latitude and longitude within a zone, and says whether the zones are the even or the odd ones.
One of each gives the place on earth; one alone gives it near a place that is known: within half a zone, which is 180
nautical miles in the air and 45 on the ground.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

UNIT = 1 << 17
ZONES = 15
"""Latitude zones between the equator and a pole."""
AIR_DEG, SURFACE_DEG = 360.0, 90.0


@dataclass(frozen=True, slots=True)
class CprPlace:
    """Latitude and longitude of a message, of 2^17 a zone, in the odd or the even zones."""

    is_odd: bool
    lat: int
    lon: int


def longitude_zones(lat: float) -> int:
    """NL: the number of even longitude zones at latitude *lat*, from 59 at the equator to 1 at the poles."""
    if abs(lat) >= 87:
        return 2 if abs(lat) == 87 else 1
    if lat == 0:
        return 59
    part = (1 - math.cos(math.pi / (2 * ZONES))) / math.cos(math.radians(abs(lat))) ** 2
    return math.floor(2 * math.pi / math.acos(1 - part))


def place_of_pair(even: CprPlace, odd: CprPlace, *, odd_is_newer: bool) -> tuple[float, float] | None:
    """The place of the newer of two messages in the air; ``None`` where they lie in different bands of longitude zones."""
    north_even, north_odd = AIR_DEG / (4 * ZONES), AIR_DEG / (4 * ZONES - 1)
    band = math.floor((59 * even.lat - 60 * odd.lat) / UNIT + 0.5)
    lat_even = _signed(north_even * (band % 60 + even.lat / UNIT))
    lat_odd = _signed(north_odd * (band % 59 + odd.lat / UNIT))
    zones = longitude_zones(lat_even)
    if abs(lat_even) > 90 or abs(lat_odd) > 90 or zones != longitude_zones(lat_odd):
        return None
    newer, count = (odd, max(zones - 1, 1)) if odd_is_newer else (even, zones)
    column = math.floor((even.lon * (zones - 1) - odd.lon * zones) / UNIT + 0.5)
    lon = _signed(AIR_DEG / count * (column % count + newer.lon / UNIT))
    return (lat_odd if odd_is_newer else lat_even), _around(lon)


def place_near(
    one: CprPlace, lat: float, lon: float, *, on_ground: bool = False
) -> tuple[float, float] | None:
    """The place of *one* message that is nearest to *lat*, *lon*; ``None`` for none on earth."""
    span = SURFACE_DEG if on_ground else AIR_DEG
    height = span / (4 * ZONES - one.is_odd)
    found_lat = _nearest(lat, height, one.lat)
    if abs(found_lat) > 90:
        return None
    width = span / max(longitude_zones(found_lat) - one.is_odd, 1)
    return found_lat, _around(_nearest(lon, width, one.lon))


def _nearest(known: float, zone: float, bits: int) -> float:
    part = bits / UNIT
    return zone * (math.floor(0.5 + known / zone - part) + part)


def _signed(degrees: float) -> float:
    return degrees - 360 if degrees >= 270 else degrees


def _around(lon: float) -> float:
    return (lon + 180) % 360 - 180
