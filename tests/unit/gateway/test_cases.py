"""Missing persons' cases over HTTP: the law opens them, their agency alone reads them, and once over they are gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.gateway import metrics
from connectors.gateway.case_reads import best_of
from connectors.transport import case_keys
from connectors.transport.case_keys import CaseKeys
from streams.operators import case_log
from tests.unit.gateway.a_case_city import BODY, HOUR, CaseCity, a_case_city

FOUND = {"reason": "found"}
CONFIRM = {"answer": "confirm", "revision": 0, "note": "canary-note"}


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CaseCity]:
    monkeypatch.setattr(case_log, "SETTLES_S", 0.02)
    monkeypatch.setattr(case_log, "DECIDES_S", 0.05)
    with a_case_city(tmp_path) as made:
        yield made


@pytest.fixture
def urgent(tmp_path: Path) -> Iterator[CaseCity]:
    with a_case_city(tmp_path, "eu") as made:
        yield made


def acts(city: CaseCity) -> list[tuple[str, str | None]]:
    return city.access.acts()


def test_a_case_is_opened_read_answered_and_closed_and_then_gone_everywhere(city: CaseCity) -> None:
    opened = city.ask("POST", "", BODY)
    assert (opened.status_code, opened.json()["legal_ground"]) == (
        201,
        "Missing Children Act Art. 2 no. 1(c): dementia",
    )
    its_id = opened.json()["case_id"]
    city.candidate(its_id)
    city.draw(
        its_id,
        "core.route",
        hops=[],
        gaps=[],
        next_cameras=[],
        position={"lat": 37.5, "lon": 126.7, "accuracy_m": None},
    )
    (listed,) = city.ask("GET", gateway=1).json()["cases"]
    assert (listed["agency_case_no"], listed["photo_ref"]) == ("canary-number-17", "canary-photo-1")
    (one,) = city.ask("GET", f"/{its_id}/candidates", gateway=1).json()["candidates"]
    assert (one["sighting_id"], one["camera_id"]) == ("canary-sighting-c-1", "cam-7")
    assert "sealed" not in one and "sealed" not in listed
    answer = city.ask("POST", f"/{its_id}/candidates/c-1/answers", CONFIRM, gateway=1)
    assert (answer.status_code, answer.json()["repeated"]) == (202, False)
    route = city.ask("GET", f"/{its_id}/route", who="chief")
    assert (route.json()["route"]["position"]["lat"], route.headers["cache-control"]) == (37.5, "no-store")
    assert all(b"canary" not in (one.value or b"") for one in city.records)

    assert city.ask("POST", f"/{its_id}/close", FOUND).json() == {"case_id": its_id, "state_reason": "found"}
    for gateway in (0, 1):
        for path in ("candidates", "route"):
            gone = city.ask("GET", f"/{its_id}/{path}", gateway=gateway)
            assert (gone.status_code, gone.json()["code"]) == (404, "no-case")
        assert city.ask("POST", f"/{its_id}/close", FOUND, gateway=gateway).status_code == 404
        assert (
            city.ask("POST", f"/{its_id}/candidates/c-1/answers", CONFIRM, gateway=gateway).status_code == 404
        )
    over = city.ask("GET", f"/{its_id}").json()
    assert (over["state"], over["state_reason"], over["agency_case_no"], over["photo_ref"]) == (
        "closed",
        "found",
        "",
        None,
    )
    assert city.ask("POST", "", BODY).json()["code"] == "case-known"


def test_another_gateway_shows_nothing_of_a_closed_case_though_it_reads_the_log_late(city: CaseCity) -> None:
    its_id = city.open()
    city.candidate(its_id)
    city.late = {1}
    city.ask("POST", f"/{its_id}/close", FOUND)
    assert city.ask("GET", f"/{its_id}/candidates", gateway=1).status_code == 404
    assert city.ask("GET", f"/{its_id}/route", gateway=1).status_code == 404
    row = city.ask("GET", f"/{its_id}", gateway=1)
    assert (row.status_code, row.json()["code"]) == (404, "no-case")
    assert city.ask("GET", gateway=1).json() == {"cases": []}
    assert "canary" not in row.text
    city.late = set()
    city.pass_on(city.records[-1:])
    assert city.ask("GET", f"/{its_id}", gateway=1).json()["state"] == "closed"


def test_the_law_refuses_with_its_reason_and_the_other_grounds_and_that_is_on_record(city: CaseCity) -> None:
    for said, reason in (
        ({"ground": "other"}, "no_ground"),
        ({"ground": None}, "no_ground"),
        ({"area": None}, "no_area"),
    ):
        refused = city.ask("POST", "", {**BODY, **said})
        assert (refused.status_code, refused.json()["code"]) == (403, "case-refused")
        assert refused.json()["reason"] == reason
        assert refused.json()["other_grounds"].keys() == {"warrant", "consent", "danger-to-life"}
    assert acts(city) == [("case_refused", "no_ground")] * 2 + [("case_refused", "no_area")]
    its_id = city.open(ground="other", other_ground="warrant", authorisation_id="court-11")
    assert city.ask("GET", f"/{its_id}/candidates").json() == {"candidates": []}
    assert city.ask("GET", f"/{its_id}/route").json() == {"route": None}


@pytest.mark.parametrize("who", ["no-purpose", "fire", "everybody", "viewer", "auditor", "administrator"])
def test_who_has_no_right_to_cases_gets_nothing_by_any_route(city: CaseCity, who: str) -> None:
    its_id = city.open()
    city.candidate(its_id)
    before = len(city.records)
    asked: list[tuple[str, str, Any]] = [
        ("POST", "", {**BODY, "agency_case_no": "18"}),
        ("GET", "", None),
        ("GET", f"/{its_id}", None),
        ("GET", f"/{its_id}/candidates", None),
        ("GET", f"/{its_id}/route", None),
        ("POST", f"/{its_id}/filing", {"filing_id": "f"}),
        ("POST", f"/{its_id}/close", FOUND),
        ("POST", f"/{its_id}/candidates/c-1/answers", CONFIRM),
    ]
    for method, path, body in asked:
        answer = city.ask(method, path, body, who=who)
        assert answer.status_code == 403, path
        assert "canary" not in answer.text
    assert len(city.records) == before


def test_another_agencys_case_is_no_case(city: CaseCity) -> None:
    its_id = city.open()
    city.candidate(its_id)
    assert city.ask("GET", who="coast-guard").json() == {"cases": []}
    for path in ("", "/candidates", "/route"):
        assert city.ask("GET", f"/{its_id}{path}", who="coast-guard").json()["code"] == "no-case"
    for path, body in (("filing", {"filing_id": "f"}), ("close", FOUND), ("candidates/c-1/answers", CONFIRM)):
        refused = city.ask("POST", f"/{its_id}/{path}", body, who="coast-guard")
        assert (refused.status_code, refused.json()["code"]) == (404, "no-case")
    assert city.ask("POST", "", BODY, who="coast-guard").json()["case_id"] != its_id
    assert city.ask("GET", f"/{its_id}/candidates").status_code == 200


@pytest.mark.parametrize(
    ("who", "missing"), [("no-purpose", "purpose"), ("fire", "audience"), ("viewer", "role")]
)
def test_a_refused_right_is_on_record_before_it_is_answered(city: CaseCity, who: str, missing: str) -> None:
    its_id = city.open()
    city.access.rows.clear()
    for _ in range(2):
        city.ask("GET", f"/{its_id}/candidates", who=who)
        city.ask("POST", f"/{its_id}/close", FOUND, who=who)
        city.ask("GET", "/canary-in-a-path", who=who)
    told = [(f"{one}: {missing}", its_id) for one in ("candidates", "close_case")]
    assert [(one["reason"], one["situation_id"]) for one in city.access.rows] == [
        *told,
        (f"case: {missing}", None),
    ]
    assert {(one["act"], one["purpose"]) for one in city.access.rows} == {("case_denied", "missing-person")}
    assert len({one["account_id"] for one in city.access.rows}) == 1
    city.now_ms += 60_000
    city.ask("GET", f"/{its_id}/candidates", who=who)
    assert len(city.access.rows) == 4
    city.access.is_away = True
    away = city.ask("GET", f"/{its_id}/route", who=who)
    assert (away.status_code, away.json()["code"]) == (503, "log-away")


def test_who_asks_for_another_agencys_case_is_on_record(city: CaseCity) -> None:
    its_id = city.open()
    city.access.rows.clear()
    for path in ("/candidates", "/route"):
        assert city.ask("GET", f"/{its_id}{path}", who="coast-guard").status_code == 404
    assert city.ask("POST", f"/{its_id}/close", FOUND, who="coast-guard").status_code == 404
    assert acts(city) == [("case_denied", f"{one}: no-case") for one in ("candidates", "route", "close_case")]
    assert {one["situation_id"] for one in city.access.rows} == {its_id}
    city.access.is_away = True
    away = city.ask("GET", f"/{its_id}", who="coast-guard")
    assert (away.status_code, away.json()["code"]) == (503, "log-away")


def test_each_look_is_on_record_before_it_is_answered(city: CaseCity) -> None:
    its_id = city.open()
    city.access.rows.clear()
    for _ in range(2):
        for path in ("", f"/{its_id}", f"/{its_id}/candidates", f"/{its_id}/route"):
            city.ask("GET", path)
    city.ask("GET", f"/{its_id}/candidates", who="chief")
    assert acts(city) == [
        ("case_read", one) for one in ("cases", "case", "candidates", "route", "candidates")
    ]
    assert {one["situation_id"] for one in city.access.rows} == {None, its_id}
    assert len({one["account_id"] for one in city.access.rows}) == 2
    city.now_ms += 60_000
    city.ask("GET", f"/{its_id}/candidates")
    assert len(city.access.rows) == 6
    city.access.is_away = True
    away = city.ask("GET", f"/{its_id}/route")
    assert (away.status_code, away.json()["code"]) == (503, "log-away")


def test_of_two_answers_to_one_revision_the_first_in_the_log_holds(city: CaseCity) -> None:
    its_id = city.open()
    city.candidate(its_id)
    path = f"/{its_id}/candidates/c-1/answers"
    city.late = {1}
    first = city.ask("POST", path, CONFIRM)
    city.late = set()
    city.pass_on(city.records[-1:])
    other = city.ask("POST", path, {"answer": "reject", "revision": 0}, who="chief", gateway=1)
    assert (first.status_code, other.status_code, other.json()["code"]) == (202, 409, "candidate-answered")
    assert (other.json()["answer"], other.json()["revision"]) == ("confirm", 0)
    again = city.ask("POST", path, CONFIRM, gateway=1)
    assert (again.status_code, again.json()["repeated"]) == (202, True)
    written = [one for one in city.records if one.topic.endswith("core.action")]
    assert len(written) == 1
    city.candidate(its_id, revision=1, state="confirmed")
    second_look = city.ask("POST", path, {"answer": "part", "revision": 1}, who="chief", gateway=1)
    assert second_look.status_code == 202


def test_an_answer_written_behind_another_is_told_so(city: CaseCity) -> None:
    """Both gateways have read no answer yet; both write; the log's first holds for both."""
    its_id = city.open()
    city.candidate(its_id)
    path, publish = f"/{its_id}/candidates/c-1/answers", city.desks[1]._publish

    def behind(event: Any) -> None:
        assert city.ask("POST", path, CONFIRM).status_code == 202
        publish(event)

    city.desks[1]._publish = behind
    late = city.ask("POST", path, {"answer": "reject", "revision": 0}, who="chief", gateway=1)
    assert (late.status_code, late.json()["code"], late.json()["answer"]) == (
        409,
        "candidate-answered",
        "confirm",
    )
    assert len([one for one in city.records if one.topic.endswith("core.action")]) == 2


