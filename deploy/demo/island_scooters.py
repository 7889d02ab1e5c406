"""Kickboards without docks on the simulated Jeju, told as the Mobility Data Specification 2.0 tells an agency. Pure.

In each round one falls over on the pavement, another's battery ends, some are ridden away from their place and back.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.simulation.chance import in_disc
from deploy.demo.island_places import HUBS, Spot, between, inland

PROVIDER = str(uuid.uuid5(uuid.NAMESPACE_URL, "https://kick.example/jeju"))
DEVICES = 40
VERSION = "2.0.0"
TTL_S = 60
FALLEN, DRAINED = 0, 1
"""The numbers of those to which something happens."""
FALLEN_FROM_S, FALLEN_UNTIL_S = 30, 105
RIDES_EVERY = 5
RIDE_FROM_S, RIDE_UNTIL_S = 15, 95
SPEED_MPS = 5.0


@dataclass(frozen=True, slots=True)
class Now:
    """One kickboard at a time: where, and how it is."""

    at: Spot
    state: str
    is_tipped: bool
    ground: str
    battery: int
    speed_mps: float


def name_of(seed: int, device: int, *what: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, ":".join(map(str, ("kick", seed, device, *what)))))


def vehicles_body(seed: int, now_ms: int) -> bytes:
    """``/vehicles``: what each device is."""
    found = [
        {
            "device_id": name_of(seed, one),
            "provider_id": PROVIDER,
            "vehicle_id": f"KICK-{one:03}",
            "vehicle_type": "scooter_standing",
            "propulsion_types": ["electric"],
        }
        for one in range(DEVICES)
    ]
    return orjson.dumps({"version": VERSION, "last_updated": now_ms, "ttl": TTL_S * 1000, "vehicles": found})


def status_body(seed: int, second: float, now_ms: int) -> bytes:
    """``/vehicles/status``: the last event and the last telemetry of each device."""
    found = [_status(seed, one, now_of(seed, one, second), now_ms) for one in range(DEVICES)]
    return orjson.dumps(
        {"version": VERSION, "last_updated": now_ms, "ttl": TTL_S * 1000, "vehicles_status": found}
    )


def now_of(seed: int, device: int, second: float) -> Now:
    """The state of *device* at a second of any round."""
    chance = random.Random(f"{seed}:kick:{device}")  # noqa: S311 - repeatable on purpose
    hub = HUBS[device % 8]  # those of the towns
    home = in_disc(chance, *inland(hub.at, 0.02, 0), 250)
    battery = chance.randint(40, 100)
    if device == FALLEN:
        is_down = FALLEN_FROM_S <= second < FALLEN_UNTIL_S
        return Now(home, "available", is_down, "sidewalk" if is_down else "street", battery, 0.0)
    if device == DRAINED:
        left = max(3, round(24 - second * 0.4))
        return Now(home, "non_operational" if left < 10 else "available", False, "street", left, 0.0)
    if device % RIDES_EVERY == 2 and RIDE_FROM_S <= second < RIDE_UNTIL_S:
        half = (RIDE_UNTIL_S - RIDE_FROM_S) / 2
        gone_s = half - abs(second - RIDE_FROM_S - half)
        far = inland(home, 0.02, 0)
        return Now(between(home, far, gone_s / half), "on_trip", False, "bike_lane", battery - 2, SPEED_MPS)
    return Now(home, "available", False, "sidewalk" if device % 7 == 6 else "street", battery, 0.0)


def _status(seed: int, device: int, now: Now, now_ms: int) -> dict[str, Any]:
    is_ridden = now.state == "on_trip"
    journey = name_of(seed, device, "trip", now_ms // 120_000)
    common = {
        "device_id": name_of(seed, device),
        "provider_id": PROVIDER,
        "timestamp": now_ms,
        "trip_ids": [journey] if is_ridden else [],
        "location": {"lat": now.at[0], "lng": now.at[1], "speed": now.speed_mps, "horizontal_accuracy": 3.0},
        "battery_percent": now.battery,
        "tipped_over": now.is_tipped,
        "location_type": now.ground,
    }
    event = {
        **common,
        "event_id": name_of(seed, device, "event", now_ms),
        "vehicle_state": now.state,
        "event_types": [EVENTS[now.state]],
    }
    telemetry = {**common, "telemetry_id": name_of(seed, device, "point", now_ms), "journey_id": journey}
    return {
        "device_id": name_of(seed, device),
        "provider_id": PROVIDER,
        "last_event": event,
        "last_telemetry": telemetry,
    }


EVENTS = {"available": "trip_end", "on_trip": "trip_start", "non_operational": "battery_low"}
"""State → the event that led to it."""
