"""Shared bicycles and their stations: three versions of one standard, and the freshness of their data."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from connectors.subjects.vehicles import HUB, POSITION
from tests.contract.a_web_server import a_web_server
from tests.unit.connectors.telemetry import lost_on_the_wire, values

CITY = SourceContext("springfield", "bikes", ZoneInfo("America/Chicago"), Bounds(29.4, -95.95, 30.2, -94.95))
NOON_S = 1_772_971_200
"""8 March 2026, 12:00 UTC."""
NOON_ISO = "2026-03-08T12:00:00Z"
STATION = {"station_id": "h1", "name": "Harbor", "lat": 29.75, "lon": -95.36, "capacity": 23}
STATUS = {"station_id": "h1", "num_bikes_available": 20, "num_docks_available": 3, "is_installed": 1,
          "is_renting": 1, "is_returning": 0, "last_reported": NOON_S - 10}  # fmt: skip
BIKE = {"bike_id": "b1", "lat": 29.76, "lon": -95.37, "is_reserved": 0, "is_disabled": 0}


def a_feed(updated: int | str = NOON_S, ttl: int = 60, **data: Any) -> dict[str, Any]:
    return {"last_updated": updated, "ttl": ttl, "data": data}


def hears(body: object, at_s: float | None = None, place: Any = None, **config: Any) -> Reading:
    source: Any = load_source("gbfs", CITY, config)
    heard = Heard(json.dumps(body).encode(), None if at_s is None else round(at_s * 1000))
    reading: Reading = source.read(heard, {} if place is None else place)
    return reading


def hears_in_turn(bodies: Sequence[object]) -> list[Reading]:
    readings: list[Reading] = []
    for body in bodies:
        readings.append(hears(body, place=readings[-1].place if readings else None))
    return readings


def test_a_station_s_state_takes_its_name_and_place_from_its_information() -> None:
    status = {**STATUS, "num_ebikes_available": 2, "num_docks_disabled": 0, "num_bikes_disabled": 1}
    body = {"station_information": a_feed(stations=[STATION]), "station_status": a_feed(stations=[status])}
    (hub,) = values(hears(body), HUB)
    assert (hub["hub_id"], hub["name"], hub["kind"]) == ("h1", "Harbor", "dock_station")
    assert (hub["position"]["lat"], hub["position"]["lon"]) == (29.75, -95.36)
    assert hub["docks"] == {"free": 3, "disabled": 0, "total": 23}
    assert {one["vehicle_type"]: one["count"] for one in hub["available"]} == {
        "bicycle": 18, "electric_bicycle": 2
    }  # fmt: skip
    assert (hub["is_installed"], hub["is_renting"], hub["is_returning"]) == (True, True, False)
    assert hub["event_time"] == (NOON_S - 10) * 1000


def test_feeds_that_come_one_by_one_are_put_together_by_the_place() -> None:
    information, status = hears_in_turn([a_feed(stations=[STATION]), a_feed(stations=[STATUS])])
    (unknown,), (known,) = values(information, HUB), values(status, HUB)
    assert (unknown["available"], unknown["docks"]["free"], unknown["is_renting"]) == ([], None, None)
    assert (known["name"], known["position"]["lat"], known["docks"]["free"]) == ("Harbor", 29.75, 3)


def test_a_station_that_nobody_has_described_has_no_place() -> None:
    reading = hears(a_feed(stations=[STATUS]))
    (hub,) = values(reading, HUB)
    assert (hub["position"], hub["name"], hub["docks"]["total"]) == (None, None, None)
    assert reading.noted["station without information"] == 1


def test_a_system_without_types_has_bicycles() -> None:
    (bike,) = values(hears(a_feed(bikes=[BIKE])), POSITION)
    assert (bike["vehicle_type"], bike["vehicle_type_id"]) == ("bicycle", None)
    assert (bike["is_reserved"], bike["is_disabled"]) == (False, False)
    assert bike["event_time"] == NOON_S * 1000


@pytest.mark.parametrize(
    ("form", "propulsion", "word"),
    [
        ("bicycle", "human", "bicycle"),
        ("bicycle", "electric_assist", "electric_bicycle"),
        ("cargo_bicycle", "electric", "electric_cargo_bicycle"),
        ("scooter", "electric", "electric_scooter"),
        ("scooter_standing", "electric", "electric_scooter"),
        ("scooter_seated", "human", "scooter"),
        ("moped", "combustion", "moped"),
        ("car", "electric", "car"),
        ("other", "human", "other"),
    ],
)
def test_a_type_is_a_form_and_whether_a_motor_helps(form: str, propulsion: str, word: str) -> None:
    one = {"vehicle_type_id": "t", "form_factor": form, "propulsion_type": propulsion}
    body = {
        "vehicle_types": a_feed(vehicle_types=[one]),
        "free_bike_status": a_feed(bikes=[{**BIKE, "vehicle_type_id": "t"}]),
    }
    (bike,) = values(hears(body), POSITION)
    assert (bike["vehicle_type"], bike["vehicle_type_id"]) == (word, "t")


def test_a_type_that_nobody_explains_is_other_and_noted() -> None:
    reading = hears(a_feed(bikes=[{**BIKE, "vehicle_type_id": "warp"}]))
    assert values(reading)[0]["vehicle_type"] == "other"
    assert reading.noted == {"vehicle type unknown: warp": 1}


def test_the_third_version_writes_times_texts_and_vehicles_otherwise() -> None:
    name = [{"text": "Puerto", "language": "es"}, {"text": "Harbor", "language": "en"}]
    status = {**STATUS, "num_vehicles_available": 4, "last_reported": "2026-03-08T05:59:50-06:00"}
    del status["num_bikes_available"]
    vehicle = {"vehicle_id": "v1", "lat": 29.76, "lon": -95.37, "is_reserved": False, "is_disabled": True,
               "current_fuel_percent": 0.425, "current_range_meters": 8500, "last_reported": NOON_ISO}  # fmt: skip
    body = {
        "station_information": a_feed(NOON_ISO, stations=[{**STATION, "name": name}]),
        "station_status": a_feed(NOON_ISO, stations=[status]),
        "vehicle_status": a_feed(NOON_ISO, vehicles=[vehicle]),
    }
    reading = hears(body, language="en")
    (hub,), (position,) = values(reading, HUB), values(reading, POSITION)
    assert (hub["name"], hub["available"][0]["count"]) == ("Harbor", 4)
    assert hub["event_time"] == (NOON_S - 10) * 1000
    assert (position["battery_percent"], position["range_m"]) == (42.5, 8500)
    assert (position["is_disabled"], position["event_time"]) == (True, NOON_S * 1000)
    assert values(hears(body), HUB)[0]["name"] == "Puerto", "the first, where no language is asked for"
    assert not lost_on_the_wire(list(reading.events))


def test_a_vehicle_at_a_station_has_the_station_and_no_place_of_its_own() -> None:
    (bike,) = values(hears(a_feed(bikes=[{"bike_id": "b1", "station_id": "h1"}])))
    assert (bike["hub_id"], bike["position"]) == ("h1", None)
    assert (bike["is_reserved"], bike["is_disabled"]) == (None, None)


def test_a_place_of_0_0_is_none_and_one_outside_the_bounds_is_set_aside() -> None:
    bikes = [{**BIKE, "lat": 0, "lon": 0}, {**BIKE, "bike_id": "far", "lat": 37.7}]
    reading = hears(a_feed(bikes=bikes))
    (bike,), (aside,) = values(reading), reading.aside
    assert (bike["position"], reading.noted["position unknown"]) == (None, 1)
    assert (json.loads(aside.original), aside.field) == (bikes[1], "position")


def test_what_is_set_aside_can_be_read_again_by_itself() -> None:
    reading = hears({"free_bike_status": a_feed(bikes=[{**BIKE, "lat": "north"}, {**BIKE, "bike_id": "b2"}])})
    (aside,) = reading.aside
    mended = aside.before + aside.original.replace(b'"north"', b"29.7") + aside.after
    source: Any = load_source("gbfs", CITY, {})
    again: Reading = source.read(Heard(mended, None), reading.place)
    assert [event.key for event in again.events] == ["b1"]


def test_a_feed_heard_again_says_nothing_new_until_it_is_stale() -> None:
    body = a_feed(bikes=[BIKE], ttl=60)
    first = hears(body, NOON_S + 5)
    again = hears(body, NOON_S + 60, first.place)
    late = hears(body, NOON_S + 61, again.place)
    later = hears(body, NOON_S + 90, late.place)
    assert [value["is_stale"] for one in (first, again, late, later) for value in values(one)] == [
        False,
        True,
    ]
    assert again.skipped == later.skipped == {"feed said before": 1}


def test_a_ttl_of_nothing_is_the_five_minutes_of_the_standard() -> None:
    body = a_feed(bikes=[BIKE], ttl=0)
    (fresh,), (stale,) = values(hears(body, NOON_S + 300)), values(hears(body, NOON_S + 301))
    assert (fresh["is_stale"], stale["is_stale"]) == (False, True)


def test_a_station_that_has_been_silent_is_stale_in_a_fresh_feed() -> None:
    silent = a_feed(stations=[{**STATUS, "last_reported": NOON_S - 301}])
    heard = a_feed(stations=[{**STATUS, "last_reported": NOON_S - 300}])
    assert [values(hears(one))[0]["is_stale"] for one in (silent, heard)] == [True, False]
    assert not values(hears(silent, silent_after_s=600))[0]["is_stale"]


def test_one_feed_that_is_broken_does_not_hide_its_neighbours() -> None:
    reading = hears({"station_status": "<html>503</html>", "free_bike_status": a_feed(bikes=[BIKE])})
    assert [event.key for event in reading.events] == ["b1"]
    assert [aside.field for aside in reading.aside] == ["station_status"]


def test_times_of_3_0_may_end_in_a_small_z_and_have_fractions_and_an_empty_name_is_none() -> None:
    body = {
        "station_information": a_feed(NOON_ISO, stations=[{**STATION, "name": []}]),
        "station_status": a_feed(
            "2026-03-08T12:00:00.1234567Z", stations=[{**STATUS, "last_reported": "2026-03-08t11:59:50z"}]
        ),
    }
    reading = hears(body)
    (hub,) = values(reading, HUB)
    assert (hub["name"], hub["event_time"], list(reading.aside)) == (None, (NOON_S - 10) * 1000, [])


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({**STATUS, "num_bikes_available": "3"}, "num_vehicles_available"),
        ({**STATUS, "station_id": -1}, "station_id"),
        ({**STATUS, "is_renting": "yes"}, "is_renting"),
        ({**STATUS, "last_reported": "soon"}, "last_reported"),
        ({**STATUS, "last_reported": NOON_S + 400}, "last_reported"),
        ({**STATUS, "station_id": ""}, "station_id"),
        ({**STATUS, "vehicle_types_available": [{"vehicle_type_id": "t"}]}, "vehicle_types_available"),
    ],
)
def test_a_record_that_cannot_be_is_set_aside_alone(record: dict[str, Any], field: str) -> None:
    other = {**STATUS, "station_id": "h2"}
    reading = hears(a_feed(stations=[record, other]), NOON_S)
    assert [event.key for event in reading.events] == ["h2"]
    assert [aside.field for aside in reading.aside] == [field]


def test_a_charge_beyond_all_and_more_motors_than_bicycles_are_unknown_and_noted() -> None:
    bike = hears(a_feed(bikes=[{**BIKE, "current_fuel_percent": 61, "current_range_meters": -1}]))
    hub = hears(a_feed(stations=[{**STATUS, "num_ebikes_available": 21}]))
    assert (values(bike)[0]["battery_percent"], values(bike)[0]["range_m"]) == (None, None)
    assert bike.noted == {"charge beyond 0 to 1": 1, "range below zero": 1}
    assert hub.noted["more electric bicycles than bicycles"] == 1
    assert [(one["vehicle_type"], one["count"]) for one in values(hub)[0]["available"]] == [
        ("electric_bicycle", 21)
    ]


@pytest.fixture
def bounded_depth() -> Iterator[None]:
    """A bound on recursion far below the feed's nesting: what libraries set, and the runner's own depth, vary."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(500)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("bounded_depth")
