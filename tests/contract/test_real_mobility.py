"""Telemetry that operators published, and what is known to be in it. Skips where it is not."""

from __future__ import annotations

import csv
import gzip
from datetime import datetime
from itertools import pairwise
from pathlib import Path

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
