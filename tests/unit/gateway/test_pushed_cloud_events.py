"""CloudEvents pushed to a gateway: each event of a batch by itself; a refusal says what is taken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.gateway import push_parts
from connectors.gateway.cloud_events import unwrap as unwrapped
from tests.unit.gateway.an_app import REPORT, Here, a_gateway

BATCH = "application/cloudevents-batch+json"
ABOUT = {"specversion": "1.0", "source": "/cad", "type": "report"}
BINARY = {"ce_specversion": "1.0", "ce_source": "/cad", "ce_type": "report", "ce_id": "1"}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    with a_gateway(tmp_path) as one:
        yield one


def event(number: str, **changed: Any) -> dict[str, Any]:
    return {**ABOUT, "id": number, "data": {**REPORT, "agency_case_no": number}, **changed}


@pytest.mark.parametrize("name", ["subject", "time", "datacontenttype", "dataschema", "myextension"])
def test_an_event_with_a_null_attribute_is_taken(here: Here, name: str) -> None:
    answer = here.post(event("1", **{name: None}), content_type="application/cloudevents+json")
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


def test_an_empty_batch_is_well_and_nothing_is_taken(here: Here) -> None:
    answer = here.post([], content_type=BATCH)
    assert answer.status_code == 202
    told = answer.json()
    assert (told["accepted"], told["refused"]) == (0, [])
    assert told["left_out"] == {"body without a record": 1}
    assert here.post([], content_type=BATCH).json()["repeated"]


@pytest.mark.parametrize("headers", [{}, {"content_type": BATCH}, BINARY])
def test_a_body_of_nothing_is_refused_all_the_same(here: Here, headers: dict[str, str]) -> None:
    assert here.post(b" \n", **headers).status_code == 400


def test_a_good_event_beside_bad_ones_is_taken_and_each_bad_one_named(here: Here) -> None:
    unnamed = {**event("2"), "id": None}
    of_another = event("4", data={**REPORT, "agency": "fire"})
    batch = [event("1"), unnamed, event("3"), of_another]
    answer = here.post(batch, content_type=BATCH, idempotency_key="k")
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["refused_count"]) == (202, 2, 2)
    assert [(one["message"], one["field"]) for one in told["refused"]] == [(1, "id"), (3, "agency")]
    assert told["refused_messages"] == [1, 3]
    assert len(here.bodies()) == 3, "the report of another agency is set aside from the spool"
    again = here.post(batch, content_type=BATCH, idempotency_key="k")
    assert (again.status_code, again.json()) == (202, {**told, "repeated": True})
    assert len(here.bodies()) == 3


def test_a_batch_of_nothing_but_bad_events_is_refused_and_not_kept(here: Here) -> None:
    answer = here.post([{"id": "1"}, 7], content_type=BATCH)
    assert answer.status_code == 422
    assert [one["message"] for one in answer.json()["refused"]] == [0, 1]
    assert here.bodies() == []


def test_a_long_batch_is_taken_apart_off_the_loop_that_answers_others(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def unwrap(*request: Any) -> Any:
        threads.append(threading.current_thread() is threading.main_thread())
        return unwrapped(*request)

    monkeypatch.setattr(push_parts, "unwrap", unwrap)
    for length in (1, 200):
        answer = here.post([event(str(number)) for number in range(length)], content_type=BATCH)
        assert answer.json()["accepted"] == length
    assert threads == [True, False]


def test_all_bad_events_of_a_long_batch_have_their_numbers(tmp_path: Path) -> None:
    batch = [7] * 9_999 + [event("1")]
    with a_gateway(tmp_path) as here:
        told = here.post(batch, content_type=BATCH).json()
    assert (told["accepted"], told["refused_count"], len(told["refused"])) == (1, 9_999, 100)
    assert told["refused_messages"] == list(range(9_999))


@pytest.mark.parametrize(
    ("name", "value"), [("ce_subject", "50%"), ("ce_id", "%FF"), ("ce_myextension", "%G0")]
)
def test_a_header_in_no_percent_encoding_is_refused(here: Here, name: str, value: str) -> None:
    answer = here.post(REPORT, **{**BINARY, name: value})
    header = name.replace("_", "-")
    assert (answer.status_code, answer.json()["field"]) == (422, header)
    assert header in answer.json()["detail"]
    assert here.bodies() == []


def test_binary_mode_needs_no_content_type(here: Here) -> None:
    answer = here.post(REPORT, content_type="", **BINARY)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"content_encoding": "gzip"},
        {"content_encoding": "identity, br"},
        {"content_type": "application/cloudevents+xml"},
        {"content_type": "application/cloudevents+avro"},
        {"content_type": "application/cloudevents-batch+proto; charset=utf-8"},
    ],
)
def test_a_415_names_what_is_taken(here: Here, headers: dict[str, str]) -> None:
    answer = here.post(REPORT, **headers)
    assert answer.status_code == 415
    described = here.get("/openapi.json").json()["paths"]["/v1/{city}/sources/{source}"]["post"][
        "requestBody"
    ]
    assert answer.json()["taken"] == list(described["content"])
    assert all(one in answer.json()["detail"] for one in ("application/json", BATCH))
    expected = ("accept-encoding", "identity") if "content_encoding" in headers else ("accept", BATCH)
    assert expected[1] in answer.headers[expected[0]]
    assert here.bodies() == []


@pytest.mark.parametrize("name", ["Content-Type", "Idempotency-Key", "ce-id"])
def test_a_header_that_says_two_things_is_refused(here: Here, name: str) -> None:
    answer = here.post_with(
        REPORT, [*((key.replace("_", "-"), one) for key, one in BINARY.items()), (name, "a"), (name, "b")]
    )
    assert (answer.status_code, answer.json()["field"]) == (400 if name == "Content-Type" else 422, name)
    assert here.bodies() == []
