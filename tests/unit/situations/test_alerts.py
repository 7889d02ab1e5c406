"""Alerts to people."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.laws import law_named
from streams.situations.state.city import CityState
from tests.unit.situations.a_city import City, a_city, an_incident, place


def told(city: City, audience: str) -> list[tuple[str, int]]:
    return [
        (one["message_type"], one["revision"])
        for one in city.all("core.alert")
        if one["audience"] == audience
    ]


def test_each_agency_and_the_operator_hear_of_it() -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crash"))
    assert told(city, "119") == [("alert", 1), ("update", 2)]
    assert told(city, "112") == [("alert", 1)]
    assert told(city, "operator") == [("alert", 1), ("update", 2)]


def test_an_update_that_changes_nothing_of_note_is_not_told() -> None:
    city = a_city(an_incident("F1"), an_incident("F1", where=place(5), revision=2))
    assert told(city, "119") == [("alert", 1)]


def test_a_place_corrected_by_more_than_an_alert_reaches_is_told_and_demands_nothing() -> None:
    city = a_city(an_incident("F1"), an_incident("F1", where=place(3000), revision=2))
    assert told(city, "119") == [("alert", 1), ("update", 2)]
    first, second = (one for one in city.all("core.alert") if one["audience"] == "operator")
    assert first["area"] != second["area"]
    assert second["demands_attention"] is False


def moved(*metres: float, **changed: Any) -> list[tuple[str, int]]:
    """The alerts to an agency about a report whose place is corrected again and again, by *metres* to the north."""
    places = enumerate(metres, 1)
    return told(
        a_city(*(an_incident("F1", where=place(north), revision=n) for n, north in places), **changed), "119"
    )


@pytest.mark.parametrize("north", range(0, 600, 20))
def test_a_place_corrected_by_some_metres_is_no_news_wherever_it_lies(north: int) -> None:
    assert moved(north, north + 20, north, north - 20) == [("alert", 1)]


def test_a_place_is_news_once_it_lies_a_fifth_of_what_an_alert_reaches_from_where_it_was_told() -> None:
    assert moved(0, 60, 99, 60, -99) == [("alert", 1)]
    assert moved(0, 60, 101, 60, 5) == [("alert", 1), ("update", 2)]
    assert moved(0, 101, 0) == [("alert", 1), ("update", 2), ("update", 3)]
    assert moved(0, 15, alert_radius_m=50) == [("alert", 1), ("update", 2)]


def test_an_update_for_another_reason_says_the_newest_place_and_goes_on_from_there() -> None:
    city = a_city(
        an_incident("F1"),
        an_incident("F1", where=place(60), status="dispatched", revision=2),
        an_incident("F1", where=place(140), status="dispatched", revision=3),
    )
    assert told(city, "119") == [("alert", 1), ("update", 2)]
    where = place(60)
    assert city.all("core.alert")[-1]["area"] == {
        "lat": where["lat"],
        "lon": where["lon"],
        "radius_m": 500,
    }
    rows = {e.key: e.value for e in [*city.said, city.state.clock_row()] if e.topic == "core.state"}
    again = City(city.config, CityState.from_records(city.config, rows.items()))
    for one in (city, again):
        one.take(an_incident("F1", where=place(161), status="dispatched", revision=4))
    assert told(city, "119")[-1] == told(again, "119")[-1] == ("update", 3)


def test_the_end_is_told_and_revisions_go_on_after_it() -> None:
    city = a_city(
        an_incident("F1"),
        an_incident("F1", status="closed", revision=2),
        an_incident("F1", status="arrived", revision=3),
    )
    assert told(city, "operator") == [("alert", 1), ("cancel", 2), ("update", 3)]


def test_nobody_is_alerted_to_what_was_over_before_it_was_heard_of() -> None:
    assert a_city(an_incident("F1", status="closed")).all("core.alert") == []


def test_an_agency_that_leaves_is_told_so() -> None:
    city = a_city(
        an_incident("F1"),
        an_incident("P1", kind="crash"),
        an_incident("P1", kind="crash", where=place(2000), revision=2),
    )
    first = next(one["situation_id"] for one in city.all("core.alert"))
    left = [
        one for one in city.all("core.alert") if one["audience"] == "112" and one["situation_id"] == first
    ]
    assert [one["message_type"] for one in left] == ["alert", "cancel"]


def test_the_headline_speaks_the_citys_language_and_names_no_address() -> None:
    def headline(law: str) -> Any:
        return a_city(an_incident("F1", status="dispatched"), law=law_named(law)).all("core.alert")[0][
            "headline"
        ]

    assert headline("kr") == "차량 사고 발생: 119, 출동 중"
    assert headline("us") == "Vehicle crash: 119, units on the way"
    assert "Made Up" not in headline("us")


def test_an_alert_rests_on_the_same_evidence_as_its_situation() -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crash", where=place(20)))
    alert = city.all("core.alert")[-1]
    assert alert["evidence"] == [
        {name: value for name, value in one.items() if name != "position"}
        for one in city.the_situation()["evidence"]
    ]
    assert alert["situation_revision"] == 2
    assert (alert["rule"], alert["rule_version"]) == ("joint-incident", f"1+{city.config.numbers}")
    assert alert["area"]["radius_m"] == 500
