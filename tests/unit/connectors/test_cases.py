"""Cases by number, and records with their bytes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Bounds, Heard, SourceContext
from connectors.formats.empty_body import Nothing
from connectors.formats.json import at_path, json_records, record_bytes
from connectors.subjects.incidents import Case, tell
from schemas.errors import Invalid
from schemas.parts import TABLE, Known

SOMEWHERE = SourceContext("moie", "cad", ZoneInfo("Asia/Seoul"), Bounds(37.4, 126.7, 37.55, 126.9))
DAY = 86_400_000


def a_case(number: str = "1", **changed: Any) -> Case:
    said = {
        "domain": "fire",
        "agency": "119",
        "kind": Known("fire", TABLE),
        "kind_text": "화재",
        "status": "open",
    }
    return Case(**{**said, "number": number, "event_ms": 20_000 * DAY, **changed})


def says(*cases: Case, place: Any = None, remember: int = 5) -> Any:
    return tell(SOMEWHERE, Heard(b"x", None), place or {}, cases, remember=remember)


def test_a_case_that_was_forgotten_and_is_said_again_has_the_ids_it_had() -> None:
    first = says(a_case("1"))
    crowd = says(*(a_case(str(number)) for number in range(2, 9)), place=first.place, remember=0)
    assert "1" not in crowd.place["told"]
    assert says(a_case("1"), place=crowd.place).events == first.events


def test_all_cases_of_the_newest_body_are_remembered_and_some_beside_them() -> None:
    first = says(*(a_case(f"a{number}") for number in range(10)))
    second = says(*(a_case(f"b{number}") for number in range(20)), place=first.place, remember=5)
    assert list(second.place["told"]) == [f"a{n}" for n in range(5, 10)] + [f"b{n}" for n in range(20)]


def test_two_agencies_may_use_one_number() -> None:
    ours = a_case(identity=("119", "1"))
    theirs = a_case(identity=("112", "1"), agency="112", domain="police")
    assert len({event.key for event in says(ours, theirs).events}) == 2


def test_what_an_agency_said_earlier_is_not_told_after_what_it_said_later() -> None:
    late = says(a_case(said_ms=20, status="closed"))
    early = says(a_case(said_ms=10), place=late.place)
    assert (len(early.events), dict(early.skipped)) == (0, {"older than what was told": 1})
    assert early.place == late.place


def test_a_case_whose_rows_no_longer_tell_when_it_was_reported_keeps_its_time() -> None:
    first = says(a_case(said_ms=10))
    later = says(
        a_case(said_ms=20, event_ms=20_001 * DAY, is_first_time=False, status="closed"), place=first.place
    )
    corrected = says(a_case(said_ms=30, event_ms=19_999 * DAY), place=later.place)
    times = [event.value["event_time"] // DAY for part in (first, later, corrected) for event in part.events]
    assert times == [20_000, 20_000, 19_999]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=30))
def test_revisions_count_up_by_one_and_each_says_something_new(said: list[tuple[str, int]]) -> None:
    place: Any = {}
    heard: dict[str, list[tuple[int, str]]] = {}
    for number, priority in said:
        reading = says(a_case(number, priority=str(priority)), place=place)
        place = orjson.loads(orjson.dumps(reading.place))
        for event in reading.events:
            heard.setdefault(number, []).append((event.value["revision"], event.value["priority"]))
    for revisions in heard.values():
        assert [revision for revision, _ in revisions] == list(range(1, len(revisions) + 1))
        assert all(one[1] != other[1] for one, other in pairwise(revisions))


BODY = b' { "x" : [1, {"a":"]"}], "in" : {"list": [ {"n": 1.0} , {"n":"\\u005d,"},[2 ] ]}, "y": null } '


def test_each_record_keeps_its_bytes_as_they_came() -> None:
    assert json_records(BODY, "in.list") == [{"n": 1.0}, {"n": "],"}, [2]]
    assert record_bytes(BODY, "in.list") == [b'{"n": 1.0}', b'{"n":"\\u005d,"}', b"[2 ]"]
    assert record_bytes(b'[{"l": [3, 4]}, {"l": [5 ]}]', "1.l") == [b"5"]
    assert record_bytes(b" [ 1 ,2]", None) == [b"1", b"2"]
    assert record_bytes(b'\xef\xbb\xbf{"a": 1}', None) == [b'{"a": 1}']


@settings(max_examples=25)
@given(
    st.lists(
        st.recursive(
            st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=2),
            max_leaves=4,
        ),
        max_size=4,
    )
)
def test_the_bytes_of_records_read_as_the_records(records: list[Any]) -> None:
    body = orjson.dumps({"b": 1, "a": records, "c": []}, option=orjson.OPT_INDENT_2)
    if records:
        assert [orjson.loads(part) for part in record_bytes(body, "a")] == json_records(body, "a")


def test_depth_is_no_hindrance_to_taking_a_body_apart() -> None:
    inner = b"[" * 1000 + b"]" * 1000
    deep = b'{"l": [' + inner + b", 1 ]}"
    assert len(json_records(deep, "l")) == 2
    assert record_bytes(deep, "l") == [inner, b"1"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"3", b'{"l": {}}', b"[1"])
def test_a_body_without_records_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        json_records(body, "l")


def test_an_empty_list_is_nothing_and_no_fault() -> None:
    for body, path in ((b'{"l": []}', "l"), (b"[]", None)):
        with pytest.raises(Nothing):
            json_records(body, path)


def test_a_path_that_leads_nowhere_finds_nothing() -> None:
    assert at_path({"a": [{"b": 7}]}, "a.0.b") == 7
    for path in ("a.1.b", "a.b", "c", "a.0.b.c", "a.-1"):
        assert at_path({"a": [{"b": 7}]}, path) is None
