"""Transport on demand on the simulated Jeju: twelve vans, and rides that people ask for, as their operator tells them. Pure.

Time is cut into slots; one ride is asked for in each, drawn from (seed, slot) alone. Van number ``slot % 12`` serves it, and
is free again before its next slot. So a day is the rides of its slots, whichever parts of it are asked for. Each van serves
the surroundings of one hub, so far as it comes in the time that a ride takes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from connectors.simulation.chance import in_disc
from deploy.demo.island_places import HUBS, MIDDLE, Hub, Spot, between, inland
from streams.geo import distance_m

OPERATOR = "jeju-drt"
VANS = 12
CANCELLED_OF = 8
"""One ride of so many is cancelled."""
DRIVES_MPS = 8.0
ASIDE_SHARE = 0.2
"""A ride goes inland, and so far to the side."""
FROM_HUB_M = 60
"""Metres within which those wait who ask at a hub."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of a slot, and of each step of a ride after it was asked for."""

    slot_s: int
    assigned_s: int
    picked_up_s: int
    dropped_s: int

    @property
    def reach_m(self) -> float:
        """The metres that a ride goes at most."""
        return DRIVES_MPS * (self.dropped_s - self.picked_up_s)

    def __post_init__(self) -> None:
        if self.dropped_s > self.slot_s * (VANS - 1):
            raise ValueError("a van would be asked for its next ride before this one ends")


DAY = Pace(slot_s=180, assigned_s=40, picked_up_s=660, dropped_s=1_740)
"""As it may be: 480 rides in 24 hours."""
SHOWN = Pace(slot_s=10, assigned_s=4, picked_up_s=30, dropped_s=90)
"""As the demo has it."""


@dataclass(frozen=True, slots=True)
class Ride:
    """One ride that was asked for."""

    booking_id: str
    slot: int
    asked_ms: int
    passengers: int
    pickup: Spot
    dropoff: Spot
    is_cancelled: bool

    @property
    def van(self) -> str:
        return f"van-{self.slot % VANS + 1}"


def ride_of(seed: int, slot: int, pace: Pace) -> Ride:
    chance = random.Random(f"{seed}:ride:{pace.slot_s}:{slot}")  # noqa: S311 - repeatable on purpose
    hub = HUBS[slot % VANS * len(HUBS) // VANS]
    far_m = pace.reach_m * chance.uniform(0.5, 0.95)
    aside_m = pace.reach_m * chance.uniform(-ASIDE_SHARE, ASIDE_SHARE)
    away = inland(hub.at, far_m / distance_m(*hub.at, *MIDDLE), aside_m)
    at_hub = in_disc(chance, *hub.at, FROM_HUB_M)
    is_from_hub = chance.random() < 0.5
    return Ride(
        f"drt-{pace.slot_s}-{slot}",
        slot,
        slot * pace.slot_s * 1000,
        chance.randint(1, 4),
        at_hub if is_from_hub else away,
        away if is_from_hub else at_hub,
        chance.randrange(CANCELLED_OF) == 0,
    )


def rows(seed: int, from_ms: int, until_ms: int, pace: Pace) -> list[dict[str, Any]]:
    """All that the operator tells from *from_ms* and before *until_ms*, in order of time."""
    slot_ms = pace.slot_s * 1000
    first = (from_ms - pace.dropped_s * 1000) // slot_ms
    found = [
        (at_ms, row)
        for slot in range(first, until_ms // slot_ms + 1)
        for at_ms, row in life(ride_of(seed, slot, pace), pace)
        if from_ms <= at_ms < until_ms
    ]
    return [row for _, row in sorted(found, key=lambda one: (one[0], one[1]["booking_id"]))]


def life(ride: Ride, pace: Pace) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every row of one ride, with its time. A cancelled one is cancelled after its van was assigned."""
    steps = [("requested", 0), ("assigned", pace.assigned_s)]
    cancelled = [("cancelled", (pace.assigned_s + pace.picked_up_s) // 2)]
    served = [("picked_up", pace.picked_up_s), ("dropped", pace.dropped_s)]
    for revision, (state, after_s) in enumerate(
        steps + (cancelled if ride.is_cancelled else served), start=1
    ):
        at_ms = ride.asked_ms + after_s * 1000
        yield at_ms, row_of(ride, state, revision, at_ms, ride.asked_ms + pace.picked_up_s * 1000)


def row_of(ride: Ride, state: str, revision: int, at_ms: int, pickup_ms: int) -> dict[str, Any]:
    return {
        "event_time": iso(at_ms),
        "booking_id": ride.booking_id,
        "revision": revision,
        "state": state,
        "operator": OPERATOR,
        "passengers": ride.passengers,
        "position": _at(ride.pickup),
        "pickup": _at(ride.pickup),
        "dropoff": _at(ride.dropoff),
        "pickup_at": iso(pickup_ms),
        "vehicle_id": None if state == "requested" else ride.van,
    }


def late_ride(seed: int, start_ms: int) -> Ride:
    """The ride of the round whose van is late, as it serves others: asked for 15 minutes before."""
    chance = random.Random(f"{seed}:late:{start_ms}")  # noqa: S311 - as above
    hub: Hub = HUBS[chance.randrange(8)]
    asked_ms = start_ms - 900_000
    away = inland(hub.at, 0.05, 0)
    return Ride(
        f"drt-late-{start_ms // 1000}", 0, asked_ms, 2, in_disc(chance, *hub.at, FROM_HUB_M), away, False
    )


def van_body(seed: int, now_ms: int, pace: Pace) -> bytes:
    """Where the twelve vans are: on their way to whom they serve, with them, or where they let the last ones off."""
    found = []
    now_slot = now_ms // (pace.slot_s * 1000)
    for back in range(VANS):
        ride = ride_of(seed, now_slot - back, pace)
        found.append(
            {
                "event_time": iso(now_ms),
                "vehicle_id": ride.van,
                "vehicle_type": "bus",
                "operator": OPERATOR,
                "is_stale": False,
                "position": _at(van_at(seed, ride, now_ms, pace)),
            }
        )
    return orjson.dumps(found)


def van_at(seed: int, ride: Ride, now_ms: int, pace: Pace) -> Spot:
    since_s = (now_ms - ride.asked_ms) / 1000
    before = ride_of(seed, ride.slot - VANS, pace)
    stood = before.pickup if before.is_cancelled else before.dropoff
    if since_s < pace.picked_up_s or ride.is_cancelled:
        share = (since_s - pace.assigned_s) / (pace.picked_up_s - pace.assigned_s)
        return between(stood, ride.pickup, min(1.0, max(0.0, share)))
    share = (since_s - pace.picked_up_s) / (pace.dropped_s - pace.picked_up_s)
    return between(ride.pickup, ride.dropoff, min(1.0, share))


def iso(at_ms: float) -> str:
    return datetime.fromtimestamp(round(at_ms) / 1_000, UTC).isoformat(timespec="milliseconds")


def _at(spot: Spot) -> dict[str, float]:
    return {"lat": spot[0], "lon": spot[1]}
