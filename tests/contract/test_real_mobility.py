"""Telemetry published by operators, and known facts about it. Skips where it is missing."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from connectors.recordings import read_recording
from deploy.city.city import load_city
from streams.speed.cells import cell_at
from tests.unit.connectors.telemetry import lost_on_the_wire, values


def read(city: str, source: str, path: Path, place: object = None) -> Reading:
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    (heard,) = read_recording(path)
    reading: Reading = load_city(city).load(source).read(heard, place or {})
    return reading


# -- Austin's buses -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def buses(data_dir: Path) -> Path:
    return data_dir / "mobility" / "austin_capmetro" / "vehicle_positions_2016-11-25.csv.gz"


@pytest.fixture(scope="module")
def day(buses: Path) -> Reading:
    return read("austin", "bus-positions", buses)


def test_32038_positions_of_181_buses_are_all_told_and_none_goes_backwards(day: Reading, buses: Path) -> None:
    with gzip.open(buses, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    counted = {(row["vehicle_id"], datetime.fromisoformat(row["timestamp"])) for row in rows}

    told = values(day)
    assert len(told) == len(rows) == len(counted) == 32_038
    assert len({value["vehicle_id"] for value in told}) == 181
    assert {(v["vehicle_id"], v["event_time"]) for v in told} == {
        (vehicle, round(at.timestamp() * 1000)) for vehicle, at in counted
    }
    assert all(before["event_time"] <= after["event_time"] for before, after in pairwise(told))
    assert not day.aside
    assert not day.skipped
    assert not day.noted


def test_ten_cell_minutes_have_the_five_buses_that_an_impact_on_traffic_needs(day: Reading) -> None:
    """Austin's file says so, as a reason why ``traffic-impact`` is not in force there."""
    seen: dict[tuple[str, int], set[str]] = {}
    for one in values(day):
        cell = cell_at(one["position"]["lat"], one["position"]["lon"])
        seen.setdefault((cell, one["event_time"] // 60_000), set()).add(one["vehicle_id"])
    assert len(seen) == 29_002
    assert sum(len(vehicles) >= 5 for vehicles in seen.values()) == 10


def test_a_byte_of_all_ones_is_austins_own_sign_for_a_speed_that_is_not_known() -> None:
    source = load_city("austin").load("bus-positions")
    heading = "vehicle_id,timestamp,speed,route_id,trip_id,latitude,longitude,trip_headsign"
    row = "{},2016-11-25T11:53:40-06:00,{},1,2,30.42,-97.66,North"
    speeds = {"a": "113.9952", "b": "113.995", "c": "7.15264", "d": "114.5"}
    rows = [row.format(bus, speed) for bus, speed in speeds.items()]
    reading = source.read(Heard("\n".join([heading, *rows]).encode(), None), {})
    told = {one["vehicle_id"]: one["speed_mps"] for one in values(reading)}
    assert told == {"a": None, "b": None, "c": 7.15264, "d": None}
    assert reading.noted == {"speed beyond what can be": 1}, "only what the feed does not say itself is noted"


def test_the_file_itself_runs_backwards_at_77_of_100_rows(buses: Path) -> None:
    if not buses.is_file():
        pytest.skip(f"no file at {buses}")
    newest: dict[str, datetime] = {}
    behind = total = 0
    with gzip.open(buses, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["timestamp"])
            behind, total = behind + (at < newest.get(row["vehicle_id"], at)), total + 1
            newest[row["vehicle_id"]] = max(at, newest.get(row["vehicle_id"], at))
    assert round(100 * behind / total) == 77


def test_every_field_of_a_bus_s_position_survives_the_wire(day: Reading, buses: Path) -> None:
    assert not lost_on_the_wire(list(day.events))
    placed = {(round(v["position"]["lat"], 6), round(v["position"]["lon"], 6)) for v in values(day)}
    with gzip.open(buses, "rt", encoding="utf-8") as file:
        written = {(float(row["latitude"]), float(row["longitude"])) for row in csv.DictReader(file)}
    assert placed == written


# -- bicycles around San Francisco Bay ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bikes(data_dir: Path) -> Path:
    return data_dir / "mobility" / "gbfs_baywheels_2022-09-16"


def listed(path: Path, name: str) -> list[dict[str, Any]]:
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    records: list[dict[str, Any]] = json.loads(path.read_bytes())["data"][name]
    return records


def test_720_bicycles_with_a_motor_stand_where_their_feed_says(bikes: Path) -> None:
    path = bikes / "free_bike_status.json"
    reading = read("demo", "gbfs", path)
    counted = {bike["bike_id"]: (bike["lat"], bike["lon"]) for bike in listed(path, "bikes")}
    told = {v["vehicle_id"]: (v["position"]["lat"], v["position"]["lon"]) for v in values(reading)}
    assert told == counted
    assert (len(reading.events), len(told)) == (720, 720)
    assert {value["vehicle_type"] for value in values(reading)} == {"electric_bicycle"}
    assert not reading.aside
    assert not reading.noted
    assert not lost_on_the_wire(list(reading.events))


def test_496_stations_are_told_with_their_bicycles_docks_names_and_places(bikes: Path) -> None:
    information = read("demo", "gbfs", bikes / "station_information.json")
    reading = read("demo", "gbfs", bikes / "station_status.json", information.place)
    described = {one["station_id"]: one for one in listed(bikes / "station_information.json", "stations")}
    counted = {one["station_id"]: one for one in listed(bikes / "station_status.json", "stations")}

    assert len(information.events) == len(reading.events) == len(described) == len(counted) == 496
    for hub in values(reading):
        status, station = counted.pop(hub["hub_id"]), described[hub["hub_id"]]
        assert (hub["position"]["lat"], hub["position"]["lon"]) == (station["lat"], station["lon"])
        assert (hub["name"], hub["region_id"]) == (station["name"], station.get("region_id"))
        assert hub["docks"] == {
            "free": status["num_docks_available"],
            "disabled": status["num_docks_disabled"],
            "total": station["capacity"],
        }
        held = {one["vehicle_type"]: one["count"] for one in hub["available"]}
        assert held["bicycle"] + held["electric_bicycle"] == status["num_bikes_available"]
        assert hub["vehicles_disabled"] == status["num_bikes_disabled"]
        assert hub["event_time"] == status["last_reported"] * 1000
    assert not counted
    assert sum(hub["is_stale"] for hub in values(reading)) == 7, "silent for over 5 minutes, up to 45 days"
    assert not reading.aside
    assert not lost_on_the_wire([*information.events, *reading.events])


def test_electric_bicycles_are_among_a_station_s_bicycles_not_beside_them(bikes: Path) -> None:
    capacity = {
        one["station_id"]: one["capacity"] for one in listed(bikes / "station_information.json", "stations")
    }
    among = beside = 0
    for one in listed(bikes / "station_status.json", "stations"):
        used = sum(
            one[f"num_{what}"]
            for what in ("bikes_available", "bikes_disabled", "docks_available", "docks_disabled")
        )
        among += used == capacity[one["station_id"]]
        beside += used + one["num_ebikes_available"] == capacity[one["station_id"]] != used
    assert (among, beside) == (441, 3)


# -- trains around San Francisco Bay --------------------------------------------------------------------------

BAY = SourceContext("demo", "gtfs-realtime", ZoneInfo("Asia/Seoul"), Bounds(36.9, -122.7, 38.1, -121.5))
BART, CALTRAIN = "gtfs_rt_bart_2019-08-07", "gtfs_rt_caltrain_2023-11-08"
SCHEDULES = {BART: "bart-gtfs-2018-11.zip", CALTRAIN: "caltrain-gtfs-2023-09.zip"}


def train(data_dir: Path, of: str, name: str) -> tuple[Reading, list[dict[str, Any]]]:
    """The reading of a feed with its schedule, and the feed's entities as JSON made by another tool."""
    folder = data_dir / "mobility" / of
    if not (folder / name).is_file():
        pytest.skip(f"no file at {folder / name}")
    source: Any = load_source("gtfs_realtime", BAY, {"static": str(folder / SCHEDULES[of])})
    (heard,) = read_recording(folder / name)
    reading: Reading = source.read(heard, {})
    entities: list[dict[str, Any]] = json.loads((folder / f"{name}.json").read_bytes()).get("entity", [])
    assert not reading.aside
    assert not lost_on_the_wire(list(reading.events))
    return reading, entities


def test_caltrain_s_vehicles_are_14_trains_where_their_feed_says(data_dir: Path) -> None:
    reading, entities = train(data_dir, CALTRAIN, "ct-vehicle-positions.pb")
    told = values(reading, "mobility.position")
    assert len(told) == len(entities) == 14
    for value, entity in zip(told, entities, strict=True):
        vehicle = entity["vehicle"]
        assert value["vehicle_id"] == vehicle["vehicle"]["id"]
        assert value["position"]["lat"] == pytest.approx(vehicle["position"]["latitude"], abs=1e-5)
        assert value["position"]["lon"] == pytest.approx(vehicle["position"]["longitude"], abs=1e-5)
        assert value["event_time"] == int(vehicle["timestamp"]) * 1000
        assert (value["trip_id"], value["route_id"]) == (
            vehicle["trip"]["tripId"],
            vehicle["trip"]["routeId"],
        )
    assert {value["vehicle_type"] for value in told} == {"rail"}
    assert not any(value["is_stale"] for value in told)


@pytest.mark.parametrize(
    ("of", "name", "trips", "stops"),
    [(BART, "bart-trip-updates.pb", 91, 1060), (CALTRAIN, "ct-trip-updates.pb", 19, 220)],
)
def test_trips_are_told_with_every_stop_s_delay(
    data_dir: Path, of: str, name: str, trips: int, stops: int
) -> None:
    reading, entities = train(data_dir, of, name)
    told = {value["trip_id"]: value for value in values(reading, "mobility.trip")}
    assert len(reading.events) == len(told) == len(entities) == trips
    assert sum(len(value["delays"]) for value in told.values()) == stops
    for entity in entities:
        update = entity["tripUpdate"]
        value = told[update["trip"]["tripId"]]
        for delay, stop in zip(value["delays"], update["stopTimeUpdate"], strict=True):
            assert (delay["stop_id"], delay["stop_sequence"]) == (stop["stopId"], stop["stopSequence"])
            for which in ("arrival", "departure"):
                expected, at = stop.get(which, {}), stop.get(which, {}).get("time")
                assert delay[f"{which}_delay_s"] == expected.get("delay")
                assert delay[f"{which}_uncertainty_s"] == expected.get("uncertainty")
                assert delay[f"{which}_time"] == (None if at is None else int(at) * 1000)


def test_a_schedule_of_the_year_before_fills_36_of_bart_s_91_trips_and_no_other(data_dir: Path) -> None:
    reading, _ = train(data_dir, BART, "bart-trip-updates.pb")
    told = values(reading)
    assert reading.noted == {"trip not in the schedule": 26, "schedule of other times": 29}
    assert sum(value["route_id"] is not None for value in told) == 36 == 91 - 26 - 29
    assert {value["headsign"] is None for value in told if value["route_id"] is None} == {True}


def test_bart_s_alert_is_news_of_the_whole_agency_and_caltrain_has_none(data_dir: Path) -> None:
    reading, entities = train(data_dir, BART, "bart-alerts.pb")
    (value,) = values(reading, "mobility.trip")
    alert = entities[0]["alert"]
    assert (value["alert_id"], value["trip_id"]) == (entities[0]["id"], f"alert:{entities[0]['id']}")
    assert value["header_text"] == alert["headerText"]["translation"][0]["text"].strip()
    assert (value["cause"], value["effect"]) == (alert["cause"].lower(), alert["effect"].lower())
    assert [one["agency_id"] for one in value["affected"]] == ["BART"]
    assert not train(data_dir, CALTRAIN, "ct-service-alerts.pb")[0].events


def test_feeds_of_the_demo_city_are_held_against_the_bounds_of_their_own_place(data_dir: Path) -> None:
    """The same feeds, without their schedules, as ``play demo`` reads them."""
    for of, name, count in ((CALTRAIN, "ct-vehicle-positions.pb", 14), (BART, "bart-trip-updates.pb", 91)):
        reading = read("demo", "gtfs-realtime", data_dir / "mobility" / of / name)
        assert len(reading.events) == count
        assert not reading.aside
    inside = load_city("demo").context("calls-119").bounds
    assert not inside.holds(37.6, -122.3), "the city's own sources are held against the city"
