"""The fields of a GBFS system that seldom change, and its numbers in the platform's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from connectors.base import Place
from connectors.formats.records import a_number, an_id, id_or_none, note_unknown, text_or_none
from connectors.sources._gbfs import WORDS, a_count, in_language, vehicle_type
from connectors.subjects.plausible import id_if_known, known_id
from connectors.subjects.vehicles import Telemetry
from schemas.errors import Invalid

REAL_TIME_S = 300.0
"""The standard: what is near real time is never more than 5 minutes out of date."""
STATIONS_MAX, TYPES_MAX = 5_000, 500
"""Remembered of a system: the largest has some 2,500 stations. Beyond: a hub without name and place."""


@dataclass(slots=True)
class System:
    """The fields of a system that seldom change."""

    stations: dict[str, dict[str, Any]]
    types: dict[str, str]
    operator: str | None

    def hear_operator(self, data: Mapping[str, Any], language: str | None) -> None:
        """Who runs it; what is no text is nothing that a vehicle or a station needs."""
        with suppress(Invalid):
            stated = in_language(data.get("operator"), language, "operator")
            self.operator = stated or in_language(data.get("name"), language, "name") or self.operator

    def hear_type(self, record: Mapping[str, Any]) -> None:
        type_id, word = vehicle_type(record)
        self.types.pop(type_id, None)
        self.types[type_id] = word

    def hear_station(self, record: Mapping[str, Any], language: str | None, told: Telemetry) -> None:
        """``Invalid`` for a station without an id, or outside the bounds."""
        station_id = known_id(an_id(record.get("station_id"), "station_id"), "station_id")
        station = {
            "name": in_language(record.get("name"), language, "name"),
            "position": told.position(record.get("lat"), record.get("lon")),
            "capacity": a_count(record.get("capacity"), "capacity", told.noted),
            "address": text_or_none(record.get("address"), "address"),
            "region_id": id_if_known(
                id_or_none(record.get("region_id"), "region_id"), "region_id", told.noted
            ),
        }
        self.stations.pop(station_id, None)
        self.stations[station_id] = station

    def word(self, type_id: str | None, told: Telemetry) -> str:
        """Our word for a type. Vehicles without one are bicycles without a motor: so the standard has it."""
        if type_id is None:
            return "bicycle"
        word = self.types.get(type_id) or WORDS.get(type_id)
        if word is None:
            note_unknown(told.noted, "vehicle type", type_id)
        return word or "other"

    def kept(self) -> dict[str, Any]:
        """As the source's place keeps it."""
        kept = {
            "stations": dict(list(self.stations.items())[-STATIONS_MAX:]),
            "types": dict(list(self.types.items())[-TYPES_MAX:]),
            "operator": self.operator,
        }
        return {name: value for name, value in kept.items() if value}


def system_of(place: Place) -> System:
    """The system as *place* has it."""
    return System(dict(place.get("stations", {})), dict(place.get("types", {})), place.get("operator"))


def percent(value: object, told: Telemetry) -> float | None:
    """A share as percent. The standard of 3.0 sets it no limit, but a value beyond 0 to 1 cannot be trusted."""
    if value is None:
        return None
    share = a_number(value, "current_fuel_percent")
    if not 0 <= share <= 1:
        told.noted["charge beyond 0 to 1"] += 1
        return None
    return round(share * 100, 6)


def metres(value: object, told: Telemetry) -> float | None:
    return None if value is None else told.plausible(a_number(value, "current_range_meters"), "range")


def docks(record: Mapping[str, Any], capacity: int | None, told: Telemetry) -> dict[str, int | None] | None:
    free = a_count(record.get("num_docks_available"), "num_docks_available", told.noted)
    disabled = a_count(record.get("num_docks_disabled"), "num_docks_disabled", told.noted)
    if free is None and disabled is None and capacity is None:
        return None
    return {"free": free, "disabled": disabled, "total": capacity}


def available(record: Mapping[str, Any], system: System, told: Telemetry) -> list[dict[str, Any]]:
    """Vehicles by type: as the feed has them by type, else all of them, less those counted among them."""
    by_type = record.get("vehicle_types_available")
    if isinstance(by_type, list) and by_type:
        return [known for one in by_type if (known := _of_type(one, system, told)) is not None]
    stated = record.get("num_vehicles_available", record.get("num_bikes_available"))
    total = a_count(stated, "num_vehicles_available", told.noted)
    electric = a_count(record.get("num_ebikes_available"), "num_ebikes_available", told.noted)
    scooters = a_count(record.get("num_scooters_available"), "num_scooters_available", told.noted)
    if total is not None and electric is not None and electric > total:
        told.noted["more electric bicycles than bicycles"] += 1
        total = None
    plain = total if total is None or electric is None else total - electric
    counted = (("bicycle", plain), ("electric_bicycle", electric), ("scooter", scooters))
    return [
        {"vehicle_type": word, "count": count, "vehicle_type_id": None}
        for word, count in counted
        if count is not None
    ]


def _of_type(one: object, system: System, told: Telemetry) -> dict[str, Any] | None:
    """The count of a type; ``None``, noted, for one that cannot be."""
    if not isinstance(one, dict):
        raise Invalid("a type's count is no object", field="vehicle_types_available", expected="an object")
    type_id = an_id(one.get("vehicle_type_id"), "vehicle_type_id")
    if one.get("count") is None:
        raise Invalid("a type has no count", field="vehicle_types_available", expected="a count")
    count = a_count(one["count"], "count", told.noted)
    if count is None:
        return None
    return {"vehicle_type": system.word(type_id, told), "count": count, "vehicle_type_id": type_id}
