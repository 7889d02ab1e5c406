"""Cameras' claims near a report make it more certain: by the number of cameras, not of claims."""

from __future__ import annotations

from typing import Any

from streams.situations.entry import Entry
from tests.unit.situations.a_city import City, a_city, an_incident, at

WATCH = {"purpose": "fire-safety", "labels": ["smoke", "fire", "person"], "evidence_max": 20}


def a_fire(**changed: Any) -> City:
    return a_city(an_incident("F1", kind="fire.building"), watch=WATCH, **changed)


def claimed(city: City, number: int, *, label: str = "smoke", by: str | None = "camera-1") -> Entry:
    value = {
        "situation_id": city.the_situation()["situation_id"],
        "kind": "seen",
        "observation_id": f"o{number}",
        "topic": "demo.cctv.detection",
        "partition": 0,
        "offset": number,
        "distance_m": 40.0,
        "seconds": 5.0,
        "label": label,
        "seen_by": by,
        "received_time": at("12:01"),
    }
    return Entry("evidence", "demo.core.evidence", 0, number, value)


def certainties(city: City) -> list[str]:
    return [one["certainty"] for one in city.all("core.situation")]


def test_smoke_seen_at_a_reported_fire_makes_it_observed() -> None:
    city = a_fire()
    city.take(claimed(city, 1))
    assert certainties(city) == ["likely", "observed"]
    assert city.the_situation()["reason"] == "seen nearby: smoke, which makes it observed"
    assert {one["certainty"] for one in city.all("core.alert") if one["message_type"] == "update"} == {
        "observed"
    }


def test_what_says_something_else_is_listed_and_proves_nothing() -> None:
    city = a_fire()
    city.take(claimed(city, 1, label="person"))
    assert certainties(city) == ["likely", "likely"]
    assert len(city.the_situation()["evidence"]) == 2


def test_ten_claims_of_one_camera_count_once() -> None:
    city = a_fire(observed_from=3)
    city.take(*(claimed(city, number) for number in range(10)))
    assert city.the_situation()["certainty"] == "likely"
    city.take(claimed(city, 10, by="camera-2"))
    assert city.the_situation()["certainty"] == "observed"


def test_where_nobody_says_which_camera_it_was_all_are_one() -> None:
    city = a_fire(observed_from=3)
    city.take(*(claimed(city, number, by=None) for number in range(10)))
    assert city.the_situation()["certainty"] == "likely"


def test_it_stays_observed_when_the_report_is_revised() -> None:
    city = a_fire()
    city.take(
        claimed(city, 1), an_incident("F1", kind="fire.building", status="arrived", heard="12:05", revision=2)
    )
    assert city.the_situation()["certainty"] == "observed"
    city.take(an_incident("F1", kind="medical", heard="12:06", status="arrived", revision=3))
    assert city.the_situation()["certainty"] == "likely"  # smoke does not support such a report
