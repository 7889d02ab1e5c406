"""No push of one agency changes another agency's data, whatever its record names."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.situations.model import Incident, Situation
from tests.property.pushing_city import PushedCity
from tests.unit.situations.a_city import an_action, place
from tests.unit.situations.test_filing import a_filing

APART, NEAR = place(9_000, 9_000), place(20, 10)
MINE = ("119", "112-south")
MINUTES = 12
Push = tuple[str, dict[str, Any]]


def a_report(number: str, agency: str, **said: Any) -> dict[str, Any]:
    usual = {"kind": "crash.vehicle", "kind_text": "crash", "status": "open", "units": [], "revision": 1}
    return {"agency": agency, "agency_case_no": number, "position": place(), **usual, **said}


def a_camera(name: str, **said: Any) -> dict[str, Any]:
    usual = {"owner": "city", "status": "ok", "purposes": ["fire-safety", "crime-prevention"]}
    return {"camera_id": name, "position": place(30), **usual, **said}


def a_value(value: float, **said: Any) -> dict[str, Any]:
    return {
        "sensor_id": "s1",
        "quantity": "gas",
        "threshold": 1.0,
        "value": value,
        "position": place(0, 50),
        **said,
    }


def an_entry(entry_id: str = "W1", **said: Any) -> dict[str, Any]:
    usual = {"is_listed": True, "offence": "robbery", "legal_ground": "order", "tokens": ["t"]}
    return {"entry_id": entry_id, "agency": "112-south", **usual, **said}


def the_city_of_others() -> PushedCity:
    """A city with a fire and a police report of one crash, a report of each that is filed with the other, a sensor's alarm,
    a call for help, a wanted vehicle, and cameras around."""
    city = PushedCity()
    for number in range(4):
        city.push("fire", "place.camera", a_camera(f"c{number}", position=place(30 + number)), "12:00")
    city.push("fire", "fire.incident", a_report("F-1", "119", units=["E1"]), "12:00")
    city.push("south", "police.incident", a_report("P-1", "112-south", position=place(15)), "12:00")
    city.push(
        "south", "police.incident", a_report("P-2", "112-south", position=place(3_000), kind="crime"), "12:00"
    )
    city.push("fire", "civil.observation", a_value(9.0), "12:01")
    call = {"person_ref": "p1", "cause": "button", "consent_ref": "c", "position": place(50)}
    city.push("fire", "civil.vulnerable", call, "12:01")
    city.push("south", "police.wanted", an_entry(), "12:01")
    there = place(0, 3_000)
    city.push("fire", "fire.incident", a_report("F-2", "119", position=there, kind="fire.building"), "12:01")
    for case, domain in (("P-2", "fire"), ("F-2", "police")):
        (alone,) = (
            it for it in city.city.live() if [one["agency_case_no"] for one in it["incidents"]] == [case]
        )
        city.city.take(a_filing(alone["situation_id"], domain, clock="12:01"))
    assert not city.set_aside
    return city


def incidents_of(city: PushedCity) -> dict[str, Incident]:
    """The others' incidents as their agencies reported them, with their places in the log."""
    kept: dict[str, Any] = {"anchored": False, "bound": (), "parted": (), "turned_at": 0}
    every = city.city.state.index.incidents
    return {its_id: replace(one, **kept) for its_id, one in every.items() if one.agency in MINE}


def situations_of(city: PushedCity) -> dict[str, Situation]:
    """The situations that hold others' incidents, or none."""
    every = city.city.state.situations
    return {
        its_id: one
        for its_id, one in every.items()
        if not one.view.incidents or any(it.agency in MINE for it in one.view.incidents)
    }


def grants_of(city: PushedCity) -> set[tuple[Any, ...]]:
    return {
        (one["situation_id"], one["camera_id"], one["granted_to"])
        for one in city.city.grants_in_force()
        if one["granted_to"].partition("/")[0] in MINE
    }


def ids_told() -> list[str]:
    """The others' ids that an agency which reads the topics may know."""
    city = the_city_of_others()
    filings = [one.filing_id for it in situations_of(city).values() for one in it.filings]
    return [*incidents_of(city), *filings]