def test_an_answer_to_a_state_that_is_past_is_refused_and_one_ranked_again_is_taken(city: CaseCity) -> None:
    its_id = city.open()
    for revision, state in enumerate(("open", "confirmed", "confirmed")):
        city.candidate(its_id, revision=revision, state=state)
    path = f"/{its_id}/candidates/c-1/answers"
    stale = city.ask("POST", path, CONFIRM)
    assert (stale.status_code, stale.json()["code"], stale.json()["revision"]) == (
        409,
        "candidate-changed",
        2,
    )
    assert city.ask("POST", path, {"answer": "part", "revision": 9}).json()["code"] == "candidate-changed"
    assert city.ask("POST", path, {"answer": "part", "revision": 1}).status_code == 202
    unknown = city.ask("POST", f"/{its_id}/candidates/c-9/answers", CONFIRM)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "no-candidate")


def test_candidates_come_best_first_and_at_most_ten_a_camera(city: CaseCity) -> None:
    its_id = city.open()
    for number in range(12):
        city.candidate(its_id, f"a-{number}", rank=number + 1, appearance_log_ratio=-float(number))
    city.candidate(its_id, "b-1", camera_id="cam-8", appearance_log_ratio=None, travel_log_ratio=-3.0)
    city.candidate(its_id, "c-1", camera_id="cam-9", state="rejected")
    city.candidate(its_id, "d-1", camera_id="cam-9")
    city.candidate(its_id, "d-1", 1, camera_id="cam-9", state="dropped")
    told = [one["candidate_id"] for one in city.ask("GET", f"/{its_id}/candidates").json()["candidates"]]
    assert told == ["a-0", "a-1", "a-2", "a-3", "b-1", *(f"a-{number}" for number in range(4, 10))]
    rejected = city.ask("GET", f"/{its_id}/candidates?state=rejected&limit=1").json()["candidates"]
    assert [one["candidate_id"] for one in rejected] == ["c-1"]
    assert city.ask("GET", f"/{its_id}/candidates?state=nice").status_code == 422
    assert best_of([]) == []


