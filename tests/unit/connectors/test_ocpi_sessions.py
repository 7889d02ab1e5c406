"""Sessions of OCPI as charges, and what a platform pushes of a location by its address."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Reading, SourceContext
from connectors.formats.times import iso_ms
from tests.unit.connectors.seen import NOON, read, source
from tests.unit.connectors.telemetry import lost_on_the_wire, values
from tests.unit.connectors.test_places import location, ocpi

CHARGE, HUB = "mobility.charge", "mobility.hub"
WORLD = SourceContext("world", "ocpi", ZoneInfo("UTC"), Bounds(-90, -180, 90, 180))


def session(**changed: Any) -> dict[str, Any]:
    return {
        "country_code": "US",
        "party_id": "ELM",
        "id": "101",
        "start_date_time": "2026-03-08T10:00:00Z",
        "kwh": 0.0,
        "cdr_token": {"uid": "0123abc", "contract_id": "US-ELM-C12345678-S"},
        "location_id": "1",
        "evse_uid": "1",
        "connector_id": "2",
        "status": "ACTIVE",
        "last_updated": "2026-03-08T10:00:00Z",
        **changed,
    }


def at(minute: int, **changed: Any) -> dict[str, Any]:
    return session(last_updated=f"2026-03-08T10:{minute:02}:00Z", **changed)


def pushed(address: str, body: Any, method: str = "PATCH", place: Any = None) -> Reading:
    said = {"object": address, "method": method, "body": body}
    return read(source("ocpi_locations"), orjson.dumps(said), NOON, place)


def after(*bodies: Any) -> list[Reading]:
    readings: list[Reading] = []
    for body in bodies:
        readings.append(ocpi(body, place=readings[-1].place if readings else None))
    return readings


def states(reading: Reading) -> dict[str, int]:
    (hub,) = values(reading, HUB)
    return {one["state"]: one["count"] for one in hub["chargers"]}


# -- sessions ------------------------------------------------------------------------------------------------


def test_a_session_starts_is_read_and_ends_and_its_energy_is_told_once() -> None:
    end = {"status": "COMPLETED", "end_date_time": "2026-03-08T10:29:00Z"}
    readings = after(session(), at(10, kwh=1.2345), at(20, kwh=1.2345), at(30, kwh=4.5, **end))
    told = [[(one["kind"], one["interval_wh"]) for one in values(each, CHARGE)] for each in readings]
    assert told == [
        [("started", None)],
        [("reading", "1234.5")],
        [("updated", None)],
        [("reading", "3265.5"), ("ended", None)],
    ]
    assert not any(lost_on_the_wire(list(each.events)) for each in readings)
    last = values(readings[-1], CHARGE)[-1]
    assert last["event_time"] == iso_ms("2026-03-08T10:29:00Z", "at")
    assert (last["charger_id"], last["connector_id"]) == ("US*ELM*1*1", 2)
    assert (last["transaction_id"], last["register_wh"]) == ("US*ELM*101", None)


def test_a_session_heard_late_tells_its_start_and_all_its_energy() -> None:
    (reading,) = after(at(30, kwh=15.0))
    told = values(reading, CHARGE)
    assert [(one["kind"], one["interval_wh"]) for one in told] == [("started", None), ("reading", "15000")]
    assert told[0]["event_time"] == iso_ms("2026-03-08T10:00:00Z", "at")


def test_a_session_told_again_or_older_gives_nothing_and_less_energy_is_noted() -> None:
    first, again, older = after(at(10, kwh=2), at(10, kwh=2), at(5, kwh=1))
    assert again.skipped == {"session said before": 1}
    assert older.skipped == {"session older than what was said before": 1}
    less = ocpi(at(20, kwh=1), place=first.place)
    assert less.noted == {"a session has less energy than before": 1}
    more = ocpi(at(25, kwh=3), place=less.place)
    assert [one["interval_wh"] for one in values(more, CHARGE)] == ["1000"], "3 kWh less the 2 that were told"


def test_power_and_charge_are_those_of_the_newest_period_and_its_energy_is_not_added() -> None:
    def period(hour: int, **volumes: float) -> dict[str, Any]:
        dimensions = [{"type": name, "volume": volume} for name, volume in volumes.items()]
        return {"start_date_time": f"2026-03-08T{hour}:00:00Z", "dimensions": dimensions}

    periods = [period(11, POWER=7400, STATE_OF_CHARGE=61.5, ENERGY=1), period(10, POWER=22_000, ENERGY=2)]
    (reading,) = after(at(30, kwh=3, charging_periods=periods))
    measured = values(reading, CHARGE)[-1]
    assert (measured["power_w"], measured["state_of_charge_percent"]) == (7400, 61.5)
    assert measured["interval_wh"] == "3000"


def test_a_session_stands_where_its_location_does() -> None:
    _, reading = after(location(), session())
    (value,) = values(reading, CHARGE)
    assert (value["position"]["lat"], value["position"]["lon"]) == (29.75, -95.4)


def test_a_reservation_is_no_charge() -> None:
    (reading,) = after(session(status="RESERVATION"))
    assert (list(reading.events), reading.skipped) == ([], {"reservation, no charge": 1})


WRONG_SESSIONS = {
    "kwh": session(kwh="much"),
    "evse_uid": session(evse_uid=""),
    "start_date_time": session(start_date_time="yesterday"),
    "charging_periods": session(charging_periods=[7]),
    "last_updated": session(last_updated=None),
}


@pytest.mark.parametrize("field", WRONG_SESSIONS)
def test_a_wrong_session_is_set_aside_without_its_driver(field: str) -> None:
    reading = ocpi(WRONG_SESSIONS[field], location())
    assert [one.field for one in reading.aside] == [field]
    assert len(values(reading, HUB)) == 1
    one = pushed("sessions/US/ELM/101", WRONG_SESSIONS[field], "PUT")
    for aside in (*reading.aside, *one.aside):
        assert b"0123abc" not in aside.original
        assert b"C12345678" not in aside.original
        assert b"US" in aside.original


def test_no_driver_stands_in_an_event_or_in_what_is_remembered() -> None:
    (reading,) = after(session(kwh=1))
    told = orjson.dumps([[dict(event.value or {}) for event in reading.events], reading.place])
    assert b"0123abc" not in told
    assert b"C12345678" not in told


def test_ocpis_own_session_and_its_patches(data_dir: Path) -> None:
    """The periods' ENERGY of the example is 2200 in a session of 15 kWh: it is the total that counts."""
    folder, reader = data_dir / "charging" / "ocpi_examples", source("ocpi_locations", WORLD)
    start = read(reader, (folder / "session_example_1_simple_start.json").read_bytes())
    (begun,) = values(start, CHARGE)
    assert (begun["charger_id"], begun["transaction_id"]) == ("NL*STK*LOC1*3256", "NL*STK*101")
    assert begun["event_time"] == iso_ms("2020-03-09T10:17:09Z", "at")
    body = orjson.loads((folder / "session_patch_example_charging_period.json").read_bytes())
    old = pushed_in_world(reader, "sessions/NL/STK/101", body, start.place)
    assert old.skipped == {"session older than what was said before": 1}, "the patch is of the year before"
    patched = pushed_in_world(
        reader, "sessions/NL/STK/101", {**body, "last_updated": "2020-03-09T10:30:00Z"}, start.place
    )
    (told,) = values(patched, CHARGE)
    assert (told["kind"], told["interval_wh"], told["connector_id"]) == ("reading", "15000", 1)


