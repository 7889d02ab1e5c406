"""A dispatch's contents are bounded, follow the situation, and survive a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.errors import Invalid
from streams.situations.entry import Entry
from streams.situations.fold import CityState
from streams.situations.rules.in_force import CityRules
from tests.scenario.a_scenario import HERE, read
from tests.scenario.running import Running
from tests.unit.situations.a_city import City, a_camera, a_city, a_tick, an_action, an_incident, at, place


def a_site(
    name: str = "lpg", *, kind: str = "gas-store", north_m: float = 100, ends: str | None = None
) -> Entry:
    value = {
        "site_id": name,
        "position": place(north_m),
        "kind": kind,
        "name": None,
        "detail": None,
        "starts_at": None,
        "ends_at": None if ends is None else at(ends),
        "received_time": at("00:00"),
    }
    return Entry("place", "demo.place.site", 0, 0, value)


def sent(units: int = 1, *, revision: int = 1, happened: str = "12:00") -> Entry:
    names = [f"E{number}" for number in range(units)]
    return an_incident("F1", status="dispatched", units=names, revision=revision, heard=happened)


def unit_grants(city: City) -> set[tuple[str, str]]:
    return {
        (one["granted_to"], one["camera_id"]) for one in city.grants_in_force() if "/" in one["granted_to"]
    }


def test_so_many_units_see_so_many_cameras_and_no_more() -> None:
    cameras = [a_camera(f"c{number}", where=place(number)) for number in range(8)]
    city = a_city(*cameras, sent(5), dispatch={"units_max": 3, "cameras_max": 4})
    assert len(unit_grants(city)) == 12
    assert {camera for _, camera in unit_grants(city)} == {"c0", "c1", "c2", "c3"}
    (bundle,) = city.all("core.dispatch")
    assert [one["camera_id"] for one in bundle["cameras"]] == ["c0", "c1", "c2", "c3"]
    assert len(bundle["units"]) == 5, "all are told, though not all see"
    assert (bundle["cameras_left_out"], city.state.left_out) == (4, 4)
    assert (bundle["units_left_out"], city.state.units_left_out) == (2, 2)
    city.take(a_camera("c8", where=place(8)), a_camera("c9", where=place(900)))
    assert city.all("core.dispatch")[-1]["cameras_left_out"] == city.state.left_out == 5
    rows = {e.key: e.value for e in [*city.said, city.state.clock_row()] if e.topic == "core.state"}
    restarted = CityState.from_records(city.config, rows.items())
    assert (restarted.left_out, restarted.units_left_out) == (5, 2)


@pytest.mark.parametrize(("units", "left_out"), [(2, 0), (3, 0), (4, 1)])
def test_units_beyond_the_bound_are_counted_each_once(units: int, left_out: int) -> None:
    city = a_city(a_camera(), sent(units), dispatch={"units_max": 3})
    assert city.all("core.dispatch")[-1]["units_left_out"] == city.state.units_left_out == left_out
    city.take(sent(units + 2, revision=2), sent(units, revision=3), sent(units, revision=4))
    assert city.all("core.dispatch")[-1]["units_left_out"] == left_out
    assert city.state.units_left_out == max(0, units + 2 - 3)


def test_units_that_the_law_lets_see_nothing_are_not_left_out() -> None:
    city = a_city(a_camera(), sent(4), dispatch={"units_max": 3}, law={"name": "none", "uses": {}})
    assert city.all("core.dispatch")[-1]["units_left_out"] == city.state.units_left_out == 0


def test_so_many_sites_are_told_the_nearest_first() -> None:
    sites = [a_site(f"s{number}", north_m=100 + number) for number in range(6)]
    city = a_city(*reversed(sites), sent(), dispatch={"sites_max": 3})
    (bundle,) = city.all("core.dispatch")
    assert [one["site_id"] for one in bundle["hazards"]] == ["s0", "s1", "s2"]


@pytest.mark.parametrize(("most", "told"), [(0, []), (2, ["second", "third"])])
def test_so_many_notes_are_told_the_newest(most: int, told: list[str]) -> None:
    city = a_city(sent(), dispatch={"notes_max": most})
    its_id = city.the_situation()["situation_id"]
    for minute, words in enumerate(("first", "second", "third"), 1):
        city.take(an_action("note", its_id, f"12:0{minute}", reason=words))
    assert [note["text"] for note in city.all("core.dispatch")[-1]["notes"]] == told


@pytest.mark.parametrize(("share", "revisions"), [(0.1, 6), (1.0, 5)])
def test_traffic_is_told_again_by_the_share_that_the_city_says(share: float, revisions: int) -> None:
    (fire,) = read(HERE / "dispatch-119.toml")
    said = fire.config.canonical()
    said["dispatch"]["retell_share"] = share
    slower = tuple(
        {**one, "at": "day 2 12:12:30", "speed": 40} if one.get("speed") == 20 else one for one in fire.events
    )
    told = Running(replace(fire, config=CityRules.model_validate(said), events=slower)).run()
    assert len([event for event in told if event.topic == "core.dispatch"]) == revisions


def test_a_city_holds_so_many_sites_and_says_what_it_does_not_take() -> None:
    city = a_city(a_site("one"), a_site("two"), limits={"sites": 2})
    with pytest.raises(Invalid, match="too many sites"):
        city.take(a_site("three"))
    city.take(a_site("two", north_m=5))
    assert len(city.state.sites.sites) == 2


def test_a_camera_that_fails_is_taken_from_the_units_and_one_that_comes_is_given_to_them() -> None:
    city = a_city(a_camera("c1"), sent(), cameras={"count": 0})
    city.take(a_camera("c1", status="faulty"), a_camera("c2", where=place(400)))
    assert unit_grants(city) == {("119/E0", "c2")}
    told = [[one["camera_id"] for one in bundle["cameras"]] for bundle in city.all("core.dispatch")]
    assert told == [["c1"], [], ["c2"]]


def test_a_site_whose_time_is_over_leaves_the_bundle_though_nothing_else_happens() -> None:
    city = a_city(a_site("works", kind="works", ends="12:03"), sent())
    city.take(a_tick("12:05"))
    first, then = city.all("core.dispatch")
    assert ([one["site_id"] for one in first["blocks"]], then["blocks"]) == (["works"], [])
    assert then["received_time"] == at("12:04"), "it is looked at every two minutes"


def test_units_of_a_report_that_joins_another_situation_are_told_there_and_over_here() -> None:
    here = an_incident("F1", status="dispatched", units=["E0"], where=place(0))
    there = an_incident("P1", where=place(600))
    city = a_city(there, here)
    city.take(an_incident("F1", status="dispatched", units=["E0"], where=place(600), revision=2))
    told = [(one["situation_id"], one["status"]) for one in city.all("core.dispatch")]
    assert len({its_id for its_id, _ in told}) == 2
    last = dict(told)
    assert sorted(last.values()) == ["dispatched", "over"]


def test_a_restart_goes_on_with_the_same_revision() -> None:
    city = a_city(a_camera("c1"), a_site(), sent())
    rows = {e.key: e.value for e in [*city.said, city.state.clock_row()] if e.topic == "core.state"}
    city.state = CityState.from_records(city.config, rows.items())
    assert [e.topic for e in city.take(a_site())] == [], "the same site again"
    city.take(a_site("chlorine", kind="chemicals", north_m=50))
    newest = city.all("core.dispatch")[-1]
    assert newest["revision"] == 2
    assert [one["site_id"] for one in newest["hazards"]] == ["chlorine", "lpg"]