def test_an_urgent_case_not_filed_in_a_day_shows_nothing_and_is_purged(urgent: CaseCity) -> None:
    its_id = urgent.open(is_urgent=True)
    urgent.candidate(its_id)
    urgent.now_ms += 24 * HOUR - 1
    assert urgent.desks[0].settle() == []
    assert urgent.ask("GET", f"/{its_id}/candidates").status_code == 200
    urgent.now_ms += 1
    assert urgent.ask("GET", f"/{its_id}/candidates").status_code == 404, "before any turn"
    assert [one.settle() for one in urgent.desks] == [[its_id], []], "one gateway ends it"
    assert urgent.case_keys.is_destroyed(its_id)
    assert [one for one in acts(urgent) if one[0] == "key_destroyed"] == [("key_destroyed", "not_filed")]
    urgent.now_ms += 10_000
    assert [one.settle() for one in urgent.desks] == [[], []]
    assert [one for one in acts(urgent) if one[0] == "key_destroyed"] == [("key_destroyed", "not_filed")]


def test_a_filed_case_lives_on_and_a_refused_authorisation_ends_it_at_once(urgent: CaseCity) -> None:
    its_id = urgent.open(is_urgent=True)
    urgent.candidate(its_id)
    filed = urgent.ask("POST", f"/{its_id}/filing", {"filing_id": "request-5"}, gateway=1)
    assert (filed.status_code, filed.json()["case_id"]) == (200, its_id)
    urgent.now_ms += 30 * HOUR
    assert urgent.desks[0].settle() == []
    assert urgent.ask("GET", f"/{its_id}").json()["filed_at"] is not None
    closed = urgent.ask("POST", f"/{its_id}/close", {"reason": "authorisation_refused"})
    assert closed.status_code == 200
    assert urgent.case_keys.key(its_id) is None
    assert urgent.ask("GET", f"/{its_id}/candidates", gateway=1).status_code == 404
    assert urgent.ask("GET", "?state=refused").json()["cases"][0]["state_reason"] == "authorisation_refused"


