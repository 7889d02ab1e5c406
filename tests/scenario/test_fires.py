"""Fires and the aircraft near them: California, 8 to 14 September 2020. A weak sign, always told with its controls.

Of 145 flights over California 25 pass within 5 km of a fire of the state's list after its start. That alone shows
little: with the same fires moved by 0.7° to the south eight do, to the west eleven (there are other fires, airfields
and towns), to the north and east none. So nearness to a fire is evidence to look at, never a finding about a flight.

The rule for times: where the list's ``Started`` has no offset it is local time (America/Los_Angeles); with ``Z`` it is
UTC. Three of the 19 fires began after the flights' days.

The expected lists come from brute force over all positions and fires, apart from the product: plain haversine on the
file's own numbers. The product's come from the source ``adsb_json`` and the match, with a disc of 5 km that opens at a
fire's start.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from schemas.event import Event
from streams.match.core.config import MatchConfig
from streams.match.core.open_watches import WatchRecord
from streams.match.core.watches import watch_of
from tests.match_city import watch_event
from tests.match_log import Life, Log, Written
from tests.match_oracle import Sight, a_watch

LOCAL = ZoneInfo("America/Los_Angeles")
NEAR_M, EARTH_M = 5_000.0, 6_371_008.8
SOUTH, NORTH, WEST, EAST = 32.5, 42.01, -124.5, -114.1
"""Around California. A flight counts as Californian with a single position in it."""
WEST_COAST = SourceContext("california", "adsb", LOCAL, Bounds(26, -124.5, 49, -81))
ALL_MATCHES = MatchConfig(lateness_s=3_600, look_back_s=1, per_second_max=10_000)
SIDES = {
    "here": (0.0, 0.0),
    "north": (0.7, 0.0),
    "south": (-0.7, 0.0),
    "east": (0.0, 0.7),
    "west": (0.0, -0.7),
}
NEAR_A_FIRE = [
    "AA410_040", "AA410_041", "AA500_053", "N429DF_103", "N429DF_104", "N429DF_106", "N429DF_108",
    "N429DF_109", "N470DF_163", "N470DF_164", "T72_134", "T72_135", "T72_136", "T72_137",
    "T72_138", "T72_139", "T73_144", "T73_145", "T73_146", "T73_147", "T73_148",
    "T73_149", "T73_150", "T82_081", "T83_084",
]  # fmt: skip
COUNTS = {"here": 25, "north": 0, "south": 8, "east": 0, "west": 11}
COUNTS_BEFORE_TOO = {"here": 28, "north": 0, "south": 9, "east": 0, "west": 13}
"""The same, whether the fire had begun or not, of the 16 fires that had begun in the flights' days."""
Fire = tuple[float, float, int]


@cache
def body(folder: Path) -> bytes:
    return gzip.decompress((folder / "drone/adsb/calfire_2020-09.json.gz").read_bytes())


@cache
def listed_fires(folder: Path) -> tuple[Fire, ...]:
    """Latitude, longitude, start in milliseconds."""
    told = orjson.loads((folder / "drone/adsb/calfire_incidents_2020-10-08.json").read_bytes())
    return tuple((one["Latitude"], one["Longitude"], started_ms(one["Started"])) for one in told["Incidents"])


def started_ms(word: str) -> int:
    at = datetime.fromisoformat(word)
    return round((at if at.tzinfo else at.replace(tzinfo=LOCAL)).timestamp() * 1000)


def moved(fires: Sequence[Fire], side: str) -> list[Fire]:
    north, east = SIDES[side]
    return [(lat + north, lon + east, start_ms) for lat, lon, start_ms in fires]


def by_brute_force(rows: Sequence[Mapping[str, Any]], fires: Sequence[Fire]) -> list[str]:
    """The flights with a position within 5 km of a fire at or after its start."""
    lat, lon, at = (np.array([row[name] for row in rows]) for name in ("latitude", "longitude", "timestamp"))
    lat, lon = np.radians(lat), np.radians(lon)
    is_near = np.zeros(len(rows), bool)
    for fire_lat, fire_lon, start_ms in fires:
        north, east = np.radians(fire_lat), np.radians(fire_lon)
        half = np.sin((lat - north) / 2) ** 2 + np.cos(lat) * np.cos(north) * np.sin((lon - east) / 2) ** 2
        is_near |= (2 * EARTH_M * np.arcsin(np.sqrt(half)) <= NEAR_M) & (at >= start_ms)
    return sorted({rows[number]["flight_id"] for number in np.flatnonzero(is_near).tolist()})


