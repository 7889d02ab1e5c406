"""A maker's "unknown" (−1, all bits set, time 0, a byte of ones) is null and noted, in every source; never part of an id."""

from __future__ import annotations

from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from google.transit import gtfs_realtime_pb2 as gtfs

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from connectors.subjects.incidents import Case
from connectors.subjects.plausible import BOUNDS, id_if_known, known_id, plausible, time_if_known
from connectors.subjects.vehicles import HUB, POSITION, TRIP
from schemas.errors import Invalid
from tests.unit.connectors import test_frigate_events as frigate
from tests.unit.connectors import test_gbfs as gbfs
from tests.unit.connectors import test_gtfs_realtime as transit
from tests.unit.connectors import test_vehicle_positions_csv as rows
from tests.unit.connectors.seen import NOON, read, source, values
from tests.unit.connectors.telemetry import lost_on_the_wire
from tests.unit.connectors.telemetry import values as told_of
from tests.unit.connectors.test_axis_scene_description import a_frame, an_observation
from tests.unit.connectors.test_nvidia_deepstream import a_message
from tests.unit.connectors.test_onvif_metadata import a_device, an_object
from tests.unit.connectors.test_onvif_metadata import a_frame as a_picture
from tests.unit.connectors.test_places import feature, zones
from tests.unit.connectors.test_wanted_vehicles import ENTRY, pushed

ALL_BITS_64, ALL_BITS_32 = 2**64 - 1, 2**32 - 1
BOX = {"topleftx": 1, "toplefty": 2, "bottomrightx": 30, "bottomrighty": 40}
CAR, PERSON = {"vehicle": {"type": "sedan", "confidence": 0.9}}, {"person": {"confidence": 0.8}}


def seen_by_nvidia(*things: dict[str, Any], **config: Any) -> Reading:
    """Messages without an id of their own, of one frame."""
    body = b"\n".join(orjson.dumps(a_message(messageid=None, object=thing)) for thing in things)
    return read(source("nvidia_deepstream", **config), body, NOON)


# -- tracks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sign", [ALL_BITS_64, str(ALL_BITS_64), -1, "-1", str(ALL_BITS_32), "18446744073709551616"]
)
def test_an_untracked_object_has_no_track_and_two_of_one_frame_are_two(sign: object) -> None:
    reading = seen_by_nvidia({"id": sign, "bbox": BOX, **CAR}, {"id": sign, "bbox": BOX, **PERSON})
    car, person = values(reading)
    assert (car["track_id"], car["label"], person["track_id"], person["label"]) == (
        None,
        "car",
        None,
        "person",
    )
    assert car["event_id"] != person["event_id"]
    assert reading.noted["track unknown"] == 2


def test_untracked_objects_of_one_class_are_told_apart_by_their_boxes_in_messages_of_their_own() -> None:
    boxes = ({**BOX, "topleftx": left} for left in (1, 5))
    (first,), (second,) = (values(seen_by_nvidia({"id": -1, "bbox": box, **CAR})) for box in boxes)
    assert first["event_id"] != second["event_id"]


def test_an_untracked_object_s_sign_is_no_part_of_its_id() -> None:
    (one,), (other,) = (
        values(seen_by_nvidia({"id": sign, "bbox": BOX, **CAR})) for sign in (ALL_BITS_64, "-1")
    )
    assert one["event_id"] == other["event_id"]


def test_untracked_objects_with_message_ids_keep_them_apart_and_are_no_track() -> None:
    thing = {"id": str(ALL_BITS_64), "bbox": BOX, **CAR}
    body = b"\n".join(orjson.dumps(a_message(messageid=name, object=thing)) for name in ("m1", "m2", "m3"))
    told = values(read(source("nvidia_deepstream"), body, NOON))
    assert [value["track_id"] for value in told] == [None] * 3
    assert len({value["event_id"] for value in told}) == 3


def test_a_tracked_object_s_id_is_what_it_was() -> None:
    """Golden: consumers know events by it."""
    named, timed = a_message(), a_message(messageid=None)
    told = [
        values(read(source("nvidia_deepstream"), orjson.dumps(one), NOON))[0]["event_id"]
        for one in (named, timed)
    ]
    assert told == GOLDEN