def test_while_kafka_is_away_keys_go_all_the_same_and_the_log_is_told_later(urgent: CaseCity) -> None:
    its_ids = {urgent.open(is_urgent=True, agency_case_no=str(number)) for number in range(3)}
    urgent.now_ms += 24 * HOUR
    urgent.fails = True
    with pytest.raises(Exception, match="no broker"):
        urgent.desks[0].settle()
    assert all(urgent.case_keys.key(one) is None for one in its_ids)
    urgent.fails = False
    urgent.desks[1].settle()
    urgent.now_ms += 3_000
    assert set(urgent.desks[1].settle()) == its_ids
    assert {one["state_reason"] for one in urgent.ask("GET", "?state=closed").json()["cases"]} == {
        "not_filed"
    }


def test_a_gateway_that_starts_anew_knows_cases_candidates_and_answers(city: CaseCity) -> None:
    its_id = city.open()
    city.candidate(its_id)
    city.ask("POST", f"/{its_id}/candidates/c-1/answers", CONFIRM)
    city.start(1)
    assert len(city.ask("GET", f"/{its_id}/candidates", gateway=1).json()["candidates"]) == 1
    again = city.ask("POST", f"/{its_id}/candidates/c-1/answers", CONFIRM, gateway=1)
    assert (again.status_code, again.json()["repeated"]) == (202, True)