def pushed_in_world(reader: Any, address: str, body: Any, place: Any, method: str = "PATCH") -> Reading:
    return read(reader, orjson.dumps({"object": address, "method": method, "body": body}), None, place)


# -- what is pushed by its address ---------------------------------------------------------------------------


def two_chargers() -> Any:
    evses = [
        {"uid": "1", "status": "AVAILABLE", "connectors": [{"id": "1", "standard": "CHADEMO"}]},
        {"uid": "2", "status": "OUTOFORDER"},
    ]
    return ocpi(location(evses=evses)).place


def patch(status: str, minute: int = 10) -> dict[str, Any]:
    return {"status": status, "last_updated": f"2026-03-08T11:{minute:02}:00Z"}


def test_a_patch_of_one_charger_leaves_the_other_as_it_was() -> None:
    reading = pushed("locations/US/ELM/1/1", patch("CHARGING"), place=two_chargers())
    assert states(reading) == {"charging": 1, "out_of_order": 1}
    (place,) = values(reading, "place.hub")
    assert place["chargers"] == [{"kind": "chademo", "count": 1}], "a PATCH changes only what it says"


def test_two_chargers_that_change_in_one_moment_are_two_events() -> None:
    first = pushed("locations/US/ELM/1/1", patch("CHARGING"), place=two_chargers())
    second = pushed("locations/US/ELM/1/2", patch("AVAILABLE"), place=first.place)
    assert states(second) == {"charging": 1, "available": 1}
    ids = [event.value["event_id"] for one in (first, second) for event in one.events if event.value]
    assert len(set(ids)) == len(ids) == 4
    again = pushed("locations/US/ELM/1/1", patch("CHARGING"), place=second.place)
    late = pushed("locations/US/ELM/1/1", patch("BLOCKED", 5), place=second.place)
    assert (again.skipped, late.skipped) == (
        {"said before": 1},
        {"older than what was said before": 1},
    )
    assert not [*again.events, *late.events]


