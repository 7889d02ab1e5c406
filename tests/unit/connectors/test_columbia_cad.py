"""Columbia's dispatch log in its three forms, and the faults in them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source

COLUMBIA = SourceContext("columbia", "cad", ZoneInfo("America/Chicago"), Bounds(38.63, -92.60, 39.27, -92.05))
HEADING = "incident,service,agency,datetime,type,location_txt,lat,lon"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def a_row(**changed: Any) -> dict[str, Any]:
    row = {
        "incident": "2026900001",
        "service": "PD",
        "agency": "Columbia Police Department",
        "datetime": "6/1/2026 7:05:00 AM",
        "type": "ACCIDENT",
        "location_txt": "MADE UP ST/OTHER ST",
        "lat": 38.95,
        "lon": -92.33,
    }
    return {key: value for key, value in (row | changed).items() if value is not ...}


def reads(body: bytes, place: Any = None, at_ms: int | None = None) -> Reading:
    source = load_source("columbia_cad", COLUMBIA, {})
    return source.read(Heard(body, at_ms), place or {})


def hears(*rows: dict[str, Any], place: Any = None, at_ms: int | None = None) -> Reading:
    return reads(orjson.dumps(list(rows)), place, at_ms)


def hears_csv(*rows: dict[str, Any]) -> Reading:
    names = HEADING.split(",")
    lines = [",".join("" if row.get(n) is None else str(row.get(n, "")) for n in names) for row in rows]
    return reads("\n".join([HEADING, *lines, ""]).encode())


def value(reading: Reading) -> dict[str, Any]:
    (event,) = reading.events
    return dict(event.value or {})


def test_csv_and_json_say_the_same_of_the_same_call() -> None:
    assert hears(a_row()).events == hears_csv(a_row()).events


def test_the_police_and_the_fire_services_are_two_topics_and_four_agencies() -> None:
    fire = {"service": "FIRE_EMS", "type": "Medical Response"}
    reading = hears(
        a_row(),
        a_row(incident="2", agency="CFD", **fire),
        a_row(incident="3", agency="BCFD", **fire),
        a_row(incident="4", agency="SBFD", **fire),
    )
    told = [(e.topic, e.value and e.value["agency"], e.value and e.value["kind"]) for e in reading.events]
    assert told == [
        ("police.incident", "cpd", "crash"),
        ("fire.incident", "cfd", "medical"),
        ("fire.incident", "bcfd", "medical"),
        ("fire.incident", "sbfd", "medical"),
    ]


def test_in_the_form_of_2025_capitals_tell_whose_a_row_is() -> None:
    old = {"service": ..., "agency": ...}
    reading = hears(a_row(**old), a_row(incident="2", type="Unknown Problem", **old))
    assert [event.topic for event in reading.events] == ["police.incident", "fire.incident"]
    assert hears(a_row(**old)).events == hears(a_row()).events, "the form is no part of the incident"


def test_a_number_that_says_something_else_is_a_revision_and_one_that_does_not_is_nothing_new() -> None:
    first = hears(a_row())
    second = hears(a_row(), a_row(type="LEAVING THE SCENE ACCIDENT"), place=first.place)
    third = hears(a_row(type="LEAVING THE SCENE ACCIDENT"), place=second.place)
    told = value(second)
    assert (told["revision"], told["kind"]) == (2, "crash.hit-and-run")
    assert told["incident_id"] == value(first)["incident_id"]
    assert (len(third.events), third.skipped) == (0, {"said before": 1})


def test_leaving_the_log_closes_nothing() -> None:
    first = hears(a_row(), at_ms=at("2026-06-01T12:10"))
    later = hears(a_row(incident="2"), place=first.place, at_ms=at("2026-06-01T13:10"))
    assert [event.value and event.value["status"] for event in later.events] == ["dispatched"]


def test_times_are_right_across_the_night_in_which_an_hour_does_not_exist() -> None:
    before, after = (
        value(hears(a_row(datetime=f"3/8/2026 {clock} AM")))["event_time"] for clock in ("1:55:59", "3:00:23")
    )
    assert before == at("2026-03-08T07:55:59")
    assert after == at("2026-03-08T08:00:23")
    none = hears(a_row(datetime="3/8/2026 2:30:00 AM"))
    assert (len(none.events), none.aside[0].field) == (0, "datetime")
    assert "does not exist" in none.aside[0].reason


def test_the_hour_that_comes_twice_is_known_to_an_hour_only() -> None:
    told = value(hears(a_row(datetime="11/1/2026 1:30:00 AM")))
    assert (told["event_time"], told["event_time_accuracy_s"]) == (at("2026-11-01T06:30"), 3600)


def test_without_a_clock_a_row_was_received_when_it_happened() -> None:
    assert value(hears(a_row()))["received_time"] == at("2026-06-01T12:05")
    assert value(hears(a_row(), at_ms=at("2026-06-01T12:10")))["received_time"] == at("2026-06-01T12:10")


@pytest.mark.parametrize("nowhere", [(None, None), ("", ""), (0, 0), ("0", "0.0")])
def test_a_row_without_a_place_has_none_and_keeps_its_address(nowhere: tuple[Any, Any]) -> None:
    told = value(hears(a_row(lat=nowhere[0], lon=nowhere[1])))
    assert (told["position"], told["address"]) == (None, "MADE UP ST/OTHER ST")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"lat": 91}, "position.lat"),
        ({"lat": 38.95, "lon": 92.33}, "position"),
        ({"lat": -92.33, "lon": 38.95}, "position.lat"),
        ({"lat": None}, "position.lat"),
        ({"incident": ""}, "incident"),
        ({"incident": ...}, "incident"),
        ({"type": 7}, "type"),
        ({"datetime": "yesterday"}, "datetime"),
        ({"datetime": "6/1/1926 7:05:00 AM"}, "datetime"),
        ({"datetime": "6/2/2026 7:05:00 AM"}, "datetime"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_bytes_and_spoils_no_other(wrong: dict[str, Any], field: str) -> None:
    bad = a_row(incident="2026900002") | wrong
    bad = {key: cell for key, cell in bad.items() if cell is not ...}
    reading = hears(a_row(), bad, a_row(incident="2026900003"), at_ms=at("2026-06-01T12:10"))
    assert [event.value and event.value["agency_case_no"] for event in reading.events] == [
        "2026900001",
        "2026900003",
    ]
    assert [(aside.field, orjson.loads(aside.original)) for aside in reading.aside] == [(field, bad)]


FULL_NAMES = {
    "Columbia Fire Department": "cfd",
    "Boone County Fire Protection District": "bcfd",
    "Southern Boone County Fire Protection District": "sbfd",
}


def test_a_day_on_which_the_log_writes_names_out_in_full_loses_nothing(data_dir: Path) -> None:
    short = {"CFD": "Columbia Fire Department", "BCFD": "BOONE COUNTY  Fire Protection District"}
    short["SBFD"] = "Southern Boone County Fire Protection District"
    day = orjson.loads((data_dir / "columbia/raw/data_2026-04-15a_61da340a49.json").read_bytes())
    full = [{**row, "agency": short.get(row["agency"], row["agency"])} for row in day]
    assert sum(row != other for row, other in zip(day, full, strict=True)) > 20
    as_ever, spelled_out = reads(orjson.dumps(day)), reads(orjson.dumps(full))
    assert not spelled_out.aside
    assert not spelled_out.noted
    assert spelled_out.events == as_ever.events


@pytest.mark.parametrize("name", FULL_NAMES)
def test_a_name_in_full_is_the_agency_that_it_names(name: str) -> None:
    assert value(hears(a_row(service="FIRE_EMS", type="Alarm", agency=name)))["agency"] == FULL_NAMES[name]


def test_an_agency_or_a_service_that_nobody_knows_costs_nothing_but_a_note() -> None:
    reading = hears(
        a_row(service="FIRE_EMS", type="Structure Fire", agency="Boone Health EMS"),
        a_row(incident="2", service="NAVY", type="Structure Fire", agency="Coast Guard"),
    )
    assert not reading.aside
    assert [(e.topic, (e.value or {})["agency"], (e.value or {})["kind"]) for e in reading.events] == [
        ("fire.incident", "Boone Health EMS", "fire.building"),
        ("fire.incident", "Coast Guard", "fire.building"),
    ]
    assert reading.noted == {
        "agency unknown: Boone Health EMS": 1,
        "agency unknown: Coast Guard": 1,
        "service unknown: NAVY": 1,
    }


def test_a_word_that_the_tree_does_not_know_is_told_as_other_and_counted() -> None:
    reading = hears(a_row(type="DRAGON SIGHTED"))
    assert value(reading)["kind"] == "other"
    assert reading.noted == {"kind unknown: DRAGON SIGHTED": 1}
