"""Dispatch logs published by cities, and known facts about them. Skips where they are missing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Reading
from connectors.discovery import load_source
from connectors.recordings import read_recording
from deploy.city.city import load_city

BUSES_FROM_MS = 1_480_053_600_000
"""Midnight of 25 November 2016 in Austin: the day of its buses."""


def read(city: str, source: str, path: Path, place: Any = None) -> Reading:
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    (heard,) = read_recording(path)
    reading: Reading = load_city(city).load(source).read(heard, place or {})
    return reading


@pytest.fixture(scope="module")
def log(data_dir: Path) -> Reading:
    return read("columbia", "cad", data_dir / "columbia" / "columbia_mo_cad_2026-03_04.csv")


def test_14368_rows_are_14367_incidents_of_which_992_have_no_place(log: Reading) -> None:
    values = [event.value or {} for event in log.events]
    assert (len(values), len({event.key for event in log.events})) == (14_368, 14_367)
    assert [(v["agency_case_no"], v["kind_text"]) for v in values if v["revision"] > 1] == [
        ("2026097598", "ACCIDENT")
    ]
    assert sum(value["position"] is None for value in values) == 992
    assert not log.aside
    assert not log.noted, "every word of both services is known"


def test_rows_are_of_the_police_and_of_three_fire_services(log: Reading) -> None:
    found = Counter((event.topic, (event.value or {})["agency"]) for event in log.events)
    assert found == {
        ("police.incident", "cpd"): 11_328,
        ("fire.incident", "cfd"): 2_391,
        ("fire.incident", "bcfd"): 541,
        ("fire.incident", "sbfd"): 108,
    }


def test_no_two_months_of_local_times_run_backwards_over_the_change_to_summer_time(log: Reading) -> None:
    times = [int((event.value or {})["event_time"]) for event in log.events]
    assert times == sorted(times), "the log is in order of local time, and so it is in ours"
    night = [ms for ms in times if 1_772_953_200_000 <= ms < 1_772_960_400_000]  # 8 March, 07:00-09:00 UTC
    assert len(night) == 28, "14 from 1:06 to 1:55 of winter, 14 from 3:00 to 3:50 of summer"
    first, last = times[0], times[-1]
    assert (first, last) == (1_772_345_065_000, 1_777_575_901_000), "00:04:25-06:00 and 14:05:01-05:00"


def test_both_forms_of_its_json_are_read_whole(data_dir: Path) -> None:
    raw = data_dir / "columbia" / "raw"
    counts = {
        "data_2026-04-15a_61da340a49.json": (203, 154),
        "data_2026-04-15b_0fed3d74fc.json": (77, 43),
        "data_early_schema_2025-11_79ca16bfa7.json": (195, 195),
    }
    for name, (rows, police) in counts.items():
        reading = read("columbia", "cad", raw / name)
        topics = Counter(event.topic for event in reading.events)
        assert (len(reading.events), topics["police.incident"]) == (rows, police)
        assert not reading.aside
        assert not reading.noted


def test_what_the_json_of_15_april_says_after_the_csv_is_nothing_new(data_dir: Path, log: Reading) -> None:
    reading = read(
        "columbia", "cad", data_dir / "columbia" / "raw" / "data_2026-04-15a_61da340a49.json", log.place
    )
    assert len(reading.events) + reading.skipped["said before"] == 203
    assert reading.skipped["said before"] == 203


def test_austins_690_calls_lie_west_of_greenwich_and_are_known_to_a_day(data_dir: Path) -> None:
    reading = read("austin", "fire-calls", data_dir / "dispatch" / "austin_afd_2016.csv")
    values = [event.value or {} for event in reading.events]
    assert len({event.key for event in reading.events}) == len(values) == 690
    assert not reading.aside
    assert not reading.noted
    assert {value["event_time_accuracy_s"] for value in values} == {86_400}
    assert {value["status"] for value in values} == {"closed"}
    assert max(value["event_time"] for value in values) < BUSES_FROM_MS, "no call is of the buses' day"
    assert all(-97.92 < value["position"]["lon"] < -97.58 for value in values)
    assert Counter(value["kind"] for value in values) == {
        "fire.outdoor": 348,
        "fire.vehicle": 126,
        "fire.electrical": 125,
        "fire.vegetation": 89,
        "fire.building": 2,
    }


def test_austins_list_mapped_in_a_citys_file_says_what_its_own_source_says(data_dir: Path) -> None:
    path = data_dir / "dispatch" / "austin_afd_2016.csv"
    own = read("austin", "fire-calls", path)
    columns = {
        "case_no": "MasterIncidentNumber",
        "time": ["CalendarYear", "Month", "DayOfMonth"],
        "kind_text": "Problem",
        "point": "Location 1",
        "priority": "PriorityDescription",
    }
    settings = {
        "domain": "fire",
        "agency": "afd",
        "columns": columns,
        "time_format": "%Y %b %d",
        "time_accuracy_s": 86_400,
        "coordinates": "micro-degrees",
        "longitude_sign": -1,
        "words": "austin-fire",
        "status": "closed",
    }
    source = load_source("mapped_rows", load_city("austin").context("fire-calls"), settings)
    (heard,) = read_recording(path)
    mapped = [{**(event.value or {}), "closed_reason": None} for event in source.read(heard, {}).events]
    assert mapped == [{**(event.value or {}), "closed_reason": None} for event in own.events]


def test_columbias_police_mapped_in_a_citys_file_says_what_its_own_source_says(
    data_dir: Path, log: Reading
) -> None:
    columns = {
        "case_no": "incident",
        "time": "datetime",
        "kind_text": "type",
        "lat": "lat",
        "lon": "lon",
        "address": ["location_txt"],
    }
    settings = {
        "domain": "police",
        "agency": "cpd",
        "columns": columns,
        "only": {"service": ["PD"]},
        "time_format": "%m/%d/%Y %I:%M:%S %p",
        "words": "columbia-police",
        "status": "dispatched",
        "remember": 0,
    }
    source = load_source("mapped_rows", load_city("columbia").context("cad"), settings)
    (heard,) = read_recording(data_dir / "columbia" / "columbia_mo_cad_2026-03_04.csv")
    reading = source.read(heard, {})
    assert list(reading.events) == [event for event in log.events if event.topic == "police.incident"]
    assert reading.skipped == {"left to others": 3_040}


def test_the_standards_own_call_transfer_is_an_incident_of_which_only_time_and_agency_are_known(
    data_dir: Path,
) -> None:
    path = data_dir / "dispatch" / "eido" / "sample_call_transfer_eido.json"
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    (heard,) = read_recording(path)
    reading = load_source("nena_eido", load_city("austin").context("eido"), {}).read(heard, {})
    (event,) = reading.events
    told = dict(event.value or {})
    assert event.topic == "fire.incident"
    assert told["agency_case_no"] == "urn:emergency:uid:incidentid:a56e556d871:bcf.state.pa.us"
    assert (told["agency"], told["kind"], told["status"]) == ("state.pa.us", "other", "open")
    assert told["event_time"] == 1_619_808_000_000, "the call began at 14:40:00-04:00"
    assert (told["position"], told["address"]) == (None, None), (
        "it was routed by a cell, and the rest is by reference"
    )
    assert reading.noted == {
        "kind unknown: emergency": 1,
        "location by reference is not fetched": 1,
    }
