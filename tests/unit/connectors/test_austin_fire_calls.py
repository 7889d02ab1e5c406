"""Austin's list of a year's calls: a day, and a place without a sign."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from schemas.errors import Fatal

AUSTIN = SourceContext(
    "austin", "fire-calls", ZoneInfo("America/Chicago"), Bounds(30.0, -98.1, 30.65, -97.45)
)
COLUMNS = (
    "MasterIncidentNumber,CalendarYear,Month,DayOfMonth,Problem,Jurisdiction,PriorityDescription,Location 1"
)
ROW = ["16000015", "2016", "Jan", "1", "TRASH - Trash Fire", "AFD", "3F", '"(30218836, 97806156)"']


def a_row(**changed: str) -> str:
    names = ("number", "year", "month", "day", "problem", "jurisdiction", "priority", "place")
    return ",".join(changed.get(name, cell) for name, cell in zip(names, ROW, strict=True))


def hears(*rows: str, sign: int = -1, place: Any = None) -> Reading:
    body = "\n".join([COLUMNS, *rows, ""]).encode()
    return load_source("austin_fire_calls", AUSTIN, {"longitude_sign": sign}).read(
        Heard(body, None), place or {}
    )


def test_a_call_is_known_to_the_day_and_is_over() -> None:
    (event,) = hears(a_row()).events
    told = event.value or {}
    assert (event.topic, told["agency"], told["kind"]) == ("fire.incident", "afd", "fire.outdoor")
    assert told["event_time"] == 1_451_628_000_000, "the first of January begins at 06:00 UTC in Austin"
    assert (told["event_time_accuracy_s"], told["received_time"]) == (86_400, told["event_time"])
    assert (told["status"], told["priority"]) == ("closed", "3F")
    assert told["position"] == {"lat": 30.218836, "lon": -97.806156, "accuracy_m": None}


def test_the_hemisphere_is_never_guessed() -> None:
    with pytest.raises(Fatal, match="longitude_sign"):
        load_source("austin_fire_calls", AUSTIN, {})
    wrong = hears(a_row(), sign=1)
    assert not wrong.events
    assert [aside.field for aside in wrong.aside] == ["position"]


@pytest.mark.parametrize("place", ["", '"(0, 0)"'])
def test_a_call_without_a_place_has_none(place: str) -> None:
    (event,) = hears(a_row(place=place)).events
    assert (event.value or {})["position"] is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"place": '"(30218836, -97806156)"'}, "Location 1"),
        ({"place": '"(30.218836, 97.806156)"'}, "Location 1"),
        ({"place": '"(97806156, 30218836)"'}, "position.lat"),
        ({"place": '"(3021883, 9780615)"'}, "position"),
        ({"place": f'"({"9" * 5000}, 1)"'}, "Location 1"),
        ({"number": " "}, "MasterIncidentNumber"),
        ({"day": "32"}, "DayOfMonth"),
        ({"month": "Brumaire"}, "DayOfMonth"),
        ({"year": "1916"}, "DayOfMonth"),
        ({"problem": ""}, "Problem"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_bytes(wrong: dict[str, str], field: str) -> None:
    reading = hears(a_row(**wrong), a_row(number="2"))
    assert [aside.field for aside in reading.aside] == [field]
    assert reading.aside[0].original.decode() == a_row(**wrong)
    assert [(event.value or {})["agency_case_no"] for event in reading.events] == ["2"]


def test_the_same_list_again_is_nothing_new_and_a_moved_call_is_a_revision() -> None:
    first = hears(a_row())
    assert not hears(a_row(), place=first.place).events
    (moved,) = hears(a_row(place='"(30218836, 97806157)"'), place=first.place).events
    assert (moved.value or {})["revision"] == 2


def test_another_jurisdiction_costs_nothing_but_a_note() -> None:
    reading = hears(a_row(jurisdiction="NAVY"))
    assert [(event.value or {})["agency"] for event in reading.events] == ["NAVY"]
    assert (list(reading.aside), reading.noted) == ([], {"jurisdiction unknown: NAVY": 1})