def test_a_folder_of_keys_that_is_not_shared_ends_nobody_elses_case(city: CaseCity, tmp_path: Path) -> None:
    its_id, own = city.open(), city.case_keys
    city.case_keys = CaseKeys(tmp_path / "another")
    city.start(1)
    city.now_ms += HOUR
    assert city.desks[1].settle() == []
    assert own.key(its_id) is not None
    (row,) = city.ask("GET", gateway=1).json()["cases"]
    assert (row["is_readable"], row["agency_case_no"]) == (False, "")
    assert city.ask("GET", f"/{its_id}/candidates", gateway=1).status_code == 404


BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "no number": ({"agency_case_no": ""}, "agency_case_no"),
    "a ground that is none": ({"ground": "runaway"}, "ground"),
    "a time without offset": ({"from_time": "2026-03-08T12:00:00"}, "from_time"),
    "a year that no calendar has": ({"until_time": "9999-12-31T23:59:59-12:00"}, "until_time"),
    "a number that is no degree": ({"area": {**BODY["area"], "coordinates": [[[10**30, 0]]]}}, "area"),
    "an attribute that nobody knows": ({"attributes": [{"name": "face", "word": "x"}]}, "attributes"),
    "a word too many": ({"name": "canary"}, "name"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_is_refused_by_its_field(city: CaseCity, name: str) -> None:
    said, named = BODIES[name]
    answer = city.ask("POST", "", json.dumps({**BODY, **said}).encode())
    assert answer.status_code == 422
    assert answer.json()["field"].startswith(named)
    assert "canary" not in answer.text
    assert city.records == []


def the_key_file(city: CaseCity, its_id: str) -> Path:
    return city.case_keys._path(its_id)


def test_a_damaged_key_is_told_by_its_code_and_shows_no_path(urgent: CaseCity) -> None:
    its_id = urgent.open(is_urgent=True)
    the_key_file(urgent, its_id).write_bytes(b"short")
    filing = urgent.ask("POST", f"/{its_id}/filing", {"filing_id": "request-5"})
    again = urgent.ask("POST", "", {**BODY, "is_urgent": True})
    for answer in (filing, again):
        assert (answer.status_code, answer.json()["code"]) == (409, "key-damaged")
        assert "number of its own" in answer.json()["expected"]
        assert str(the_key_file(urgent, its_id).parent) not in answer.text and ".key" not in answer.text
    assert urgent.desks[0].settle() == [its_id]
    assert urgent.ask("POST", f"/{its_id}/filing", {"filing_id": "request-5"}).json()["code"] == "no-case"


def test_a_key_of_an_opening_that_failed_may_be_damaged_too(city: CaseCity) -> None:
    its_id = city.open()
    city.case_keys._path(its_id).write_bytes(b"short")
    city.desks[0]._table.clear_rows()
    answer = city.ask("POST", "", BODY)
    assert (answer.status_code, answer.json()["code"]) == (409, "key-damaged")
    assert acts(city)[-1] == ("case_refused", "key-damaged")


def test_where_too_many_cases_are_open_the_refusal_says_how_to_mend_it(
    city: CaseCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_keys, "OPEN_MAX", 1)
    its_id = city.open()
    refused = city.ask("POST", "", {**BODY, "agency_case_no": "18"})
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-cases")
    assert "close cases that are over" in refused.json()["detail"]
    assert acts(city)[-1] == ("case_refused", "too-many-cases")
    city.ask("POST", f"/{its_id}/close", FOUND)
    city.open(agency_case_no="18")


def test_who_asks_for_a_number_that_is_known_is_told_the_case_that_stands(city: CaseCity) -> None:
    its_id = city.open()
    refused = city.ask("POST", "", {**BODY, "photo_ref": "canary-other"}, gateway=1)
    assert (refused.status_code, refused.json()["code"]) == (409, "case-known")
    assert (refused.json()["case_id"], refused.json()["state"]) == (its_id, "open")
    assert "canary" not in refused.text


def test_the_cases_that_are_stuck_are_counted_in_the_metrics(urgent: CaseCity) -> None:
    urgent.open(is_urgent=True)
    urgent.now_ms += 24 * HOUR
    urgent.fails = True
    with pytest.raises(Exception, match="no broker"):
        urgent.desks[0].settle()
    assert b"bongsu_cases_stuck 1.0" in metrics.page(with_process=False)
    urgent.fails = False
    for _ in range(2):
        urgent.desks[0].settle()
        urgent.now_ms += 3_000
    assert b"bongsu_cases_stuck 0.0" in metrics.page(with_process=False)