def test_a_put_adds_a_charger_and_a_removed_one_is_none() -> None:
    new = {"uid": "3", "status": "PLANNED", "last_updated": "2026-03-08T11:10:00Z"}
    added = pushed("locations/US/ELM/1/3", new, "PUT", two_chargers())
    assert states(added) == {"available": 1, "out_of_order": 1, "planned": 1}
    gone = pushed("locations/US/ELM/1/1", patch("REMOVED", 20), place=added.place)
    assert states(gone) == {"out_of_order": 1, "planned": 1}


def test_a_connector_and_a_location_are_changed_in_part_too() -> None:
    other = {"standard": "IEC_62196_T2", "last_updated": "2026-03-08T11:10:00Z"}
    plug = pushed("locations/US/ELM/1/1/1", other, place=two_chargers())
    assert values(plug, "place.hub")[0]["chargers"] == [{"kind": "iec_62196_t2", "count": 1}]
    named = pushed(
        "locations/US/ELM/1", {"name": "Garage", "last_updated": "2026-03-08T11:20:00Z"}, place=plug.place
    )
    assert values(named, HUB)[0]["name"] == "Garage"
    assert states(named) == {"available": 1, "out_of_order": 1}


def test_a_whole_location_that_is_put_has_the_ids_of_its_address() -> None:
    body = {
        name: value for name, value in location().items() if name not in ("country_code", "party_id", "id")
    }
    assert values(pushed("locations/US/ELM/9", body, "PUT"), HUB)[0]["hub_id"] == "US*ELM*9"


@pytest.mark.parametrize(
    ("address", "method", "body", "field"),
    [
        ("locations/US/ELM/7/1", "PATCH", patch("CHARGING"), "object"),
        ("locations/US/ELM/1/7", "PATCH", patch("CHARGING"), "object"),
        ("locations/US/ELM/1/7/1", "PUT", {"id": "1", "last_updated": "2026-03-08T11:10:00Z"}, "object"),
        ("locations/US/ELM/1/1", "PATCH", {"status": "CHARGING"}, "last_updated"),
        ("locations/US/ELM/1/1", "DELETE", patch("CHARGING"), "method"),
        ("locations/US", "PUT", {}, "object"),
        ("tariffs/US/ELM/1", "PUT", {}, "object"),
        ("sessions/US/ELM/7", "PATCH", {"kwh": 1, "last_updated": "2026-03-08T11:10:00Z"}, "object"),
        ("locations/US/ELM/1/1", "PATCH", [], "body"),
    ],
)
def test_what_cannot_be_applied_is_set_aside_and_changes_nothing(
    address: str, method: str, body: Any, field: str
) -> None:
    place = two_chargers()
    reading = pushed(address, body, method, place)
    assert ([one.field for one in reading.aside], list(reading.events)) == ([field], [])
    assert reading.place == place


def test_ocpis_own_patches_of_a_charger(data_dir: Path) -> None:
    folder, reader = data_dir / "charging" / "ocpi_examples", source("ocpi_locations", WORLD)
    whole = orjson.loads((folder / "location_example.json").read_bytes())
    put = pushed_in_world(reader, "locations/BE/BEC/LOC1", whole, None, "PUT")
    assert states(put) == {"available": 1, "reserved": 1}
    status = orjson.loads((folder / "location_patch_example_status.json").read_bytes())
    charging = pushed_in_world(reader, "locations/BE/BEC/LOC1/3256", status, put.place)
    assert states(charging) == {"charging": 1, "reserved": 1}
    evse = orjson.loads((folder / "location_put_example_add_evse.json").read_bytes())
    added = pushed_in_world(
        reader, "locations/BE/BEC/LOC1/3258", {**evse, "uid": "3258"}, charging.place, "PUT"
    )
    assert states(added) == {"available": 1, "charging": 1, "reserved": 1}


def test_what_is_remembered_has_a_bound_and_the_newest_stays() -> None:
    many = [location(id=str(number), name="n" * 2_000) for number in range(200)]
    place = ocpi(*many).place
    assert len(orjson.dumps(place["wholes"])) <= 256 * 1024
    assert list(place["wholes"])[-1] == "US*ELM*199"
    assert len(place["known"]) == 200
