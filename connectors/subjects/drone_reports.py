"""Events of ``drone.position``, as several sources build them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.subjects.drone_heights import bound_fields, single
from connectors.subjects.drone_ids import DroneId
from connectors.subjects.vehicles import Telemetry
from schemas.heights import REFERENCES

DRONE = "drone.position"
FLOATS = ("height_accuracy_m", "speed_accuracy_mps")


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
            **bound_fields(
                {name: said.get(f"{name}_m") for name in REFERENCES},
                told.context.terrain,
                said.get("height_accuracy_m"),
            ),
            **said,
            **{name: as_float(said.get(name)) for name in FLOATS},
        },
    )


def as_float(value: float | None) -> float | None:
    """*value* as 32 bits hold it, as it comes out of the contract's ``float``: 0.3 is none of them."""
    return None if value is None else single(value)


def place_on_earth(lat: float | None, lon: float | None) -> dict[str, Any] | None:
    """The place of a person who may stand outside the city; ``None`` where it is unknown."""
    return None if lat is None or lon is None else {"lat": lat, "lon": lon, "accuracy_m": None}
