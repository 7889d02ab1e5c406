"""CloudEvents as agencies send them: their data is kept, and a malformed one is refused by name."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from connectors.gateway.cloud_events import BadEvent, PushedMessage, unwrap
from connectors.gateway.media_types import BATCH, STRUCTURED
from schemas.errors import Invalid

ABOUT = {"specversion": "1.0", "id": "1", "source": "/cad", "type": "report"}


def said(event: Any, media_type: str = STRUCTURED) -> list[bytes]:
    return [the(one).body for one in unwrap([], media_type, orjson.dumps(event))]


def the(message: PushedMessage | BadEvent) -> PushedMessage:
    """The message that was taken; the error of one that was not."""
    if isinstance(message, BadEvent):
        raise message.error
    return message


def binary(*more: tuple[str, str], without: str = "") -> PushedMessage:
    """The message of a request in binary mode, its headers those of ``ABOUT`` without one and with *more*."""
    about = [(f"ce-{name}", value) for name, value in ABOUT.items() if name != without]
    return the(unwrap([*about, *more], "", b"a,b")[0])


def test_data_comes_through_as_json_as_text_and_as_bytes() -> None:
    assert said({**ABOUT, "data": {"a": [1, None, "가"]}}) == [orjson.dumps({"a": [1, None, "가"]})]
    assert said({**ABOUT, "datacontenttype": "text/csv", "data": "a,b\n1,2"}) == [b"a,b\n1,2"]
    raw = bytes(range(256))
    assert said({**ABOUT, "data_base64": base64.b64encode(raw).decode()}) == [raw]


def test_the_body_of_binary_mode_is_the_data_untouched() -> None:
    headers = [(f"ce-{name}", value) for name, value in ABOUT.items()]
    assert the(unwrap(headers, "text/csv", b"\xff\x00,")[0]).body == b"\xff\x00,"


def test_a_repeat_has_the_mark_of_the_first_and_nothing_else_has() -> None:
    def mark(**changed: Any) -> bytes | None:
        return the(unwrap([], STRUCTURED, orjson.dumps({**ABOUT, "data": 1, **changed}))[0]).mark

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
        unwrap([], STRUCTURED, body)


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


@pytest.mark.parametrize(
    "name", ["subject", "time", "datacontenttype", "dataschema", "myextension", "data_base64"]
)
def test_a_null_attribute_is_unset(name: str) -> None:
    assert said({**ABOUT, "data": [1], name: None}) == said({**ABOUT, "data": [1]}) == [b"[1]"]


@pytest.mark.parametrize("name", ABOUT)
def test_a_needed_attribute_that_is_null_is_named_as_missing(name: str) -> None:
    with pytest.raises(Invalid, match=name) as refused:
        said({**ABOUT, "data": 1, name: None})
    assert refused.value.field == name


def test_an_empty_batch_is_one_body_without_a_record() -> None:
    assert said([], BATCH) == [b"[]"]


@pytest.mark.parametrize(
    "bad",
    [
        b'{"id": "2"}',
        b"7",
        b"null",
        b'{"specversion":"1.0","id":"2","source":"/cad","type":"report","data":1,"time":NaN}',
        b'{"specversion":"1.0","id":"2","source":"/cad","type":"report","subject":"\\ud800","data":1}',
        b'{"specversion":"1.0","id":"2","source":"/cad","type":"report","subject":"\xff","data":1}',
        b'{"specversion":"1.0","id":"2","source":"/cad","type":"report","data_base64":"e30"}',
    ],
)
def test_a_bad_event_of_a_batch_costs_no_other(bad: bytes) -> None:
    good = [orjson.dumps({**ABOUT, "id": number, "data": int(number)}) for number in "13"]
    found = unwrap([], BATCH, b"[" + good[0] + b", " + bad + b"," + good[1] + b"]")
    assert [one.body if isinstance(one, PushedMessage) else one.original for one in found] == [
        b"1",
        bad,
        b"3",
    ]


def test_the_digits_of_data_come_through_a_long_number_too() -> None:
    data = b'{"no": 20260921120000000001, "x": 24001234.0}'
    event = orjson.dumps(ABOUT)[:-1] + b',"data":' + data + b"}"
    assert the(unwrap([], STRUCTURED, event)[0]).body == data


def test_data_that_comes_twice_is_refused() -> None:
    with pytest.raises(Invalid, match="twice") as refused:
        said({**ABOUT, "data": {}, "data_base64": "e30="})
    assert refused.value.field == "data_base64"


@pytest.mark.parametrize("version", ["0.3", "1.1", "1", 1.0, ""])
def test_an_event_of_another_version_is_refused(version: object) -> None:
    with pytest.raises(Invalid, match="specversion"):
        said({**ABOUT, "specversion": version, "data": 1})
    if isinstance(version, str):
        with pytest.raises(Invalid, match="ce-specversion"):
            binary(("ce-specversion", version), without="specversion")


@pytest.mark.parametrize(
    "time", ["2026-12-31T23:59:60Z", "2026-09-21t12:00:00z", "2026-09-21T12:00:00.123456+09:00"]
)
def test_a_time_of_rfc_3339_is_one(time: str) -> None:
    assert said({**ABOUT, "time": time, "data": 1}) == [b"1"]
    assert binary(("ce-time", time)).body == b"a,b"


@pytest.mark.parametrize("value", ["100%", "%zz", "%E", "a%2", "%FF", "%ED%A0%80", "%C3"])
@pytest.mark.parametrize("header", ["ce-id", "ce-subject", "ce-myextension"])
def test_a_header_that_is_not_percent_encoded_is_refused_by_its_name(header: str, value: str) -> None:
    with pytest.raises(Invalid, match=header) as refused:
        binary((header, value), without=header.removeprefix("ce-"))
    assert refused.value.field == header


def test_a_header_is_decoded_once() -> None:
    def mark(value: str) -> bytes | None:
        return binary(("ce-id", value), without="id").mark

    assert mark("%EA%B0%80") == mark("%ea%b0%80") == mark('"%EA%B0%80"')
    assert mark("%2541") == mark("%2541") != mark("%41") == mark("A")


@pytest.mark.parametrize("second", ["1", "2"])
def test_a_header_that_comes_twice_is_refused_by_its_name(second: str) -> None:
    with pytest.raises(Invalid, match="ce-id comes twice") as refused:
        binary(("CE-Id", second))
    assert refused.value.field == "ce-id"


@pytest.mark.parametrize("name", ABOUT)
def test_a_needed_header_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(Invalid, match=f"ce-{name}|no {name}") as refused:
        binary(without=name)
    assert refused.value.field == f"ce-{name}"


def test_several_events_of_a_batch_may_be_bad_each_in_its_own_way() -> None:
    bad = [b'{"a": NaN}', b'{"b": "\xff"}', b'{"c": "\\ud800"}', b'{"d": 1e400}', b"{", b'{"e": ["]"}}']
    good = orjson.dumps({**ABOUT, "data": "]}\\"})
    found = unwrap([], BATCH, b" [ " + b",".join([*bad[:4], good]) + b" ]\n")
    assert [isinstance(one, BadEvent) for one in found] == [True] * 4 + [False]
    assert [one.original for one in found if isinstance(one, BadEvent)] == bad[:4]
    for unended in bad[4:]:
        with pytest.raises(Invalid, match="no list of events"):
            unwrap([], BATCH, b"[" + unended + b"," + good + b"]")


@pytest.mark.parametrize("wrong", [b"NaN", b"1e400", b'"\\ud83d"', b'"Caf\xe9"'])
def test_a_bad_record_in_an_events_data_is_its_sources_to_judge(wrong: bytes) -> None:
    data = b'[{"n": 1}, {"n": %s}, {"n": 20260921120000000001}]' % wrong
    event = orjson.dumps(ABOUT)[:-1] + b', "data": ' + data + b"}"
    good = orjson.dumps({**ABOUT, "data": 1})
    assert the(unwrap([], STRUCTURED, event)[0]).body == data
    batch = unwrap([], BATCH, b"[" + good + b"," + event + b"," + good + b"]")
    assert [the(one).body for one in batch] == [b"1", data, b"1"]


@pytest.mark.parametrize("more", [b"]", b",", b" and more", b"\x00"])
def test_a_bad_event_in_a_batch_that_does_not_end_where_it_should_is_refused_with_it(more: bytes) -> None:
    good = orjson.dumps({**ABOUT, "data": 1})
    with pytest.raises(Invalid, match="no list of events"):
        unwrap([], BATCH, b"[" + good + b', {"specversion": NaN}]' + more)
