"""Events of ``drone.position``, as several sources build them. Pure."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.base import SourceContext
from connectors.subjects.drone_ids import DroneId
from connectors.subjects.vehicles import Telemetry
from schemas.heights import ABOVE_GROUND, ABOVE_SEA, ABOVE_TAKEOFF, ABOVE_WGS84, above_ground_and_sea

DRONE = "drone.position"
FLOATS = ("height_accuracy_m", "speed_accuracy_mps")
_FLOAT = struct.Struct("f")


def report_drone(
    told: Telemetry,
    who: DroneId,
    identity: Sequence[object],
    *,
    event_ms: int,
    accuracy_s: float | None,
    position: Mapping[str, Any] | None,
    said: Mapping[str, Any],
) -> None:
    """Tell where *who* is. *identity*: what makes it another report than any other of the same drone; *said*: the further
    fields, heights by their names in the contract."""
    told.tell(
        DRONE,
        tuple(identity),
        event_ms=event_ms,
        position=None
        if position is None
        else {**position, "accuracy_m": as_float(position.get("accuracy_m"))},
        accuracy_s=as_float(accuracy_s),
        said={
            "drone_id": who.text,
            "id_kind": who.kind,
            "id_verdict": who.verdict,
            "known_as": told.context.drones.get(who.text, "unknown"),
            **bounds_of(told.context, said),
            **said,
            **{name: as_float(said.get(name)) for name in FLOATS},
        },
    )


def as_float(value: float | None) -> float | None:
    """*value* as 32 bits hold it, as it comes out of the contract's ``float``: 0.3 is none of them."""
    if value is None:
        return None
    (held,) = _FLOAT.unpack(_FLOAT.pack(value))
    return float(held)


def bounds_of(context: SourceContext, said: Mapping[str, Any]) -> dict[str, float | None]:
    """The least and greatest heights above the ground and the sea that the heights of *said* allow; ``None``: unbounded."""
    heights = {name: said.get(f"{name}_m") for name in (ABOVE_GROUND, ABOVE_SEA, ABOVE_TAKEOFF, ABOVE_WGS84)}
    ground, sea = above_ground_and_sea(heights, context.terrain, accuracy_m=said.get("height_accuracy_m"))
    bounds = {
        "above_ground_low_m": ground.low,
        "above_ground_high_m": ground.high,
        "above_sea_low_m": sea.low,
        "above_sea_high_m": sea.high,
    }
    return {name: value if math.isfinite(value) else None for name, value in bounds.items()}


def place_on_earth(lat: float | None, lon: float | None) -> dict[str, Any] | None:
    """The place of a person who may stand outside the city; ``None`` where it is unknown."""
    return None if lat is None or lon is None else {"lat": lat, "lon": lon, "accuracy_m": None}