TOLD = ids_told()
ANY_ID = st.sampled_from([*TOLD, "", "mine"])
REPORTS = st.fixed_dictionaries(
    {
        "agency": st.sampled_from(["112-north", "112-north", "112-south", "119"]),
        "agency_case_no": st.sampled_from(["F-1", "P-1", "P-2", "N-1"]),
        "kind": st.sampled_from(["crash.vehicle", "fire.building", "crime", "other"]),
        "kind_text": st.just("x"),
        "status": st.sampled_from(["open", "closed", "dispatched", "arrived"]),
        "units": st.sampled_from([[], ["E1"], ["N7"]]),
        "revision": st.integers(1, 9),
    },
    optional={
        "incident_id": ANY_ID,
        "event_id": ANY_ID,
        "source": st.sampled_from(["fire-fire.incident", "north-police.incident", ""]),
        "filing_id": ANY_ID,
        "closed_reason": st.just("closed by the agency"),
    },
)
CAMERAS = st.builds(
    a_camera,
    st.sampled_from(["c0", "c1", "c2", "c3"]),
    status=st.sampled_from(["ok", "faulty", "retired"]),
    position=st.sampled_from([APART, place(30)]),
    purposes=st.sampled_from([["traffic"], ["fire-safety"]]),
)
VALUES = st.builds(a_value, st.sampled_from([0.0, 0.5]), sensor_id=st.just("s1"), position=st.just(APART))
CALLS = st.fixed_dictionaries(
    {
        "person_ref": st.just("p1"),
        "cause": st.sampled_from(["zone_return", "cancelled"]),
        "consent_ref": st.just("c"),
        "position": st.just(APART),
    }
)
ENTRIES = st.builds(
    an_entry,
    agency=st.sampled_from(["112-north", "112-south"]),
    is_listed=st.booleans(),
    tokens=st.sampled_from([["t"], ["u"]]),
)
OTHER_RECORDS = {
    "place.camera": CAMERAS,
    "civil.observation": VALUES,
    "civil.vulnerable": CALLS,
    "police.wanted": ENTRIES,
}


def pushes(where: Mapping[str, Any]) -> st.SearchStrategy[list[Push]]:
    """The pushes of the northern agency; its reports have the place *where*."""
    reports = REPORTS.map(lambda said: ("police.incident", {**said, "position": dict(where)}))
    others = [
        ("place.camera", CAMERAS),
        ("civil.observation", VALUES),
        ("civil.vulnerable", CALLS),
        ("police.wanted", ENTRIES),
    ]
    told = [st.tuples(st.just(contract), records) for contract, records in others]
    return st.lists(st.one_of(reports, reports, reports, *told), min_size=1, max_size=6)


BEFORE, LEFT_ALONE = the_city_of_others(), the_city_of_others()
LEFT_ALONE.wait(f"12:{MINUTES}")


def both(sent: list[Push]) -> tuple[PushedCity, PushedCity]:
    """The city after *sent* was pushed, and the same city without it."""
    attacked = deepcopy(BEFORE)
    for minute, (contract, record) in enumerate(sent, 2):
        attacked.push("north", contract, record, f"12:{minute:02d}")
    attacked.wait(f"12:{MINUTES}")
    return attacked, LEFT_ALONE


def check_apart(sent: list[Push]) -> None:
    """Check that all of the others' data is unchanged, except for filings and due times."""
    attacked, left_alone = both(sent)
    assert incidents_of(attacked) == incidents_of(left_alone)
    assert situations_of(attacked) == situations_of(left_alone)
    assert grants_of(attacked) == grants_of(left_alone)
    assert attacked.city.state.cameras.cameras == left_alone.city.state.cameras.cameras
    wanted = [one.city.state.memories.get("wanted:W1") for one in (attacked, left_alone)]
    assert wanted[0] == wanted[1] is not None


def check_near(sent: list[Push]) -> None:
    """Check that a report near theirs may join them, and that theirs stay together, open, with grants in force."""
    attacked, left_alone = both(sent)
    assert incidents_of(attacked) == incidents_of(left_alone)
    for its_id, before in situations_of(left_alone).items():
        after = attacked.city.state.now_told_as(its_id)
        assert after is not None and after.is_closed == before.is_closed
        told = {one.incident_id for one in after.view.incidents}
        assert {one.incident_id for one in before.view.incidents} <= told
        assert [one.status for one in after.filings] == [one.status for one in before.filings]
    assert {one[1:] for one in grants_of(left_alone)} <= {one[1:] for one in grants_of(attacked)}


FEW, MANY = settings(max_examples=60), settings(max_examples=5_000)


@FEW
@given(pushes(APART))
def test_no_push_does_anything_to_what_is_anothers(sent: list[Push]) -> None:
    check_apart(sent)


@FEW
@given(pushes(NEAR))
def test_a_report_beside_anothers_adds_itself_and_takes_nothing(sent: list[Push]) -> None:
    check_near(sent)


@pytest.mark.long
@MANY
@given(pushes(APART))
def test_no_push_of_thousands_does_anything_to_what_is_anothers(sent: list[Push]) -> None:
    check_apart(sent)


@pytest.mark.long
@MANY
@given(pushes(NEAR))
def test_no_report_of_thousands_beside_anothers_takes_anything(sent: list[Push]) -> None:
    check_near(sent)


def test_the_checks_can_fail() -> None:
    city = the_city_of_others()
    before = situations_of(city), incidents_of(city)
    its_id = next(its_id for its_id, one in before[0].items() if one.view.incidents)
    city.city.take(an_action("close", its_id, "12:03"))
    assert situations_of(city) != before[0]
    city.push("fire", "fire.incident", a_report("F-1", "119", status="closed", revision=2), "12:04")
    assert incidents_of(city) != before[1]
