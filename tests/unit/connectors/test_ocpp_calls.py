"""Frames of OCPP: each fault has the code of its version, and nothing that comes over the line breaks the reader.

Codes: OCPP-J 1.6, table 7 (with its errata 5.1 and 5.2: FormationViolation and OccurenceConstraintViolation are written so),
and OCPP 2.0.1 part 4, table of RPC error codes.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.formats.ocpp_calls import (
    FRAME_BYTES_MAX,
    SERVED,
    Call,
    CallFault,
    ChargerAnswer,
    Version,
    call_error,
    call_result,
    read_frame,
)

START = {"connectorId": 1, "idTag": "04A2B3C4", "meterStart": 1200, "timestamp": "2026-03-08T09:00:00Z"}
STATUS = {"timestamp": "2026-03-08T09:00:00Z", "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}
SAMPLE = {"timestamp": "2026-03-08T09:00:00Z", "sampledValue": [{"value": "1"}]}


def frame(action: str, payload: Any, unique_id: str = "a-1") -> bytes:
    return json.dumps([2, unique_id, action, payload]).encode()


def fault(body: bytes, version: Version) -> list[Any] | None:
    """The frame with which *body* is refused; ``None`` where it is not answered."""
    with pytest.raises(CallFault) as caught:
        read_frame(body, version)
    reply = caught.value.reply()
    return None if reply is None else json.loads(reply)


def test_a_call_is_its_id_its_action_and_its_payload() -> None:
    assert read_frame(frame("StartTransaction", START), "1.6") == Call(
        "1.6", "a-1", "StartTransaction", START
    )
    assert read_frame(frame("StatusNotification", STATUS), "2.0.1").payload == STATUS


def test_a_number_with_a_fraction_keeps_its_last_digit() -> None:
    body = (
        b'[2,"a","MeterValues",{"evseId":1,"meterValue":[{"timestamp":"2026-03-08T09:00:00Z",'
        b'"sampledValue":[{"value":123456789012.123456789}]}]}]'
    )
    call = read_frame(body, "2.0.1")
    value = call.payload["meterValue"][0]["sampledValue"][0]["value"]
    assert (type(value), str(value)) == (Decimal, "123456789012.123456789")


def test_answers_to_our_requests_are_told_apart() -> None:
    assert read_frame(b'[3,"b",{"status":"Accepted"}]', "1.6") == ChargerAnswer("b", {"status": "Accepted"})
    assert read_frame(b'[4,"b","NotSupported","",{}]', "1.6") == ChargerAnswer("b", error="NotSupported")


REFUSED: list[tuple[Version, str, Any, str]] = [
    # the version, the action, the payload, the code of the standard
    ("1.6", "Teleport", {}, "NotImplemented"),
    ("2.0.1", "Teleport", {}, "NotImplemented"),
    ("1.6", "TransactionEvent", {}, "NotImplemented"),
    ("2.0.1", "StartTransaction", START, "NotImplemented"),
    ("1.6", "../../v201/schemas/Heartbeat", {}, "NotImplemented"),
    ("1.6", "FirmwareStatusNotification", {"status": "Idle"}, "NotSupported"),
    ("2.0.1", "NotifyReport", {}, "NotSupported"),
    ("1.6", "StartTransaction", {**START, "connectorId": "1"}, "TypeConstraintViolation"),
    ("1.6", "StartTransaction", {**START, "meterStart": 1.5}, "TypeConstraintViolation"),
    ("1.6", "StartTransaction", {**START, "meterStart": True}, "TypeConstraintViolation"),
    ("1.6", "StartTransaction", {**START, "idTag": "x" * 21}, "PropertyConstraintViolation"),
    ("1.6", "StartTransaction", {**START, "more": 1}, "FormationViolation"),
    ("1.6", "StartTransaction", {"connectorId": 1}, "ProtocolError"),
    ("1.6", "MeterValues", {"connectorId": 1, "meterValue": []}, "OccurenceConstraintViolation"),
    ("1.6", "StartTransaction", [], "FormationViolation"),
    ("2.0.1", "StatusNotification", {**STATUS, "evseId": "1"}, "TypeConstraintViolation"),
    (
        "2.0.1",
        "StatusNotification",
        {**STATUS, "connectorStatus": "Preparing"},
        "PropertyConstraintViolation",
    ),
    ("2.0.1", "StatusNotification", {**STATUS, "more": 1}, "FormatViolation"),
    ("2.0.1", "StatusNotification", {"evseId": 1}, "OccurenceConstraintViolation"),
    ("2.0.1", "StatusNotification", [], "FormatViolation"),
]


@pytest.mark.parametrize(("version", "action", "payload", "code"), REFUSED)
def test_each_fault_has_the_code_of_its_version(
    version: Version, action: str, payload: Any, code: str
) -> None:
    answer = fault(frame(action, payload), version)
    assert answer is not None
    assert (answer[:3], answer[4]) == ([4, "a-1", code], {})
    assert len(answer[3]) <= 255
    assert "04A2B3C4" not in answer[3]  # a card is in no text of an error


BROKEN = [
    b"",
    b"{",
    b"{}",
    b"[]",
    b"[2]",
    b'[2,7,"Heartbeat",{}]',
    b'[2,"","Heartbeat",{}]',
    b'[2,"' + b"x" * 37 + b'","Heartbeat",{}]',
    b'[2,"a","Heartbeat",{"x":NaN}]',
    b'[2,"a","Heartbeat",{"x":1e999999999}]',
    b'[2,"a","DataTransfer",{"vendorId":"\\ud83d"}]',
    b'[2,"a","Heartbeat",{"x":\xff}]',
    b"[" * 100_000,
    b'[2,"a","Heartbeat",{"x":' + b"9" * 5000 + b"}]",
    b" " * (FRAME_BYTES_MAX + 1),
]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_a_frame_that_cannot_be_read_has_no_answer_in_16_and_a_general_one_in_201(body: bytes) -> None:
    assert fault(body, "1.6") is None
    answer = fault(body, "2.0.1")
    assert answer is not None
    assert answer[:3] == [4, "-1", "RpcFrameworkError"]


def test_a_frame_of_another_type_is_ignored_by_16_and_refused_by_201() -> None:
    assert fault(b'[5,"a","Heartbeat",{}]', "1.6") is None
    assert fault(b'[true,"a","Heartbeat",{}]', "1.6") is None
    assert (fault(b'[5,"a","Heartbeat",{}]', "2.0.1") or [])[:3] == [4, "a", "MessageTypeNotSupported"]


def test_frames_out_are_written_letter_by_letter() -> None:
    assert call_result("a", {"status": "Accepted"}) == b'[3,"a",{"status":"Accepted"}]'
    assert call_error("a", "NotImplemented", "no") == b'[4,"a","NotImplemented","no",{}]'


@cache
def official(folder: Path, action: str) -> jsonschema_rs.Draft4Validator:
    schema = json.loads((folder / f"charging/ocpp_schemas/v16/{action}.json").read_text(encoding="utf-8-sig"))
    return jsonschema_rs.Draft4Validator(schema)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(-10, 10)
    | st.sampled_from(["1", "2026-03-08T09:00:00Z", "Available", "NoError", "kWh", "Ended", ""]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from([*START, *STATUS, *SAMPLE, "meterValue", "status"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)
CHANGED = st.tuples(
    st.sampled_from(
        [
            ("StartTransaction", START),
            ("MeterValues", {"connectorId": 1, "meterValue": [SAMPLE]}),
            ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}),
        ]
    ),
    st.dictionaries(st.sampled_from([*START, "meterValue", "status", "reservationId"]), JUNK, max_size=2),
)


@given(drawn=CHANGED)
def test_16_takes_what_the_official_schema_takes_and_nothing_else(data_dir: Path, drawn: Any) -> None:
    """The oracle: the schemas as they were published, read by a validator written in Rust."""
    (action, payload), changes = drawn
    changed = {**payload, **changes}
    is_valid = official(data_dir, action).is_valid(changed)
    try:
        assert isinstance(read_frame(frame(action, changed), "1.6"), Call) and is_valid
    except CallFault:
        assert not is_valid


@given(st.binary(max_size=60) | JUNK.map(lambda value: json.dumps([2, "a", "MeterValues", value]).encode()))
def test_nothing_on_the_line_breaks_the_reader(body: bytes) -> None:
    for version in SERVED:
        try:
            read_frame(body, version)
        except CallFault as refused:
            assert refused.code
