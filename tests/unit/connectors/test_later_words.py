"""A value that a later version of a known service brings costs the record nothing but a note, one way in every source."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from google.transit import gtfs_realtime_pb2 as gtfs

from connectors.base import Bounds, Heard, SourceContext
from connectors.discovery import load_source
from tests.unit.connectors.seen import NOON, read, source, values
from tests.unit.connectors.telemetry import lost_on_the_wire
from tests.unit.connectors.test_frigate_events import SIZE, an_event
from tests.unit.connectors.test_gtfs_realtime import a_feed, a_vehicle, an_update, hears

HERE = SourceContext("moie", "calls", ZoneInfo("Asia/Seoul"), Bounds(37.4, 126.7, 37.55, 126.9))
LATER = b"\x63"
"""99 as protobuf writes it."""


def later(message: Any, field: str) -> None:
    """Give an enumeration of *message* the value 99, as a feed of a later version would."""
    number = message.DESCRIPTOR.fields_by_name[field].number
    tag = number << 3
    head = bytes([tag]) if tag < 0x80 else bytes([tag & 0x7F | 0x80, tag >> 7])
    message.MergeFromString(head + LATER)


@pytest.mark.parametrize(
    ("number", "word"), [(5, "replacement"), (6, "duplicated"), (7, "deleted"), (8, "new")]
)
def test_the_newer_relationships_of_a_trip_have_their_names(number: int, word: str) -> None:
    entity = an_update()
    setattr(entity.trip_update.trip, "schedule_relationship", number)  # noqa: B010 (typed stubs take names alone)
    reading = hears(a_feed(entity))
    assert ([value["relationship"] for value in values(reading)], reading.noted) == ([word], {})


def test_a_later_relationship_of_a_trip_or_stop_is_unknown_and_noted_never_scheduled() -> None:
    entity, plain = an_update("T-1"), an_update("T-2")
    later(entity.trip_update.trip, "schedule_relationship")
    for one in (entity, plain):
        one.trip_update.stop_time_update.add(stop_id="S-1").arrival.delay = 60
    later(entity.trip_update.stop_time_update[0], "schedule_relationship")
    reading = hears(a_feed(entity, plain))
    told = {value["trip_id"]: value for value in values(reading)}
    assert [told[trip]["relationship"] for trip in ("T-1", "T-2")] == ["unknown", "scheduled"]
    assert [told[trip]["delays"][0]["relationship"] for trip in ("T-1", "T-2")] == ["unknown", "scheduled"]
    assert told["T-1"]["delays"][0]["arrival_delay_s"] == 60, "nothing else of it is lost"
    assert reading.noted == {"schedule_relationship unknown: 99": 2}
    assert not reading.aside
    assert not lost_on_the_wire(list(reading.events))


def test_later_words_of_a_vehicle_are_null_and_noted() -> None:
    entity = a_vehicle()
    entity.vehicle.trip.trip_id = "T-1"
    fields = ("current_status", "congestion_level", "occupancy_status")
    for field in fields:
        later(entity.vehicle, field)
    later(entity.vehicle.trip, "schedule_relationship")
    reading = hears(a_feed(entity))
    (value,) = values(reading)
    assert [value[name] for name in ("current_status", "congestion", "occupancy", "relationship")] == [
        None
    ] * 4
    assert reading.noted == {f"{field} unknown: 99": 1 for field in (*fields, "schedule_relationship")}


def test_later_words_of_an_alert_are_null_and_noted() -> None:
    entity = gtfs.FeedEntity(id="A-1")
    entity.alert.header_text.translation.add(text="Bridge closed")
    fields = ("cause", "effect", "severity_level")
    for field in fields:
        later(entity.alert, field)
    reading = hears(a_feed(entity))
    (value,) = values(reading)
    assert [value[name] for name in ("cause", "effect", "severity")] == [None] * 3
    assert reading.noted == {f"{field} unknown: 99": 1 for field in fields}


def test_an_event_of_a_type_that_frigate_has_not_yet_is_an_update() -> None:
    reading = read(source("frigate_events", cameras=SIZE), an_event("paused"), NOON)
    (value,) = values(reading)
    assert (value["label"], value["ended"]) == ("animal", False)
    assert (list(reading.aside), reading.noted) == ([], {"event type unknown: paused": 1})


def test_a_call_of_an_unknown_status_is_open() -> None:
    record = {
        "case_no": "1", "type": "화재", "status": "보류", "sequence": 1, "units": [], "lat": 37.5, "lon": 126.8,
        "reported_at": "2026-06-01T12:00:00+09:00", "changed_at": "2026-06-01T12:00:00+09:00",
    }  # fmt: skip
    calls: Any = load_source("simulated_calls", HERE, {"domain": "fire"})
    reading = calls.read(Heard(orjson.dumps(record), None), {})
    assert [event.value["status"] for event in reading.events] == ["open"]
    assert (list(reading.aside), reading.noted) == ([], {"status unknown: 보류": 1})


def test_a_vehicle_of_an_unknown_type_is_other() -> None:
    columns = {"vehicle_id": "id", "time": "at", "lat": "lat", "lon": "lon", "vehicle_type": "type"}
    there = source("vehicle_positions_csv", operator="us", columns=columns, vehicle_types={"B": "bus"})
    rows = (
        "id,at,lat,lon,type\n1,2026-03-08T12:00:00Z,29.75,-95.4,B\n2,2026-03-08T12:00:00Z,29.75,-95.4,POD\n"
    )
    reading = read(there, rows.encode())
    assert [value["vehicle_type"] for value in values(reading)] == ["bus", "other"]
    assert (list(reading.aside), reading.noted) == ([], {"vehicle type unknown: POD": 1})
