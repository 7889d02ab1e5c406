"""Manned aircraft as ADS-B hears them, as ``mobility.position``. Pure.

``mobility.position`` has no height: barometric and geometric altitude, climb and squawk are read by nobody here and left
out. An unmanned aircraft (category B6) is counted, never told: it is no vehicle of this topic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.formats.records import a_number, position
from connectors.subjects.in_order import keep_forward
from connectors.subjects.plausible import UNKNOWN_PLACES, bearing
from connectors.subjects.vehicles import NO_PLACE, POSITION, SPEEDS, Telemetry
from schemas.errors import Invalid
from schemas.names import AgencyName

AIRCRAFT_MAX = 5_000
"""Aircraft remembered: a receiver hears some hundreds at once. One that is forgotten counts as new."""
NO_POSITION, ELSEWHERE = "aircraft without a position", "aircraft outside the city"
UNMANNED, NOT_AN_ADDRESS = "unmanned aircraft", "address that is none of ICAO's"
ROTORCRAFT, DRONE = "A7", "B6"
ADDRESS = re.compile("[0-9a-f]{6}")
NOBODY = frozenset({"000000", "ffffff"})
Kind = Literal["aircraft", "helicopter", "other"]


class AircraftSettings(BaseModel):
    """Settings that sources of aircraft share."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operator: AgencyName = Field(
        "unknown", description="who flies them, where one operator's alone are heard; unknown: anybody"
    )
    vehicle_type: Kind = Field("aircraft", description="what they are, where no category says it")
    vehicle_types: dict[str, Kind] = Field(
        {},
        description='address → aircraft, helicopter or other, whatever it says: { "4b43ac" = "helicopter" }',
    )
    stale_after_s: float = Field(60, gt=0, description="seconds after which a position is stale")

    @field_validator("vehicle_types")
    @classmethod
    def _are_addresses(cls, types: dict[str, Kind]) -> dict[str, Kind]:
        for address in types:
            if ADDRESS.fullmatch(address.lower()) is None:
                raise ValueError(f"{address[:20]!r}: write the aircraft's address, six hexadecimal digits")
        return {address.lower(): kind for address, kind in types.items()}


@dataclass(frozen=True, slots=True)
class AircraftState:
    """A state of an aircraft as it was said: degrees, knots; ``None`` for what was not."""

    address: str
    at_ms: int
    lat: object
    lon: object
    speed_kn: float | None = None
    track_deg: float | None = None
    callsign: str | None = None
    category: str | None = None
    flight: str | None = None
    accuracy_m: float | None = None


def address_of(word: str) -> str:
    """An ICAO address in lower case. ``Invalid`` for what is none, or means unknown."""
    address = word.strip().lower()
    if ADDRESS.fullmatch(address) is None or address in NOBODY:
        raise Invalid("the address is none of ICAO's", field="icao24", expected="six hexadecimal digits")
    return address


def tell_aircraft(told: Telemetry, settings: AircraftSettings, state: AircraftState) -> bool:
    """Add *state* to *told*, and return whether it was; what is unmanned, elsewhere or without a place is counted.

    ``Invalid`` for a place that is none on earth.
    """
    if state.category == DRONE:
        told.skipped[UNMANNED] += 1
        return False
    if state.lat in (None, "") and state.lon in (None, ""):
        told.skipped[NO_POSITION] += 1
        return False
    if _is_elsewhere(told, state):
        told.skipped[ELSEWHERE] += 1
        return False
    where = position(told.context, state.lat, state.lon)
    if where is None:
        told.noted[NO_PLACE] += 1
    else:
        where["accuracy_m"] = state.accuracy_m
    speed_mps = None if state.speed_kn is None else state.speed_kn * SPEEDS["knots"]
    said: Mapping[str, Any] = {
        "vehicle_id": state.address,
        "vehicle_type": settings.vehicle_types.get(state.address) or _kind(state.category, settings),
        "operator": settings.operator,
        "speed_mps": told.plausible(speed_mps, "air_speed", "speed"),
        "bearing_deg": bearing(state.track_deg, told.noted),
        "trip_id": state.flight,
        "label": state.callsign,
        "is_stale": told.is_older_than(state.at_ms, settings.stale_after_s),
    }
    told.tell(POSITION, (state.at_ms,), event_ms=state.at_ms, position=where, said=said)
    return True


def callsign_of(word: str | None) -> str | None:
    """A callsign without the spaces and signs for nothing that fill it up."""
    return (word or "").replace("@", " ").replace("\0", " ").strip() or None


def keep_aircraft_forward(told: Telemetry, newest: Mapping[str, int]) -> dict[str, int]:
    """As ``keep_forward``, for aircraft."""
    return keep_forward(told, newest, AIRCRAFT_MAX)


def _is_elsewhere(told: Telemetry, state: AircraftState) -> bool:
    """Whether it is on earth but outside the city, where a receiver's ears reach: no fault of anybody's."""
    lat, lon = a_number(state.lat, "position.lat"), a_number(state.lon, "position.lon")
    is_place = abs(lat) <= 90 and abs(lon) <= 180 and (lat, lon) not in UNKNOWN_PLACES
    return is_place and not told.context.bounds.holds(lat, lon)


def _kind(category: str | None, settings: AircraftSettings) -> str:
    """By the category of its emitter: set A (aeroplanes, A7 a rotorcraft), B (gliders, balloons), C (on the ground)."""
    if category == ROTORCRAFT:
        return "helicopter"
    if category is not None and category[:1] == "C" and category[1:] in tuple("1234567"):
        return "other"
    return settings.vehicle_type
