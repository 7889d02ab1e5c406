"""Vehicles of MDS 2 against values written by hand: records as the standard's data types have them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from tests.unit.connectors.telemetry import lost_on_the_wire, values

CITY = SourceContext("jeju", "kick", ZoneInfo("Asia/Seoul"), Bounds(33.1, 126.1, 33.6, 127.0))
NOON = 1_780_315_200_000
"""1 June 2026, 12:00 UTC."""
DEVICE = "6aca5a87-60e9-51eb-8147-c38b58100c83"
OTHER = "276ced41-0b6d-482a-85b0-84755b7dc97f"
PROVIDER = "c20e08cf-8488-46a6-a66c-5d8fb827f7e0"
LAT, LON = 33.4996, 126.5312


def gps(lat: float = LAT, lng: float = LON, **about: Any) -> dict[str, Any]:
    return {"lat": lat, "lng": lng, **about}


def event(at_s: float = 0, state: str = "available", **about: Any) -> dict[str, Any]:
    usual = {
        "device_id": DEVICE,
        "provider_id": PROVIDER,
        "event_id": f"e{at_s}",
        "vehicle_state": state,
        "event_types": ["trip_end"],
        "timestamp": NOON + round(at_s * 1000),
        "location": gps(),
        "trip_ids": ["a-ride"],
    }
    return usual | about


def point(at_s: float = 0, **about: Any) -> dict[str, Any]:
    usual = {
        "device_id": DEVICE,
        "provider_id": PROVIDER,
        "telemetry_id": f"t{at_s}",
        "timestamp": NOON + round(at_s * 1000),
        "trip_ids": ["a-ride"],
        "journey_id": None,
        "location": gps(),
    }
    return usual | about


def status(last_event: Any, last_telemetry: Any, **about: Any) -> dict[str, Any]:
    whole = {"device_id": DEVICE, "provider_id": PROVIDER, "last_event": last_event}
    return whole | {"last_telemetry": last_telemetry} | about


def vehicle(**about: Any) -> dict[str, Any]:
    usual = {
        "device_id": DEVICE,
        "provider_id": PROVIDER,
        "vehicle_id": "K-4711",
        "vehicle_type": "scooter_standing",
        "propulsion_types": ["electric"],
    }
    return usual | about


def reads(name: str, *records: Any, place: Any = None, at_s: float | None = 60, **config: Any) -> Reading:
    body = {"version": "2.0.0", "last_updated": NOON, "ttl": 60, name: list(records)}
    source: Any = load_source("mds_vehicles", CITY, config)
    at_ms = None if at_s is None else NOON + round(at_s * 1000)
    reading: Reading = source.read(Heard(orjson.dumps(body), at_ms), {} if place is None else place)
    return reading


def told(reading: Reading, *fields: str) -> list[tuple[Any, ...]]:
    """(seconds from noon, *fields*) of each position."""
    return [
        ((one["event_time"] - NOON) / 1000, *(one[name] for name in fields))
        for one in values(reading, "mobility.position")
    ]


def test_a_point_of_telemetry_is_a_position_with_every_field_that_it_has() -> None:
    known = reads("vehicles", vehicle()).place
    location = gps(speed=3.5, heading=271.0, horizontal_accuracy=4.5, altitude=20.0)
    one = point(
        location=location, battery_percent=14, tipped_over=True, location_type="sidewalk", stop_id="h-7"
    )
    reading = reads("telemetry", one, place=known, operators={PROVIDER: "kick-jeju"})
    (value,) = values(reading, "mobility.position")
    assert (
        value
        | {
            "event_time": NOON,
            "position": {"lat": LAT, "lon": LON, "accuracy_m": 4.5},
            "vehicle_id": DEVICE,
            "label": "K-4711",
            "vehicle_type": "electric_scooter",
            "vehicle_type_id": "scooter_standing",
            "operator": "kick-jeju",
            "speed_mps": 3.5,
            "bearing_deg": 271.0,
            "battery_percent": 14.0,
            "tipped_over": True,
            "location_type": "sidewalk",
            "hub_id": "h-7",
            "state": None,
            "trip_id": None,
            "is_reserved": None,
            "is_disabled": None,
            "is_stale": False,
        }
        == value
    )
    assert lost_on_the_wire(list(reading.events)) == []
    assert (reading.events[0].key, dict(reading.noted), list(reading.aside)) == (DEVICE, {}, [])


def test_a_ride_is_told_without_its_id() -> None:
    reading = reads("events", event(state="on_trip"))
    assert b"a-ride" not in orjson.dumps(values(reading))


@pytest.mark.parametrize(
    ("state", "is_reserved", "is_disabled"),
    [
        ("removed", False, False),
        ("available", False, False),
        ("non_operational", False, True),
        ("reserved", True, False),
        ("on_trip", False, False),
        ("stopped", False, False),
        ("non_contactable", False, False),
        ("missing", False, False),
        ("elsewhere", False, False),
    ],
)
def test_each_state_of_the_standard(state: str, is_reserved: bool, is_disabled: bool) -> None:
    reading = reads("events", event(state=state))
    assert told(reading, "state", "is_reserved", "is_disabled") == [(0, state, is_reserved, is_disabled)]


@pytest.mark.parametrize(
    ("own", "propulsion", "word"),
    [
        ("bicycle", ["human"], "bicycle"),
        ("bicycle", ["human", "electric_assist"], "electric_bicycle"),
        ("cargo_bicycle", ["electric"], "electric_cargo_bicycle"),
        ("scooter_seated", ["electric"], "electric_scooter"),
        ("moped", ["electric"], "moped"),
        ("car", ["hybrid"], "car"),
        ("motorcycle", ["electric"], "other"),
        ("bus", ["combustion_diesel"], "bus"),
    ],
)
def test_each_type_of_the_standard(own: str, propulsion: list[str], word: str) -> None:
    known = reads("vehicles", vehicle(vehicle_type=own, propulsion_types=propulsion))
    assert (list(known.events), dict(known.noted)) == ([], {})
    reading = reads("telemetry", point(), place=known.place)
    assert told(reading, "vehicle_type", "vehicle_type_id") == [(0, word, own)]


def test_words_of_a_later_version_are_unknown_and_noted() -> None:
    reading = reads("events", event(state="charging"), event(9, location_type="roof"), vehicle_type="scooter")
    assert told(reading, "state", "location_type") == [(0, None, None), (9, "available", None)]
    assert dict(reading.noted) == {
        "vehicle_state unknown: charging": 1,
        "location_type unknown: roof": 1,
        "vehicle that /vehicles has not named": 2,
    }


def test_nobody_says_that_it_stands_upright() -> None:
    reading = reads("telemetry", point(), point(1, tipped_over=False), point(2, tipped_over=True))
    assert told(reading, "tipped_over") == [(0, None), (1, False), (2, True)]


def test_a_status_of_two_moments_is_two_positions_in_order_and_the_state_stays() -> None:
    reading = reads("vehicles_status", status(event(-30, "non_operational"), point(-5, tipped_over=True)))
    assert told(reading, "state", "tipped_over") == [
        (-30, "non_operational", None),
        (-5, "non_operational", True),
    ]


def test_telemetry_before_its_event_has_not_that_events_state() -> None:
    reading = reads("vehicles_status", status(event(-5, "on_trip"), point(-30, battery_percent=50)))
    assert told(reading, "state", "battery_percent") == [(-30, None, 50.0), (-5, "on_trip", None)]


def test_an_event_and_telemetry_of_one_moment_are_one_position() -> None:
    at_event = event(battery_percent=61, location=None)
    reading = reads("vehicles_status", status(at_event, point(location_type="street")))
    assert told(reading, "state", "location_type", "battery_percent") == [(0, "available", "street", 61.0)]
    assert values(reading)[0]["position"] == {"lat": LAT, "lon": LON, "accuracy_m": None}


def test_a_body_in_any_order_is_told_in_the_order_of_time_and_no_device_goes_backwards() -> None:
    first = reads("telemetry", point(9), point(3), point(6), point(3, device_id=OTHER))
    assert [one[0] for one in told(first)] == [3, 3, 6, 9]
    second = reads("telemetry", point(9), point(8), point(11), point(4, device_id=OTHER), place=first.place)
    assert told(second, "vehicle_id") == [(4, OTHER), (11, DEVICE)]
    assert dict(second.skipped) == {"no newer than what its vehicle said before": 2}


def test_a_late_event_gives_no_position_but_the_next_one_has_its_state() -> None:
    first = reads("telemetry", point(10))
    late = reads("events", event(5, "reserved"), place=first.place)
    assert told(late) == []
    after = reads("telemetry", point(12), place=late.place)
    assert told(after, "state", "is_reserved") == [(12, "reserved", True)]


def test_an_event_older_than_the_state_that_is_known_does_not_change_it() -> None:
    first = reads("events", event(10, "available"))
    late = reads("events", event(5, "reserved"), place=first.place)
    after = reads("telemetry", point(12), place=late.place)
    assert told(after, "state") == [(12, "available")]


def test_a_vehicle_outside_the_city_is_counted_and_its_state_remembered() -> None:
    away = reads("events", event(0, "elsewhere", location=gps(37.5, 127.0)))
    assert (list(away.events), dict(away.skipped)) == ([], {"vehicle outside the city": 1})
    back = reads("telemetry", point(1), place=away.place)
    assert told(back, "state") == [(1, "elsewhere")]


def test_a_bad_record_is_set_aside_alone() -> None:
    bad = [
        point(location=gps(91.0)),
        point(timestamp="2026-06-01T12:00:00Z"),
        point(timestamp=NOON // 1000),
        point(timestamp=NOON + 10**9),
        point(device_id=None),
        point(tipped_over="yes"),
        point(location=gps(horizontal_accuracy="wide")),
        {"device_id": DEVICE, "timestamp": NOON},
        status(None, None),
        status(event(), point(device_id=OTHER)),
        "no object",
    ]
    reading = reads("telemetry", *bad, point(1))
    assert [aside.field for aside in reading.aside] == [
        "position.lat",
        "timestamp",
        "timestamp",
        "timestamp",
        "device_id",
        "tipped_over",
        "location.horizontal_accuracy",
        "",
        "last_telemetry",
        "device_id",
        "",
    ]
    assert told(reading) == [(1,)]


def test_what_cannot_be_is_unknown_and_noted() -> None:
    location = gps(0.0, 0.0, speed=-1, heading=720)
    reading = reads("telemetry", point(location=location, battery_percent=101), point(1, fuel_percent=40))
    assert told(reading, "speed_mps", "bearing_deg", "battery_percent") == [
        (0, None, None, None),
        (1, None, None, 40.0),
    ]
    assert values(reading)[0]["position"] is None
    assert set(reading.noted) == {
        "position unknown",
        "speed below zero",
        "bearing beyond the compass",
        "charge beyond 0 to 100",
        "vehicle that /vehicles has not named",
    }


@pytest.mark.parametrize(("age_s", "is_stale"), [(300, False), (301, True)])
def test_a_position_older_than_five_minutes_on_arrival_is_stale(age_s: float, is_stale: bool) -> None:
    assert told(reads("telemetry", point(), at_s=age_s), "is_stale") == [(0, is_stale)]
    assert told(reads("telemetry", point(), at_s=None), "is_stale") == [(0, False)]


@pytest.mark.parametrize("wrapped", ["bare", "below data"])
def test_other_wrappings_of_the_same_records(wrapped: str) -> None:
    records = [event(), point(1)]
    body: Any = records if wrapped == "bare" else {"version": "1.2.0", "data": {"events": records}}
    source: Any = load_source("mds_vehicles", CITY, {})
    reading: Reading = source.read(Heard(orjson.dumps(body), NOON), {})
    assert told(reading, "state", "operator") == [(0, "available", "kick"), (1, "available", "kick")]


def test_a_position_before_the_state_that_is_known_has_not_that_state() -> None:
    away = reads("events", event(10, "elsewhere", location=gps(37.5, 127.0)))
    assert told(reads("telemetry", point(5), place=away.place), "state") == [(5, None)]


def test_an_event_that_says_its_geographies_alone_has_a_state_and_no_place() -> None:
    said = event(state="non_operational", event_types=["comms_lost"], event_geographies=["a-geography"])
    reading = reads("events", {name: value for name, value in said.items() if name != "location"})
    assert told(reading, "state", "is_disabled") == [(0, "non_operational", True)]
    assert values(reading)[0]["position"] is None
    assert not reading.aside
