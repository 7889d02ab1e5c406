"""Both forms of the list, and the faults in them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connectors.base import Heard
from tests.unit.connectors.houston_list import MINUTE, NOON, Listener, a_legacy_line, a_line, another, told


def test_both_forms_say_the_same_of_the_same_incident() -> None:
    today = Listener().hears(a_line(CrossStreet="BLK NOWHERE DR")).events[0].value
    legacy = Listener().hears_legacy(a_legacy_line()).events[0].value
    assert today and legacy
    assert {**legacy, "kind_text": "EMS EVENT"} == {**today}
    assert legacy["event_time"] == NOON - 10 * MINUTE, "06:50 in Houston's summer is 11:50 UTC"


def test_police_is_another_topic_and_agency() -> None:
    crash = Listener().hears(a_line(Agency="P", IncidentType="CRASH/MINOR")).events[0]
    assert crash.topic == "police.incident"
    assert crash.value and (crash.value["agency"], crash.value["kind"]) == ("hpd", "crash.minor")


def test_a_row_without_a_place_has_none() -> None:
    nowhere = a_legacy_line(XCoord="", YCoord="")
    elsewhere = a_legacy_line(XCoord="", YCoord="", Address="ELSEWHERE ST")
    reading = Listener().hears_legacy(nowhere, elsewhere)
    assert [event.value and event.value["position"] for event in reading.events] == [None, None]
    assert len({event.key for event in reading.events}) == 2
    assert not reading.aside


def test_nought_nought_is_unknown_not_a_place() -> None:
    reading = Listener().hears(a_line(LATITUDE=0, LONGITUDE=0.0), another(LATITUDE=None, LONGITUDE=None))
    assert [event.value and event.value["position"] for event in reading.events] == [None, None]


def test_a_word_nobody_knows_is_other_and_counted() -> None:
    reading = Listener().hears(a_line(IncidentType="DRAGON SIGHTED"))
    assert told(reading) == [("other", "dispatched", 1)]
    assert reading.noted == {"kind unknown: DRAGON SIGHTED": 1}


def test_alarms_struck_are_the_priority() -> None:
    city = Listener()
    levels = [city.hears(a_line(ALARM_LEVEL=level)).events[0].value for level in (0, 2)]
    assert [value and value["priority"] for value in levels] == [None, "alarm 2"]


BAD: dict[str, tuple[Any, str]] = {
    "91 degrees": (a_line(LATITUDE=91), "position.lat"),
    "181 degrees": (a_line(LONGITUDE=-181), "position.lon"),
    "another city": (a_line(LATITUDE=32.78, LONGITUDE=-96.8), "position"),
    "swapped": (a_line(LATITUDE=-95.4, LONGITUDE=29.7), "position.lat"),
    "no id": (a_line(UID=...), "UID"),
    "id of a wrong type": (a_line(UID=[1]), "UID"),
    "true for an id": (a_line(UID=True), "UID"),
    "no agency": (a_line(Agency=...), "Agency"),
    "no type": (a_line(IncidentType=None), "IncidentType"),
    "units of a wrong type": (a_line(Units=5), "Units"),
    "time as text": (a_line(CALL_TIME="12:00"), "CALL_TIME"),
    "seconds for milliseconds": (a_line(CALL_TIME=NOON // 1000), "CALL_TIME"),
    "the future": (a_line(CALL_TIME=NOON + 6 * MINUTE), "CALL_TIME"),
    "position as text": (a_line(LATITUDE="north"), "position.lat"),
    "a number": (7, ""),
    "nothing": (None, ""),
    "attributes of a wrong type": ({"attributes": [1]}, ""),
}


@pytest.mark.parametrize(("line", "field"), BAD.values(), ids=BAD.keys())
def test_a_bad_record_is_set_aside_with_its_bytes_and_its_neighbours_go_on(line: Any, field: str) -> None:
    body = b'{"features" : [ %s ,\n %s,%s]}' % (
        orjson.dumps(another()),
        orjson.dumps(line, option=orjson.OPT_INDENT_2),
        orjson.dumps(another(UID=29_800_000, LATITUDE=29.8)),
    )
    reading = Listener().hears_body(body)
    assert [status for _, status, _ in told(reading)] == ["dispatched", "dispatched"]
    (aside,) = reading.aside
    assert aside.original == orjson.dumps(line, option=orjson.OPT_INDENT_2), "byte for byte as it came"
    assert aside.field == field
    assert aside.reason


@pytest.mark.parametrize("when", ["2024-06-01 06:50", "13/01/2024 06:50", "", None, 5, "03/10/2024 02:30"])
def test_a_local_time_that_is_none_is_set_aside(when: Any) -> None:
    reading = Listener().hears_legacy(a_legacy_line(CallTimeOpened=when))
    assert not reading.events
    assert [aside.field for aside in reading.aside] == ["CallTimeOpened"]


def test_an_hour_that_came_twice_is_told_as_inaccurate() -> None:
    city = Listener()
    twice = city.hears_legacy(a_legacy_line(CallTimeOpened="11/05/2023 01:30")).events[0].value
    assert twice and twice["event_time_accuracy_s"] == 3600


def test_a_single_body_without_a_clock_is_received_when_its_newest_call_came() -> None:
    city = Listener()
    body = orjson.dumps({"features": [a_line(), another(CALL_TIME=NOON)]})
    events = city.source.read(Heard(body, None), {}).events
    assert {event.value["received_time"] for event in events if event.value} == {NOON}


def test_a_record_that_nests_deep_is_set_aside_alone_and_closes_nothing() -> None:
    listener = Listener()
    listener.hears(a_line(), another())
    deep = b'{"features":[{"attributes":{"UID":' + b"[" * 1_000 + b"]" * 1_000 + b"}}]}"
    reading = listener.hears_body(deep)
    assert [aside.original for aside in reading.aside] == [deep[len(b'{"features":[') : -len(b"]}")]]
    assert not reading.events
    assert not listener.hears(a_line(), another()).events, "nothing had left the list"


def test_a_letter_that_the_list_has_not_had_so_far_costs_nothing_but_a_note() -> None:
    reading = Listener().hears_body(
        orjson.dumps({"features": [another(), a_line(Agency="Q", IncidentType="HIGHRISE ON FIRE")]})
    )
    (event,) = (event for event in reading.events if event.topic == "civil.incident")
    assert ((event.value or {})["agency"], (event.value or {})["kind"]) == ("Q", "fire.building")
    assert (list(reading.aside), reading.noted) == ([], {"agency unknown: Q": 1})
