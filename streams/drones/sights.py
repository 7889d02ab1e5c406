"""A position of ``drone.position`` as its judge reads it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.drones.numbers import DroneNumbers
from streams.geo import distance_m

HEIGHTS = ("above_ground_m", "above_takeoff_m", "above_sea_m", "above_wgs84_m", "pressure_altitude_m")
Hearing = tuple[str | None, str | None, str | None]
"""Source, receiver, transmitter: positions with the same three form one track."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One position. *at_ms*: its time, but never behind its receiving. *event_ms*: as it says.

    *error_m*: its place may be off by so much.
    """

    hearing: Hearing
    at_ms: int
    event_ms: int
    received_ms: int
    time_error_s: float
    place: tuple[float, float] | None
    error_m: float
    speed_mps: float | None
    speed_error_mps: float
    flies: bool
    pilot: tuple[float, float] | None
    pilot_error_m: float
    is_pilot_live: bool
    is_serial_bad: bool
    highest_m: float | None
    value: Mapping[str, Any]


def sight_of(value: Mapping[str, Any], numbers: DroneNumbers) -> Sight:
    """Return *value*, which has the form of the contract's newest schema."""
    at, pilot = value["position"], value["operator_position"]
    event_ms, received_ms = int(value["event_time"]), int(value["received_time"])
    heights = [value[name] for name in HEIGHTS if value[name] is not None]
    return Sight(
        (value["source"], value["receiver"], value["transmitter"]),
        min(event_ms, received_ms),
        event_ms,
        received_ms,
        min(value["event_time_accuracy_s"] or 0.0, numbers.clock_off_s),
        None if at is None else (at["lat"], at["lon"]),
        0.0 if at is None else _error_m(at, numbers),
        value["speed_mps"],
        value["speed_accuracy_mps"] or 0.0,
        value["flight_status"] in ("airborne", "emergency", "system_failure"),
        None if pilot is None else (pilot["lat"], pilot["lon"]),
        0.0 if pilot is None else _error_m(pilot, numbers),
        value["operator_position_kind"] == "live",
        value["id_kind"] == "serial" and value["id_verdict"] == "invalid",
        max(heights, default=None),
        value,
    )


def _error_m(place: Mapping[str, Any], numbers: DroneNumbers) -> float:
    said = numbers.accuracy_unknown_m if place["accuracy_m"] is None else place["accuracy_m"]
    return float(max(said, numbers.accuracy_least_m)) * numbers.sigmas


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the metres between two places."""
    return distance_m(*one, *other)


def seconds(one: Sight, other: Sight) -> float:
    """Return the seconds between two positions, whichever was first, as they say."""
    return abs(one.event_ms - other.event_ms) / 1000
