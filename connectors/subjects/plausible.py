"""Bounds of what can be, and the values by which makers say "unknown": one place for all sources. Pure.

A maker that does not know writes −1, all bits set, or time 0. Such a value, and one beyond its bounds, is null and noted;
it is never a value, and never part of an id.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TypeVar

from schemas.errors import Invalid

Number = TypeVar("Number", int, float)

FUTURE_MS_MAX = 5 * 60 * 1000
EARLIEST_MS = 946_684_800_000
"""The year 2000. No live system reports older things: a smaller number is seconds, not milliseconds."""
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999."""

SPEED_MPS_MAX = 110.0
"""396 km/h: faster than any train on rails (350 km/h), slower than a byte of all ones in miles an hour (255 mph)."""
AIR_SPEED_MPS_MAX = 800.0
"""1,555 knots over the ground: faster than any manned aircraft that tells where it is."""
DAY_S = 86_400

BOUNDS: dict[str, tuple[float, float]] = {
    "speed": (0, SPEED_MPS_MAX),
    "air_speed": (0, AIR_SPEED_MPS_MAX),
    "odometer": (0, 1e10),
    "range": (0, 5e6),
    "accuracy": (0, 1e5),
    "count": (0, 99_999),
    "stop_sequence": (0, 2**31 - 2),
    "direction_id": (0, 1),
    "occupancy_percent": (0, 250),
    "delay": (-7 * DAY_S, 7 * DAY_S),
    "uncertainty": (0, 7 * DAY_S),
    "likelihood": (0, math.inf),
}
"""Quantity → least and most, in its own unit: m/s, metres, things, percent, seconds. A crowded train is at 250 % of its
seats and standing room at most. A likelihood below zero means that nobody knows; one above 1 is the reader's to refuse."""

_ALL_BITS = (2**32 - 1, 2**63 - 1, 2**64 - 1)
_AS_DOUBLES = ("18446744073709551616", "18446744073709552000", "9223372036854775808", "9223372036854776000")
"""The same, as they come out of a double."""
UNKNOWN_IDS = frozenset({"-1", *map(str, _ALL_BITS), *_AS_DOUBLES})
UNKNOWN_TIMES = frozenset({0, -1, 2**31 - 1, *_ALL_BITS})
UNKNOWN_PLACES = frozenset({(0.0, 0.0), (-1.0, -1.0), (91.0, 181.0), (90.0000001, 180.0000001)})
"""(lat, lon) of: nothing, −1, AIS, SAE J2735."""


def plausible(
    value: Number | None, quantity: str, noted: Counter[str], name: str | None = None
) -> Number | None:
    """*value* itself where it lies within the bounds of *quantity*; else ``None``, noted under *name*."""
    if value is None:
        return None
    least, most = BOUNDS[quantity]
    if least <= value <= most:
        return value
    what = "below zero" if least == 0 and value < 0 else "beyond what can be"
    noted[f"{name or quantity} {what}"] += 1
    return None


def bearing(value: float | None, noted: Counter[str], name: str = "bearing") -> float | None:
    """*value* itself; ``None``, noted, where it is no direction of the compass."""
    if value is not None and not 0 <= value <= 360:
        noted[f"{name} beyond the compass"] += 1
        return None
    return value


def known_id(value: str, field: str) -> str:
    """*value* itself. ``Invalid`` where it is a maker's "unknown": two things would become one."""
    if value in UNKNOWN_IDS:
        raise Invalid(f"{field} {value} means unknown", field=field, expected="an id")
    return value


def id_if_known(value: str | None, field: str, noted: Counter[str]) -> str | None:
    """*value* itself; ``None``, noted, where it is a maker's "unknown"."""
    if value in UNKNOWN_IDS:
        noted[f"{field} {value} means unknown"] += 1
        return None
    return value


def time_if_known(value: int | None, field: str, noted: Counter[str]) -> int | None:
    """*value* itself; ``None`` for 0, which is how feeds write nothing, and, noted, for another sign of "unknown"."""
    if value is None or value == 0:
        return None
    if value < 0 or value in UNKNOWN_TIMES:
        noted[f"{field} {value} means unknown"] += 1
        return None
    return value