GOLDEN = ["13961f7427bfd31ec656bff78ff5eeb0", "158550c5280a998bc43418dec11ac35e"]


@pytest.mark.parametrize("sign", ["-1", str(ALL_BITS_32), str(ALL_BITS_64)])
def test_untracked_things_of_other_cameras_are_two_as_well(sign: str) -> None:
    near = {"left": 0.1, "top": 0.1, "right": 0.2, "bottom": 0.2}
    by_axis = a_frame(an_observation(track_id=sign), an_observation(track_id=sign, bounding_box=near))
    shapes = (
        an_object(number=int(sign)),
        an_object(number=int(sign), box='left="0" top="0.1" right="0.1" bottom="0"'),
    )
    for told in (
        read(source("axis_scene_description", camera_id="C"), by_axis, NOON),
        read(a_device(), a_picture(*shapes).encode(), NOON),
    ):
        assert [value["track_id"] for value in values(told)] == [None, None]
        assert len({value["event_id"] for value in values(told)}) == 2
        assert told.noted["track unknown"] == 2


# -- detections -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [-0.1, -1])
def test_a_confidence_below_zero_is_unknown_in_every_source(share: float) -> None:
    class_ = f'<tt:Class><tt:Type Likelihood="{share}">Car</tt:Type></tt:Class>'
    for reading in (
        seen_by_nvidia({"id": "7", "vehicle": {"type": "sedan", "confidence": share}}),
        read(source("frigate_events"), frigate.an_event(score=share), NOON),
        read(
            source("axis_scene_description", camera_id="C"),
            a_frame(an_observation(**{"class": {"type": "Car", "score": share}})),
            NOON,
        ),
        read(a_device(), a_picture(an_object(class_)).encode(), NOON),
    ):
        (value,) = values(reading)
        assert (value["confidence"], value["classes"]) == (None, [])
        assert any("below zero" in reason for reason in reading.noted), reading.noted


@pytest.mark.parametrize(("unit", "speed"), [("mph", 255), ("kph", -1), ("kph", 65_535)])
def test_a_speed_that_cannot_be_is_null_and_costs_the_detection_nothing(unit: str, speed: float) -> None:
    ours = {"kph": "km/h"}.get(unit, unit)
    behaviour = (
        f'<tt:Object ObjectId="1"><tt:Behaviour><tt:Speed>{speed}</tt:Speed></tt:Behaviour></tt:Object>'
    )
    for reading in (
        seen_by_nvidia({"id": "7", "speed": speed, **CAR}, speed_unit=ours),
        read(
            source("frigate_events", speed_unit=unit), frigate.an_event(current_estimated_speed=speed), NOON
        ),
        read(a_device(speed_unit=ours), a_picture(behaviour).encode(), NOON),
    ):
        (value,) = values(reading)
        assert value["speed_mps"] is None
        assert any(reason.startswith("speed ") for reason in reading.noted), reading.noted


def test_a_box_of_four_zeros_is_none() -> None:
    nothing = dict.fromkeys(BOX, 0)
    size = {"cam": {"width_px": 960, "height_px": 760}}
    reading = seen_by_nvidia({"id": "7", "bbox": nothing, **CAR}, cameras=size)
    assert (values(reading)[0]["bounding_box"], reading.noted["box without extent"]) == (None, 1)


# -- buses, trips, hubs ---------------------------------------------------------------------------------------


def test_a_prediction_of_time_zero_is_null_one_of_minus_one_noted_and_other_stops_stand() -> None:
    entity = transit.an_update()
    for stop, time in (("A", 0), ("B", -1), ("C", transit.NOON_S + 300)):
        entity.trip_update.stop_time_update.add(stop_id=stop).arrival.time = time
    reading = transit.hears(transit.a_feed(entity))
    (value,) = told_of(reading, TRIP)
    assert [one["arrival_time"] for one in value["delays"]] == [None, None, (transit.NOON_S + 300) * 1000]
    assert (reading.noted, list(reading.aside)) == ({"arrival.time -1 means unknown": 1}, [])