@cache
def reading(folder: Path) -> Reading:
    source: Any = load_source("adsb_json", WEST_COAST, {})
    told: Reading = source.read(Heard(body(folder), None), {})
    return told


def by_the_product(folder: Path, fires: Sequence[Fire]) -> list[str]:
    """The flights of which the match has evidence: a watch for each fire, a disc that opens when it starts."""
    events = reading(folder).events
    log = Log([[written(event) for event in events]], [watch(*told) for told in enumerate(fires)])
    life = Life(log, ALL_MATCHES)
    life.finish()
    assert not life.late and not life.left_out(), "every position was compared, every match told"
    flights = {event.value["event_id"]: event.value["trip_id"] for event in events if event.value}
    return sorted({flights[observation] for _, observation in life.pairs()})


def watch(number: int, fire: Fire) -> WatchRecord:
    lat, lon, start_ms = fire
    name = f"fire-{number:02}"
    opened = a_watch(
        name,
        centre=(lat, lon),
        radius_m=NEAR_M,
        opens_at=start_ms,
        since=start_ms,
        topics=frozenset({"mobility.position"}),
        labels=frozenset({"aircraft", "helicopter"}),
    )
    value = watch_event("california", opened, at=start_ms).value  # as core.watch has it
    assert value is not None
    return WatchRecord(number, name, watch_of(value))


def written(event: Event) -> Written:
    value = event.value
    assert value is not None and value["position"] is not None
    sight = Sight(
        value["position"]["lat"],
        value["position"]["lon"],
        value["event_time"],
        value["vehicle_type"],
        thing=value["vehicle_id"],
        confidence=None,
        contract=event.topic,
    )
    return Written(sight, value["received_time"], value["event_id"])


def test_the_flights_near_a_fire_are_those_of_brute_force(data_dir: Path) -> None:
    expected = by_brute_force(orjson.loads(body(data_dir)), listed_fires(data_dir))
    assert expected == NEAR_A_FIRE
    assert by_the_product(data_dir, listed_fires(data_dir)) == expected


@pytest.mark.parametrize("side", [side for side in SIDES if side != "here"])
def test_fires_moved_aside_show_how_weak_the_sign_is(data_dir: Path, side: str) -> None:
    fires = moved(listed_fires(data_dir), side)
    expected = by_brute_force(orjson.loads(body(data_dir)), fires)
    assert len(expected) == COUNTS[side]
    assert by_the_product(data_dir, fires) == expected


@pytest.mark.parametrize("side", SIDES)
def test_a_place_that_burnt_later_draws_flights_as_well(data_dir: Path, side: str) -> None:
    """Without the start the sign is no stronger: three more flights here, one more in the south, two in the west."""
    rows = orjson.loads(body(data_dir))
    until_ms = max(row["timestamp"] for row in rows)
    begun = [(lat, lon, 0) for lat, lon, start_ms in listed_fires(data_dir) if start_ms <= until_ms]
    assert len(begun) == 16
    expected = by_brute_force(rows, moved(begun, side))
    assert len(expected) == COUNTS_BEFORE_TOO[side]
    assert by_the_product(data_dir, moved(begun, side)) == expected


def test_no_position_of_the_flights_is_lost_on_the_way(data_dir: Path) -> None:
    rows, told = orjson.loads(body(data_dir)), reading(data_dir)
    assert len(told.events) == len(rows) == 9_955
    assert not told.aside and not told.skipped and not told.noted
    californian = {
        row["flight_id"]
        for row in rows
        if SOUTH <= row["latitude"] <= NORTH and WEST <= row["longitude"] <= EAST
    }
    assert len(californian) == 145
    assert set(NEAR_A_FIRE) <= californian


def test_a_start_without_an_offset_is_californias_time() -> None:
    assert started_ms("2020-09-04T18:21:00") == started_ms("2020-09-05T01:21:00Z") == 1_599_268_860_000
