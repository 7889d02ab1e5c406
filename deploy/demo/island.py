"""Messages of the simulated Jeju: hubs, shared vehicles, buses, chargers and vans on demand. Pure; all of it is made.

A round takes ``ROUND_S`` seconds. In each: one hub runs empty, another fills to its last dock; a bicycle's battery ends;
a kickboard falls on the pavement; a van is late; two dispatchers assign one ride; a charger fails; surplus energy holds
chargers to a power; a car hits a bus stop, and 119 and 112 are called; waves close the shore at two hubs, and open it
again. Rides, buses and bookings go on beside it. The times of each are named in the modules ``island_*``, which write
what a feed of that standard says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import orjson

from connectors.simulation.chance import moved
from deploy.demo import island_chargers, island_scooters
from deploy.demo.field import ROUND_S, Said
from deploy.demo.island_buses import SEOUL, feed
from deploy.demo.island_fleet import BIKES, MOTORS, gbfs_body
from deploy.demo.island_places import BY_ID, EMPTY, HUBS, SHUT, Hub, Spot, ring_around
from deploy.demo.island_rides import SHOWN, iso, late_ride, row_of, rows, van_body

FEED_S, STATUS_S, VANS_S = 15, 20, 10
"""Seconds between two of what GBFS, GTFS-realtime and OCPI, what MDS, and what vans say."""
LATE_AFTER_S = 40
"""The second of a round at which its late van is five minutes late."""
LATE_MS = 300_000
SHUT_FROM_S, SHUT_UNTIL_S = 60, 105
SHUT_M = 250
CONTESTED = "drt-desk-"
"""Rides that dispatchers assign are named so."""
CONTESTED_S, CONTESTED_PICKUP_S = 6, 96
AREA = "jeju"
SURPLUS_SAID_S, SURPLUS_FROM_S, SURPLUS_UNTIL_S = 5, 15, 75
SURPLUS_W = 11_000
SHORTER: tuple[tuple[str, str], ...] = (
    (r"^over_after_min = 10$", "over_after_min = 0.5"),
    (r"^empty = 10$", "empty = 0.25"),
    (r"^full = 10$", "full = 0.25"),
)
"""Lines of the city's file that the demo changes: a round of two minutes has no ten."""
SHORTER_TOLD = (
    "in this demo a hub is told after 15 s without a vehicle or a free dock, and is well after 30 s;"
    " in a city both take 10 min"
)
CRASH_S = 22
SENDER = "warnings@kma.example"
COAST: tuple[Spot, ...] = (
    (33.52, 126.53), (33.54, 126.66), (33.56, 126.77), (33.52, 126.90), (33.46, 126.94), (33.38, 126.88),
    (33.31, 126.81), (33.27, 126.70), (33.24, 126.60), (33.23, 126.49), (33.22, 126.32), (33.20, 126.27),
    (33.29, 126.16), (33.39, 126.23), (33.46, 126.31), (33.49, 126.42), (33.52, 126.53),
)  # fmt: skip
"""The island's shore, drawn by hand."""
LAND = {"stroke": "#4f8f5b", "stroke-width": 1.5, "fill": "#4f8f5b", "fill-opacity": 0.15}


def setup(seed: int, now_ms: int) -> list[Said]:
    """Messages before anything happens: the hubs, every charger, and what each kickboard is."""
    return [
        Said(0, "hubs", orjson.dumps([_hub(one, now_ms) for one in HUBS])),
        *(Said(0, "chargers", page) for page in island_chargers.pages(seed, now_ms)),
        Said(0, "chargers-ocpp", island_chargers.speaking_list()),
        Said(0, "kickboards", island_scooters.vehicles_body(seed, now_ms)),
    ]


def a_round(seed: int, number: int, start_ms: int) -> list[Said]:
    """All messages of one round, in order of time."""
    said = [
        *_feeds(seed, number, start_ms),
        *_rides(seed, start_ms),
        *_late(seed, start_ms),
        *_contested(seed, start_ms),
        Said(SURPLUS_SAID_S, "surplus", orjson.dumps(surplus(start_ms))),
        *_crash(start_ms),
        *_warning(start_ms),
    ]
    return sorted(said, key=lambda one: one.after_s)


