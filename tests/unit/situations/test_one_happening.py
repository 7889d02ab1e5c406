"""Tests of which reports belong to one happening."""

from __future__ import annotations

import pytest

from tests.unit.situations.a_city import a_city, an_incident, members, place


def test_a_crash_that_119_and_112_both_report_is_one_situation() -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crash", happened="12:14", where=place(150)))
    situation = city.the_situation()
    assert members(situation) == {"F1", "P1"}
    assert situation["agencies"] == ["112", "119"]
    assert [one["agency_case_no"] for one in situation["incidents"]] == ["no F1", "no P1"]
    assert situation["certainty"] == "observed"


def test_two_cases_of_one_agency_stay_two_situations() -> None:
    city = a_city(an_incident("F1"), an_incident("F2"))
    assert [members(one) for one in city.live()] == [{"F1"}, {"F2"}]
    assert city.live()[0]["certainty"] == "likely"


def test_a_theft_beside_a_cardiac_arrest_stays_a_theft() -> None:
    city = a_city(an_incident("F1", kind="medical.life-threat"), an_incident("P1", kind="crime.larceny"))
    assert len(city.live()) == 2


@pytest.mark.parametrize(
    ("north_m", "happened", "situations"),
    [(199, "12:15", 1), (201, "12:00", 2), (0, "12:16", 2), (0, "11:44", 2), (0, "11:45", 1)],
)
def test_radius_and_window_decide(north_m: float, happened: str, situations: int) -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crash", happened=happened, where=place(north_m)))
    assert len(city.live()) == situations


def test_a_pair_of_kinds_may_have_a_radius_and_a_window_of_its_own() -> None:
    wide = [{"kinds": ["crash", "medical"], "radius_m": 300, "window_s": 1800}, {"kinds": ["crash", "crash"]}]
    far = place(290)
    city = a_city(an_incident("F1", kind="medical"), an_incident("P1", kind="crash", where=far), matrix=wide)
    assert len(city.live()) == 1
    city = a_city(an_incident("F1", kind="crash"), an_incident("P1", kind="crash", where=far), matrix=wide)
    assert len(city.live()) == 2


def test_a_report_without_a_place_is_a_situation_of_its_own() -> None:
    city = a_city(an_incident("F1", unplaced=True), an_incident("P1", kind="crash"))
    assert len(city.live()) == 2
    assert city.live()[0]["position"] is None


def test_a_report_that_comes_hours_late_joins_where_it_belongs() -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crash", happened="12:03", heard="15:30"))
    assert members(city.the_situation()) == {"F1", "P1"}


@pytest.mark.parametrize(("partners", "situations"), [(1, 2), (2, 1)])
def test_each_must_be_among_so_many_closest_of_the_other(partners: int, situations: int) -> None:
    reports = [an_incident("P1", kind="crash"), *(an_incident(f"F{n}", where=place(n * 10)) for n in (1, 2))]
    city = a_city(*reports, bounds={"partners": partners})
    assert len(city.live()) == situations


def test_the_closest_pair_is_united_first() -> None:
    city = a_city(
        an_incident("F1"),
        an_incident("P1", kind="crash", where=place(180)),
        an_incident("P2", kind="crash", where=place(-10)),
        bounds={"incidents": 2},
    )
    assert {frozenset(members(one)) for one in city.live()} == {frozenset({"F1", "P2"}), frozenset({"P1"})}


def test_a_row_of_crashes_along_a_road_does_not_become_one_situation() -> None:
    road = [
        an_incident(f"{'FP'[n % 2]}{n}", kind="crash", where=place(n * 150), happened=f"12:{n % 10:02d}")
        for n in range(20)
    ]
    city = a_city(*road)
    spans = [max(one["evidence"], key=lambda e: e["distance_m"])["distance_m"] for one in city.live()]
    assert all(len(one["incidents"]) <= 6 for one in city.live())
    assert max(spans) <= 600
    assert sum(len(one["incidents"]) for one in city.live()) == 20


def test_a_chain_of_reports_in_time_ends_where_the_bounds_say() -> None:
    chain = [an_incident(f"{'FP'[n % 2]}{n}", kind="crash", happened=f"12:{n * 14:02d}") for n in range(4)]
    city = a_city(*chain, bounds={"span_min": 30})
    for one in city.live():
        times = [incident["event_time"] for incident in one["incidents"]]
        assert max(times) - min(times) <= 30 * 60_000


def test_a_report_that_turns_out_to_be_something_else_leaves() -> None:
    city = a_city(
        an_incident("F1", kind="medical"),
        an_incident("P1", kind="crash"),
        an_incident("F1", kind="alarm", revision=2),
    )
    assert {frozenset(members(one)) for one in city.live()} == {frozenset({"F1"}), frozenset({"P1"})}


def test_hundreds_of_reports_at_one_spot_stay_within_the_bounds() -> None:
    flood = [
        an_incident(f"{who}{n}", kind="crash", happened=f"12:00:{n:02d}") for n in range(40) for who in "FP"
    ]
    city = a_city(*flood)
    assert all(len(one["incidents"]) <= 6 for one in city.live())
    assert sum(len(one["incidents"]) for one in city.live()) == 80
