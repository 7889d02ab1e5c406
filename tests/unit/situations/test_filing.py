"""Filings of an operator with 119 or 112, and their answers."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import orjson
import pytest
from msgspec.structs import replace as with_

from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.rows import RowCodec
from streams.situations.answers.filing import SETTLED_MAX
from streams.situations.entry import Entry
from streams.situations.explain import explanation
from streams.situations.state.city import CityState
from streams.situations.state.rows import body_of, situation_from
from streams.situations.terms import JOINT_INCIDENT
from tests.property.city_life import wrongs
from tests.unit.situations.a_city import City, a_city, a_tick, an_action, an_incident, at, members, place
from tests.unit.situations.test_unconfirmed import a_claim

TO = {"fire": "119", "police": "112"}


def a_filing(situation_id: str, to_domain: str = "fire", clock: str = "12:05", **more: Any) -> Entry:
    entry = an_action("file", situation_id, clock, **more)
    return with_(entry, value={**entry.value, "to_domain": to_domain})


def an_answer(filing_id: str, case: str = "F1", **more: Any) -> Entry:
    entry = an_incident(case, **{"where": place(400), "kind": "medical", "heard": "12:10", **more})
    return with_(entry, value={**entry.value, "filing_id": filing_id})


def filed(*entries: Entry, **changed: Any) -> tuple[City, str]:
    """A city that filed its one situation with 119, and the filing's id."""
    city = a_city(*(entries or (an_incident("P1"),)), filing=TO, **changed)
    city.take(a_filing(city.the_situation()["situation_id"]))
    return city, newest(city)["filing_id"]


def newest(city: City) -> dict[str, Any]:
    return city.all("core.filing")[-1]


def test_it_says_what_the_agency_needs_and_fits_its_contract() -> None:
    city, _ = filed()
    told, situation = newest(city), city.the_situation()
    assert (told["status"], told["revision"], told["agency"], told["kind"]) == (
        "filed",
        1,
        "119",
        "crash.vehicle",
    )
    assert told["filed_by"] == {"account_id": "acc-7", "role": "operator"}
    assert told["position"] == situation["position"] and told["opened_at"] == situation["opened_at"]
    assert [one["topic"] for one in told["evidence"]] == ["demo.police.incident"]
    assert "seen on the camera" not in str(told)  # the operator's words are in core.action
    codec = RowCodec(load_catalogue()["core.filing"].newest)
    assert codec.decode(codec.encode(told)) == told
    assert situation["acknowledged_by"] == "acc-7" and situation["certainty"] == "likely"


def test_the_answer_joins_whatever_place_kind_and_time_say_and_each_names_the_other() -> None:
    city, filing_id = filed()
    city.take(an_answer(filing_id, happened="03:00", where=place(9_000)))
    situation, told = city.the_situation(), newest(city)
    assert members(situation) == {"P1", "F1"}
    assert (told["status"], told["agency_case_no"], told["incident_id"]) == ("accepted", "no F1", "F1")
    (kept,) = situation["filings"]
    assert {name: told[name] for name in kept} == kept


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_case_s_revisions_in_any_order_answer_alike(order: tuple[int, ...]) -> None:
    """Only the first revision names the filing. Received after a newer one, it adds that and nothing else."""
    city, filing_id = filed()
    revisions = [
        an_answer(filing_id),
        an_incident("F1", where=place(400), kind="medical", status="dispatched", revision=2),
        an_incident("F1", where=place(900), kind="medical", status="arrived", revision=3),
    ]
    city.take(*(revisions[one] for one in order), *revisions)
    its = {one["incident_id"]: (one["status"], one["revision"]) for one in city.the_situation()["incidents"]}
    assert its == {"F1": ("arrived", 3), "P1": ("open", 1)}
    assert [one["status"] for one in city.all("core.filing")] == ["filed", "accepted"]
    assert wrongs(city) == []


def test_an_older_revision_of_one_that_is_on_it_brings_the_number_with_a_revision_that_says_so() -> None:
    city, filing_id = filed()
    city.take(an_incident("F1", kind="crash", heard="12:06", revision=2))
    city.take(an_answer(filing_id, kind="crash", where=place()))
    assert city.the_situation()["reason"] == "answered by 119; 119 accepted the filing as no F1"
    assert wrongs(city) == []


def test_a_report_without_a_place_answers_too() -> None:
    city, filing_id = filed()
    city.take(an_answer(filing_id, unplaced=True))
    assert members(city.the_situation()) == {"P1", "F1"}


