"""Digits with ``_`` are no number; full-width ones only where the city's file says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Heard, Reading
from schemas.errors import Fatal
from tests.contract.an_example import example_of

ROWS: dict[str, Any] = {
    "domain": "fire",
    "agency": "119",
    "format": "csv",
    "columns": {
        "case_no": "no",
        "time": "at",
        "kind_text": "type",
        "lat": "lat",
        "lon": "lon",
        "address": ["road"],
    },
}
PLACES: dict[str, Any] = {
    "becomes": "hub",
    "owner": "us",
    "columns": {"id": "no", "lat": "lat", "lon": "lon", "name": "name", "capacity": "size", "time": "at"},
}
HEAD = "no,at,lat,lon,type,road,name,size\n"
PLAIN = "A-24,2026-06-01T21:00:00+09:00,37.5,126.8,화재,１２길 7,２호점,12\n"
FULL = "Ａ－２４,２０２６－０６－０１Ｔ２１：００：００＋０９：００,３７．５,１２６．８,화재,１２길 7,２호점,１２\n"


def read(name: str, settings: dict[str, Any], rows: str, **changed: Any) -> Reading:
    example = replace(example_of("mapped_rows"), type=name, config={**settings, **changed})
    reading: Reading = example.source().read(Heard((HEAD + rows).encode(), 1_780_400_000_000), {})
    return reading


@pytest.mark.parametrize(("name", "settings"), [("mapped_rows", ROWS), ("mapped_places", PLACES)])
def test_full_width_digits_are_read_where_the_citys_file_says_so(name: str, settings: dict[str, Any]) -> None:
    (plain,) = read(name, settings, PLAIN).events
    assert not read(name, settings, FULL).events
    (full,) = read(name, settings, FULL, digits="full-width").events
    (plain_too,) = read(name, settings, PLAIN, digits="full-width").events
    assert full.value == plain.value == plain_too.value


def test_a_texts_own_digits_stay_as_they_came() -> None:
    (case,) = read("mapped_rows", ROWS, FULL, digits="full-width").events
    (hub,) = read("mapped_places", PLACES, FULL, digits="full-width").events
    assert case.value and hub.value
    assert case.value["address"] == "１２길 7"
    assert (hub.value["name"], hub.value["capacity"]) == ("２호점", 12)


@pytest.mark.parametrize("digits", ["ascii", "full-width"])
@pytest.mark.parametrize("number", ["3_7.5", "３＿７．５", "3 7.5"])
@pytest.mark.parametrize(("name", "settings"), [("mapped_rows", ROWS), ("mapped_places", PLACES)])
def test_digits_with_something_between_are_no_number(
    name: str, settings: dict[str, Any], number: str, digits: str
) -> None:
    reading = read(name, settings, PLAIN.replace("37.5", number), digits=digits)
    assert not reading.events
    assert [aside.field for aside in reading.aside] == ["position.lat"]


def test_a_point_in_one_column_may_have_full_width_digits() -> None:
    columns = {"case_no": "no", "time": "at", "kind_text": "type", "point": "road"}
    row = PLAIN.replace("１２길 7", "（３７．５　１２６．８）")
    (case,) = read("mapped_rows", ROWS, row, columns=columns, digits="full-width").events
    assert case.value
    assert case.value["position"] == {"lat": 37.5, "lon": 126.8, "accuracy_m": None}


def test_other_digits_are_no_setting() -> None:
    with pytest.raises(Fatal, match="digits"):
        read("mapped_rows", ROWS, PLAIN, digits="roman")
