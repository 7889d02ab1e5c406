"""Coordinates of any EPSG system in degrees of WGS 84, by PROJ. It is an extra: ``pip install 'bongsu[geo]'``.

An operation that may be off by hundreds of metres ("ballpark") is never taken: where PROJ knows no better one, it is an
error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache

from schemas.errors import Invalid

EPSG = re.compile(r"EPSG:[0-9]{4,6}")
PLACES = 9
"""Decimals of a degree that are kept, 0.1 mm: two versions of PROJ differ beyond them."""

ToDegrees = Callable[[float, float], tuple[float, float]]


def check_projection(name: str) -> None:
    """``ValueError`` unless *name* (``EPSG:5179``) is a system of places on the ground that PROJ can turn into degrees."""
    if EPSG.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name such as EPSG:5179")
    to_degrees(name)


@cache
def to_degrees(name: str) -> ToDegrees:
    """Of the EPSG system *name*, northing and easting (or its own latitude and longitude) → WGS 84 latitude and longitude.

    ``ValueError`` where PROJ is missing, or knows no such system or no good way from it. The result raises ``Invalid`` for
    what is no place of the system.
    """
    try:
        import pyproj  # noqa: PLC0415 - an extra that only such a city needs
        from pyproj.exceptions import ProjError  # noqa: PLC0415 - as above
    except ImportError as error:
        raise ValueError(f"{name} needs pyproj: pip install 'bongsu[geo]'") from error
    try:
        system = pyproj.CRS.from_user_input(name)
        if not (system.is_projected or system.is_geographic):
            raise ValueError(f"{name} is no system of places on the ground: {system.type_name}")
        turn = pyproj.Transformer.from_crs(system, "EPSG:4326", always_xy=True, allow_ballpark=False)
    except ProjError as error:
        raise ValueError(f"PROJ knows no {name}, or no way from it to degrees") from error

    def in_degrees(north: float, east: float) -> tuple[float, float]:
        lon, lat = turn.transform(east, north)
        if not (math.isfinite(lon) and math.isfinite(lat)):
            raise Invalid(f"the coordinates are no place of {name}", field="position", expected=name)
        return round(lat, PLACES), round(lon, PLACES)

    return in_degrees
