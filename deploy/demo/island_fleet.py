"""Shared vehicles at the hubs of the simulated Jeju, told as GBFS 3.0 and 2.3 tell them. Pure.

Bicycles and kickboards have docks and are told in 3.0; motorcycles and cars, which have none, in 2.3. In each round one
vehicle of four is taken and comes back; one hub runs empty, another fills to its last dock; one battery ends. The id of
a vehicle is another after each ride, as the standard wants it.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import orjson

from connectors.simulation.chance import moved
from deploy.demo.island_places import EMPTY, FULL, HUBS, Hub

Version = Literal["3.0", "2.3"]
TTL_S = 60
BIKES, MOTORS = "jeju-bikes", "jeju-motors"
RANGES_M = {"e-bike": 60_000, "kickboard": 30_000, "e-motorcycle": 80_000, "ev": 300_000}
TYPES = {
    BIKES: (("e-bike", "bicycle", "electric_assist"), ("kickboard", "scooter_standing", "electric")),
    MOTORS: (("e-motorcycle", "moped", "electric"), ("ev", "car", "electric")),
}
VERSIONS: dict[str, Version] = {BIKES: "3.0", MOTORS: "2.3"}
MOTORS_AT_HUB = 4
FULL_FROM_S, FULL_UNTIL_S = 25, 110
EMPTY_FROM_S, EMPTY_UNTIL_S = 40, 95
DRAINED_FROM_S = 35
DRAINED = 0.04
RIDES_EVERY = 4
"""One vehicle of so many is taken in a round."""


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle: its number in its system, its type and the hub at which it stands between rides."""

    system: str
    number: int
    type_id: str
    hub: Hub
    place: int
    """Its number among those of the hub."""
    last: int
    """The number of others of its system that belong to the hub."""


def _standing(hub: Hub, system: str) -> int:
    """The number of vehicles that belong to a hub."""
    if system == MOTORS:
        return 0 if hub.hub_id == EMPTY else MOTORS_AT_HUB
    if hub.hub_id == EMPTY:
        return 4
    return hub.docks if hub.hub_id == FULL else hub.docks // 2


@lru_cache(2)
def fleet(system: str) -> tuple[Vehicle, ...]:
    """All vehicles of a system."""
    found: list[Vehicle] = []
    for hub in HUBS:
        count = _standing(hub, system)
        for place in range(count):
            types = TYPES[system]
            found.append(Vehicle(system, len(found), types[place % len(types)][0], hub, place, count - 1))
    return tuple(found)


def away(vehicle: Vehicle, seed: int, number: int) -> tuple[float, float] | None:
    """The seconds of round *number* from which and until which somebody has it; ``None``: nobody takes it."""
    if vehicle.system == BIKES and vehicle.hub.hub_id == EMPTY:
        return 10.0 * vehicle.place + 8, EMPTY_UNTIL_S + 5.0 * vehicle.place
    if vehicle.system == BIKES and vehicle.hub.hub_id == FULL:
        return None if vehicle.place < vehicle.last else (0.0, FULL_FROM_S)
    if vehicle.number % RIDES_EVERY:
        return None
    chance = random.Random(f"{seed}:{number}:{vehicle.system}:{vehicle.number}")  # noqa: S311 - repeatable on purpose
    begin = chance.uniform(2, 60)
    return begin, begin + chance.uniform(15, 50)


def is_here(vehicle: Vehicle, seed: int, number: int, second: float) -> bool:
    ride = away(vehicle, seed, number)
    if ride is None:
        return True
    if vehicle.hub.hub_id == FULL and vehicle.system == BIKES:
        return FULL_FROM_S <= second < FULL_UNTIL_S
    return not ride[0] <= second < ride[1]


def charge(vehicle: Vehicle, seed: int, second: float) -> float:
    """Its battery, 0 to 1. The first bicycle of the first hub is drained; chargers keep the others up between rounds."""
    if is_drained(vehicle):
        return round(max(DRAINED, 0.18 - second * 0.004), 3)
    start = random.Random(f"{seed}:{vehicle.system}:{vehicle.number}").uniform(0.35, 1.0)  # noqa: S311 - as above
    return round(start - second * 0.0005, 3)


def is_drained(vehicle: Vehicle) -> bool:
    return vehicle.system == BIKES and vehicle.number == 1


def told_id(vehicle: Vehicle, seed: int, number: int, second: float) -> str:
    """The id under which it is told: another after each ride, and of no other vehicle."""
    ride = away(vehicle, seed, number)
    rides = 0 if ride is None else number + (second >= ride[1])
    said = f"{seed}:{vehicle.system}:{vehicle.number}:{rides}"
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


# -- feeds -------------------------------------------------------------------------------------------------------


