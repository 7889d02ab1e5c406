"""Flights of network Remote ID: the file of two flights over Zurich, and its twenty copies with one fault each."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Reading, SourceContext
from schemas.heights import Bound, Terrain
from tests.unit.connectors.seen import read, source
from tests.unit.connectors.telemetry import lost_on_the_wire, values

ZURICH = SourceContext(
    "zurich",
    "rid",
    ZoneInfo("Europe/Zurich"),
    Bounds(47.3, 8.4, 47.5, 8.6),
    terrain=Terrain(Bound(390.0, 870.0), Bound(46.0, 49.0)),
    drones={"ULYK563L5G": "own"},
)
FIRST = {
    "drone_id": "1AKGAAN8G70R7JS",
    "id_kind": "serial",
    "id_verdict": "valid",
    "event_time": 1_640_995_201_000,  # 2022-01-01 00:00:01 UTC
    "event_time_accuracy_s": 1.0,
    "position": {"lat": 47.37063724619898, "lon": 8.488106090860573, "accuracy_m": None},
    "transmitter": None,
    "known_as": "unknown",
    "drone_type": "multirotor",
    "flight_status": "airborne",
    "operator_id": "CHE-RP-f39mqfitkh9e5",
    "operator_position": {"lat": 47.37085983569079, "lon": 8.487908591798265, "accuracy_m": None},
    "above_takeoff_m": 0.0,
    "above_wgs84_m": 496.0,
    "above_ground_m": None,
    "height_accuracy_m": None,
    "above_sea_low_m": 447.0,  # 496 - 49; over the place of take-off, 390 to 870, it says less
    "above_sea_high_m": 450.0,
    "above_ground_low_m": -423.0,  # 447 - 870
    "above_ground_high_m": 60.0,
    "speed_mps": 5.0,
    "speed_accuracy_mps": 3.0,
    "vertical_mps": 0.0,
    "track_deg": 162.3752362098515,
    "age_s": None,
    "faults": [],
}
FLIGHT = "d22a1cef-a3e0-437f-92b5-44c1453f4068"
SEA_OF_TAKEOFF = {  # without the height above WGS-84 there is only that above the place of take-off
    "above_wgs84_m": None,
    "above_sea_low_m": 390.0,
    "above_sea_high_m": 870.0,
    "above_ground_low_m": -480.0,
    "above_ground_high_m": 480.0,
}
NO_ID = {"drone_id": FLIGHT, "id_kind": "flight", "id_verdict": "none"}
ONE_STATE: dict[str, dict[str, Any]] = {
    "no_accuracy_h": {},
    "no_accuracy_v": {},
    "no_alt": SEA_OF_TAKEOFF,
    "no_height_type": {"above_takeoff_m": None},
    "no_speed": {"speed_mps": None},
    "no_speed_accuracy": {"speed_accuracy_mps": None},
    "no_timestamp_accuracy": {"event_time_accuracy_s": None},
    "no_track": {"track_deg": None},
    "wrong_accuracy_h": {"faults": ["accuracy_h"]},
    "wrong_accuracy_v": {"faults": ["accuracy_v"]},
    "wrong_height_type": {"above_takeoff_m": None, "faults": ["height_reference"]},
    "wrong_speed": {"speed_mps": None, "faults": ["speed"]},
    "wrong_timestamp_accuracy": {"event_time_accuracy_s": None, "faults": ["timestamp_accuracy"]},
    "wrong_track": {"track_deg": None, "faults": ["track"]},
    "wrong_vertical_speed": {"vertical_mps": None, "faults": ["vertical_speed"]},
}
"""File → what its first state says otherwise; the other 29 are those of the file without a fault."""
WHOLE_FLIGHT: dict[str, dict[str, Any]] = {
    "no_uas_id": NO_ID,
    "wrong_registration_id": {"drone_id": "WRONG", "id_kind": "registration", "id_verdict": "invalid"},
    "wrong_serial_number": {"drone_id": "WRONG", "id_kind": "serial", "id_verdict": "invalid"},
    "wrong_utm_id": {"drone_id": "!", "id_kind": "utm", "id_verdict": "invalid"},
}
"""File → what the 17 states of its first flight say otherwise."""
SET_ASIDE = "wrong_timestamp"
OWN_FIELDS = ("event_id", "city", "source", "received_time")


def of_file(data_dir: Path, name: str) -> Reading:
    path = data_dir / "drone" / "network_rid" / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    return read(source("network_rid", ZURICH), path.read_bytes())


def told(reading: Reading) -> list[dict[str, Any]]:
    """The values in order of flight and time, without what each event has of its own."""
    found = [{k: v for k, v in one.items() if k not in OWN_FIELDS} for one in values(reading)]
    return sorted(found, key=lambda one: (one["operator_id"] != FIRST["operator_id"], one["event_time"]))


def test_the_flights_without_a_fault_are_thirty_states(data_dir: Path) -> None:
    reading = of_file(data_dir, "zurich")
    found = told(reading)
    assert {name: found[0][name] for name in FIRST} == FIRST
    assert [
        len([one for one in found if one["drone_id"] == of]) for of in ("1AKGAAN8G70R7JS", "ULYK563L5G")
    ] == [17, 13]
    assert {one["known_as"] for one in found[17:]} == {"own"}
    assert not reading.aside
    assert not lost_on_the_wire(list(reading.events))
    assert len({one["event_id"] for one in values(reading)}) == 30


def test_each_of_the_twenty_files_is_expected_here(data_dir: Path) -> None:
    files = {path.stem for path in (data_dir / "drone" / "network_rid").glob("invalid_*.json")}
    assert files == {f"invalid_{name}" for name in (*ONE_STATE, *WHOLE_FLIGHT, SET_ASIDE)}
    assert len(files) == 20


@pytest.mark.parametrize("name", [*ONE_STATE, *WHOLE_FLIGHT, SET_ASIDE])
def test_a_fault_costs_no_more_than_itself(data_dir: Path, name: str) -> None:
    reading, good = of_file(data_dir, f"invalid_{name}"), told(of_file(data_dir, "zurich"))
    found = told(reading)
    if name == SET_ASIDE:
        assert found == good[1:]
        (aside,) = reading.aside
        assert (aside.field, aside.number) == ("timestamp", 0)
        assert orjson.loads(aside.original)["timestamp"] == "42"
        return
    changed = 1 if name in ONE_STATE else 17
    says = ONE_STATE.get(name) or WHOLE_FLIGHT.get(name, {})
    assert found == [{**one, **says} for one in good[:changed]] + good[changed:]
    assert not reading.aside


def a_flight(*states: Any, **more: Any) -> bytes:
    return orjson.dumps(
        {"flights": [{"flight_details": {"id": "F", "serial_number": "ABCD12"}, "states": states, **more}]}
    )


def a_state(at: str = "2022-01-01T00:00:01Z", **said: Any) -> dict[str, Any]:
    return {"timestamp": at, "position": {"lat": 47.4, "lng": 8.5}, **said}


AT_MS = 1_640_995_203_000


def test_the_standards_signs_of_unknown_are_null_without_a_fault() -> None:
    state = a_state(
        speed=255, track=361, vertical_speed=63, height={"distance": -1000, "reference": "GroundLevel"}
    )
    state["position"] = {
        "lat": 0,
        "lng": 0,
        "alt": -1000,
        "accuracy_h": "HAUnknown",
        "accuracy_v": "VAUnknown",
    }
    (value,) = values(read(source("network_rid", ZURICH), a_flight(state), AT_MS))
    unknown = ("position", "speed_mps", "track_deg", "vertical_mps", "above_ground_m", "above_wgs84_m")
    assert [value[name] for name in unknown] == [None] * 6
    assert (value["faults"], value["age_s"], value["above_ground_low_m"]) == ([], 2.0, None)


def test_a_list_that_is_asked_again_gives_each_state_once() -> None:
    there = source("network_rid", ZURICH)
    first = read(there, a_flight(a_state()), AT_MS)
    second = read(there, a_flight(a_state(), a_state("2022-01-01T00:00:02Z")), AT_MS, first.place)
    assert [one["event_time"] for one in values(second)] == [1_640_995_202_000]
    assert second.skipped == {"state told before": 1}


def test_what_is_set_aside_is_told_once_it_is_mended() -> None:
    there = source("network_rid", ZURICH)
    (aside,) = read(there, a_flight(a_state("42"), aircraft_type="Glider"), AT_MS).aside
    whole = aside.before + aside.original.replace(b'"42"', b'"2022-01-01T00:00:01Z"') + aside.after
    (value,) = values(read(there, whole, AT_MS))
    assert (value["drone_id"], value["id_verdict"], value["drone_type"]) == ("ABCD12", "valid", "glider")


def test_a_simulated_flight_a_state_elsewhere_and_a_flight_of_nobody_are_no_drones() -> None:
    there = source("network_rid", ZURICH)
    assert not read(there, a_flight(a_state(), simulated=True), AT_MS).events
    elsewhere = read(there, a_flight(a_state(position={"lat": 46.0, "lng": 8.5}), a_state()), AT_MS)
    assert (len(elsewhere.events), len(elsewhere.aside)) == (1, 1)
    nobody = read(there, orjson.dumps({"flights": [{"states": [a_state()]}, 7]}), AT_MS)
    assert (len(nobody.events), len(nobody.aside)) == (0, 2)


def test_the_form_of_a_display_provider_is_read_too() -> None:
    state = a_state({"value": "2022-01-01T00:00:01Z", "format": "RFC3339"})  # type: ignore[arg-type] # the later form
    body = {"flights": [{"id": "F-9", "aircraft_type": "Glider", "current_state": state}]}
    (value,) = values(read(source("network_rid", ZURICH), orjson.dumps(body), AT_MS))
    assert (value["drone_id"], value["id_kind"], value["id_verdict"]) == ("F-9", "flight", "none")
