"""The effects of closures: hubs, vehicles, chargers and rides that they concern at a time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from streams.closures.closed_area import Corner, crosses, holds
from streams.closures.closure_table import Closure

Places = Mapping[str, Mapping[str, Any] | None]
"""Id → position (``lat``, ``lon``); ``None`` where it is unknown."""


def closing(place: Corner | None, closures: Iterable[Closure], now_ms: int) -> Closure | None:
    """The closure in which *place* lies at *now_ms*: of several the one that lasts longest, then by id.

    ``None`` for none, and for a place that is unknown.
    """
    if place is None:
        return None
    found = [one for one in closures if one.is_in_force(now_ms) and holds(one.polygons, *place)]
    return min(found, key=_lasting, default=None)


def _lasting(closure: Closure) -> tuple[bool, int, str]:
    """The order of closures: the one that lasts longest first, then by id."""
    return closure.ends_at is not None, -(closure.ends_at or 0), closure.closure_id


def closed_among(places: Places, closures: Sequence[Closure], now_ms: int) -> dict[str, Closure]:
    """The hubs, or vehicles, of *places* that are closed at *now_ms*, each with its closure, as ``closing`` says.

    The closures are looked through once: there may be 100,000 places, and few of the closures are in force.
    """
    in_force = sorted((one for one in closures if one.is_in_force(now_ms)), key=_lasting)
    areas = [(one, one.polygons) for one in in_force]
    found: dict[str, Closure] = {}
    for name, at in places.items():
        corner = corner_of(at)
        if corner is not None:
            first = next((one for one, polygons in areas if holds(polygons, *corner)), None)
            if first is not None:
                found[name] = first
    return found


def must_go_round(way: Sequence[Corner | None], closures: Iterable[Closure], now_ms: int) -> list[Closure]:
    """The closures that a ride comes into or crosses at *now_ms*, by id.

    *way*: the vehicle, the pick-up and the drop, joined by straight lines; unknown ones are left out.
    """
    known = [one for one in way if one is not None]
    stretches = list(pairwise(known)) or [(one, one) for one in known]
    found = (
        one
        for one in closures
        if one.is_in_force(now_ms) and any(crosses(one.polygons, a, b) for a, b in stretches)
    )
    return sorted(found, key=lambda one: one.closure_id)


def corner_of(position: Mapping[str, Any] | None) -> Corner | None:
    """Latitude and longitude of *position*."""
    return None if position is None else (float(position["lat"]), float(position["lon"]))


def closed_part(closure: Closure | None) -> dict[str, Any] | None:
    """Return the words of a hub's board for *closure*."""
    if closure is None:
        return None
    return {"closure_id": closure.closure_id, "reason": closure.reason, "until": closure.ends_at}
