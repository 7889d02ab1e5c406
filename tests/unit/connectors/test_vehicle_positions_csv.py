"""A city's vehicles, row by row: in order of time, none backwards, and no value invented for an unknown one."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from schemas.errors import Fatal
from schemas.event import Event
from tests.unit.connectors.telemetry import lost_on_the_wire, values

CITY = SourceContext("springfield", "buses", ZoneInfo("America/Chicago"), Bounds(29.4, -95.95, 30.2, -94.95))
COLUMNS = {"vehicle_id": "bus", "time": "at", "lat": "lat", "lon": "lon", "speed": "speed", "bearing": "head"}
HEADING = "bus,at,lat,lon,speed,head"
NOON_MS = 1_772_971_200_000
"""8 March 2026, 12:00 UTC."""
MPS = {
    "m/s": 10.0,
    "km/h": 36.0,
    "mph": 22.369362920544024,
    "knots": 19.438444924406046,
    "ft/s": 32.808398950131235,
}


def hears(*rows: str, at_ms: int | None = None, place: Any = None, **config: Any) -> Reading:
    body = "\n".join([HEADING, *rows, ""]).encode()
    source: Any = load_source(
        "vehicle_positions_csv", CITY, {"operator": "transit", "columns": COLUMNS, **config}
    )
    reading: Reading = source.read(Heard(body, at_ms), {} if place is None else place)
    return reading


def test_rows_written_trip_by_trip_are_told_in_order_of_time() -> None:
    reading = hears(
        "1,2026-03-08T12:05:00Z,29.7,-95.3,3,90",
        "1,2026-03-08T12:00:00Z,29.8,-95.3,3,90",
        "2,2026-03-08T12:02:00Z,29.9,-95.3,3,90",
    )
    assert [value["position"]["lat"] for value in values(reading)] == [29.8, 29.9, 29.7]


def test_a_vehicle_does_not_go_back_behind_what_it_said_in_an_earlier_body() -> None:
    place = hears("1,2026-03-08T12:05:00Z,29.7,-95.3,3,90").place
    late, new = "1,2026-03-08T12:04:00Z,29.7,-95.3,3,90", "1,2026-03-08T12:06:00Z,29.7,-95.3,3,90"
    reading = hears(late, new, "2,2026-03-08T12:00:00Z,29.7,-95.3,3,90", place=place)
    assert [event.key for event in reading.events] == ["2", "1"]
    assert reading.skipped == {"no newer than what its vehicle said before": 1}


def test_a_position_told_twice_is_told_once_and_counted() -> None:
    row = "1,2026-03-08T12:05:00Z,29.7,-95.3,3,90"
    reading = hears(row, row)
    assert len(reading.events) == 1
    assert reading.skipped == {"said twice of one vehicle and moment": 1}


@pytest.mark.parametrize(("unit", "speed"), MPS.items())
def test_a_speed_becomes_metres_a_second(unit: str, speed: float) -> None:
    (value,) = values(hears(f"1,2026-03-08T12:00:00Z,29.7,-95.3,{speed},90", speed_unit=unit))
    assert value["speed_mps"] == pytest.approx(10.0)


def test_what_is_unknown_is_null_and_noted_never_a_number() -> None:
    reading = hears(
        "1,2026-03-08T12:00:00Z,0,0,-1,511",
        "2,2026-03-08T12:00:00Z,29.7,-95.3,255.0,360",
        "3,2026-03-08T12:00:00Z,,,,",
        unknown={"speed": ["255"]},
    )
    first, second, third = values(reading)
    assert (first["position"], first["speed_mps"], first["bearing_deg"]) == (None, None, None)
    assert (second["speed_mps"], second["bearing_deg"]) == (None, 360)
    assert (third["position"], third["speed_mps"], third["bearing_deg"]) == (None, None, None)
    assert reading.noted == {
        "position unknown": 2, "speed below zero": 1, "bearing beyond the compass": 1
    }  # fmt: skip


def test_a_standing_vehicle_has_a_speed_of_zero() -> None:
    (value,) = values(hears("1,2026-03-08T12:00:00Z,29.7,-95.3,0,0"))
    assert (value["speed_mps"], value["bearing_deg"]) == (0, 0)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("1,2026-03-08T12:00:00Z,31.7,-95.3,3,90", "position"),
        ("1,2026-03-08T12:00:00Z,29.7,,3,90", "position.lon"),
        (",2026-03-08T12:00:00Z,29.7,-95.3,3,90", "vehicle_id"),
        ("1,,29.7,-95.3,3,90", "time"),
        ("1,soon,29.7,-95.3,3,90", "time"),
        ("1,2026-03-08T12:00:00Z,29.7,-95.3,fast,90", "speed"),
        ("1,2026-03-08T02:30:00,29.7,-95.3,3,90", "time"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_bytes_and_its_heading(row: str, field: str) -> None:
    reading = hears(row, "2,2026-03-08T12:00:00Z,29.7,-95.3,3,90")
    (aside,) = reading.aside
    assert [event.key for event in reading.events] == ["2"]
    assert (aside.original.decode(), aside.field) == (row, field)
    assert aside.before.decode() == HEADING + "\n"


def test_local_times_are_the_city_s_unless_the_file_has_another_zone() -> None:
    row = "1,2026-03-08 06:00:00,29.7,-95.3,3,90"
    (here,) = values(hears(row, time_format="%Y-%m-%d %H:%M:%S"))
    (there,) = values(hears(row, time_format="%Y-%m-%d %H:%M:%S", timezone="Asia/Seoul"))
    assert (here["event_time"], there["event_time"]) == (NOON_MS - 3_600_000, NOON_MS - 15 * 3_600_000)


def test_the_hour_that_comes_twice_is_known_to_an_hour() -> None:
    (value,) = values(hears("1,2026-11-01T01:30:00,29.7,-95.3,3,90"))
    assert value["event_time_accuracy_s"] == 3600


def test_seconds_and_milliseconds_since_1970_are_told_apart_by_the_setting() -> None:
    (seconds,) = values(hears(f"1,{NOON_MS // 1000},29.7,-95.3,3,90", time_format="epoch_s"))
    (millis,) = values(hears(f"1,{NOON_MS},29.7,-95.3,3,90", time_format="epoch_ms"))
    assert seconds["event_time"] == millis["event_time"] == NOON_MS
    assert hears(f"1,{NOON_MS // 1000},29.7,-95.3,3,90", time_format="epoch_ms").aside


def test_what_was_older_than_the_limit_when_it_was_heard_is_stale() -> None:
    row = "1,2026-03-08T12:00:00Z,29.7,-95.3,3,90"
    (fresh,) = values(hears(row, at_ms=NOON_MS + 90_000))
    (stale,) = values(hears(row, at_ms=NOON_MS + 90_001))
    (longer,) = values(hears(row, at_ms=NOON_MS + 90_001, stale_after_s=91))
    (unknown,) = values(hears(row))
    assert [one["is_stale"] for one in (fresh, stale, longer, unknown)] == [False, True, False, False]


def test_every_field_survives_the_wire() -> None:
    (event,) = hears("1,2026-03-08T12:00:00Z,29.7,-95.3,3.33,91.7").events
    assert not lost_on_the_wire([event])
    rounded = Event(event.topic, event.key, {**(event.value or {}), "event_time_accuracy_s": 0.1})
    assert lost_on_the_wire([rounded]) == ["event_time_accuracy_s"], "a float of 32 bits: it would be seen"


def test_a_heading_without_a_column_that_is_named_sets_the_file_aside() -> None:
    reading = hears("1,2026-03-08T12:00:00Z,29.7,-95.3,3,90", columns={**COLUMNS, "label": "painted"})
    (aside,) = reading.aside
    assert "painted" in aside.reason
    assert not reading.events


def test_a_setting_that_cannot_be_is_refused() -> None:
    with pytest.raises(Fatal, match="IANA"):
        hears(timezone="Mars/Olympus")
    with pytest.raises(Fatal, match="epoch_s"):
        hears(time_format="soon")


def test_no_more_vehicles_than_a_bound_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.sources.vehicle_positions_csv.VEHICLES_MAX", 2)
    rows = [f"{number},2026-03-08T12:00:0{number}Z,29.7,-95.3,3,90" for number in range(5)]
    assert list(hears(*rows).place["newest"]) == ["3", "4"]
