"""Records of MDS 2 about vehicles in the platform's words: types, states, telemetry, events. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.formats.records import (
    a_number,
    a_text,
    an_id,
    id_or_none,
    note_unknown,
    plausible_time,
    text_or_none,
)
from connectors.subjects.plausible import UNKNOWN_PLACES, id_if_known, known_id
from connectors.subjects.vehicles import Telemetry
from schemas.errors import Invalid

STATES = frozenset(
    {
        "removed",
        "available",
        "non_operational",
        "reserved",
        "on_trip",
        "stopped",
        "non_contactable",
        "missing",
        "elsewhere",
    }
)
GROUNDS = frozenset({"street", "sidewalk", "crosswalk", "garage", "bike_lane"})
TYPES = {
    "bicycle": "bicycle",
    "bus": "bus",
    "cargo_bicycle": "cargo_bicycle",
    "car": "car",
    "moped": "moped",
    "scooter": "scooter",
    "scooter_standing": "scooter",
    "scooter_seated": "scooter",
    "delivery_robot": "other",
    "motorcycle": "other",
    "truck": "other",
    "other": "other",
}
"""The word of MDS 2 → ours."""
WITH_MOTOR = frozenset({"bicycle", "cargo_bicycle", "scooter"})
ELECTRIC = frozenset({"electric", "electric_assist"})
STATUS_PARTS = ("last_event", "last_telemetry")


@dataclass(frozen=True, slots=True)
class Moment:
    """A device at one time: *where* it was, ``None`` where that is not known; *fields* of ``mobility.position``."""

    device_id: str
    at_ms: int
    where: Mapping[str, Any] | None
    fields: Mapping[str, Any]
    provider_id: str | None
    is_elsewhere: bool = False

    @property
    def state(self) -> str | None:
        """The state that it was in from then on; ``None`` where it says none."""
        state: str | None = self.fields.get("state")
        return state


def is_vehicle(record: Mapping[str, Any]) -> bool:
    """Whether it is a record of ``/vehicles``, which says what a device is and not where."""
    return "vehicle_type" in record and not any(name in record for name in (*STATUS_PARTS, "timestamp"))


def vehicle_of(record: Mapping[str, Any], noted: Counter[str]) -> tuple[str, dict[str, Any]]:
    """Device → its fields of ``mobility.position`` that never change."""
    own = a_text(record.get("vehicle_type"), "vehicle_type")
    word = TYPES.get(own)
    if word is None:
        note_unknown(noted, "vehicle type", own)
        word = "other"
    propulsion = record.get("propulsion_types") or ()
    if not isinstance(propulsion, list | tuple) or not all(isinstance(one, str) for one in propulsion):
        raise Invalid("propulsion_types is no list", field="propulsion_types", expected="a list of words")
    prefix = "electric_" if word in WITH_MOTOR and ELECTRIC & set(propulsion) else ""
    label = text_or_none(record.get("vehicle_id"), "vehicle_id")
    return device_of(record), {"vehicle_type": prefix + word, "vehicle_type_id": own, "label": label}


def device_of(record: Mapping[str, Any]) -> str:
    return known_id(an_id(record.get("device_id"), "device_id"), "device_id")


def moments(record: Mapping[str, Any], told: Telemetry) -> Iterator[Moment]:
    """The moments of a record of ``/vehicles/status``, ``/events`` or ``/telemetry``: of a status two, its event's and its
    telemetry's. ``Invalid`` for anything else.
    """
    if not any(name in record for name in STATUS_PARTS):
        yield _moment(record, record, told)
        return
    parts = [part for name in STATUS_PARTS if (part := record.get(name)) is not None]
    if not parts:
        raise Invalid("the status is empty", field="last_telemetry", expected="an object")
    if not all(isinstance(part, dict) for part in parts):
        raise Invalid("a part of the status is no object", field="last_telemetry", expected="an object")
    found = [_moment(part, record, told) for part in parts]
    if any(moment.device_id != found[0].device_id for moment in found):
        raise Invalid("the status is of two devices", field="device_id", expected="the same device_id")
    yield from found


def _moment(part: Mapping[str, Any], whole: Mapping[str, Any], told: Telemetry) -> Moment:
    location = part.get("location") or {}
    if not isinstance(location, dict):
        raise Invalid("the location is no object", field="location", expected="lat and lng")
    state = _word(part, "vehicle_state", STATES, told.noted)
    if "vehicle_state" not in part and "location" not in part:
        raise Invalid("the record is of no kind that MDS has", field="", expected="an event or telemetry")
    tipped = part.get("tipped_over")
    if tipped is not None and not isinstance(tipped, bool):
        raise Invalid("tipped_over is neither true nor false", field="tipped_over", expected="true or false")
    fields: dict[str, Any] = {
        "state": state,
        "tipped_over": tipped,
        "location_type": _word(part, "location_type", GROUNDS, told.noted),
        "battery_percent": _percent(part, told.noted),
        "speed_mps": told.speed_mps(_number(location, "speed")),
        "bearing_deg": told.bearing_deg(_number(location, "heading")),
        "hub_id": id_if_known(id_or_none(part.get("stop_id"), "stop_id"), "stop_id", told.noted),
    }
    provider = id_or_none(part.get("provider_id", whole.get("provider_id")), "provider_id")
    device_id = device_of(part if part.get("device_id") is not None else whole)
    is_elsewhere = _is_elsewhere(location, told)
    where = None if is_elsewhere else _where(location, told)
    return Moment(device_id, _time(part, told.at_ms), where, fields, provider, is_elsewhere)


def _is_elsewhere(location: Mapping[str, Any], told: Telemetry) -> bool:
    """Whether it is on earth but outside the city: no fault of anybody's."""
    if location.get("lat") is None and location.get("lng") is None:
        return False
    lat, lon = a_number(location.get("lat"), "location.lat"), a_number(location.get("lng"), "location.lng")
    is_place = abs(lat) <= 90 and abs(lon) <= 180 and (lat, lon) not in UNKNOWN_PLACES
    return is_place and not told.context.bounds.holds(lat, lon)


def _where(location: Mapping[str, Any], told: Telemetry) -> dict[str, Any] | None:
    where = told.position(location.get("lat"), location.get("lng"))
    if where is not None:
        where["accuracy_m"] = told.plausible(_number(location, "horizontal_accuracy"), "accuracy")
    return where


def _time(part: Mapping[str, Any], at_ms: int | None) -> int:
    stamp = part.get("timestamp")
    if type(stamp) is not int:
        raise Invalid("timestamp is no time", field="timestamp", expected="milliseconds since 1970")
    return plausible_time(stamp, at_ms, "timestamp")


def _word(part: Mapping[str, Any], name: str, known: frozenset[str], noted: Counter[str]) -> str | None:
    """One of the *known* words; ``None``, noted, for one of a later version."""
    word = text_or_none(part.get(name), name)
    if word is None or word in known:
        return word
    note_unknown(noted, name, word)
    return None


def _percent(part: Mapping[str, Any], noted: Counter[str]) -> float | None:
    """The battery's charge, or what its tank holds."""
    for name in ("battery_percent", "fuel_percent"):
        if part.get(name) is not None:
            value = a_number(part[name], name)
            if 0 <= value <= 100:
                return value
            noted["charge beyond 0 to 100"] += 1
            return None
    return None


def _number(location: Mapping[str, Any], name: str) -> float | None:
    return None if location.get(name) is None else a_number(location[name], f"location.{name}")
