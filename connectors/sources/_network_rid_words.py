"""Words and numbers of network Remote ID, for ``network_rid``. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.subjects.drone_ids import (
    FLIGHT,
    NONE,
    REGISTRATION,
    SERIAL,
    SESSION,
    UTM,
    DroneId,
    best_of,
    judged,
)
from connectors.subjects.drone_reports import place_on_earth

IDS = {
    SERIAL: ("serial_number",),
    REGISTRATION: ("registration_id", "registration_number"),
    UTM: ("utm_id",),
    SESSION: ("specific_session_id",),
}
WORDS: Mapping[str, Mapping[str, Any]] = {
    "operational_status": {
        "Undeclared": None,
        "Ground": "ground",
        "Airborne": "airborne",
        "Emergency": "emergency",
        "RemoteIDSystemFailure": "system_failure",
        "Unknown": None,
    },
    "aircraft_type": {
        "NotDeclared": None,
        "Aeroplane": "aeroplane",
        "Helicopter": "multirotor",
        "HelicopterOrMultirotor": "multirotor",
        "Gyroplane": "gyroplane",
        "HybridLift": "hybrid_lift",
        "VTOL": "hybrid_lift",
        "Ornithopter": "ornithopter",
        "Glider": "glider",
        "Kite": "kite",
        "FreeBalloon": "free_balloon",
        "CaptiveBalloon": "captive_balloon",
        "Airship": "airship",
        "FreeFallOrParachute": "parachute",
        "Rocket": "rocket",
        "TetheredPoweredAircraft": "tethered",
        "GroundObstacle": "ground_obstacle",
        "Other": "other",
    },
    "accuracy_h": {
        "HAUnknown": None,
        "HA10NMPlus": None,
        "HA10NM": 18_520.0,
        "HA4NM": 7_408.0,
        "HA2NM": 3_704.0,
        "HA1NM": 1_852.0,
        "HA05NM": 926.0,
        "HA03NM": 555.6,
        "HA01NM": 185.2,
        "HA005NM": 92.6,
        "HA30m": 30.0,
        "HA10m": 10.0,
        "HA3m": 3.0,
        "HA1m": 1.0,
    },
    "accuracy_v": {
        "VAUnknown": None,
        "VA150mPlus": None,
        "VA150m": 150.0,
        "VA45m": 45.0,
        "VA25m": 25.0,
        "VA10m": 10.0,
        "VA3m": 3.0,
        "VA1m": 1.0,
    },
    "speed_accuracy": {
        "SAUnknown": None,
        "SA10mpsPlus": None,
        "SA10mps": 10.0,
        "SA3mps": 3.0,
        "SA1mps": 1.0,
        "SA03mps": 0.3,
    },
    "reference": {"TakeoffLocation": "above_takeoff_m", "GroundLevel": "above_ground_m"},
    "altitude_type": {"Takeoff": "takeoff", "DynamicGNSS": "live", "Dynamic": "live", "Fixed": "fixed"},
}
"""Field → the standard's word → ours; an accuracy is the bound of its class, and none of an open one."""
UNKNOWN_SPEED, UNKNOWN_TRACK, UNKNOWN_CLIMB, UNKNOWN_HEIGHT = 255.0, 361.0, 63.0, -1_000.0
HEIGHTS = (-1_000.0, 31_767.0)


@dataclass(slots=True)
class Values:
    """The values of *said*; what cannot be is ``None`` and named in *faults*."""

    said: Mapping[str, Any]
    faults: list[str] = field(default_factory=list)

    def part(self, name: str) -> Values:
        """The values of the object *name*, with the same faults; none where it is no object."""
        value = self.said.get(name)
        if value is not None and not isinstance(value, dict):
            self.faults.append(name)
        return Values(value if isinstance(value, dict) else {}, self.faults)

    def number(
        self, name: str, least: float, most: float, unknown: float | None = None, fault: str = ""
    ) -> float | None:
        """The number *name* from *least* to *most*; *unknown* is the standard's sign of not known."""
        value = self.said.get(name)
        if value is None or (unknown is not None and value == unknown and not isinstance(value, bool)):
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= most or math.isnan(value):
            self.faults.append(fault or name)
            return None
        return float(value)

    def word(self, name: str, fault: str = "") -> Any:
        """Our word, or our number, for the standard's word *name*."""
        value = self.said.get(name)
        if value is None:
            return None
        words = WORDS[name]
        if not isinstance(value, str) or value not in words:
            self.faults.append(fault or name)
            return None
        return words[value]


def drone_of(details: Mapping[str, Any], flight_id: str | None) -> DroneId | None:
    """The drone's best id; without one the flight's; ``None`` where there is neither."""
    both = {**details, **_object(details.get("uas_id"))}
    said = {
        kind: judged(text.strip(), kind)
        for kind, names in IDS.items()
        for name in names
        if isinstance(text := both.get(name), str) and text.strip()
    }
    found = best_of(said)
    if found is None and flight_id is not None:
        return DroneId(flight_id, FLIGHT, NONE)
    return found


def operator_fields(
    flight: Mapping[str, Any], details: Mapping[str, Any], faults: list[str]
) -> dict[str, Any]:
    """Fields that all states of a flight share: the drone's type, the operator's registration and place."""
    said = _object(details.get("operator_location"))
    values = Values(_object(said.get("position")) or said, faults)
    lat = values.number("lat", -90, 90, fault="operator_position")
    lon = values.number("lng", -180, 180, fault="operator_position")
    where = None if (lat, lon) == (0, 0) else place_on_earth(lat, lon)
    operator_id = details.get("operator_id")
    kind = Values(said, faults).word("altitude_type", "operator_position_kind")
    drone_type = Values(
        {"aircraft_type": flight.get("aircraft_type", details.get("aircraft_type"))}, faults
    ).word("aircraft_type", "drone_type")
    return {
        "drone_type": drone_type,
        "operator_id": operator_id.strip() or None if isinstance(operator_id, str) else None,
        "operator_position": where,
        "operator_position_kind": None if where is None else kind,
    }


def state_fields(values: Values, at: Values) -> dict[str, Any]:
    """Fields of a state; *at*: its position. A height without its reference is of none, so it is left out."""
    height = values.part("height") if values.said.get("height") is not None else at.part("height")
    reference = height.word("reference", "height_reference")
    distance = height.number("distance", *HEIGHTS, UNKNOWN_HEIGHT, "height")
    return {
        "flight_status": values.word("operational_status", "flight_status"),
        **({reference: distance} if reference is not None else {}),
        "above_wgs84_m": at.number("alt", *HEIGHTS, UNKNOWN_HEIGHT, "altitude"),
        "pressure_altitude_m": at.number("pressure_altitude", *HEIGHTS, UNKNOWN_HEIGHT),
        "height_accuracy_m": at.word("accuracy_v"),
        "speed_mps": values.number("speed", 0, 254.25, UNKNOWN_SPEED),
        "speed_accuracy_mps": values.word("speed_accuracy"),
        "vertical_mps": values.number("vertical_speed", -62, 62, UNKNOWN_CLIMB),
        "track_deg": values.number("track", 0, 360, UNKNOWN_TRACK),
    }


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