def test_what_machines_claim_becomes_one_with_an_answer_without_a_place() -> None:
    city = a_city(filing=TO, others=[{"name": "unconfirmed", "numbers": {}}])
    city.take(a_tick("12:00"), a_claim("c1", "12:00"), a_claim("c2", "12:01"))
    city.take(a_filing(city.the_situation()["situation_id"]))
    city.take(an_answer(newest(city)["filing_id"], unplaced=True))
    situation = city.the_situation()
    assert situation["rule"] == JOINT_INCIDENT and members(situation) == {"F1"}
    assert newest(city)["situation_id"] == situation["situation_id"]
    assert [one["camera_id"] for one in newest(city)["evidence"]] == [None, "c1", "c2"]


def test_an_answer_without_room_is_accepted_and_stays_a_situation_of_its_own() -> None:
    reports = [an_incident("P1"), an_incident("F8", where=place(10), kind="crash")]
    city = a_city(*reports, filing={"civil": "shelter"}, bounds={"incidents": 2})
    city.take(a_filing(city.the_situation()["situation_id"], "civil"))
    answer = an_answer(newest(city)["filing_id"])
    city.take(with_(answer, topic="demo.civil.incident", value={**answer.value, "agency": "shelter"}))
    assert [sorted(members(one)) for one in city.live()] == [["F8", "P1"], ["F1"]]
    assert (newest(city)["status"], newest(city)["incident_id"]) == ("accepted", "F1")
    told = city.newest()[newest(city)["situation_id"]]
    assert told["reason"] == "answered by shelter; shelter accepted the filing as no F1"


def test_a_revision_that_answers_brings_those_that_it_was_told_with() -> None:
    city, filing_id = filed()
    city.take(an_incident("F1", where=place(2_000)), an_incident("P2", kind="crash", where=place(2_030)))
    assert len(city.live()) == 2
    city.take(an_answer(filing_id, where=place(2_000), revision=2))
    assert members(city.the_situation()) == {"P1", "F1", "P2"}


def test_an_answer_of_one_that_is_on_it_already_only_brings_its_number() -> None:
    city, filing_id = filed(an_incident("P1"))
    city.take(an_incident("F1", kind="crash", heard="12:06"))
    assert newest(city)["status"] == "filed"
    city.take(an_answer(filing_id, kind="crash", where=place(), revision=2))
    assert newest(city)["status"] == "accepted" and members(city.the_situation()) == {"P1", "F1"}


def test_a_correction_is_a_revision_and_everything_else_tells_the_agency_nothing() -> None:
    city, filing_id = filed()
    city.take(an_action("note", city.the_situation()["situation_id"], "12:06"))
    city.take(an_incident("P1", heard="12:07", revision=2, units=["1"], status="dispatched"))
    assert len(city.all("core.filing")) == 1
    city.take(an_incident("P1", heard="12:08", revision=3, where=place(50)))
    told = newest(city)
    assert (told["filing_id"], told["revision"], told["position"]) == (filing_id, 2, place(50))


@pytest.mark.parametrize(
    ("domain", "field", "words"),
    [
        ("civil", "to_domain", "takes filings of civil"),
        ("police", "action", "report of 112 already: P1"),
        ("fire", "action", "filed with 119 already: "),
    ],
)
def test_it_is_refused_with_what_stands_against_it(domain: str, field: str, words: str) -> None:
    city, _ = filed()
    before = body_of(city.state.situations[city.the_situation()["situation_id"]])
    with pytest.raises(Invalid, match=words) as refused:
        city.take(a_filing(city.the_situation()["situation_id"], domain, "12:06"))
    assert refused.value.field == field
    assert body_of(city.state.situations[city.the_situation()["situation_id"]]) == before


def test_without_agencies_in_the_citys_file_nothing_can_be_filed() -> None:
    city = a_city(an_incident("P1"))
    with pytest.raises(Invalid) as refused:
        city.take(a_filing(city.the_situation()["situation_id"]))
    assert "[rule.filing]" in (refused.value.expected or "")


def test_it_may_be_filed_again_once_it_is_open_again_and_what_is_kept_is_bounded() -> None:
    city, _ = filed()
    its_id = city.the_situation()["situation_id"]
    for minute in range(10, 40, 2):
        city.take(an_action("close", its_id, f"12:{minute}"), an_action("reopen", its_id, f"12:{minute}"))
        city.take(a_filing(its_id, clock=f"12:{minute + 1}"))
    assert len({one["filing_id"] for one in city.all("core.filing")}) == 16
    kept = city.state.situations[its_id].filings
    assert [one.is_open for one in kept] == [False] * SETTLED_MAX + [True]


def test_it_is_found_again_after_a_restart_and_a_row_from_before_there_were_any_is_read() -> None:
    city, filing_id = filed()
    rows = {
        event.key: event.value
        for event in [*city.said, city.state.clock_row()]
        if event.topic == "core.state"
    }
    again = CityState.from_records(city.config, rows.items())
    found = again.filed_as(filing_id)
    assert found is not None and found.situation_id == city.the_situation()["situation_id"]
    old = orjson.loads(body_of(found))
    del old["filings"]
    assert situation_from(orjson.dumps(old)).filings == ()


