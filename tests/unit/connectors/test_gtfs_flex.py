"""Rides on demand of GTFS-Flex: groups of stops, windows past midnight, periods, and zones that leave."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import orjson
import pytest

from connectors.base import Heard, Reading
from connectors.sources._flex_hours import hours_of, window_s
from schemas.errors import Invalid
from tests.contract.an_example import example_of, read_all
from tests.unit.connectors.telemetry import values

HOUR = 3600


def example() -> tuple[Any, list[Heard]]:
    found = example_of("gtfs_flex")
    return found.source(), found.heard()


def changed(heard: Heard, **files: str | None) -> Heard:
    """*heard* with some tables replaced in its zip; ``None`` leaves one out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(heard.body)) as old, zipfile.ZipFile(out, "w") as new:
        for one in old.namelist():
            text = files.get(one.rpartition(".")[0], old.read(one).decode())
            if text is not None:
                new.writestr(zipfile.ZipInfo(one), text)
    return Heard(out.getvalue(), heard.at_ms)


def table(heard: Heard, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(heard.body)) as archive:
        return archive.read(name).decode()


def zones(reading: Reading) -> dict[str, dict[str, Any]]:
    return {value["zone_id"]: value for value in values(reading, "place.zone")}


def test_the_adopted_form_has_locations_with_names_and_groups_of_stops() -> None:
    source, heard = example()
    told = zones(source.read(heard[0], {}))
    assert {zone_id: one["name"] for zone_id, one in told.items()} == {
        "l1": "North",
        "l2": "South",
        "g1": "Stops of the call bus",
    }
    assert json.loads(told["g1"]["geometry"]) == {
        "type": "MultiPoint",
        "coordinates": [[127.38, 36.35], [127.4, 36.36]],
    }
    assert told["l1"]["hours"] == [
        {"days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "from": "07:00", "until": "19:00"},
        {"days": ["saturday", "sunday"], "from": "22:30", "until": "02:00"},
    ]
    assert told["l2"]["hours"][0]["from"] == "09:00"
    assert told["l2"]["hours"][0]["until"] == "17:00", "16:59:30 is widened"


def test_what_takes_up_and_what_sets_down_at_one_place_is_one_service_of_both() -> None:
    source, heard = example()
    rules = json.loads(zones(source.read(heard[0], {}))["l1"]["rules"])
    assert [(one["from"], one["has_pickup"], one["has_drop_off"]) for one in rules["services"]] == [
        ("07:00:00", True, True),
        ("22:30:00", True, True),
    ]
    assert rules["services"][0]["not_on"] == ["2026-03-01"]
    assert rules["services"][1]["until"] == "26:00:00"


def test_a_service_that_passes_midnight_ends_after_its_last_day() -> None:
    source, heard = example()
    told = zones(source.read(heard[0], {}))
    assert told["l1"]["ends_at"] - told["l2"]["ends_at"] == 2 * HOUR * 1000


def test_a_zone_that_the_zip_no_longer_has_is_ended_and_what_stayed_is_not_told_again() -> None:
    source, heard = example()
    _, readings, _ = read_all(source, heard)
    assert [len(one.events) for one in readings] == [3, 0, 1]
    (gone,) = values(readings[2])
    assert (gone["zone_id"], gone["ends_at"]) == ("l2", heard[2].at_ms)
    assert json.loads(gone["geometry"]) == {"type": "Point", "coordinates": [127.34, 36.34]}


def test_nothing_is_ended_by_a_zip_of_which_something_could_not_be_read() -> None:
    source, heard = example()
    _, _, place = read_all(source, heard[:1])
    broken = changed(heard[2], booking_rules="booking_rule_id,booking_type\nb1,soon\n")
    reading = source.read(broken, place)
    assert [one.field for one in reading.aside] == ["booking_type"]
    assert "l2" not in zones(reading)
    again = source.read(Heard(heard[2].body, heard[2].at_ms, missing=("a part",)), place)
    assert "l2" not in zones(again)
    assert "l2" in zones(source.read(heard[2], place)), "the whole zip ends it"


def test_a_zip_without_rides_on_demand_ends_nothing() -> None:
    source, heard = example()
    _, _, place = read_all(source, heard[:1])
    heading = table(heard[0], "stop_times.txt").partition("\n")[0]
    reading = source.read(changed(heard[0], stop_times=heading + "\n"), place)
    assert (list(reading.events), reading.place) == ([], place)


def test_a_wrong_location_or_window_costs_its_neighbours_nothing() -> None:
    source, heard = example()
    locations = json.loads(table(heard[0], "locations.geojson"))
    locations["features"][1]["geometry"] = None
    times = table(heard[0], "stop_times.txt") + "t1,l1,,,9,2,2,19:00:00,07:00:00,b1,b1\n"
    reading = source.read(changed(heard[0], locations=json.dumps(locations), stop_times=times), {})
    assert set(zones(reading)) == {"l1", "g1"}
    assert sorted(one.field for one in reading.aside) == ["end_pickup_drop_off_window", "geometry"]


def test_a_location_of_two_periods_is_a_zone_for_each() -> None:
    source, heard = example()
    calendar = table(heard[0], "calendar.txt").replace(
        "we,0,0,0,0,0,1,1,20260101,20261231", "we,0,0,0,0,0,1,1,20260601,20260831"
    )
    told = zones(source.read(changed(heard[0], calendar=calendar), {}))
    assert set(told) == {"l1@20260101-20261231", "l1@20260601-20260831", "l2", "g1"}
    assert told["l1@20260601-20260831"]["parent_id"] == "l1"
    assert [one["days"] for one in told["l1@20260601-20260831"]["hours"]] == [["saturday", "sunday"]]


def test_service_on_single_days_alone_has_no_week_and_is_counted() -> None:
    source, heard = example()
    calendar = table(heard[0], "calendar.txt").replace("we,0,0,0,0,0,1,1", "we,0,0,0,0,0,0,0")
    reading = source.read(changed(heard[0], calendar=calendar), {})
    assert reading.skipped == {"service on single days alone": 1}
    assert len(zones(reading)["l1"]["hours"]) == 1


def test_a_window_at_a_place_that_nobody_draws_is_noted() -> None:
    source, heard = example()
    reading = source.read(changed(heard[0], locations='{"type": "FeatureCollection", "features": []}'), {})
    assert set(zones(reading)) == {"g1"}
    assert reading.noted == {"window at no place that the schedule has": 2}


@pytest.mark.parametrize("body", [b"PK\x03\x04", b"no zip", orjson.dumps({"type": "Feature"})])
def test_what_is_no_zip_is_set_aside_as_it_came(body: bytes) -> None:
    source, heard = example()
    reading = source.read(Heard(body, heard[0].at_ms), {})
    assert [one.original for one in reading.aside] == [body]


@pytest.mark.parametrize(
    ("opens", "closes", "hours"),
    [
        ("7:45", "16:45:00", [("monday", "07:45", "16:45")]),
        ("00:00", "24:00", [("monday", "00:00", "24:00")]),
        ("24:30:00", "26:00:00", [("tuesday", "00:30", "02:00")]),
        ("22:00", "25:00:01", [("monday", "22:00", "01:01")]),
        ("06:00", "30:00", [("monday", "06:00", "06:00")]),
        ("12:00", "48:00", [("monday", "12:00", "12:00"), ("tuesday", "12:00", "24:00")]),
    ],
)
def test_windows_of_a_monday(opens: str, closes: str, hours: list[tuple[str, str, str]]) -> None:
    told = hours_of([([0], window_s(opens, "opens"), window_s(closes, "closes"))])
    assert told == [{"days": [day], "from": begin, "until": end} for day, begin, end in hours]


def test_windows_of_a_day_that_touch_are_one() -> None:
    told = hours_of([([0, 1], 6 * HOUR, 7 * HOUR), ([0], 7 * HOUR, 8 * HOUR), ([1], 9 * HOUR, 10 * HOUR)])
    assert told == [
        {"days": ["monday"], "from": "06:00", "until": "08:00"},
        {"days": ["tuesday"], "from": "06:00", "until": "07:00"},
        {"days": ["tuesday"], "from": "09:00", "until": "10:00"},
    ]


@pytest.mark.parametrize("text", ["", "7", "07:60", "07:00:60", "-1:00", "999:00", "07:00:00Z", "٠٧:٠٠"])
def test_what_is_no_time_of_a_day_of_service(text: str) -> None:
    with pytest.raises(Invalid):
        window_s(text, "opens")
