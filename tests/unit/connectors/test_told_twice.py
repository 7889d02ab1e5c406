"""A thing is what it says: a claim told twice in one body is one event, and what is no location is no hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, SourceContext
from connectors.subjects.detections import REPEATED
from connectors.subjects.vehicles import POSITION
from tests.unit.connectors import test_frigate_events as frigate
from tests.unit.connectors import test_gbfs as gbfs
from tests.unit.connectors.seen import NOON, read, source, values
from tests.unit.connectors.telemetry import values as told_of
from tests.unit.connectors.test_axis_scene_description import a_frame, an_observation
from tests.unit.connectors.test_nvidia_deepstream import a_message
from tests.unit.connectors.test_onvif_metadata import INSIDE, a_device, an_object, by_mqtt, classes, is_inside
from tests.unit.connectors.test_onvif_metadata import a_frame as a_picture
from tests.unit.connectors.test_places import location, ocpi

NVIDIA = orjson.dumps(a_message())
TWICE = {
    "nvidia_deepstream": (source("nvidia_deepstream"), NVIDIA + b"\n" + NVIDIA),
    "frigate_events": (source("frigate_events"), frigate.an_event() + b"\n" + frigate.an_event()),
    "axis_scene_description": (
        source("axis_scene_description", camera_id="C"),
        a_frame(an_observation(), an_observation()),
    ),
    "onvif_metadata": (a_device(), a_picture(an_object(), an_object()).encode()),
    "onvif_metadata, a rule": (
        a_device(),
        by_mqtt(INSIDE, is_inside()) + b"\n" + by_mqtt(INSIDE, is_inside()),
    ),
}


@pytest.mark.parametrize("name", TWICE)
def test_a_detection_told_twice_in_one_body_is_one_and_counted(name: str) -> None:
    reader, body = TWICE[name]
    reading = read(reader, body, NOON)
    assert (len(reading.events), reading.skipped, list(reading.aside)) == (1, {REPEATED: 1}, [])


def test_one_rule_that_says_two_things_of_one_moment_says_two() -> None:
    body = by_mqtt(INSIDE, is_inside()) + b"\n" + by_mqtt(INSIDE, is_inside(False))
    told = values(read(a_device(), body, NOON))
    alone = values(read(a_device(), by_mqtt(INSIDE, is_inside()), NOON))
    assert len({value["event_id"] for value in told}) == 2
    assert told[0] == alone[0], "the first is known by the id it has alone"


def test_one_track_of_two_classes_in_one_moment_is_two_claims() -> None:
    body = a_picture(an_object(classes(Car=0.8)), an_object(classes(Human=0.8))).encode()
    told = values(read(a_device(), body, NOON))
    assert [value["label"] for value in told] == ["car", "person"]
    assert told[0]["event_id"] != told[1]["event_id"]


def test_a_bicycle_or_a_location_twice_in_one_list_is_one() -> None:
    bikes = gbfs.hears(gbfs.a_feed(bikes=[gbfs.BIKE, gbfs.BIKE]))
    assert (len(told_of(bikes, POSITION)), bikes.skipped) == (1, {"said twice in one feed": 1})
    places = ocpi(location(), location(), location(last_updated="2026-03-08T10:00:00"))
    assert (len(places.events), dict(places.skipped)) == (
        2,
        {"said before": 1, "older than what was said before": 1},
    )


PARTY = {"country_code": "US", "party_id": "ELM", "id": "1", "last_updated": "2026-03-08T11:00:00Z"}
# the session is one of OCPI 2.1.1, which names no party and no charger by itself; those of 2.2 are charges
NO_LOCATIONS: dict[str, dict[str, Any]] = {
    "session": {
        "id": "1",
        "last_updated": "2026-03-08T11:00:00Z",
        "start_datetime": "2026-03-08T11:00:00Z",
        "kwh": 3.1,
        "auth_id": "DE8ACC12E46L89",
        "location": {"id": "1"},
    },
    "charge detail record": {**PARTY, "session_id": "1", "cdr_location": {"id": "1"}, "total_energy": 3.1},
    "token": {**PARTY, "uid": "012345678", "contract_id": "US8ACC12E46L89", "type": "RFID"},
    "tariff": {**PARTY, "currency": "USD", "elements": []},
}


@pytest.mark.parametrize("name", NO_LOCATIONS)
def test_what_is_no_location_is_no_hub_and_its_bytes_are_not_kept(name: str) -> None:
    listed = ocpi(NO_LOCATIONS[name], location())
    pushed = read(source("ocpi_locations"), orjson.dumps(NO_LOCATIONS[name]), NOON)
    for reading, count in ((listed, 2), (pushed, 0)):
        assert (len(reading.events), list(reading.aside)) == (count, [])
        assert reading.skipped == {f"{name}, no location": 1}


def test_of_ocpis_own_examples_locations_are_hubs_and_a_session_is_a_charge(data_dir: Path) -> None:
    world = SourceContext("world", "ocpi", ZoneInfo("UTC"), Bounds(-90, -180, 90, 180))
    told, left_out = set(), set()
    for path in sorted((data_dir / "charging" / "ocpi_examples").glob("*.json")):
        reading = read(source("ocpi_locations", world), path.read_bytes())
        topics = {"mobility.hub": "location", "place.hub": "location", "mobility.charge": "session"}
        assert all(path.name.startswith(topics[event.topic]) for event in reading.events), path.name
        told |= {path.name} if reading.events else set()
        left_out |= {path.name.partition("_")[0] for reason in reading.skipped if "no location" in reason}
    assert len(told) >= 3
    assert "session_example_1_simple_start.json" in told
    assert left_out >= {"session", "token"}, "a session's patches have no ids in their bodies"


def test_a_charger_of_a_later_status_is_unknown_and_a_location_without_chargers_stands() -> None:
    later = [{"uid": "1", "status": "AVAILABLE", "connectors": []}, {"uid": "2", "status": "MAINTENANCE"}]
    reading = ocpi(location(evses=later), location(id="2", evses=None), location(id="3", evses=[]))
    hubs = told_of(reading, "mobility.hub")
    assert {one["state"]: one["count"] for one in hubs[0]["chargers"]} == {"available": 1, "unknown": 1}
    assert (len(hubs), reading.noted, list(reading.aside)) == (3, {"status unknown: MAINTENANCE": 1}, [])
