"""A day of hubs from a seed: what feeds say of four hubs, with silences, late rows, trips called off and hubs removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from schemas.catalogue import load_catalogue

Row = dict[str, Any]
Input = tuple[str, str, Row | None]
"""Topic, key, value."""
BEGIN_MS = 1_772_928_000_000
DAY_S = 86_400
TYPES = ("bicycle", "electric_bicycle", "electric_scooter")
STATES = (
    "available",
    "charging",
    "blocked",
    "reserved",
    "out_of_order",
    "planned",
    "removed",
    "unknown",
    "new",
)
STATES_OF_RIDES = ("requested", "assigned", "picked_up", "dropped", "cancelled")
STOPS = {"S-1": "H-1", "S-2": "H-2", "S-2b": "H-2", "S-9": "H-9"}
SAME_AS = {"C-1": "H-1", "B-1": "H-1"}
HUBS = ("H-1", "H-2", "H-3", "C-1", "B-1")
ELSEWHERE = "S-0"
SPOT_DEG, BESIDE_DEG = 0.0006, 0.00018
"""Spots of hubs are 67 m apart in a row, and a ride stops 20 m beside one: no distance is near to 100 m."""


def a_row(topic: str, at_ms: int, **said: Any) -> Row:
    """A row of *topic* with every field of its contract; what is not *said* is null, empty or false."""
    fields = {one["name"]: one.get("default") for one in load_catalogue()[topic].newest["fields"]}
    fields |= {
        "event_time": at_ms,
        "received_time": at_ms,
        "source": "feed",
        "city": "demo",
        "event_id": "0" * 32,
    }
    if "is_stale" in fields:
        fields["is_stale"] = False
    return fields | said


def a_stop(stop_id: str, at_ms: int | None, **said: Any) -> Row:
    return {
        "stop_id": stop_id,
        "arrival_time": at_ms,
        "departure_time": None,
        "relationship": "scheduled",
    } | said


def a_day(seed: int, inputs: int, seconds: int = DAY_S) -> Iterator[Input]:
    """About *inputs* rows spread over a day, or over so many *seconds*, with a tick before and between them."""
    random = Random(seed)
    at_ms = BEGIN_MS
    silent: dict[str, int] = {}
    makers = {
        "hub": _hub,
        "vehicle": _vehicle,
        "trip": _trip,
        "alert": _alert,
        "place": _place,
        "ride": _ride,
        "closure": _closure,
    }
    yield "core.tick", "demo", a_row("core.tick", at_ms)
    step_ms = seconds * 1000 // inputs
    while at_ms < BEGIN_MS + seconds * 1000:
        kind = random.choices(tuple(makers), (30, 30, 30, 6, 6, 30, 6))[0]
        if random.random() < 0.002:
            silent[kind] = at_ms + random.randrange(60, 7200) * 1000
        if silent.get(kind, 0) <= at_ms:
            yield makers[kind](random, at_ms)
        if random.random() < 0.6:
            at_ms += random.choice((random.randrange(1, 900), random.randrange(2 * step_ms), 4 * step_ms))
            yield "core.tick", "demo", a_row("core.tick", at_ms)


def _times(random: Random, at_ms: int, old_s: int) -> Row:
    """Times of a row heard about now: some of old things, some late, some of a sender whose clock is ahead."""
    received_ms = at_ms - random.choice((0, 0, 0, 200, 5_000, 400_000))
    event_ms = received_ms - random.choice((0, 1_000, 30_000, old_s * 1000, -20_000))
    return {"event_time": event_ms, "received_time": received_ms, "is_stale": random.random() < 0.06}


def _hub(random: Random, at_ms: int) -> Input:
    hub_id, said = random.choice(HUBS), _times(random, at_ms, 4_000)
    if hub_id.startswith("C") or random.random() < 0.1:
        states = random.sample(STATES, random.randrange(len(STATES)))
        said["chargers"] = [{"state": one, "count": random.randrange(4)} for one in states]
    else:
        types = random.sample(TYPES, random.randrange(3))
        said["available"] = [{"vehicle_type": one, "count": random.randrange(5)} for one in types]
        said["vehicles_disabled"] = random.choice((None, 0, 2))
        said["docks"] = random.choice(
            (None, {"free": random.randrange(9), "total": 12}, {"free": None, "total": 8})
        )
    said["name"] = random.choice((None, f"hub {hub_id}"))
    said["position"] = random.choice((None, {"lat": 33.5, "lon": 126.5, "accuracy_m": None}))
    source = random.choice(("bikes", "slow"))
    return "mobility.hub", hub_id, a_row("mobility.hub", at_ms, hub_id=hub_id, **said | {"source": source})


def _vehicle(random: Random, at_ms: int) -> Input:
    vehicle_id = f"v{random.randrange(12)}"
    said = _times(random, at_ms, 2_000) | {
        "vehicle_id": vehicle_id,
        "vehicle_type": random.choice(TYPES),
        "hub_id": random.choice((None, *HUBS)),
        "is_reserved": random.choice((None, False, True)),
        "is_disabled": random.choice((None, False, False, True)),
    }
    return "mobility.position", vehicle_id, a_row("mobility.position", at_ms, **said)


def _trip(random: Random, at_ms: int) -> Input:
    trip_id = f"T-{random.randrange(15)}"
    stops = random.sample((*STOPS, ELSEWHERE), random.randrange(1, 5))
    ahead_ms = [random.randrange(-60, 1_500) * 1000 for _ in stops]
    delays = [
        random.choice(
            (
                a_stop(stop, at_ms + ahead),
                a_stop(stop, at_ms + ahead, relationship=random.choice((None, "skipped", "no_data"))),
                a_stop(stop, None, departure_time=random.choice((None, at_ms + ahead))),
            )
        )
        for stop, ahead in zip(stops, ahead_ms, strict=True)
    ]
    said = _times(random, at_ms, 85) | {
        "source": random.choice(("buses", "drt")),
        "trip_id": trip_id,
        "route_id": random.choice((None, "R-1")),
        "relationship": random.choice(("scheduled", "scheduled", "added", "canceled")),
        "trip_start_date": random.choice((None, "20260308")),
        "delays": delays,
    }
    return "mobility.trip", trip_id, a_row("mobility.trip", at_ms, **said)


def _alert(random: Random, at_ms: int) -> Input:
    name = f"A-{random.randrange(14)}"
    starts, ends = at_ms + random.randrange(-900, 900) * 1000, at_ms + random.randrange(900, 3_000) * 1000
    said = _times(random, at_ms, 500) | {
        "trip_id": f"alert:{name}",
        "alert_id": random.choice((name, name, None)),
        "relationship": "alert",
        "header_text": random.choice((None, "moved", "x" * 600)),
        "url": random.choice((None, "https://transit.example/a", "https://transit.example/" + "y" * 600)),
        "active": random.choice(
            ([], [{"starts_at": starts, "ends_at": None}], [{"starts_at": None, "ends_at": ends}])
        ),
        "affected": [
            {"stop_id": one} for one in random.sample((*STOPS, ELSEWHERE, None), random.randrange(3))
        ],
    }
    return "mobility.trip", said["trip_id"], a_row("mobility.trip", at_ms, **said)


def _place(random: Random, at_ms: int) -> Input:
    hub_id = random.choice((*HUBS, "H-4"))
    said = {"hub_id": hub_id, "name": random.choice((None, f"place {hub_id}")), "kind": "hub"}
    place = random.choice((None, *(_spot(random) for _ in range(4))))
    row = a_row("place.hub", at_ms, position=place, **said)
    return "place.hub", hub_id, random.choice((row, row, row, None))


def _closure(random: Random, at_ms: int) -> Input:
    """A row of one of a few closures of these hours: around some of the spots, in any order of revisions, some over."""
    closure_id = f"K-{(at_ms - BEGIN_MS) // 10_800_000}-{random.randrange(3)}"
    south = 33.4 + (random.randrange(7) - 0.5) * SPOT_DEG
    north = south + random.randrange(1, 4) * SPOT_DEG
    ring = [[126.3, south], [126.5, south], [126.5, north], [126.3, north], [126.3, south]]
    starts_ms = at_ms + random.choice((0, 0, -60_000, 600_000))
    said = {
        "closure_id": closure_id,
        "geometry": json.dumps({"type": "Polygon", "coordinates": [ring]}),
        "starts_at": starts_ms,
        "ends_at": random.choice((None, starts_ms + random.randrange(60, 3_600) * 1000)),
        "reason": random.choice(("flood", "fire")),
        "opened_by": "a-1",
        "revision": random.randrange(1, 5),
        "state": random.choice(("open", "open", "over")),
    }
    return "core.closure", closure_id, a_row("core.closure", at_ms, **said)


def _spot(random: Random, beside_deg: float = 0.0) -> Row:
    return {"lat": 33.4 + random.randrange(7) * SPOT_DEG + beside_deg, "lon": 126.4, "accuracy_m": None}


def _ride(random: Random, at_ms: int) -> Input:
    """A row of one of a few rides of these hours: in any order, told twice, with dispatchers' commands between."""
    booking_id = f"R-{(at_ms - BEGIN_MS) // 21_600_000}-{random.randrange(6)}"
    command_id = random.choice((None, None, *(f"c{number}" for number in range(3))))
    said = _times(random, at_ms, 60) | {
        "source": "gateway" if command_id and random.random() < 0.9 else "vans",
        "booking_id": booking_id,
        "revision": random.randrange(1, 4 if command_id else 20),
        "state": random.choices(STATES_OF_RIDES, (4, 4, 2, 1, 1))[0],
        "operator": "vans",
        "passengers": 1,
        "pickup": random.choice((None, _spot(random, BESIDE_DEG), _spot(random, BESIDE_DEG))),
        "dropoff": random.choice((None, _spot(random, BESIDE_DEG), _spot(random, BESIDE_DEG))),
        "pickup_at": random.choice((None, at_ms + random.randrange(-60, 3_000) * 1000)),
        "dropoff_at": random.choice((None, at_ms + random.randrange(-60, 5_000) * 1000)),
        "vehicle_id": random.choice((None, "v1", "v2", "v3")),
        "assigned_by": "d" if command_id else None,
        "command_id": command_id,
    }
    said.pop("is_stale")
    return "mobility.booking", booking_id, a_row("mobility.booking", at_ms, **said)
