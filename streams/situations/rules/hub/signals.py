"""Signals of a board, a vehicle's position and a ride for each cause: so, not so, or nothing. Pure.

What is stale says nothing, and so does what is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from streams.bookings.booking import ASSIGNED, REQUESTED, Booking
from streams.situations.rules.hub.config import Numbers

PAVEMENT = "sidewalk"
CAUSES_OF = {"vehicles": ("empty",), "docks": ("full",), "chargers": ("charger_faulty", "charger_silent")}
"""Part of a board → the causes that it speaks of."""
BOARD_CAUSES = tuple(cause for causes in CAUSES_OF.values() for cause in causes)
PARTS = ("vehicles", "docks", "chargers", "arrivals", "notices")


class Signal(Struct, frozen=True, gc=False):
    """*is_so*: ``None`` where nothing is said of *cause*. *since*: from when on it is known to be so."""

    cause: str
    is_so: bool | None
    since: int


def of_board(value: Mapping[str, Any], numbers: Numbers) -> list[Signal]:
    """The signals of a row of ``core.hub``."""
    return [one for one in _of_board(value) if one.cause in numbers.causes]


def is_gone(board: Mapping[str, Any]) -> bool:
    """Whether nothing is held of that hub any more: it was deleted."""
    return all(board[name] is None for name in ("name", "position", *PARTS))


def _of_board(value: Mapping[str, Any]) -> Iterator[Signal]:
    for name, causes in CAUSES_OF.items():
        part = value[name]
        for cause in causes:
            is_said = part is not None and not part["is_stale"]
            yield Signal(
                cause,
                _is_so(cause, part) if is_said else None,
                value["event_time"] if part is None else part["as_of"],
            )


def _is_so(cause: str, part: Mapping[str, Any]) -> bool | None:
    match cause:
        case "empty":
            counts = [one["available"] for one in part["types"]]
            if any(counts):
                return False
            return True if counts and None not in counts else None
        case "full":
            return None if part["free"] is None else part["free"] == 0
        case "charger_faulty":
            return bool(part["faulty"])
        case _:
            return bool(part["unknown"])


def of_vehicle(value: Mapping[str, Any], numbers: Numbers) -> list[Signal]:
    """The signals of a row of ``mobility.position``; none of one that is stale."""
    if value["is_stale"]:
        return []
    at, battery, stands = value["event_time"], value["battery_percent"], value["location_type"]
    is_low = None
    if battery is not None and battery < numbers.battery_percent:
        is_low = True
    elif battery is not None and battery >= numbers.battery_over_percent:
        is_low = False
    found = (
        Signal("tipped_over", value["tipped_over"], at),
        Signal("pavement", None if stands is None else stands == PAVEMENT, at),
        Signal("battery_low", is_low, at),
    )
    return [one for one in found if one.is_so is not None and one.cause in numbers.causes]


def of_ride(ride: Booking, numbers: Numbers) -> list[Signal]:
    """The signal of a ride as it stands by the log: it waits for its pick-up. None where no time was said."""
    pickup_at = ride.told["pickup_at"]
    is_waiting = ride.state in (REQUESTED, ASSIGNED) and pickup_at is not None
    since = ride.changed_ms if pickup_at is None else pickup_at
    return [Signal("pickup_late", is_waiting, since)] if "pickup_late" in numbers.causes else []