def test_what_a_bus_does_not_know_is_null_and_noted() -> None:
    entity = transit.a_vehicle(at=ALL_BITS_64)
    vehicle = entity.vehicle
    vehicle.trip.trip_id, vehicle.trip.direction_id, vehicle.stop_id = "-1", ALL_BITS_32, "-1"
    vehicle.position.speed, vehicle.position.bearing, vehicle.position.odometer = 255 * 0.44704, 511, -1
    vehicle.current_stop_sequence, vehicle.occupancy_percentage = ALL_BITS_32, ALL_BITS_32
    reading = transit.hears(transit.a_feed(entity), transit.NOON_S)
    (value,) = told_of(reading, POSITION)
    fields = ("speed_mps", "bearing_deg", "odometer_m", "trip_id", "direction_id", "stop_id", "stop_sequence",
              "occupancy_percent")  # fmt: skip
    assert [value[name] for name in fields] == [None] * len(fields)
    assert value["event_time"] == transit.NOON_S * 1000, "its feed's"
    assert len(reading.noted) == len(fields) + 1
    assert not lost_on_the_wire(list(reading.events))


def test_a_vehicle_whose_id_means_unknown_is_its_entity_s() -> None:
    told = told_of(
        transit.hears(transit.a_feed(transit.a_vehicle("-1"), transit.a_vehicle(str(ALL_BITS_64))))
    )
    assert [value["vehicle_id"] for value in told] == ["entity--1", f"entity-{ALL_BITS_64}"]


def test_delays_that_cannot_be_are_null_and_an_alert_without_an_end_has_none() -> None:
    entity = transit.an_update()
    entity.trip_update.delay = -(2**31)
    entity.trip_update.stop_time_update.add(stop_id="A").arrival.delay = 2**31 - 1
    alert = gtfs.FeedEntity(id="a")
    alert.alert.active_period.add(start=transit.NOON_S, end=ALL_BITS_64)
    alert.alert.active_period.add(start=transit.NOON_S, end=253_402_300_799)
    reading = transit.hears(transit.a_feed(entity, alert))
    trip, notice = told_of(reading, TRIP)
    assert (trip["delay_s"], trip["delays"][0]["arrival_delay_s"]) == (None, None)
    assert [period["ends_at"] for period in notice["active"]] == [None, None]
    assert sum(reading.noted.values()) == 4


def test_rows_of_vehicles_that_say_unknown() -> None:
    reading = rows.hears(
        "1,2026-03-08T12:00:00Z,-1,-1,255,511",
        "-1,2026-03-08T12:00:00Z,29.7,-95.3,3,90",
        speed_unit="mph",
    )
    (value,) = told_of(reading)
    assert (value["position"], value["speed_mps"], value["bearing_deg"]) == (None, None, None)
    assert reading.noted == {
        "position unknown": 1,
        "speed beyond what can be": 1,
        "bearing beyond the compass": 1,
    }
    assert [aside.field for aside in reading.aside] == ["vehicle_id"]


def test_a_station_that_counts_minus_one_or_reports_time_zero_stands_with_what_it_knows() -> None:
    status = {
        **gbfs.STATUS,
        "num_bikes_available": -1,
        "num_docks_available": ALL_BITS_32,
        "last_reported": 0,
    }
    reading = gbfs.hears(gbfs.a_feed(stations=[status]), gbfs.NOON_S)
    (hub,) = told_of(reading, HUB)
    assert (hub["available"], hub["docks"], hub["event_time"]) == ([], None, gbfs.NOON_S * 1000)
    assert reading.noted["num_vehicles_available below zero"] == 1
    assert reading.noted["num_docks_available beyond what can be"] == 1


def test_a_bicycle_s_station_and_range_that_mean_unknown_are_null() -> None:
    bike = {**gbfs.BIKE, "station_id": "-1", "current_range_meters": ALL_BITS_32, "last_reported": -1}
    reading = gbfs.hears(gbfs.a_feed(bikes=[bike]), gbfs.NOON_S)
    (value,) = told_of(reading, POSITION)
    assert (value["hub_id"], value["range_m"], value["event_time"]) == (None, None, gbfs.NOON_S * 1000)
    assert len(reading.noted) == 3


# -- lists that a city maps -----------------------------------------------------------------------------------

