"""Rows of sensors, mapped in the city's file: values with their quantity, unit and threshold, each told once."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import BadConfig, agencies_of, load_source, read_config
from schemas.catalogue import load_catalogue
from schemas.rows import RowCodec

MOIE = SourceContext("moie", "gauges", ZoneInfo("Asia/Seoul"), Bounds(37.4, 126.7, 37.55, 126.9))
NOON = 1_780_315_200_000
"""2026-06-01 12:00 UTC, 21:00 in Moie"""
COLUMNS = {"sensor_id": "id", "time": "at", "value": "level", "lat": "y", "lon": "x"}
SETTINGS: dict[str, Any] = {"becomes": "observation", "columns": COLUMNS, "quantity": "water-level"}
ROW = {"id": "G-1", "at": "2026-06-01T21:00:00", "level": "0.42", "y": "37.5", "x": "126.8"}


def gauges(columns: dict[str, Any] | None = None, **changed: Any) -> Any:
    settings = {**SETTINGS, "format": "json", **changed, "columns": {**COLUMNS, **(columns or {})}}
    return load_source("mapped_rows", MOIE, {k: v for k, v in settings.items() if v is not None})


def heard(source: Any, *rows: Any, place: Any = None, at_ms: int | None = NOON) -> Reading:
    reading: Reading = source.read(Heard(orjson.dumps(rows), at_ms), place or {})
    return reading


def values(reading: Reading) -> list[Any]:
    assert not reading.aside, reading.aside
    return [event.value for event in reading.events]


def test_a_row_is_an_observation_that_keeps_its_contract() -> None:
    source = gauges({"unit": "unit", "threshold": "danger", "place_name": "name"})
    reading = heard(source, {**ROW, "unit": "m", "danger": 0.3, "name": "Underpass 3"})
    (told,) = values(reading)
    assert [(event.topic, event.key) for event in reading.events] == [("civil.observation", "G-1")]
    assert {
        name: told[name] for name in ("sensor_id", "quantity", "value", "unit", "threshold", "place_name")
    } == {
        "sensor_id": "G-1",
        "quantity": "water-level",
        "value": 0.42,
        "unit": "m",
        "threshold": 0.3,
        "place_name": "Underpass 3",
    }
    assert told["event_time"] == NOON
    assert told["position"] == {"lat": 37.5, "lon": 126.8, "accuracy_m": None}
    codec = RowCodec(load_catalogue()["civil.observation"].newest)
    assert codec.decode(codec.encode(told)) == told


def test_a_csv_is_read_as_incidents_are() -> None:
    body = (
        "id;at;level;y;x\nG-1;2026-06-01T21:00:00;0.42;37.5;126.8\nG-2;2026-06-01T21:00:00;high;37.5;126.8\n"
    )
    source = gauges(format="csv", delimiter=";")
    reading = source.read(Heard(body.encode("utf-8-sig"), NOON), {})
    assert [event.key for event in reading.events] == ["G-1"]
    (aside,) = reading.aside
    assert aside.field == "level"
    alone = aside.before + aside.original.replace(b"high", b"1.5") + aside.after
    again = source.read(Heard(alone, NOON), reading.place)
    assert [event.value["value"] for event in again.events] == [1.5]


def test_units_and_thresholds_may_be_the_citys() -> None:
    source = gauges({"threshold": "danger"}, unit="cm", threshold=30.0)
    told = values(heard(source, ROW, {**ROW, "id": "G-2", "danger": "12"}))
    assert [(one["unit"], one["threshold"]) for one in told] == [("cm", 30.0), ("cm", 12.0)]
    assert values(heard(gauges(), ROW))[0]["threshold"] is None


def test_a_station_of_several_quantities_is_several_sensors() -> None:
    source = gauges({"quantity": "what"}, quantity=None, quantities={"강우량": "rain", "수위": "water-level"})
    reading = heard(source, {**ROW, "what": "강우량"}, {**ROW, "what": "수위"}, {**ROW, "what": "풍속"})
    assert [(one["sensor_id"], one["quantity"]) for one in values(reading)] == [
        ("G-1/rain", "rain"),
        ("G-1/water-level", "water-level"),
        ("G-1/풍속", "풍속"),
    ]
    assert reading.noted == {"quantity unknown: 풍속": 1}


def test_the_same_list_again_says_nothing_and_an_older_row_neither() -> None:
    source = gauges()
    first = heard(source, ROW)
    again = heard(source, ROW, place=first.place)
    assert (list(again.events), dict(again.skipped), again.place) == ([], {"said before": 1}, first.place)
    older = heard(source, {**ROW, "at": "2026-06-01T20:59:00"}, place=first.place)
    assert (list(older.events), dict(older.skipped)) == ([], {"older than what was told": 1})
    corrected = heard(source, {**ROW, "level": 0.5}, place=first.place)
    assert [one["value"] for one in values(corrected)] == [0.5]


def test_a_list_that_begins_with_the_newest_is_told_in_order() -> None:
    rows = [{**ROW, "at": f"2026-06-01T20:{minute}:00", "level": minute} for minute in (50, 40, 30)]
    assert [one["value"] for one in values(heard(gauges(), *rows))] == [30, 40, 50]


def test_a_row_without_a_value_and_one_for_others_are_counted() -> None:
    source = gauges(unknown=["-9999"], only={"state": ["on"]})
    on = {**ROW, "state": "on"}
    reading = heard(source, {**on, "level": None}, {**on, "level": -9999}, {**ROW, "state": "off"}, on)
    assert len(values(reading)) == 1
    assert reading.skipped == {"no value": 2, "left to others": 1}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"level": "NaN"}, "level"),
        ({"level": "high"}, "level"),
        ({"id": ""}, "id"),
        ({"id": -1}, "id"),
        ({"at": "noon"}, "time"),
        ({"at": "2026-06-01T22:00:00"}, "time"),
        ({"y": "10", "x": "10"}, "position"),
    ],
)
def test_what_cannot_be_read_is_set_aside_alone(wrong: dict[str, Any], field: str) -> None:
    reading = heard(gauges(), {**ROW, **wrong}, {**ROW, "id": "G-2"})
    assert [event.key for event in reading.events] == ["G-2"]
    assert [one.field for one in reading.aside] == [field]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"quantity": None}, "a value has a quantity"),
        ({"domain": "fire"}, "domain"),
        ({"agency": "119"}, "agency"),
        ({"quantities": {"a": "rain"}}, "quantities is heeded only with columns.quantity"),
        ({"columns": {**COLUMNS, "case_no": "no"}}, "columns.case_no"),
        ({"columns": {"sensor_id": "id"}}, "columns.value: is missing"),
        ({"becomes": "observations"}, "must be 'incident' or 'observation'"),
    ],
)
def test_settings_that_do_not_go_with_values_are_refused(changed: dict[str, Any], said: str) -> None:
    settings = {name: value for name, value in {**SETTINGS, **changed}.items() if value is not None}
    with pytest.raises(BadConfig, match=said):
        read_config("mapped_rows", settings)


def test_values_speak_for_no_agency_and_incidents_take_no_setting_of_values() -> None:
    assert agencies_of("mapped_rows", MOIE, SETTINGS) == ()
    with pytest.raises(BadConfig, match="threshold"):
        read_config("mapped_rows", {"domain": "fire", "agency": "119", "threshold": 1.0})
