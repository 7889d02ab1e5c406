"""Coordinates of Korea's grids by formulas written apart from PROJ, for tests.

Transverse Mercator after Snyder, Map Projections: A Working Manual (USGS PP 1395, 1987), equations 3-21 and 8-9 to 8-15; the
grids' parameters as Korea's National Geographic Information Institute has them. Korea 2000 is WGS 84 here; of Korea 1985
(Bessel) the seven parameters that Korean surveyors publish: -115.80, 474.99, 674.11 m, 1.16, -2.31, -1.63 s, 6.43 ppm.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, degrees, hypot, radians, sin, sqrt, tan

GRS80 = (6_378_137.0, 1 / 298.257222101)
BESSEL = (6_377_397.155, 1 / 299.1528128)
SHIFT_M = (-115.80, 474.99, 674.11)
TURN_S = (1.16, -2.31, -1.63)
SCALE = 6.43e-6


@dataclass(frozen=True)
class Grid:
    """A grid. *agrees_m*: how closely another source must agree, in metres."""

    ellipsoid: tuple[float, float]
    lat: float
    lon: float
    factor: float
    east: float
    north: float
    agrees_m: float


SYSTEMS = {
    "EPSG:5174": Grid(BESSEL, 38, 127 + 10.405 / 3600, 1, 200_000, 500_000, 0.2),
    "EPSG:5179": Grid(GRS80, 38, 127.5, 0.9996, 1_000_000, 2_000_000, 0.01),
    "EPSG:5181": Grid(GRS80, 38, 127, 1, 200_000, 500_000, 0.01),
    "EPSG:5186": Grid(GRS80, 38, 127, 1, 200_000, 600_000, 0.01),
}


def grid_of(name: str, lat: float, lon: float) -> tuple[float, float]:
    """Northing and easting of a place of WGS 84, in metres."""
    grid = SYSTEMS[name]
    if grid.ellipsoid is BESSEL:
        lat, lon = _of_bessel(lat, lon)
    a, f = grid.ellipsoid
    e2 = f * (2 - f)
    second = e2 / (1 - e2)
    phi, away = radians(lat), radians(lon - grid.lon)
    n = a / sqrt(1 - e2 * sin(phi) ** 2)
    t, c, w = tan(phi) ** 2, second * cos(phi) ** 2, away * cos(phi)
    east = w + (1 - t + c) * w**3 / 6 + (5 - 18 * t + t**2 + 72 * c - 58 * second) * w**5 / 120
    north = (
        w**2 / 2
        + (5 - t + 9 * c + 4 * c**2) * w**4 / 24
        + (61 - 58 * t + t**2 + 600 * c - 330 * second) * w**6 / 720
    )
    arc = _arc(phi, a, e2) - _arc(radians(grid.lat), a, e2)
    return grid.north + grid.factor * (arc + n * tan(phi) * north), grid.east + grid.factor * n * east


def _arc(phi: float, a: float, e2: float) -> float:
    """The length of the meridian from the equator (Snyder 3-21)."""
    return a * (
        (1 - e2 / 4 - 3 * e2**2 / 64 - 5 * e2**3 / 256) * phi
        - (3 * e2 / 8 + 3 * e2**2 / 32 + 45 * e2**3 / 1024) * sin(2 * phi)
        + (15 * e2**2 / 256 + 45 * e2**3 / 1024) * sin(4 * phi)
        - 35 * e2**3 / 3072 * sin(6 * phi)
    )


def _of_bessel(lat: float, lon: float) -> tuple[float, float]:
    """Latitude and longitude on Bessel's ellipsoid of a place of WGS 84 (position vector, turned back to first order)."""
    a, f = GRS80
    e2, phi, lam = f * (2 - f), radians(lat), radians(lon)
    n = a / sqrt(1 - e2 * sin(phi) ** 2)
    x, y, z = n * cos(phi) * cos(lam), n * cos(phi) * sin(lam), n * (1 - e2) * sin(phi)
    x, y, z = ((one - shift) / (1 + SCALE) for one, shift in zip((x, y, z), SHIFT_M, strict=True))
    rx, ry, rz = (radians(seconds / 3600) for seconds in TURN_S)
    x, y, z = x + rz * y - ry * z, -rz * x + y + rx * z, ry * x - rx * y + z
    a, f = BESSEL
    e2, flat = f * (2 - f), hypot(x, y)
    found = atan2(z, flat * (1 - e2))
    for _ in range(8):
        n = a / sqrt(1 - e2 * sin(found) ** 2)
        found = atan2(z + e2 * n * sin(found), flat)
    return degrees(found), degrees(atan2(y, x))