CITY = SourceContext("elm", "list", ZoneInfo("UTC"), Bounds(29, -96, 30, -95))


def mapped(source_type: str, record: dict[str, Any], **config: Any) -> Reading:
    reader: Any = load_source(source_type, CITY, {"format": "json", **config})
    reading: Reading = reader.read(Heard(orjson.dumps([record]), NOON), {})
    return reading


def test_a_case_number_that_means_unknown_is_set_aside_never_a_case() -> None:
    columns = {"case_no": "no", "time": "at", "kind_text": "type", "lat": "lat", "lon": "lon"}
    row = {"no": -1, "at": "2026-03-08T11:00:00Z", "type": "FIRE", "lat": -1, "lon": -1}
    told = {"domain": "fire", "agency": "119", "columns": columns}
    assert [aside.field for aside in mapped("mapped_rows", row, **told).aside] == ["no"]
    (event,) = mapped("mapped_rows", {**row, "no": 7}, **told).events
    assert event.value is not None
    assert event.value["position"] is None


def test_a_camera_that_looks_nowhere_and_a_hub_of_minus_one_places_stand() -> None:
    where = {"id": "C-1", "lat": 29.75, "lon": -95.4}
    columns = {"id": "id", "lat": "lat", "lon": "lon"}
    camera = mapped(
        "mapped_places",
        {**where, "looks": -1},
        becomes="camera",
        owner="elm",
        columns={**columns, "azimuth": "looks"},
    )
    hub = mapped(
        "mapped_places", {**where, "size": -1}, becomes="hub", columns={**columns, "capacity": "size"}
    )
    assert (told_of(camera)[0]["azimuth_deg"], camera.noted) == (None, {"azimuth_deg beyond the compass": 1})
    assert (told_of(hub)[0]["capacity"], hub.noted) == (None, {"capacity below zero": 1})


@pytest.mark.parametrize("number", ["-1", str(ALL_BITS_64)])
def test_no_source_makes_a_case_of_an_unknown_number(number: str) -> None:
    known: dict[str, Any] = {
        "domain": "fire",
        "agency": "119",
        "kind": ("fire", True),
        "kind_text": "FIRE",
        "status": "open",
    }
    with pytest.raises(Invalid, match="means unknown"):
        Case(number=number, event_ms=NOON, **known)
    assert Case(number="0", event_ms=NOON, **known).number == "0"


def test_a_zone_or_an_entry_whose_id_means_unknown_is_set_aside_alone() -> None:
    drawn = zones(feature(id=-1), feature(id=8))
    entered = pushed({**ENTRY, "entry_id": -1}, {**ENTRY, "entry_id": 8})
    for reading in (drawn, entered):
        assert (len(reading.events), len(reading.aside)) == (1, 1)
        assert reading.aside[0].field in ("id", "entry_id")


# -- the one place --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quantity", BOUNDS)
def test_the_bounds_hold_their_edges_and_nothing_beyond(quantity: str) -> None:
    least, most = BOUNDS[quantity]
    noted = Counter[str]()
    assert [plausible(edge, quantity, noted) for edge in (least, most)] == [least, most]
    assert not noted
    assert plausible(float("nan"), quantity, noted) is None
    assert plausible(least - 1, quantity, noted) is None
    assert sum(noted.values()) == 2


def test_a_train_is_no_sign_of_unknown_and_a_byte_of_ones_in_miles_is() -> None:
    noted = Counter[str]()
    assert plausible(350 / 3.6, "speed", noted) == 350 / 3.6
    assert plausible(255 * 0.44704, "speed", noted) is None


def test_signs_of_ids_and_times() -> None:
    noted = Counter[str]()
    assert [id_if_known(text, "id", noted) for text in ("-1", "0", "1", None)] == [None, "0", "1", None]
    assert [time_if_known(at, "at", noted) for at in (0, -1, ALL_BITS_32, 7, None)] == [
        None,
        None,
        None,
        7,
        None,
    ]
    assert noted == {"id -1 means unknown": 1, "at -1 means unknown": 1, f"at {ALL_BITS_32} means unknown": 1}
    with pytest.raises(Invalid, match="means unknown"):
        known_id("-1", "id")