def test_what_was_merged_and_is_forgotten_takes_no_filing_with_it() -> None:
    city = a_city(an_incident("P1"), an_incident("F1", where=place(2_000), kind="crash.vehicle"), filing=TO)
    first, second = (
        one["situation_id"]
        for one in sorted(city.live(), key=lambda one: one["incidents"][0]["domain"] == "fire")
    )
    city.take(a_filing(second, "police"))
    city.take(an_action("join", second, "12:06", other=first))
    into = city.the_situation()["situation_id"]
    filing_id = newest(city)["filing_id"]
    assert (newest(city)["situation_id"], newest(city)["revision"]) == (into, 2)
    gone = next(one for one in city.state.situations.values() if one.is_merged)
    city.state.forget(gone)
    assert city.state.filed_as(filing_id) is city.state.situations[into]


def test_why_it_joined_is_explained() -> None:
    city, filing_id = filed()
    answer = an_answer(filing_id)
    (event,) = [
        one
        for one in city.take(answer)
        if one.topic == "core.situation" and one.value and one.value["merged_into"] is None
    ]
    assert event.value is not None
    told = explanation(city.state, event.value, answer)
    assert told.because == "joined by 119; 119 accepted the filing as no F1"
    assert told.ties == (f"no F1 of 119 (medical) answers the filing {filing_id} by acc-7",)


def test_what_is_reported_nearby_without_the_id_takes_the_open_filing_over_and_may_answer_later() -> None:
    city = a_city(filing=TO, others=[{"name": "unconfirmed", "numbers": {}}])
    city.take(a_tick("12:00"), a_claim("c1", "12:00"), a_claim("c2", "12:01"))
    city.take(a_filing(city.the_situation()["situation_id"]))
    city.take(an_incident("F1", kind="fire.building", heard="12:06"))
    its_id, told = city.the_situation()["situation_id"], newest(city)
    assert (told["status"], told["revision"], told["situation_id"]) == ("filed", 2, its_id)
    city.take(an_answer(told["filing_id"], kind="fire.building", revision=2))
    assert (newest(city)["status"], newest(city)["situation_id"]) == ("accepted", its_id)


def test_who_was_parted_and_answers_then_is_of_it_and_who_is_parted_then_stays_away() -> None:
    city = a_city(an_incident("P1"), an_incident("F1", kind="crash"), filing=TO)
    its_id = city.the_situation()["situation_id"]
    city.take(an_action("separate", its_id, "12:03", reports=["F1"]))
    police = next(one["situation_id"] for one in city.live() if members(one) == {"P1"})
    city.take(a_filing(police))
    answer = an_answer(newest(city)["filing_id"], kind="crash", where=place(), revision=2)
    city.take(answer)
    assert members(city.the_situation()) == {"P1", "F1"}
    city.take(an_action("separate", city.the_situation()["situation_id"], "12:12", reports=["F1"]))
    city.take(with_(answer, value={**answer.value, "revision": 3, "status": "dispatched"}))
    assert sorted(map(sorted, map(members, city.live()))) == [["F1"], ["P1"]]


def test_a_sensor_s_situation_goes_on_beside_the_report_that_answers_it() -> None:
    city = a_city(filing=TO, others=[{"name": "disaster", "numbers": {}}])
    value = {
        "event_id": "o1", "sensor_id": "s1", "quantity": "water_level", "value": 9.0, "unit": "m", "threshold": 1.0,
        "source": "sensors", "event_time": at("12:00"), "received_time": at("12:00"), "position": place(),
    }  # fmt: skip
    city.take(Entry("notice", "demo.civil.observation", 0, 0, value))
    its_id = city.the_situation()["situation_id"]
    city.take(a_filing(its_id))
    city.take(an_answer(newest(city)["filing_id"]))
    after = city.newest()[its_id]
    assert (after["status"], after["filings"][0]["incident_id"], len(city.live())) == ("open", "F1", 2)


def test_a_candidate_s_filings_reach_no_agency() -> None:
    shadows = [{"name": "joint-incident", "numbers": {"radius_m": 400}}]
    city, filing_id = filed(an_incident("P1"), shadows=shadows)
    city.take(an_answer(filing_id, where=place(2_000)))
    in_shadow = [one for one in city.all("core.shadow") if one["topic"] == "core.filing"]
    said = [orjson.loads(one["body"])["status"] for one in in_shadow]
    assert said == [one["status"] for one in city.all("core.filing")] == ["filed", "accepted"]
