"""Responses to an agency's push: 2xx when it is safe, else the reason, the record and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.gateway.accounts import new_key, told
from connectors.gateway.app import app_of
from connectors.gateway.trouble import Trouble, worst
from tests.unit.gateway.an_app import NOON_MS, REPORT, Here, a_gateway


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    with a_gateway(tmp_path) as made:
        yield made


def test_what_was_answered_with_202_lies_in_the_spool_byte_for_byte(here: Here) -> None:
    body = b'{"agency":"police", "agency_case_no":"26-1","kind":"crash","kind_text":"x","status":"open","units":[],'
    body += b'"revision":1,"event_time":1780000000000}'
    answer = here.post(body)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert here.bodies() == [body]


def test_a_batch_is_taken_and_its_bad_records_are_named_by_number_field_and_expectation(here: Here) -> None:
    answer = here.post([REPORT, {**REPORT, "event_time": "yesterday"}, {**REPORT, "agency_case_no": "26-2"}])
    assert answer.status_code == 202
    said = answer.json()
    assert (said["accepted"], said["refused_count"]) == (2, 1)
    (refused,) = said["refused"]
    assert (refused["record"], refused["field"], refused["expected"]) == (
        1,
        "event_time",
        "ISO 8601 with offset",
    )
    assert len(here.bodies()) == 1


def test_a_push_in_which_nothing_is_good_is_refused_and_not_kept(here: Here) -> None:
    answer = here.post([{"agency": "police"}, 7])
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [one["record"] for one in answer.json()["refused"]] == [0, 1]
    assert not here.bodies()


def test_more_bad_records_than_anybody_reads_are_counted(here: Here) -> None:
    said = here.post([REPORT, *([{}] * 300)]).json()
    assert (said["refused_count"], len(said["refused"])) == (300, 100)


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "without a key": ({"authorization": ""}, 401, "Bearer"),
    "with another scheme": ({"authorization": "Basic x"}, 401, "Bearer"),
    "with an unknown key": ({"authorization": "Bearer bongsu_0_x"}, 401, "unknown"),
    "to another city": ({"path": "/v1/shelbyville/sources/reports"}, 404, "springfield"),
    "for a source it has no key for": ({"path": "/v1/springfield/sources/cameras"}, 403, "may not push"),
    "compressed": ({"content_encoding": "gzip"}, 415, "gzip"),
    "as a CloudEvent that is none": ({"content_type": "application/cloudevents+json"}, 422, "has no id"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_push_is_refused_with_its_reason(here: Here, case: str) -> None:
    how, status, word = REFUSED[case]
    answer = here.post(REPORT, **how)
    assert answer.status_code == status
    said = answer.json()
    assert word in said["detail"]
    assert (said["status"], said["type"]) == (status, "about:blank")
    assert not here.bodies()


def test_a_key_with_a_wrong_secret_is_refused(here: Here) -> None:
    assert here.post(REPORT, authorization=f"Bearer {here.key}x").status_code == 401
    assert here.post(REPORT).status_code == 202


def test_a_key_that_was_revoked_is_refused_from_then_on(here: Here) -> None:
    assert here.post(REPORT).status_code == 202
    account = here.gateway.accounts.of_key(here.key, now_ms=NOON_MS)
    assert account is not None
    row = {
        "account_id": account.account_id,
        "kind": "key",
        "name": "police",
        "roles": ["publish"],
        "sources": ["reports"],
        "secret_hash": account.secret_hash.hex(),
        "hash_method": "sha256",
        "requests_per_s": None,
        "created_at": NOON_MS,
        "expires_at": None,
        "revoked_at": NOON_MS,
    }
    here.gateway.accounts.put(told("springfield", row, now_ms=NOON_MS).value or {})
    assert here.post(REPORT).status_code == 401


def test_an_empty_body_is_refused(here: Here) -> None:
    assert here.post(b"  ").status_code == 400


def test_a_body_beyond_the_bound_is_refused_before_it_is_read(here: Here) -> None:
    answer = here.post(b"[" + b" " * 100_001 + b"]")
    assert answer.status_code == 413
    assert "100000" in answer.json()["detail"]


def test_a_body_without_a_length_is_bounded_too(here: Here) -> None:
    answer = here.post_in_pieces([b"[", *[b" " * 10_000] * 10, b"]"])
    assert answer.status_code == 413
    assert "100000" in answer.json()["detail"]
    assert here.post_in_pieces([b"[", orjson.dumps(REPORT), b"]"]).status_code == 202


@pytest.mark.parametrize("value", [b"{},", b"<a/>", b"a\n"])
def test_a_body_of_more_values_than_anybody_waits_for_is_refused_unread(tmp_path: Path, value: bytes) -> None:
    with a_gateway(tmp_path, body_bytes=1 << 20) as here:
        answer = here.post(value * 50_001)
        assert (answer.status_code, "50000 values" in answer.json()["detail"]) == (413, True)


def test_a_key_with_another_body_is_refused_and_told(here: Here) -> None:
    other = {**REPORT, "agency_case_no": "26-2"}
    first, again = here.post(REPORT, idempotency_key="k"), here.post(REPORT, idempotency_key="k")
    assert [one.json()["repeated"] for one in (first, again)] == [False, True]
    refused = here.post(other, idempotency_key="k")
    assert (refused.status_code, refused.json()["field"]) == (422, "Idempotency-Key")
    assert here.post(other, idempotency_key="k-2").json()["repeated"] is False
    assert len(here.bodies()) == 2


def test_a_key_that_names_more_or_fewer_messages_than_before_is_refused(here: Here) -> None:
    about = {"specversion": "1.0", "source": "/cad", "type": "report"}
    batch = [
        {**about, "id": number, "data": {**REPORT, "agency_case_no": number}} for number in ("1", "2", "3")
    ]
    how = {"content_type": "application/cloudevents-batch+json", "idempotency_key": "k"}
    answers = [here.post(batch[:count], **how).status_code for count in (2, 3, 1, 2)]
    assert answers == [202, 422, 422, 202]
    assert len(here.bodies()) == 2


def test_an_empty_key_is_none(here: Here) -> None:
    others = [{**REPORT, "agency_case_no": number} for number in ("26-1", "26-2")]
    assert [here.post(one, idempotency_key=" ").json()["repeated"] for one in others] == [False] * 2
    assert len(here.bodies()) == 2


def test_a_key_of_endless_length_is_refused(here: Here) -> None:
    assert here.post(REPORT, idempotency_key="k" * 201).status_code == 422
    assert here.post(REPORT, idempotency_key="k" * 200).status_code == 202


def test_the_key_of_one_agency_says_nothing_of_what_another_pushes(here: Here) -> None:
    other = {**REPORT, "agency_case_no": "26-2"}
    assert here.post(REPORT, idempotency_key="k").json()["repeated"] is False
    theirs = here.post(other, idempotency_key="k", authorization=f"Bearer {here.other_key}")
    assert (theirs.status_code, theirs.json()["repeated"]) == (202, False)
    assert len(here.bodies()) == 2


def test_a_full_spool_says_when_to_come_again(tmp_path: Path) -> None:
    with a_gateway(tmp_path, spool_bytes=1_000) as here:
        answers = [here.post({**REPORT, "agency_case_no": f"26-{number}"}) for number in range(5)]
        assert [one.status_code for one in answers] == [202, 202, 503, 503, 503]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert len(here.bodies()) == 2


def test_a_key_may_make_so_many_requests_and_is_told_when_to_come_again(tmp_path: Path) -> None:
    with a_gateway(tmp_path, requests_per_s=1) as here:
        answers = [here.post(REPORT) for _ in range(4)]
        assert [one.status_code for one in answers][:2] == [202, 202]
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_source_whose_channel_is_stopped_takes_nothing_more(here: Here) -> None:
    here.is_stopped = True
    answer = here.post(REPORT)
    assert (answer.status_code, "stopped" in answer.json()["detail"]) == (503, True)
    assert not here.bodies()


def test_the_same_body_again_is_kept_once(here: Here) -> None:
    first, again, other = here.post(REPORT), here.post(REPORT), here.post({**REPORT, "revision": 2})
    assert [one.json()["repeated"] for one in (first, again, other)] == [False, True, False]
    assert again.json()["receipt"] == first.json()["receipt"]
    assert len(here.bodies()) == 2


def test_the_callers_own_word_for_a_request_tells_a_repeat(here: Here) -> None:
    answers = [here.post(REPORT, idempotency_key=key) for key in ("a", "a", "b")]
    assert [one.json()["repeated"] for one in answers] == [False, True, False]
    assert len(here.bodies()) == 2


def test_a_cloud_event_brings_its_data_in_every_mode(here: Here) -> None:
    about = {"specversion": "1.0", "source": "/cad", "type": "report"}
    structured = {**about, "id": "1", "data": {**REPORT, "agency_case_no": "26-1"}}
    batch = [{**about, "id": number, "data": {**REPORT, "agency_case_no": number}} for number in ("2", "3")]
    binary = {"ce_specversion": "1.0", "ce_source": "/cad", "ce_type": "report", "ce_id": "4"}
    answers = [
        here.post(structured, content_type="application/cloudevents+json"),
        here.post(batch, content_type="application/cloudevents-batch+json"),
        here.post({**REPORT, "agency_case_no": "26-4"}, **binary),
    ]
    assert [one.json()["accepted"] for one in answers] == [1, 2, 1]
    assert len(here.bodies()) == 4
    assert here.post(structured, content_type="application/cloudevents+json").json()["repeated"]


def test_a_bad_record_of_a_batch_of_cloud_events_is_named_by_its_event(here: Here) -> None:
    about = {"specversion": "1.0", "source": "/cad", "type": "report"}
    batch = [{**about, "id": "1", "data": REPORT}, {**about, "id": "2", "data": {"agency": "police"}}]
    said = here.post(batch, content_type="application/cloudevents-batch+json").json()
    assert [(one["message"], one["record"]) for one in said["refused"]] == [(1, 0)]


def test_what_waits_and_what_was_answered_is_told(here: Here) -> None:
    here.post(REPORT)
    told = here.get("/readyz").json()
    assert told["sources"]["reports"]["pushes"] == 1
    metrics = here.get("/metrics").text
    assert 'bongsu_spool_pushes{source="reports"} 1.0' in metrics
    assert 'bongsu_gateway_requests_total{source="reports",status="202"}' in metrics
    assert here.get("/healthz").text == "ok\n"


def test_it_is_ready_while_what_it_takes_will_be_published(here: Here) -> None:
    answer = here.get("/readyz")
    assert (answer.status_code, answer.json()["publishing"]) == (200, True)
    here.gateway.unpublished = lambda: Trouble("no broker answers", NOON_MS)
    answer = here.get("/readyz")
    told = answer.json()
    assert (answer.status_code, told["ready"], told["publishing"]) == (200, True, False)
    assert (told["since"], told["why"]) == ("2026-05-28T20:26:40.000+00:00", "no broker answers")
    before = told["room_bytes"]
    here.post(REPORT)
    assert here.get("/readyz").json()["room_bytes"] < before


def test_it_is_not_ready_once_nothing_of_it_will_be_published(here: Here) -> None:
    away = Trouble("no broker answers", NOON_MS)
    fenced = Trouble("fenced, another worker has taken over", NOON_MS + 1, is_over=True)
    here.gateway.unpublished = lambda: worst([None, away, fenced])
    here.over = fenced.why
    answer = here.get("/readyz")
    assert (answer.status_code, answer.json()["ready"], answer.json()["trouble"]) == (503, False, fenced.why)
    refused = here.post(REPORT)
    assert (refused.status_code, fenced.why in refused.json()["detail"]) == (503, True)
    assert here.bodies() == []


def test_it_is_not_ready_without_room(tmp_path: Path) -> None:
    with a_gateway(tmp_path, spool_bytes=20_000) as here:
        assert here.get("/readyz").status_code == 200
        number = 0
        while here.post({**REPORT, "agency_case_no": f"26-{number}"}).status_code == 202:
            number += 1
        answer = here.get("/readyz")
        assert (answer.status_code, "is full" in answer.json()["trouble"]) == (503, True), answer.json()
        here.spool.done("reports", number + 1).result()
        assert here.get("/readyz").status_code == 200


def test_it_is_not_ready_when_its_spool_cannot_be_read(here: Here) -> None:
    here.post(REPORT)
    with sqlite3.connect(here.spool_file) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = here.spool_file.stat().st_size
    with here.spool_file.open("r+b") as file:
        file.write(b"\xff" * size)
    answer = here.get("/readyz")
    assert (answer.status_code, "is damaged on disk" in answer.json()["trouble"]) == (503, True)


def test_the_description_names_the_path_its_key_and_its_answers(here: Here) -> None:
    about = here.get("/openapi.json").json()
    operation = about["paths"]["/v1/{city}/sources/{source}"]["post"]
    assert {"202", "401", "403", "413", "422", "429", "503"} <= set(operation["responses"])
    assert operation["security"] == [{"key": []}]
    assert about["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_an_unknown_path_is_answered_with_a_problem_too(here: Here) -> None:
    answer = here.get("/v2")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_record_of_an_agency_for_which_the_source_does_not_speak_is_refused_and_named(
    tmp_path: Path,
) -> None:
    with a_gateway(tmp_path) as here:
        answer = here.post([REPORT, {**REPORT, "agency": "119"}])
        assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
        (refused,) = answer.json()["refused"]
        assert (refused["record"], refused["field"]) == (1, "agency")
        alone = here.post({**REPORT, "agency": "119", "status": "closed"})
        assert (alone.status_code, alone.json()["refused"][0]["field"]) == (422, "agency")


def test_a_cloud_event_says_whose_it_is_no_more_than_its_record_does(tmp_path: Path) -> None:
    with a_gateway(tmp_path) as here:
        event = {
            "specversion": "1.0",
            "id": "1",
            "source": "fire",
            "type": "t",
            "data": {**REPORT, "agency": "119"},
        }
        answer = here.post(event, content_type="application/cloudevents+json")
        assert (answer.status_code, answer.json()["refused"][0]["field"]) == (422, "agency")


def test_a_key_that_names_no_source_pushes_to_those_of_its_agency_only(tmp_path: Path) -> None:
    with a_gateway(tmp_path) as here:
        police, its_row = new_key("springfield", "police", ["*"], now_ms=NOON_MS)
        fire, other_row = new_key("springfield", "fire", ["*"], now_ms=NOON_MS)
        for row in (its_row, other_row):
            here.gateway.accounts.put(row.value or {})
        assert here.post(REPORT, authorization=f"Bearer {police}").status_code == 202
        refused = here.post(REPORT, authorization=f"Bearer {fire}")
        assert (refused.status_code, refused.json()["speaks_for"]) == (403, ["112", "police"])


def test_a_console_alone_has_no_path_to_push(here: Here) -> None:
    assert here.post(REPORT).status_code == 202
    here.gateway.takes_pushes = False
    here.app = app_of(here.gateway)
    assert here.post(REPORT).status_code == 404
    assert len(here.bodies()) == 1
