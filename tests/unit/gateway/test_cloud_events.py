"""CloudEvents as agencies send them: their data is kept, and a malformed one is refused by name."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from connectors.gateway.cloud_events import BATCH, STRUCTURED, unwrap
from schemas.errors import Invalid

ABOUT = {"specversion": "1.0", "id": "1", "source": "/cad", "type": "report"}


def said(event: Any, media_type: str = STRUCTURED) -> list[bytes]:
    return [one.body for one in unwrap({}, media_type, orjson.dumps(event))]


def test_data_comes_through_as_json_as_text_and_as_bytes() -> None:
    assert said({**ABOUT, "data": {"a": [1, None, "가"]}}) == [orjson.dumps({"a": [1, None, "가"]})]
    assert said({**ABOUT, "datacontenttype": "text/csv", "data": "a,b\n1,2"}) == [b"a,b\n1,2"]
    raw = bytes(range(256))
    assert said({**ABOUT, "data_base64": base64.b64encode(raw).decode()}) == [raw]


def test_the_body_of_binary_mode_is_the_data_untouched() -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/cad", "ce-type": "report"}
    assert unwrap(headers, "text/csv", b"\xff\x00,")[0].body == b"\xff\x00,"


def test_a_repeat_has_the_mark_of_the_first_and_nothing_else_has() -> None:
    def mark(**changed: Any) -> bytes | None:
        return unwrap({}, STRUCTURED, orjson.dumps({**ABOUT, "data": 1, **changed}))[0].mark

    assert mark() == mark(time="2026-01-01T00:00:00Z")
    others = [mark(), mark(id="2"), mark(source="/other"), mark(data=2)]
    assert len(set(others)) == len(others)


NONE = {
    "a list": ([], "no CloudEvent"),
    "a number": (7, "no CloudEvent"),
    "without an id": ({**ABOUT, "id": None, "data": 1}, "id"),
    "without its id": ({key: ABOUT[key] for key in ABOUT if key != "id"}, "no id"),
    "without a source": ({**ABOUT, "source": None, "data": 1}, "source"),
    "of another version": ({**ABOUT, "specversion": "9", "data": 1}, "specversion"),
    "with a time that is none": ({**ABOUT, "time": "soon", "data": 1}, "no CloudEvent"),
    "without data": (ABOUT, "brings no data"),
    "with data that is no base64": ({**ABOUT, "data_base64": 7}, "no CloudEvent"),
}


@pytest.mark.parametrize("case", NONE)
def test_what_is_no_cloud_event_is_refused(case: str) -> None:
    event, word = NONE[case]
    with pytest.raises(Invalid, match=word):
        said(event)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 5_000])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        unwrap({}, STRUCTURED, body)


def test_a_batch_names_the_event_that_is_none() -> None:
    with pytest.raises(Invalid, match="event 1"):
        said([{**ABOUT, "data": 1}, {"id": "2"}], BATCH)
    with pytest.raises(Invalid, match="no list"):
        said({**ABOUT, "data": 1}, BATCH)


def test_what_stands_in_an_event_never_stands_in_its_error() -> None:
    with pytest.raises(Invalid) as refused:
        said({**ABOUT, "time": "Hong Gildong", "data": 1})
    assert "Hong" not in str(refused.value)


@pytest.mark.parametrize("text", ["!!!!", "e30", "e30=\n", "가", 7, None, "e3 0="])
def test_base64_that_is_none_is_refused_by_its_name(text: object) -> None:
    with pytest.raises(Invalid) as refused:
        said({**ABOUT, "data_base64": text})
    assert refused.value.field in ("data_base64", "data")
    with pytest.raises(Invalid, match="event 1"):
        said([{**ABOUT, "data": {}}, {**ABOUT, "id": "2", "data_base64": text}], BATCH)


@pytest.mark.parametrize(
    "nothing", [{"data_base64": ""}, {"data": ""}, {"data": None}, {"data_base64": "ICAK"}, {}]
)
def test_an_event_that_brings_nothing_is_refused(nothing: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="data"):
        said({**ABOUT, "datacontenttype": "text/csv", **nothing})