def test_a_feed_that_nests_too_deep_is_set_aside_whole_and_not_taken_for_heard() -> None:
    deep = json.dumps(a_feed(bikes=[BIKE, {"bike_id": ""}])).replace('""', "[" * 950 + "]" * 950).encode()
    source: Any = load_source("gbfs", CITY, {})
    reading: Reading = source.read(Heard(deep, None), {})
    assert not reading.events
    assert [aside.original for aside in reading.aside] == [deep]
    assert reading.place == {}


def test_feeds_of_prices_and_news_are_left_out_and_counted() -> None:
    reading = hears(a_feed(alerts=[]))
    assert (list(reading.events), list(reading.aside)) == ([], [])
    assert reading.skipped == {"feed without vehicles or hubs: system_alerts": 1}


def test_who_runs_it_is_said_by_the_setting_the_system_or_the_source_s_name() -> None:
    system = a_feed(system_id="x", name="Bikes", operator="Springfield Mobility")
    body = {"system_information": system, "free_bike_status": a_feed(bikes=[BIKE])}
    told = (hears(body, operator="us"), hears(body), hears(a_feed(bikes=[BIKE])))
    assert [values(one)[0]["operator"] for one in told] == ["us", "Springfield Mobility", "bikes"]


@pytest.mark.parametrize("is_by_language", [True, False], ids=["until 2.3", "3.0"])
def test_a_poll_asks_what_the_discovery_file_names_and_keeps_it_together(is_by_language: bool) -> None:
    with a_web_server() as server:
        root = server.url.removesuffix("/list")
        feeds = {
            "feeds": [
                {"name": "free_bike_status", "url": f"{root}/bikes"},
                {"name": "system_alerts", "url": f"{root}/alerts"},
            ]
        }
        discovery = a_feed(**({"en": feeds} if is_by_language else feeds))
        server.pages = {"/gbfs.json": json.dumps(discovery).encode()}
        server.body = json.dumps(a_feed(bikes=[BIKE])).encode()
        heard = asyncio.run(poll(f"{root}/gbfs.json"))
        asked, keys = server.paths, [request.get("X-Key") for request in server.requests]
    assert asked == ["/gbfs.json", "/bikes"]
    assert keys == ["k", "k"]
    assert json.loads(heard.body) == {"free_bike_status": a_feed(bikes=[BIKE])}


def test_a_key_goes_to_the_host_of_the_city_s_file_and_to_no_other() -> None:
    with a_web_server() as server, a_web_server() as other:
        feeds = [{"name": "free_bike_status", "url": other.url}]
        server.body, other.body = json.dumps(a_feed(feeds=feeds)).encode(), b"<html>"
        heard = asyncio.run(poll(server.url))
        assert server.requests[0]["X-Key"] == "k"
        assert "X-Key" not in other.requests[0]
    assert json.loads(heard.body) == {"free_bike_status": "<html>"}, "no JSON: set aside, not in the way"


async def poll(url: str) -> Heard:
    source: Any = load_source("gbfs", CITY, {"url": url, "headers": {"X-Key": "k"}})
    try:
        heard: Heard = await source.poll({})
        return heard
    finally:
        await source.close()
