from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.errors import Invalid
from schemas.json_form import from_json_value, to_json_value
from tests.a_schema import a_field, a_record, shipped_contracts

TIME = {"type": "long", "logicalType": "timestamp-millis"}
CALL = a_record(a_field("at", TIME), a_field("body", ["null", "bytes"], default=None))


@pytest.mark.parametrize("contract", shipped_contracts(), ids=lambda one: one.name)
def test_every_example_comes_back_as_it_is_written(contract: Any) -> None:
    for path in contract.folder.glob("examples/*.json"):
        shown = json.loads(path.read_text(encoding="utf-8"))
        assert to_json_value(contract.newest, from_json_value(contract.newest, shown)) == shown


@pytest.mark.parametrize("at_ms", [0, 1, -1, 1_715_800_000_001, 253_402_300_799_999, -62_135_596_800_000])
def test_a_time_keeps_its_milliseconds(at_ms: int) -> None:
    shown = to_json_value(CALL, {"at": at_ms, "body": None})
    assert shown["at"].endswith("+00:00")
    assert from_json_value(CALL, shown)["at"] == at_ms


def test_a_time_may_come_with_any_offset_but_not_without() -> None:
    assert from_json_value(CALL, {"at": "1970-01-01T09:00:01+09:00"}) == {"at": 1000}
    with pytest.raises(Invalid, match="at has no offset"):
        from_json_value(CALL, {"at": "1970-01-01T09:00:01"})


@pytest.mark.parametrize(
    "value", [{"at": "yesterday"}, {"at": [1]}, {"at": 0, "body": "#"}, {"at": 0, "body": 7}]
)
def test_what_cannot_be_read_is_named(value: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        from_json_value(CALL, value)
    assert caught.value.field in ("at", "body")


def test_a_time_beyond_all_calendars_is_set_aside_not_a_crash() -> None:
    with pytest.raises(Invalid, match="at is no time"):
        to_json_value(CALL, {"at": 2**62, "body": None})


def test_bytes_are_base64() -> None:
    assert to_json_value(CALL, {"at": 0, "body": b"\xff"})["body"] == "/w=="
    assert from_json_value(CALL, {"at": 0, "body": "/w=="})["body"] == b"\xff"
