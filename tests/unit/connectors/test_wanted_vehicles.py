"""The police's list: tokens leave the connector, and nothing else that identifies a car."""

from __future__ import annotations

import logging
from typing import Any

import orjson
import pytest

from connectors.subjects.plates import misread, plate_key, plate_token
from tests.unit.connectors.seen import read, source, values

KEY = "a key of more than sixteen bytes"
PLATE = "12가 3456"
ENTRY = {
    "entry_id": "W-1",
    "plate": PLATE,
    "offence": "robbery",
    "legal_ground": "order 1",
    "listed_at": "2026-03-08T11:00:00+09:00",
}


def the_list(**config: Any) -> Any:
    return source("wanted_vehicles", **{"key": KEY, "agency": "112", **config})


def pushed(*entries: Any) -> Any:
    return read(the_list(), orjson.dumps(list(entries)))


def test_an_entry_has_its_plate_s_token_and_those_of_its_misreadings() -> None:
    (value,) = values(pushed(ENTRY))
    key = plate_key(KEY, "test")
    assert value["tokens"] == [plate_token(key, PLATE)]
    assert set(value["candidate_tokens"]) == {plate_token(key, one) for one in misread(PLATE)}
    assert (value["agency"], value["offence"], value["is_listed"]) == ("112", "robbery", True)


def test_an_entry_taken_off_needs_no_plate() -> None:
    gone = {"entry_id": "W-1", "is_listed": False, "listed_at": "2026-03-08T11:30:00+09:00"}
    (value,) = values(pushed(gone))
    assert (value["is_listed"], value["tokens"], value["candidate_tokens"]) == (False, [], [])


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({**ENTRY, "entry_id": ""}, "entry_id"),
        ({**ENTRY, "plate": None}, "plate"),
        ({**ENTRY, "plate": "--"}, "text"),
        ({**ENTRY, "listed_at": "12가3456"}, "listed_at"),
        ({**ENTRY, "ends_at": "soon"}, "ends_at"),
        ({**ENTRY, "is_listed": "12가3456"}, "is_listed"),
        ([ENTRY], ""),
    ],
)
def test_a_bad_entry_is_set_aside_without_its_plate_and_the_others_are_taken(
    entry: Any, field: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        reading = pushed(entry, {**ENTRY, "entry_id": "W-2"})
    assert [value["entry_id"] for value in values(reading)] == ["W-2"]
    (aside,) = reading.aside
    assert aside.field == field
    for text in (str(aside), aside.original.decode(), caplog.text, repr(reading.events)):
        assert "3456" not in text


def test_nobody_s_list_is_taken_off_by_what_is_no_json() -> None:
    reading = read(the_list(), '{"entry_id": "W-1", "plate": "12가3456"'.encode())
    assert not reading.events
    assert b"3456" not in reading.aside[0].original
