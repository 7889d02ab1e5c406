"""Telemetry that operators published, and what is known to be in it. Skips where it is not."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Reading
from connectors.recordings import read_recording
from deploy.city import load_city
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


def test_32038_positions_of_181_buses_are_all_told_and_none_goes_backwards(buses: Path) -> None:
    reading = read("austin", "bus-positions", buses)
    with gzip.open(buses, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    counted = {(row["vehicle_id"], datetime.fromisoformat(row["timestamp"])) for row in rows}

    told = values(reading)
    assert len(told) == len(rows) == len(counted) == 32_038
    assert len({value["vehicle_id"] for value in told}) == 181
    assert {(v["vehicle_id"], v["event_time"]) for v in told} == {
        (vehicle, round(at.timestamp() * 1000)) for vehicle, at in counted
    }
    assert all(before["event_time"] <= after["event_time"] for before, after in pairwise(told))
    assert not reading.aside
    assert not reading.skipped
    assert not reading.noted


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


def test_every_field_of_a_bus_s_position_survives_the_wire(buses: Path) -> None:
    reading = read("austin", "bus-positions", buses)
    assert not lost_on_the_wire(list(reading.events))
    placed = {(round(v["position"]["lat"], 6), round(v["position"]["lon"], 6)) for v in values(reading)}
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