def gbfs_body(system: str, seed: int, number: int, second: float, now_ms: int) -> bytes:
    """All feeds of *system*, as a poll of its discovery file keeps them together."""
    form = _Form(VERSIONS[system], now_ms)
    here = [one for one in fleet(system) if is_here(one, seed, number, second)]
    vehicles = [_vehicle(one, seed, number, second, form) for one in here]
    by_hub = Counter((one.hub.hub_id, one.type_id) for one in here if not _is_disabled(one, second))
    disabled = Counter(one.hub.hub_id for one in here if _is_disabled(one, second))
    hubs = [one for one in HUBS if _standing(one, system)]
    feeds = {
        "system_information": form.feed(_system(system, form)),
        "vehicle_types": form.feed({"vehicle_types": list(_types(system))}),
        "station_information": form.feed({"stations": [_station(hub, system, form) for hub in hubs]}),
        "station_status": form.feed(
            {"stations": [_status(hub, system, by_hub, disabled, form) for hub in hubs]}
        ),
        form.vehicles_feed: form.feed({form.vehicles_list: vehicles}),
    }
    return orjson.dumps(feeds)


@dataclass(frozen=True, slots=True)
class _Form:
    """The way in which a version writes times, texts and names."""

    version: Version
    now_ms: int

    @property
    def is_new(self) -> bool:
        return self.version == "3.0"

    @property
    def vehicles_feed(self) -> str:
        return "vehicle_status" if self.is_new else "free_bike_status"

    @property
    def vehicles_list(self) -> str:
        return "vehicles" if self.is_new else "bikes"

    @property
    def time(self) -> str | int:
        seconds = self.now_ms // 1000
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if self.is_new else seconds

    def text(self, said: str) -> Any:
        return [{"text": said, "language": "ko"}] if self.is_new else said

    def feed(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"last_updated": self.time, "ttl": TTL_S, "version": self.version, "data": data}


def _system(system: str, form: _Form) -> dict[str, Any]:
    said = {"system_id": system, "name": form.text(system), "operator": form.text(system)}
    if form.is_new:
        said |= {"languages": ["ko"], "opening_hours": "24/7", "feed_contact_email": "feed@example.com"}
    else:
        said["language"] = "ko"
    return {**said, "timezone": "Asia/Seoul"}


def _types(system: str) -> Iterator[dict[str, Any]]:
    for type_id, shape, propulsion in TYPES[system]:
        yield {
            "vehicle_type_id": type_id,
            "form_factor": shape,
            "propulsion_type": propulsion,
            "max_range_meters": RANGES_M[type_id],
        }


def _station(hub: Hub, system: str, form: _Form) -> dict[str, Any]:
    said = {"station_id": hub.hub_id, "name": form.text(hub.name), "lat": hub.at[0], "lon": hub.at[1]}
    return {**said, "capacity": hub.docks} if system == BIKES else said


def _status(
    hub: Hub, system: str, by_hub: Counter[tuple[str, str]], disabled: Counter[str], form: _Form
) -> dict[str, Any]:
    counts = {type_id: by_hub[hub.hub_id, type_id] for type_id, _, _ in TYPES[system]}
    total = sum(counts.values())
    word = "vehicles" if form.is_new else "bikes"
    docks = {
        "num_docks_available": hub.docks - total - disabled[hub.hub_id],
        "num_docks_disabled": 0,
    }
    return {
        "station_id": hub.hub_id,
        f"num_{word}_available": total,
        f"num_{word}_disabled": disabled[hub.hub_id],
        "vehicle_types_available": [{"vehicle_type_id": one, "count": n} for one, n in counts.items()],
        **(docks if system == BIKES else {}),
        "is_installed": True,
        "is_renting": True,
        "is_returning": True,
        "last_reported": form.time,
    }


def _is_disabled(vehicle: Vehicle, second: float) -> bool:
    return is_drained(vehicle) and second >= DRAINED_FROM_S


def _vehicle(vehicle: Vehicle, seed: int, number: int, second: float, form: _Form) -> dict[str, Any]:
    fuel = charge(vehicle, seed, second)
    lat, lon = moved(*vehicle.hub.at, north_m=3, east_m=1.5 * vehicle.place)
    return {
        "vehicle_id" if form.is_new else "bike_id": told_id(vehicle, seed, number, second),
        "vehicle_type_id": vehicle.type_id,
        "station_id": vehicle.hub.hub_id,
        "lat": lat,
        "lon": lon,
        "is_reserved": vehicle.number % 17 == 3,
        "is_disabled": _is_disabled(vehicle, second),
        "current_range_meters": round(fuel * RANGES_M[vehicle.type_id]),
        "current_fuel_percent": fuel,
        "last_reported": form.time,
    }
