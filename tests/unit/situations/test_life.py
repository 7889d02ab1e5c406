"""A situation from its first report to its end."""

from __future__ import annotations

import pytest

from schemas.errors import Invalid
from streams.situations.entry import Entry
from tests.unit.situations.a_city import a_city, a_tick, an_incident, at, place


def test_a_situation_is_as_far_as_its_farthest_report() -> None:
    city = a_city(an_incident("F1", status="dispatched"), an_incident("P1", kind="crash"))
    assert city.the_situation()["status"] == "dispatched"
    city.take(an_incident("P1", kind="crash", status="arrived", revision=2))
    assert city.the_situation()["status"] == "arrived"


def test_it_is_closed_when_the_last_of_its_reports_is() -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crash"))
    city.take(an_incident("F1", status="closed", heard="12:20", revision=2))
    assert city.the_situation()["status"] == "open"
    city.take(an_incident("P1", kind="crash", status="closed", heard="12:30", revision=2))
    assert city.the_situation()["status"] == "closed"
    assert city.the_situation()["closed_at"] == at("12:30")


def test_a_closed_situation_whose_report_returns_is_open_again() -> None:
    city = a_city(an_incident("F1"), an_incident("F1", status="closed", heard="12:20", revision=2))
    city.take(an_incident("F1", status="dispatched", heard="12:40", revision=3))
    assert city.the_situation()["status"] == "dispatched"
    assert city.the_situation()["closed_at"] is None
    assert "open again" in city.the_situation()["reason"]


def test_an_open_report_that_joins_a_closed_situation_opens_it() -> None:
    city = a_city(an_incident("F1"), an_incident("F1", status="closed", heard="12:20", revision=2))
    city.take(an_incident("P1", kind="crash", heard="12:25"))
    assert city.the_situation()["status"] == "open"


def test_what_was_heard_already_changes_nothing() -> None:
    city = a_city(an_incident("F1"), an_incident("F1", status="dispatched", revision=2))
    assert city.take(an_incident("F1"), an_incident("F1", status="dispatched", revision=2)) == []


def test_revisions_count_without_a_gap() -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crash"), an_incident("F1", revision=2))
    assert [one["revision"] for one in city.all("core.situation")] == [1, 2, 3]
    reasons = [one["reason"] for one in city.all("core.situation")]
    assert reasons == ["reported by 119", "joined by 112", "revised by 119"]


def test_the_gravest_report_names_the_situation() -> None:
    city = a_city(an_incident("F1", kind="medical"), an_incident("P1", kind="crash.fatal"))
    assert (city.the_situation()["kind"], city.the_situation()["severity"]) == ("crash.fatal", "severe")


def test_a_kind_that_no_line_of_gravity_names_takes_its_ancestors() -> None:
    city = a_city(an_incident("F1", kind="alarm.smoke"))
    assert (city.the_situation()["kind"], city.the_situation()["severity"]) == ("alarm.smoke", "minor")
    city = a_city(an_incident("F1", kind="unheard-of"))
    assert city.the_situation()["severity"] == "unknown"


def test_it_stands_where_its_earliest_placed_report_does() -> None:
    city = a_city(an_incident("F1", where=place(50)), an_incident("P1", kind="crash", happened="11:59"))
    situation = city.the_situation()
    assert situation["position"] == place(0)
    assert situation["opened_at"] == at("11:59")


def test_the_evidence_says_where_in_the_log_and_how_near() -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crash", happened="12:01", where=place(100)))
    first, second = city.the_situation()["evidence"]
    assert (first["distance_m"], first["seconds"]) == (0.0, 0.0)
    assert (second["topic"], second["partition"], second["offset"]) == ("demo.police.incident", 0, 1)
    assert second["distance_m"] == pytest.approx(100, abs=0.01)
    assert second["seconds"] == 60


def test_a_report_from_off_the_earth_is_refused_and_nothing_has_changed() -> None:
    city = a_city(an_incident("F1"))
    before = city.state.sequence
    with pytest.raises(Invalid, match="outside the earth"):
        city.take(an_incident("F2", where={"lat": 91.0, "lon": 0.0, "accuracy_m": None}))
    with pytest.raises(Invalid, match="outside the earth"):
        city.take(an_incident("F2", where={"lat": float("nan"), "lon": 0.0, "accuracy_m": None}))
    assert city.state.sequence == before


def test_a_closed_situation_is_forgotten_when_the_law_says_so() -> None:
    city = a_city(an_incident("F1", status="closed"), forget_after_days=2)
    assert city.take(a_tick("+2 11:59")) == []
    (forgotten,) = city.take(a_tick("+2 12:00"))
    assert (forgotten.topic, forgotten.key, forgotten.value) == (
        "core.state",
        city.the_situation()["situation_id"],
        None,
    )
    assert not city.state.situations and not city.state.index.incidents


def test_a_silent_report_lapses_where_the_city_wants_it() -> None:
    city = a_city(an_incident("F1"), expire_after_min=120)
    city.take(a_tick("13:59"))
    assert city.the_situation()["status"] == "open"
    city.take(a_tick("15:00"))
    assert city.the_situation()["status"] == "closed"
    assert city.the_situation()["closed_at"] == at("14:00")
    city.take(an_incident("F1", heard="15:30", revision=2))
    assert city.the_situation()["status"] == "open"


def test_time_never_runs_backwards() -> None:
    city = a_city(a_tick("13:00"), an_incident("F1"))
    assert city.state.now_ms == at("13:00")


def test_new_numbers_hold_from_the_next_report_on() -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crash", where=place(300)))
    assert len(city.live()) == 2
    wider = a_city(radius_m=400).config
    city.take(Entry("rules", "demo.rules", 0, 0, wider.canonical()))
    assert city.state.rules_digest == wider.digest
    city.take(an_incident("F1", kind="crash", revision=2))
    assert len(city.live()) == 1
