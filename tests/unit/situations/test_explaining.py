"""Every revision explains its cause, the links of its reports, and the near misses."""

from __future__ import annotations

from typing import Any

import pytest

from streams.situations.entry import Entry
from streams.situations.explain import Explanation, came_in, explanation
from tests.unit.situations.a_city import City, a_camera, a_tick, an_action, an_incident, place, rules
from tests.unit.situations.test_surge import calls, surging
from tests.unit.situations.test_unconfirmed import a_city as claimed_city
from tests.unit.situations.test_unconfirmed import a_claim


def explained(*entries: Entry, city: City | None = None) -> list[Explanation]:
    city = city or City()
    found = []
    for entry in entries:
        for event in city.take(entry):
            if event.topic == "core.situation" and event.value is not None:
                found.append(explanation(city.state, event.value, entry))
    return found


def test_it_names_the_report_the_rule_and_the_numbers_in_force() -> None:
    city = City()
    (first,) = explained(an_incident("F1"), city=city)
    assert first.came_in == "report no F1 of 119 (crash.vehicle, open), demo.fire.incident[0]@1"
    assert (first.decided_by, first.because) == (
        f"joint-incident 1+{city.config.numbers}",
        "reported by 119",
    )
    assert first.numbers == city.config.digest
    assert (first.ties, first.nearly) == ((), None)


def test_it_says_what_tied_two_reports_and_how_far_apart_they_may_be() -> None:
    *_, last = explained(
        an_incident("F1"), an_incident("P1", kind="crash", where=place(32), happened="12:02")
    )
    assert last.ties == (
        "no P1 of 112 (crash) with no F1 of 119 (crash.vehicle): 32 m and 120 s;"
        " crash and crash.vehicle may be 200 m and 900 s apart",
    )


def nearly(*others: Entry) -> str | None:
    return explained(*others, an_incident("F9", where=place(0)))[-1].nearly


def test_the_nearest_that_did_not_join_is_named_with_the_reason() -> None:
    assert nearly(an_incident("P1", kind="crash", where=place(260))) == (
        "no P1 of 112 (crash), 260 m and 0 s from no F9 of 119 (crash.vehicle): at most 200 m apart"
    )
    assert (nearly(an_incident("P1", kind="crash", happened="11:40")) or "").endswith("at most 900 s apart")
    assert "never within" in (nearly(an_incident("F1", where=place(10))) or "")
    assert (nearly(an_incident("P1", kind="crime.larceny")) or "").endswith(
        "crash.vehicle and crime.larceny are never one happening"
    )
    assert nearly(an_incident("P1", kind="crash", where=place(9_000))) is None


def test_of_several_it_is_the_one_that_missed_by_least() -> None:
    told = nearly(
        an_incident("P1", kind="crash", where=place(700)), an_incident("P2", kind="crash", where=place(-230))
    )
    assert told is not None and told.startswith("no P2")


def test_what_an_operator_did_explains_itself() -> None:
    city = City()
    explained(an_incident("F1"), an_incident("P1", kind="crash"), a_camera(), city=city)
    (situation,) = city.live()
    parts = explained(an_action("separate", situation["situation_id"], reports=["P1"]), city=city)
    assert parts[0].came_in.startswith("separate by acc-7, ")
    assert any((part.nearly or "").endswith("an operator separated them") for part in parts)


def test_what_was_only_due_says_so() -> None:
    city = City(rules(expire_after_min=30))
    *_, last = explained(an_incident("F1"), an_incident("P9", heard="13:00", where=place(5_000)), city=city)[
        :2
    ]
    assert last.because == "every report is closed"
    assert last.came_in.startswith("the time, before report no P9")


def test_it_names_the_numbers_that_decided_and_not_only_their_digest() -> None:
    (one,) = explained(an_incident("F1"), city=City(rules(radius_m=120, bounds={"incidents": 4})))
    assert one.decided_with == (
        "120 m and 900 s unless a pair of kinds has its own; at most 4 reports, 600 m, 90 min"
    )


def test_a_surge_says_how_many_calls_begin_one_and_how_many_would_have_kept_it_going() -> None:
    city = City(surging())
    parts = explained(*calls(1, "12:00", kind="medical", first=500), *calls(12, "12:10"), city=city)
    first = next(one for one in parts if one.decided_by.startswith("surge"))
    assert first.nearly is not None
    begins = int(first.nearly.split()[0])
    assert first.nearly == f"{begins} calls in 60 min begin one, fewer do not"
    assert "raise_at 3.0" in first.decided_with and "window_min 60" in first.decided_with
    alone = City(surging())
    alone.take(*calls(1, "12:00", kind="medical", first=500), *calls(begins - 1, "12:10"))
    assert not [one for one in alone.live() if one["rule"] == "surge"]
    alone.take(*calls(1, "12:10", first=begins - 1))
    assert [one for one in alone.live() if one["rule"] == "surge"]
    over = [one for one in explained(a_tick("15:00"), city=city) if one.decided_by.startswith("surge")]
    assert (over[-1].nearly or "").endswith("calls in 60 min would have kept it going")


def test_what_machines_claim_says_what_it_takes_and_which_claim_still_waits() -> None:
    city = claimed_city()
    (first,) = explained(a_claim("c1"), a_claim("c2", "12:00:40", where=place(30)), city=city)
    assert first.came_in == "smoke seen by c2, demo.core.evidence[0]@" + first.came_in.rpartition("@")[2]
    assert first.nearly == "it takes 2 independent sources within 150 m and 120 s, and no report of it"
    explained(a_claim("c3", "12:00:50", where=place(900)), city=city)
    (again,) = explained(a_claim("c4", "12:00:55", where=place(20)), city=city)
    assert (again.nearly or "").endswith("the nearest claim that waits is of c3, 885 m away")


@pytest.mark.parametrize(
    ("topic", "value", "said"),
    [
        ("mobility.speed", {"mean_speed_mps": 5.0, "cell": "7:9"}, "18 km/h in cell 7:9"),
        ("civil.observation", {"quantity": "tilt", "value": 2.5, "sensor_id": "s1"}, "tilt 2.5 of sensor s1"),
        ("civil.vulnerable", {"cause": "zone_exit", "person_ref": "person-17"}, "somebody's zone exit"),
        ("police.wanted", {"tokens": ["abc"], "entry_id": "W1"}, "an entry of the list of wanted vehicles"),
        ("place.hub", {"hub_id": "h1"}, "hub h1"),
        ("place.site", {"site_id": "x1"}, "site x1"),
        ("place.camera", {"camera_id": "c1"}, "camera c1"),
    ],
)
def test_what_came_in_is_said_in_words_and_names_neither_person_nor_plate(
    topic: str, value: dict[str, Any], said: str
) -> None:
    assert came_in(Entry("any", f"demo.{topic}", 0, 5, value)) == f"{said}, demo.{topic}[0]@5"