def hub_settings() -> dict[str, dict[str, str]]:
    """The settings by which the boards of hubs join what feeds say: stop → hub, and location of chargers → hub."""
    chargers = island_chargers.locations(0)[: len(HUBS)]  # those of the hubs are the same for every seed
    return {
        "stops": {stop: hub.hub_id for hub in HUBS for stop in hub.stops},
        "same_as": {
            **{one.hub_id: one.hub.hub_id for one in chargers if one.hub is not None},
            **{one.charger_id: one.hub.hub_id for one in island_chargers.speaking()},
        },
    }


def joined_text() -> str:
    """The part of the city's file by which the boards of hubs join what feeds say."""
    parts = []
    for name, table in hub_settings().items():
        parts += [f"[hubs.{name}]", *(f'"{key}" = "{hub}"' for key, hub in table.items()), ""]
    return "\n".join(parts)


def shorter(text: str) -> str:
    """The city's file with the demo's shorter minutes. ``ValueError`` where a line to change is not in it."""
    for line, instead in SHORTER:
        text, count = re.subn(line, instead, text, flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"{count} lines {line} in the file of the island")
    return text


def ground_text(folder: Path) -> str:
    """Write the drawn shore into *folder*; the part of the city's file that names it."""
    ring = [[lon, lat] for lat, lon in COAST]
    feature = {
        "type": "Feature",
        "properties": LAND,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    (folder / "island.geojson").write_bytes(
        orjson.dumps({"type": "FeatureCollection", "features": [feature]})
    )
    return '[map]\nlayers = ["island.geojson"]\n'


def _hub(hub: Hub, now_ms: int) -> dict[str, Any]:
    return {
        "event_time": iso(now_ms),
        "hub_id": hub.hub_id,
        "kind": "hub",
        "name": f"{hub.name} (가상)",
        "operator": "jeju-hubs",
        "capacity": hub.docks,
        "position": _at(hub.at),
        "is_public": True,
    }


def _feeds(seed: int, number: int, start_ms: int) -> Iterator[Said]:
    """Feeds that tell all they know, again and again."""
    for second in range(0, ROUND_S, FEED_S):
        at_ms = start_ms + second * 1000
        yield Said(second, "bikes", gbfs_body(BIKES, seed, number, second, at_ms))
        yield Said(second, "motors", gbfs_body(MOTORS, seed, number, second, at_ms))
        yield Said(second, "buses", feed(seed, at_ms, is_shut=SHUT_FROM_S <= second < SHUT_UNTIL_S))
        yield Said(second, "chargers", island_chargers.changed(seed, second, at_ms))
    for second in range(5, ROUND_S, STATUS_S):
        yield Said(second, "kickboards", island_scooters.status_body(seed, second, start_ms + second * 1000))
    for second in range(3, ROUND_S, VANS_S):
        yield Said(second, "vans", van_body(seed, start_ms + second * 1000, SHOWN))


# -- rides -------------------------------------------------------------------------------------------------------


def _rides(seed: int, start_ms: int) -> Iterator[Said]:
    for row in rows(seed, start_ms, start_ms + ROUND_S * 1000, SHOWN):
        at_ms = datetime.fromisoformat(row["event_time"]).timestamp() * 1000
        yield Said((at_ms - start_ms) / 1000, "rides", orjson.dumps(row))


def _late(seed: int, start_ms: int) -> Iterator[Said]:
    """A ride whose passengers wait: at ``LATE_AFTER_S`` its van is five minutes late."""
    ride = late_ride(seed, start_ms)
    pickup_ms = start_ms + LATE_AFTER_S * 1000 - LATE_MS
    steps: tuple[tuple[float, str, int], ...] = (
        (0, "requested", ride.asked_ms),
        (0.5, "assigned", ride.asked_ms + 60_000),
        (98, "picked_up", start_ms + 98_000),
        (116, "dropped", start_ms + 116_000),
    )
    for revision, (after_s, state, at_ms) in enumerate(steps, start=1):
        yield Said(after_s, "rides", orjson.dumps(row_of(ride, state, revision, at_ms, pickup_ms)))


def _contested(seed: int, start_ms: int) -> Iterator[Said]:
    """A ride that its operator leaves to dispatchers: two of them assign it at once, and whoever is first has it."""
    ride = replace(late_ride(seed, start_ms), booking_id=f"{CONTESTED}{start_ms // 1000}")
    pickup_ms = start_ms + CONTESTED_PICKUP_S * 1000
    for revision, (after_s, state) in enumerate(
        ((CONTESTED_S, "requested"), (CONTESTED_PICKUP_S, "picked_up"), (117, "dropped")), start=1
    ):
        row = row_of(ride, state, revision, start_ms + after_s * 1000, pickup_ms)
        yield Said(after_s, "rides", orjson.dumps({**row, "vehicle_id": None}))


def surplus(start_ms: int) -> dict[str, Any]:
    """The window of surplus of a round, and the power to which chargers are held in it."""
    begin, end = (_sent(start_ms + one * 1000) for one in (SURPLUS_FROM_S, SURPLUS_UNTIL_S))
    return {"area": AREA, "from": begin, "until": end, "kwh": 1_200, "price": 50, "limit_w": SURPLUS_W}


# -- the crash, the waves ----------------------------------------------------------------------------------------


def _crash(start_ms: int) -> Iterator[Said]:
    """A car hits the stop at the hub that runs empty: 119 is called, and 112 a few seconds later."""
    at = moved(*BY_ID[EMPTY].at, north_m=30, east_m=10)
    number = start_ms // 1000
    for agency, source, first_s in (("119", "calls-119", CRASH_S), ("112", "reports-112", CRASH_S + 4)):
        for revision, (after_s, status) in enumerate(
            ((0, "open"), (12, "dispatched"), (84, "closed")), start=1
        ):
            record = {
                "event_time": iso(start_ms + first_s * 1000),
                "agency": agency,
                "agency_case_no": f"{agency}-{number}",
                "kind": "crash.vehicle",
                "kind_text": "교통사고 (정류장)",
                "status": status,
                "units": ["구급 1"] if agency == "119" and status == "dispatched" else [],
                "revision": revision,
                "position": _at(at),
            }
            yield Said(first_s + after_s, source, orjson.dumps(record))


def _warning(start_ms: int) -> Iterator[Said]:
    yield Said(SHUT_FROM_S, "warnings", warning(start_ms, start_ms + SHUT_FROM_S * 1000))
    yield Said(SHUT_UNTIL_S, "warnings", warning(start_ms, start_ms + SHUT_UNTIL_S * 1000, is_cancelled=True))


def warning(start_ms: int, at_ms: int, *, is_cancelled: bool = False) -> bytes:
    """A warning of waves at two hubs as CAP 1.2, or its cancellation."""
    first = f"JEJU-{start_ms // 1000}-1"
    sent = _sent(start_ms + SHUT_FROM_S * 1000)
    kind, references = "Alert", ""
    if is_cancelled:
        kind, references = "Cancel", f"<references>{SENDER},{first},{sent}</references>"
    identifier = first if not is_cancelled else f"JEJU-{start_ms // 1000}-2"
    polygon = " ".join(f"{lat},{lon}" for lat, lon in ring_around(SHUT, SHUT_M))
    names = escape(", ".join(BY_ID[one].name for one in SHUT))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>{identifier}</identifier><sender>{SENDER}</sender><sent>{_sent(at_ms)}</sent>"
        f"<status>Actual</status><msgType>{kind}</msgType><scope>Public</scope>{references}"
        "<info><language>ko-KR</language><category>Met</category><event>풍랑경보</event>"
        "<urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>"
        f"<expires>{_sent(start_ms + 3_600_000)}</expires><headline>너울로 해안 통제 (가상)</headline>"
        f"<area><areaDesc>{names}</areaDesc><polygon>{polygon}</polygon></area></info></alert>"
    ).encode()


def _sent(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, SEOUL).isoformat(timespec="seconds")


def _at(spot: Spot) -> dict[str, float]:
    return {"lat": spot[0], "lon": spot[1]}
