"""Keys of the rule's memories, and the fold of a ride. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from streams.bookings.booking import Booking, assign, heard
from streams.bookings.table import GATEWAY, command_of
from streams.situations.rules.hub.faults import FAULT, THING


def folded(before: Booking | None, value: Mapping[str, Any]) -> Booking | None:
    """The ride after *value* of the log, as ``streams.bookings`` has it; ``None`` for a command for an unknown ride. Places,
    vehicle and dispatcher are left out: they decide nothing here."""
    row = {
        name: value[name]
        for name in ("booking_id", "revision", "state", "command_id", "source", "operator", "pickup_at")
    }
    row |= {"vehicle_id": "", "assigned_by": ""}
    if value["command_id"] is None or value["source"] != GATEWAY:
        after = heard(before, row)
        return after if after is before else replace(after, changed_ms=value["event_time"])
    return None if before is None else assign(before, command_of(row))[0]


def hub_place(hub_id: str) -> str:
    return f"hub:{hub_id}"


def thing_key(source: str, vehicle_id: str) -> str:
    return f"{THING}{source}\x1f{vehicle_id}"


def fault_key(place: str, cause: str) -> str:
    return f"{FAULT}{place}\x1f{cause}"
