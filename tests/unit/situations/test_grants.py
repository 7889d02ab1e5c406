"""Grants: which agency may see which camera, why, and until when."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import Invalid
from streams.situations.answers.grants import new_grant
from streams.situations.entry import Entry
from streams.situations.model import CameraAt
from tests.unit.situations.a_city import a_camera, a_city, a_tick, an_action, an_incident, at, place


def a_grant(**changed: Any) -> Any:
    said: dict[str, Any] = {
        "ordinal": 1,
        "purpose": "fire-safety",
        "legal_ground": "a law",
        "opened_at": 0,
        "expires_at": 1,
    }
    return new_grant("s", CameraAt("c1", 1, 5.0), "119", **(said | changed))


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        ({"purpose": " "}, "purpose"),
        ({"legal_ground": ""}, "legal_ground"),
        ({"expires_at": None}, "expires_at"),
        ({"expires_at": 0}, "expires_at"),
    ],
)
def test_no_grant_without_purpose_ground_and_expiry(missing: dict[str, Any], field: str) -> None:
    assert a_grant().purpose == "fire-safety"
    with pytest.raises(Invalid) as refused:
        a_grant(**missing)
    assert refused.value.field == field


def test_each_agency_gets_the_nearest_cameras_for_its_own_purpose() -> None:
    city = a_city(
        a_camera("both", where=place(10)),
        a_camera("fire", where=place(20), purposes=["fire-safety"]),
        a_camera("police", where=place(30), purposes=["crime-prevention"]),
        a_camera("traffic", where=place(5), purposes=["traffic"]),
        an_incident("F1"),
        an_incident("P1", kind="crash"),
        cameras={"count": 2},
    )
    got = {
        (one["granted_to"], one["camera_id"], one["rank"], one["purpose"]) for one in city.grants_in_force()
    }
    assert got == {
        ("119", "both", 1, "fire-safety"),
        ("119", "fire", 2, "fire-safety"),
        ("112", "both", 1, "crime-prevention"),
        ("112", "police", 2, "crime-prevention"),
    }
    assert [one["camera_id"] for one in city.the_situation()["cameras"]] == ["both", "fire", "police"]
    assert all(one["legal_ground"] and one["expires_at"] > one["opened_at"] for one in city.grants_in_force())


def test_a_dead_camera_is_skipped_not_counted() -> None:
    city = a_city(
        a_camera("dead", where=place(1), status="faulty"),
        a_camera("near", where=place(2)),
        a_camera("far", where=place(3)),
        an_incident("F1"),
        cameras={"count": 1},
    )
    assert [one["camera_id"] for one in city.grants_in_force()] == ["near"]


def test_a_domain_without_a_use_in_law_gets_nothing() -> None:
    silent = {"name": "none", "uses": {}}
    city = a_city(a_camera(), an_incident("F1"), law=silent)
    assert city.grants() == {}
    assert city.the_situation()["cameras"] == []


def test_all_grants_end_when_the_situation_does() -> None:
    city = a_city(
        a_camera(), an_incident("F1"), an_incident("F1", status="closed", heard="12:20", revision=2)
    )
    (grant,) = city.grants().values()
    assert (grant["revoked_at"], grant["revision"]) == (at("12:20"), 2)
    assert grant["reason"] == "every report is closed"


def test_a_grant_runs_out_at_its_own_time_even_if_the_tick_comes_late() -> None:
    city = a_city(a_camera(), an_incident("F1"), grant_minutes=30)
    said = city.take(a_tick("14:00"))
    (grant,) = city.grants().values()
    assert (grant["revoked_at"], grant["expires_at"], grant["event_time"]) == (at("12:30"),) * 3
    assert grant["reason"] == "expired"
    assert [event.topic for event in said] == ["core.grant", "core.state"]


def test_a_camera_that_ran_out_is_not_granted_again_until_somebody_new_reports() -> None:
    city = a_city(a_camera(), an_incident("F1"), a_tick("12:20"), grant_minutes=10)
    city.take(an_incident("F1", status="dispatched", heard="12:21", revision=2))
    assert city.grants_in_force() == []
    city.take(an_incident("P1", kind="crash", heard="12:22"))
    assert {one["granted_to"] for one in city.grants_in_force()} == {"119", "112"}
    assert len(city.grants()) == 3


def test_nothing_is_opened_for_what_is_long_over() -> None:
    late = an_incident("F1", heard="13:01")
    assert a_city(a_camera(), late).grants() == {}
    assert a_city(a_camera(), late).the_situation()["cameras"] != []
    assert len(a_city(a_camera(), an_incident("F1", heard="13:00")).grants()) == 1


def test_who_is_left_behind_when_the_first_report_moves_away_goes_on_seeing() -> None:
    city = a_city(a_camera(), an_incident("F1"), an_incident("P1", kind="crash"))
    city.take(an_incident("F1", where=place(2000), heard="13:05", revision=2))
    assert [(one["granted_to"], one["opened_at"]) for one in city.grants_in_force()] == [("112", at("13:05"))]


def test_who_is_joined_by_an_operator_long_after_goes_on_seeing() -> None:
    city = a_city(a_camera(), an_incident("F1"), an_incident("P1", kind="crime.vandalism"))
    one, other = (situation["situation_id"] for situation in city.live())
    city.take(an_action("join", one, "13:05", other=other))
    assert {grant["granted_to"] for grant in city.grants_in_force()} == {"119", "112"}


def test_who_is_heard_late_stays_late_whatever_is_said_of_it() -> None:
    city = a_city(a_camera(), an_incident("F1", heard="12:50"))
    city.take(
        a_camera("c2", where=place(520)), an_incident("F1", where=place(600), heard="13:00", revision=2)
    )
    assert len(city.grants_in_force()) == 1, "50 min late, moved 10 min after"
    city.take(an_incident("F1", where=place(), heard="13:30", revision=3))
    assert len(city.grants_in_force()) == 1
    stale = a_city(a_camera(), an_incident("F1", heard="13:10"))
    stale.take(an_incident("F1", status="dispatched", units=["E1"], heard="13:11", revision=2))
    assert stale.grants() == {}


def test_a_camera_that_dies_hands_over_to_the_next_nearest() -> None:
    city = a_city(a_camera("c1"), a_camera("c2", where=place(20)), an_incident("F1"), cameras={"count": 1})
    city.take(a_tick("12:10"), a_camera("c1", status="faulty"))
    ended, opened = sorted(city.grants().values(), key=lambda one: one["camera_id"])
    assert (ended["revoked_at"], ended["reason"]) == (at("12:10"), "the camera is faulty")
    assert (opened["camera_id"], opened["opened_at"], opened["revoked_at"]) == ("c2", at("12:10"), None)
    assert city.the_situation()["reason"] == "other cameras are nearest"


def test_a_nearer_camera_moves_the_others_one_rank_down() -> None:
    city = a_city(a_camera("c1", where=place(50)), an_incident("F1"))
    city.take(a_camera("c0", where=place(20)))
    ranks = {one["camera_id"]: (one["rank"], one["revision"]) for one in city.grants_in_force()}
    assert ranks == {"c0": (1, 1), "c1": (2, 2)}


def test_an_agency_that_leaves_loses_its_cameras() -> None:
    city = a_city(a_camera(), an_incident("F1"), an_incident("P1", kind="crash"))
    city.take(an_incident("P1", kind="crash", where=place(2000), revision=2))
    lost = [one for one in city.grants().values() if one["granted_to"] == "112"]
    assert [one["reason"] for one in lost] == ["no longer with this agency"]


def test_a_situation_open_again_gets_new_grants() -> None:
    city = a_city(
        a_camera(), an_incident("F1"), an_incident("F1", status="closed", heard="12:20", revision=2)
    )
    city.take(an_incident("F1", heard="12:30", revision=3))
    assert len(city.grants()) == 2
    (again,) = city.grants_in_force()
    assert again["opened_at"] == at("12:30")


def test_a_camera_far_away_changes_nothing() -> None:
    city = a_city(an_incident("F1"))
    assert [event.topic for event in city.take(a_camera("c9", where=place(5000)))] == ["core.state"]
    assert city.take(a_camera("c9", where=place(5000))) == []


def test_grants_end_in_time_after_the_numbers_changed() -> None:
    city = a_city(a_camera(), an_incident("F1"), grant_minutes=30)
    other = a_city(grant_minutes=45).config
    city.take(Entry("rules", "demo.rules", 0, 0, other.canonical()), a_tick("12:30"))
    assert city.grants_in_force() == []
