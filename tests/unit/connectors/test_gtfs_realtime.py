"""Buses and trains: positions, delays and the operator's alerts; a schedule fills in fields that the feed leaves out."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.transit import gtfs_realtime_pb2 as gtfs

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from connectors.subjects.schedules import load_schedule
from connectors.subjects.vehicles import POSITION, TRIP
from schemas.errors import Fatal
from tests.unit.connectors.telemetry import lost_on_the_wire, values

CITY = SourceContext(
    "springfield", "transit", ZoneInfo("America/Chicago"), Bounds(29.4, -95.95, 30.2, -94.95)
)
NOON_S = 1_772_971_200
"""8 March 2026, 12:00 UTC: a Sunday."""
SCHEDULE = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nST,Springfield Transit,http://st.example,America/Chicago\n",
    "routes.txt": "route_id,route_type\nR-1,2\nR-2,715\n",
    "trips.txt": "route_id,service_id,trip_id,trip_headsign,direction_id\n"
    "R-1,SUN,T-1,Harbor,1\nR-1,WEEK,T-2,Harbor,1\nR-2,SUN,T-3,,\n",
    "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "T-1,5:10:00,5:10:00,S-2,20\nT-1,5:00:00,5:00:00,S-1,10\nT-2,5:00:00,5:00:00,S-1,10\n"
    "T-3,06:00:00,06:00:00,S-1,1\nT-3,06:05:00,06:05:00,S-2,2\nT-3,06:10:00,06:10:00,S-1,3\n",
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    "SUN,0,0,0,0,0,0,1,20260101,20261231\nWEEK,1,1,1,1,1,0,0,20260101,20261231\n",
    "calendar_dates.txt": "service_id,date,exception_type\nSUN,20260315,2\nWEEK,20260315,1\n",
}


@pytest.fixture
def schedule(tmp_path: Path) -> Path:
    path = tmp_path / "schedule.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in SCHEDULE.items():
            archive.writestr(name, text)
    return path


def a_vehicle(
    name: str = "v1", at: int | None = NOON_S, lat: float = 29.75, lon: float = -95.25
) -> gtfs.FeedEntity:
    entity = gtfs.FeedEntity(id=f"entity-{name}")
    entity.vehicle.vehicle.id = name
    if at is not None:
        entity.vehicle.timestamp = at
    entity.vehicle.position.latitude, entity.vehicle.position.longitude = lat, lon
    return entity


def an_update(trip_id: str | None = "T-1", at: int | None = NOON_S) -> gtfs.FeedEntity:
    entity = gtfs.FeedEntity(id=f"update-{trip_id}")
    entity.trip_update.trip.SetInParent()
    if trip_id is not None:
        entity.trip_update.trip.trip_id = trip_id
    if at is not None:
        entity.trip_update.timestamp = at
    return entity


def a_feed(*entities: gtfs.FeedEntity, made: int = NOON_S) -> bytes:
    feed = gtfs.FeedMessage(entity=entities)
    feed.header.gtfs_realtime_version = "2.0"
    if made:
        feed.header.timestamp = made
    body: bytes = feed.SerializeToString()
    return body


def hears(body: bytes, at_s: int | None = None, place: Any = None, **config: Any) -> Reading:
    source: Any = load_source("gtfs_realtime", CITY, config)
    heard = Heard(body, None if at_s is None else at_s * 1000)
    reading: Reading = source.read(heard, {} if place is None else place)
    return reading


# -- vehicles -------------------------------------------------------------------------------------------------


def test_a_vehicle_says_where_it_is_and_all_that_it_says_beside() -> None:
    entity = a_vehicle()
    vehicle = entity.vehicle
    vehicle.position.speed, vehicle.position.bearing, vehicle.position.odometer = 12.5, 271.5, 1234.5
    vehicle.vehicle.label, vehicle.vehicle.license_plate = "17", "SECRET 1"
    vehicle.trip.trip_id, vehicle.trip.start_date = "T-9", "20260308"
    vehicle.current_stop_sequence, vehicle.stop_id = 4, "S-4"
    vehicle.current_status = gtfs.VehiclePosition.INCOMING_AT
    vehicle.congestion_level = gtfs.VehiclePosition.STOP_AND_GO
    vehicle.occupancy_status, vehicle.occupancy_percentage = gtfs.VehiclePosition.FULL, 104
    reading = hears(a_feed(entity), operator="us", vehicle_type="bus")
    (value,) = values(reading, POSITION)
    expected = {
        "vehicle_id": "v1", "vehicle_type": "bus", "operator": "us", "speed_mps": 12.5, "bearing_deg": 271.5,
        "odometer_m": 1234.5, "label": "17", "trip_id": "T-9", "trip_start_date": "20260308",
        "stop_sequence": 4, "stop_id": "S-4", "current_status": "incoming_at", "congestion": "stop_and_go",
        "occupancy": "full", "occupancy_percent": 104, "relationship": None, "route_id": None,
        "event_time": NOON_S * 1000, "is_stale": False,
    }  # fmt: skip
    assert {name: value[name] for name in expected} == expected
    assert "SECRET" not in str(value), "a plate stays where it is"
    assert not lost_on_the_wire(list(reading.events))


def test_what_nobody_set_is_null_not_the_default_of_its_type() -> None:
    (value,) = values(hears(a_feed(a_vehicle())))
    unsaid = ("speed_mps", "bearing_deg", "occupancy", "congestion", "current_status", "stop_sequence", "odometer_m",
              "trip_id", "label", "direction_id")  # fmt: skip
    assert [value[name] for name in unsaid] == [None] * len(unsaid)
    assert value["vehicle_type"] == "other", "no schedule says what it is"


def test_a_place_of_0_0_is_none_and_one_outside_the_bounds_is_set_aside() -> None:
    reading = hears(a_feed(a_vehicle("lost", lat=0, lon=0), a_vehicle("far", lat=37.7)))
    (value,), (aside,) = values(reading), reading.aside
    assert (value["vehicle_id"], value["position"]) == ("lost", None)
    assert aside.field == "position"
    assert reading.noted == {"position unknown": 1}


def test_what_is_set_aside_can_be_read_again_by_itself() -> None:
    far = a_vehicle("far", lat=37.7)
    far.vehicle.stop_id = "S" * 300  # a length of two bytes
    (aside,) = hears(a_feed(far)).aside
    elsewhere = SourceContext("springfield", "transit", CITY.timezone, Bounds(37, -96, 38, -95))
    source: Any = load_source("gtfs_realtime", elsewhere, {})
    again: Reading = source.read(Heard(aside.before + aside.original + aside.after, None), {})
    assert [event.key for event in again.events] == ["far"]


def test_a_vehicle_without_an_id_is_its_entity_s_and_noted() -> None:
    entity = a_vehicle()
    entity.vehicle.vehicle.ClearField("id")
    reading = hears(a_feed(entity))
    assert [event.key for event in reading.events] == ["entity-v1"]
    assert reading.noted == {"vehicle without an id: its entity's taken": 1}


def test_a_position_older_than_ninety_seconds_is_stale() -> None:
    body = a_feed(a_vehicle())
    (fresh,), (stale,) = values(hears(body, NOON_S + 90)), values(hears(body, NOON_S + 91))
    (longer,) = values(hears(body, NOON_S + 91, stale_after_s=120))
    assert [one["is_stale"] for one in (fresh, stale, longer)] == [False, True, False]


def test_in_a_file_that_says_no_time_the_feed_s_own_is_what_it_is_held_against() -> None:
    body = a_feed(a_vehicle("new", NOON_S - 90), a_vehicle("old", NOON_S - 91))
    assert {v["vehicle_id"]: v["is_stale"] for v in values(hears(body))} == {"new": False, "old": True}


def test_no_vehicle_goes_backwards_and_nothing_is_said_twice_but_that_it_is_stale() -> None:
    first = hears(a_feed(a_vehicle(at=NOON_S)), NOON_S + 1)
    older = hears(a_feed(a_vehicle(at=NOON_S - 30)), NOON_S + 2, first.place)
    same = hears(a_feed(a_vehicle(at=NOON_S), made=NOON_S + 60), NOON_S + 60, older.place)
    stale = hears(a_feed(a_vehicle(at=NOON_S), made=NOON_S + 95), NOON_S + 95, same.place)
    again = hears(a_feed(a_vehicle(at=NOON_S), made=NOON_S + 99), NOON_S + 99, stale.place)
    assert [len(one.events) for one in (first, older, same, stale, again)] == [1, 0, 0, 1, 0]
    assert values(stale)[0]["is_stale"]
    assert older.skipped == {"older than what was said before": 1}
    assert first.events[0].value["event_id"] != stale.events[0].value["event_id"]  # type: ignore[index]  # not None


def test_without_a_time_of_its_own_it_has_its_feed_s_and_without_that_ours() -> None:
    (by_feed,) = values(hears(a_feed(a_vehicle(at=None)), NOON_S + 5))
    (by_us,) = values(hears(a_feed(a_vehicle(at=None), made=0), NOON_S + 5))
    assert (by_feed["event_time"], by_us["event_time"]) == (NOON_S * 1000, (NOON_S + 5) * 1000)
    assert [aside.field for aside in hears(a_feed(a_vehicle(at=None), made=0)).aside] == ["timestamp"]


@pytest.mark.parametrize("at", [NOON_S * 1000, 1, NOON_S + 400])
def test_a_time_that_cannot_be_sets_the_vehicle_aside(at: int) -> None:
    reading = hears(a_feed(a_vehicle("odd", at), a_vehicle("good")), NOON_S)
    assert [event.key for event in reading.events] == ["good"]
    assert [aside.field for aside in reading.aside] == ["timestamp"]


@pytest.mark.parametrize(
    ("date", "clock", "field"),
    [
        ("20260308", "5:00:00", None),
        ("20260308", "25:30:00", None),
        ("", "", None),
        ("20260230", "05:00:00", "trip.start_date"),
        ("today", "05:00:00", "trip.start_date"),
        ("2026_308", "05:00:00", "trip.start_date"),
        ("\uff12\uff10\uff12\uff160308", "05:00:00", "trip.start_date"),
        ("20260308", "05:60:00", "trip.start_time"),
        ("20260308", "5 o'clock", "trip.start_time"),
    ],
)
def test_garbage_in_a_trips_date_or_clock_sets_it_aside_alone(
    date: str, clock: str, field: str | None
) -> None:
    vehicle, update, other = a_vehicle(), an_update(), a_vehicle("v2")
    for trip in (vehicle.vehicle.trip, update.trip_update.trip):
        trip.start_date, trip.start_time = date, clock
    vehicle.vehicle.trip.trip_id = "T-9"
    reading = hears(a_feed(vehicle, update, other))
    assert [aside.field for aside in reading.aside] == ([] if field is None else [field, field])
    assert len(reading.events) == (3 if field is None else 1)


def test_a_text_of_no_characters_sets_its_entity_aside_alone() -> None:
    entity = a_vehicle("broken")
    entity.vehicle.vehicle.label = "LABEL"
    body = a_feed(entity, a_vehicle("good")).replace(b"LABEL", b"\xff\xfe\xff\xfe\xff")
    reading = hears(body)
    assert [event.key for event in reading.events] == ["good"]
    assert [aside.field for aside in reading.aside] == ["label"]


# -- trips ----------------------------------------------------------------------------------------------------


def test_a_trip_says_stop_by_stop_how_late_it_is() -> None:
    entity = an_update()
    late = entity.trip_update.stop_time_update.add(stop_sequence=4, stop_id="S-4")
    late.arrival.delay, late.arrival.time, late.arrival.uncertainty = -30, NOON_S + 60, 0
    late.departure.delay = 120
    skipped = entity.trip_update.stop_time_update.add(stop_id="S-5")
    skipped.schedule_relationship = gtfs.TripUpdate.StopTimeUpdate.SKIPPED
    reading = hears(a_feed(entity))
    (value,) = values(reading, TRIP)
    assert (value["trip_id"], value["relationship"], value["position"]) == ("T-1", "scheduled", None)
    first, second = value["delays"]
    assert (first["arrival_delay_s"], first["departure_delay_s"]) == (-30, 120)
    assert (first["arrival_time"], first["departure_time"]) == ((NOON_S + 60) * 1000, None)
    assert (first["arrival_uncertainty_s"], first["departure_uncertainty_s"]) == (0, None)
    assert (second["relationship"], second["stop_sequence"]) == ("skipped", None)
    assert not lost_on_the_wire(list(reading.events))


def test_a_canceled_trip_is_told_so() -> None:
    entity = an_update()
    entity.trip_update.trip.schedule_relationship = gtfs.TripDescriptor.CANCELED
    assert values(hears(a_feed(entity)))[0]["relationship"] == "canceled"


def test_the_schedule_fills_what_the_feed_leaves_out(schedule: Path) -> None:
    vehicle, update = a_vehicle(), an_update()
    vehicle.vehicle.trip.trip_id, vehicle.vehicle.current_stop_sequence = "T-1", 20
    update.trip_update.stop_time_update.add(stop_id="S-2").arrival.delay = 60
    update.trip_update.stop_time_update.add(stop_sequence=10).arrival.delay = 60
    reading = hears(a_feed(vehicle, update), static=str(schedule))
    (position,), (trip,) = values(reading, POSITION), values(reading, TRIP)
    for one in (position, trip):
        assert (one["route_id"], one["direction_id"], one["headsign"]) == ("R-1", 1, "Harbor")
        assert one["operator"] == "Springfield Transit"
    assert (position["vehicle_type"], position["stop_id"]) == ("rail", "S-2")
    assert [(one["stop_id"], one["stop_sequence"]) for one in trip["delays"]] == [("S-2", 20), ("S-1", 10)]


def test_a_stop_that_a_trip_comes_by_twice_has_no_guessed_number(schedule: Path) -> None:
    update = an_update("T-3")
    for stop in ("S-1", "S-2"):
        update.trip_update.stop_time_update.add(stop_id=stop).arrival.delay = 60
    (trip,) = values(hears(a_feed(update), static=str(schedule)))
    assert [one["stop_sequence"] for one in trip["delays"]] == [None, 2]


def test_a_feed_that_contradicts_the_schedule_is_not_filled_by_it(schedule: Path) -> None:
    update = an_update("T-1")
    update.trip_update.stop_time_update.add(stop_sequence=10, stop_id="S-7").arrival.delay = 60
    reading = hears(a_feed(update), static=str(schedule))
    (trip,) = values(reading)
    assert (trip["route_id"], trip["headsign"]) == (None, None)
    assert reading.noted == {"schedule of other times": 1}


@pytest.mark.parametrize(
    ("day", "trip_id"),
    [("20260308", "T-1"), ("20260309", "T-2"), ("20260315", "T-2"), ("20270307", None), ("someday", None)],
    ids=["a Sunday", "a Monday", "a Sunday run as a weekday", "after its last day", "no day"],
)
def test_a_trip_named_by_its_start_alone_is_found_on_its_day(
    schedule: Path, day: str, trip_id: str | None
) -> None:
    update = an_update(None)
    trip = update.trip_update.trip
    trip.route_id, trip.direction_id, trip.start_date, trip.start_time = "R-1", 1, day, "05:00:00"
    reading = hears(a_feed(update), static=str(schedule))
    assert [event.key for event in reading.events] == ([trip_id] if trip_id else [])
    assert [aside.field for aside in reading.aside] == ([] if trip_id else ["trip.trip_id"])


def test_a_trip_that_the_schedule_does_not_know_is_told_and_noted(schedule: Path) -> None:
    reading = hears(a_feed(an_update("T-9")), static=str(schedule))
    assert [event.key for event in reading.events] == ["T-9"]
    assert reading.noted == {"trip not in the schedule": 1}


def test_runs_of_one_trip_on_two_days_are_two(schedule: Path) -> None:
    today, tomorrow = an_update(), an_update()
    today.trip_update.trip.start_date, tomorrow.trip_update.trip.start_date = "20260308", "20260309"
    reading = hears(a_feed(today, tomorrow))
    assert [value["trip_start_date"] for value in values(reading)] == ["20260308", "20260309"]
    assert len({value["event_id"] for value in values(reading)}) == 2


def test_a_folder_is_a_schedule_too_and_what_is_none_is_refused(schedule: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(schedule) as archive:
        archive.extractall(folder)
    assert load_schedule(folder) == load_schedule(schedule)
    with pytest.raises(Fatal, match="no GTFS schedule"):
        load_schedule(tmp_path / "nothing.zip")
    (folder / "trips.txt").write_text("route,trip\n1,2\n", encoding="utf-8")
    with pytest.raises(Fatal, match="trip_id"):
        load_schedule(folder)
    (folder / "routes.txt").unlink()
    (folder / "trips.txt").write_text(SCHEDULE["trips.txt"], encoding="utf-8")
    with pytest.raises(Fatal, match=r"routes\.txt"):
        load_schedule(folder)


# -- alerts ---------------------------------------------------------------------------------------------------


def an_alert(**informed: str) -> gtfs.FeedEntity:
    entity = gtfs.FeedEntity(id="A-1")
    alert = entity.alert
    alert.cause, alert.effect = gtfs.Alert.ACCIDENT, gtfs.Alert.NO_SERVICE
    alert.header_text.translation.add(text="Puerto cerrado", language="es")
    alert.header_text.translation.add(text="Harbor closed", language="en")
    alert.active_period.add(start=NOON_S)
    one = alert.informed_entity.add()
    for name, value in informed.items():
        setattr(one.trip if name == "trip_id" else one, name, value)
    return entity


def test_an_alert_says_whom_it_is_about_and_until_when() -> None:
    reading = hears(a_feed(an_alert(route_id="R-1")), language="en")
    (value,) = values(reading, TRIP)
    assert (value["trip_id"], value["alert_id"], value["route_id"]) == ("alert:A-1", "A-1", "R-1")
    assert (value["header_text"], value["language"], value["relationship"]) == (
        "Harbor closed",
        "en",
        "alert",
    )
    assert (value["cause"], value["effect"]) == ("accident", "no_service")
    assert value["active"] == [{"starts_at": NOON_S * 1000, "ends_at": None}]
    assert [one["route_id"] for one in value["affected"]] == ["R-1"]
    assert values(hears(a_feed(an_alert())))[0]["header_text"] == "Puerto cerrado"
    assert not lost_on_the_wire(list(reading.events))


def test_an_alert_about_one_trip_is_that_trip_s() -> None:
    (value,) = values(hears(a_feed(an_alert(trip_id="T-1"))))
    assert (value["trip_id"], value["affected"][0]["trip_id"]) == ("T-1", "T-1")


def test_an_alert_is_told_when_it_changes_not_with_every_feed() -> None:
    first = hears(a_feed(an_alert(route_id="R-1")), NOON_S)
    same = hears(a_feed(an_alert(route_id="R-1"), made=NOON_S + 60), NOON_S + 60, first.place)
    other = hears(a_feed(an_alert(route_id="R-2"), made=NOON_S + 90), NOON_S + 90, same.place)
    assert [len(one.events) for one in (first, same, other)] == [1, 0, 1]


# -- feeds ----------------------------------------------------------------------------------------------------


def test_a_deleted_entity_says_nothing_and_is_counted() -> None:
    entity = a_vehicle()
    entity.is_deleted = True
    reading = hears(a_feed(entity, gtfs.FeedEntity(id="shape")))
    assert not reading.events
    assert reading.skipped == {"deleted": 1, "entity of another kind": 1}


def test_a_feed_of_nothing_is_no_error() -> None:
    reading = hears(a_feed())
    assert (list(reading.events), list(reading.aside), reading.place) == ([], [], {})


@pytest.mark.parametrize("body", [b"\x12\x00", b"{}", b"\x0a\x00", b"<html></html>"])
def test_what_is_no_feed_is_set_aside_whole(body: bytes) -> None:
    reading = hears(body)
    assert not reading.events
    assert [aside.original for aside in reading.aside] == [body]
