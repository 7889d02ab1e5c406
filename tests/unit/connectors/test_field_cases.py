"""One test for each case from the field about ids, numbers and bad neighbours, by mapped rows as a city would set them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from connectors.formats.empty_body import NOTHING
from schemas.iso_time import iso_time

CITY = SourceContext("ansan", "list", ZoneInfo("Asia/Seoul"), Bounds(36, 127, 37, 128))
ROWS: dict[str, Any] = {
    "domain": "fire",
    "agency": "119",
    "format": "json",
    "columns": {"case_no": "no", "time": "at", "kind_text": "type", "lat": "lat", "lon": "lon"},
}
LATER_MS = 1_800_000_000_000


def a_row(number: str, at: str = "2026-07-01T12:00:00+09:00", more: str = "", kind: str = "FIRE") -> str:
    return f'{{"no":{number},"at":"{at}","type":"{kind}","lat":36.5,"lon":127.5{more}}}'


def read(body: bytes, place: Any = None, **changed: Any) -> Reading:
    return load_source("mapped_rows", CITY, {**ROWS, **changed}).read(Heard(body, LATER_MS), place or {})


def numbers(reading: Reading) -> list[str]:
    return [event.value["agency_case_no"] for event in reading.events if event.value]


def neighbours(more: bytes) -> tuple[bytes, bytes]:
    bad = a_row('"N-2"').encode()[:-1] + b',"road":' + more + b"}"
    return b"[%s,%s,%s]" % (a_row('"N-1"').encode(), bad, a_row('"N-3"').encode()), bad


def test_case_18_half_an_emoji_loses_its_record_alone() -> None:
    body, bad = neighbours(b'"gas smell \\ud83d"')
    reading = read(body)
    assert numbers(reading) == ["N-1", "N-3"]
    assert [aside.original for aside in reading.aside] == [bad]


def test_case_20_a_wrong_byte_loses_its_record_alone() -> None:
    body, bad = neighbours(b'"M\xfchlweg"')
    reading = read(body)
    assert numbers(reading) == ["N-1", "N-3"]
    assert [aside.original for aside in reading.aside] == [bad]


def test_case_22_cases_with_twenty_digits_are_as_many_as_they_are() -> None:
    long = [str(31415926535897932384 + step) for step in range(3)]
    reading = read(f"[{','.join(map(a_row, [*long, '4711.0', '2e3']))}]".encode())
    assert numbers(reading) == [*long, "4711", "2000"]
    assert len({event.key for event in reading.events}) == 5


@pytest.mark.parametrize("again", ["4711.0", "4711", '"4711"', "4.711e3"])
def test_case_22b_a_number_written_otherwise_is_the_same_case(again: str) -> None:
    first = read(f"[{a_row('4711')}]".encode())
    second = read(f"[{a_row(again)}]".encode(), first.place)
    assert (numbers(first), numbers(second), len(second.aside)) == (["4711"], [], 0)


def test_case_23_an_empty_list_is_counted_however_often_it_comes() -> None:
    place = read(f"[{a_row('1')}]".encode()).place
    for body in (b"[]", b" [ ]\n", b"\xef\xbb\xbf[]") * 3:
        reading = read(body, place)
        assert (reading.events, reading.aside, reading.place) == ((), (), place)
        assert reading.skipped == {NOTHING: 1}


def test_case_24_the_character_set_of_json_is_heeded() -> None:
    body = f"[{a_row('1', kind='구조')},{a_row('2', kind='화재')}]".encode("cp949")
    told = [event.value["kind_text"] for event in read(body, encoding="cp949").events if event.value]
    assert told == ["구조", "화재"]
    assert not read(body).events


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2026-07-01T03:00:00z", "2026-07-01T03:00:00+00:00"),
        ("2026-07-01t12:00:00+09:00", "2026-07-01T03:00:00+00:00"),
        ("2026-06-30T23:59:60Z", "2026-07-01T00:00:00+00:00"),
        ("2026-07-01T24:00:00+09:00", "2026-07-01T15:00:00+00:00"),
        ("2026-07-01T03:00:00.98765432Z", "2026-07-01T03:00:00.988+00:00"),
        ("2026-07-01 03:00:00 UTC", "2026-07-01T03:00:00+00:00"),
        ("2026-07-01T12:00:00\u221209:00", "2026-07-01T21:00:00+00:00"),
        ("2026-07-01T12:00:00+9", None),
        ("２０２６-07-01T12:00:00Z", None),
        ("+002026-07-01T12:00:00Z", None),
        ("2026-07-01T25:00:00Z", None),
    ],
)
def test_case_25_times_of_the_field(text: str, means: str | None) -> None:
    reading = read(f"[{a_row('1')},{a_row('2', at=text)}]".encode())
    told = {
        event.value["agency_case_no"]: event.value["event_time"] for event in reading.events if event.value
    }
    assert told.get("2") == (None if means is None else iso_time(means).utc_ms())
    assert "1" in told
    assert [aside.field for aside in reading.aside] == ([] if means else ["time"])
