"""An agency's rows, mapped in the city's file: the effect of each setting, and the fields that are never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from schemas.catalogue import load_catalogue
from schemas.errors import Fatal
from tests.unit.connectors.telemetry import lost_on_the_wire

MOIE = SourceContext("moie", "reports", ZoneInfo("Asia/Seoul"), Bounds(37.4, 126.7, 37.55, 126.9))
COLUMNS = {"case_no": "no", "time": "at", "kind_text": "what", "lat": "y", "lon": "x"}
ROW = {"no": "26-1", "at": "2026-06-01T21:00:00", "what": "화재", "y": "37.5", "x": "126.8"}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def mapped(columns: Mapping[str, Any] | None = None, **changed: Any) -> Any:
    named = {key: name for key, name in {**COLUMNS, **(columns or {})}.items() if name is not None}
    return load_source(
        "mapped_rows",
        MOIE,
        {"domain": "fire", "agency": "119", "columns": named, "format": "json", **changed},
    )


def pushed(source: Any, *rows: Any, place: Any = None, at_ms: int | None = None) -> Reading:
    body = orjson.dumps(rows[0] if len(rows) == 1 else rows)
    return source.read(Heard(body, at_ms), place or {})  # type: ignore[no-any-return]  # found by name


def value(reading: Reading) -> dict[str, Any]:
    assert not reading.aside, reading.aside
    (event,) = reading.events
    return dict(event.value or {})


def refused(reading: Reading) -> str:
    assert not reading.events
    (aside,) = reading.aside
    return aside.field


def test_a_column_may_repeat_the_filing_that_a_case_answers() -> None:
    source = mapped({"filing_id": "bongsu"})
    first = pushed(source, ROW)
    then = pushed(source, {**ROW, "bongsu": "f-7"}, place=first.place)
    assert [value(one)["filing_id"] for one in (first, then)] == [None, "f-7"]
    assert value(then)["revision"] == 2


def test_one_report_pushed_as_json_is_an_incident() -> None:
    told = value(pushed(mapped(domain="police", agency="112", words="kr-112"), {**ROW, "what": "절도"}))
    assert (told["agency"], told["agency_case_no"], told["kind"]) == ("112", "26-1", "crime.larceny")
    assert (told["event_time"], told["received_time"]) == (at("2026-06-01T12:00"), at("2026-06-01T12:00"))
    assert told["position"] == {"lat": 37.5, "lon": 126.8, "accuracy_m": None}
    assert (told["status"], told["units"], told["address"], told["priority"]) == ("open", [], None, None)


def test_csv_json_and_json_lines_say_the_same() -> None:
    csv = ",".join(ROW) + "\r\n" + ",".join(ROW.values()) + "\r\n"
    lines = b"\n" + orjson.dumps(ROW) + b"\r\n\n"
    one = mapped().read(Heard(orjson.dumps(ROW), None), {}).events
    assert one == mapped(format="csv").read(Heard(csv.encode(), None), {}).events
    assert one == mapped(format="jsonl").read(Heard(lines, None), {}).events
    assert one == mapped(records="a.b").read(Heard(orjson.dumps({"a": {"b": [ROW]}}), None), {}).events


def test_a_korean_list_with_semicolons_is_read_in_its_own_characters() -> None:
    body = ";".join(ROW) + "\n" + ";".join(ROW.values()) + "\n"
    source = mapped(format="csv", encoding="cp949", delimiter=";", kinds={"화재": "fire"})
    reading = source.read(Heard(body.encode("cp949") + b"26-2;\xff;a;;\n", None), {})
    assert [(event.value or {})["kind"] for event in reading.events] == ["fire"]
    assert [aside.original for aside in reading.aside] == [b"26-2;\xff;a;;"]


@pytest.mark.parametrize(
    ("form", "text", "utc"),
    [
        ("iso", "2026-06-01T21:00:00+09:00", "2026-06-01T12:00"),
        ("iso", "2026-06-01 12:00:00Z", "2026-06-01T12:00"),
        ("iso", "2026-06-01", "2026-05-31T15:00"),
        ("epoch_s", 1_780_315_200, "2026-06-01T12:00"),
        ("epoch_ms", "1780315200000", "2026-06-01T12:00"),
        ("%Y%m%d%H%M%S", "20260601210000", "2026-06-01T12:00"),
        ("%Y%m%d%H%M%S", 20260601210000, "2026-06-01T12:00"),
        ("%d/%m/%Y %H:%M %z", "01/06/2026 21:00 +0900", "2026-06-01T12:00"),
    ],
)
def test_times_in_their_many_forms(form: str, text: Any, utc: str) -> None:
    assert value(pushed(mapped(time_format=form), {**ROW, "at": text}))["event_time"] == at(utc)


def test_a_day_and_an_hour_may_stand_in_two_columns_and_a_zone_may_be_named() -> None:
    source = mapped({"time": ["day", "hour"]}, time_format="%Y-%m-%d %H:%M", timezone="America/Chicago")
    row = {**ROW, "day": "2026-03-08", "hour": "03:30"}
    assert value(pushed(source, row))["event_time"] == at("2026-03-08T08:30")
    assert refused(pushed(source, {**row, "hour": "02:30"})) == "time"
    twice = value(pushed(source, {**row, "day": "2026-11-01", "hour": "01:30"}))
    assert twice["event_time_accuracy_s"] == 3600


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso", "yesterday"),
        ("iso", "9999-12-31T23:59:59"),
        ("iso", "0001-01-01T00:00:00+09:00"),
        ("iso", ""),
        ("epoch_s", "1e300"),
        ("epoch_s", -1),
        ("epoch_ms", 1_780_315_200),
        ("epoch_ms", True),
        ("%Y-%m-%d", "2026-13-01"),
        ("%Y-%m-%d %z", "2026-13-01"),
    ],
)
def test_what_is_no_time_is_set_aside(form: str, text: Any) -> None:
    assert refused(pushed(mapped(time_format=form), {**ROW, "at": text})) in ("time", "at")


def test_a_time_of_tomorrow_is_set_aside_where_somebody_says_when_it_was_heard() -> None:
    assert refused(pushed(mapped(), ROW, at_ms=at("2026-06-01T11:00"))) == "time"


def test_micro_degrees_and_missing_signs_are_as_the_city_says() -> None:
    micro = mapped(coordinates="micro-degrees")
    assert value(pushed(micro, {**ROW, "y": 37_500_000, "x": "126800000"}))["position"]["lon"] == 126.8
    assert refused(pushed(micro, {**ROW, "y": "37.5"})) == "position.lat"
    assert refused(pushed(mapped(longitude_sign=-1), ROW)) == "position"
    west = value(pushed(mapped(longitude_sign=-1), {**ROW, "x": -126.8}))
    assert west["position"] == {"lat": 37.5, "lon": 126.8, "accuracy_m": None}


@pytest.mark.parametrize(
    ("order", "point"),
    [
        ("lon-lat", [126.8, 37.5]),
        ("lon-lat", [126.8, 37.5, 41]),
        ("lon-lat", "POINT(126.8 37.5)"),
        ("lat-lon", "(37.5, 126.8)"),
        ("lat-lon", "37.5;126.8"),
    ],
)
def test_a_place_in_one_column(order: str, point: Any) -> None:
    source = mapped({"lat": None, "lon": None, "point": "geo.at"}, point_order=order)
    told = value(pushed(source, {**ROW, "geo": {"at": point}}))
    assert told["position"] == {"lat": 37.5, "lon": 126.8, "accuracy_m": None}


def test_no_place_is_made_of_what_means_unknown() -> None:
    source = mapped(unknown=["N/A", "-1", "999.0"])
    for nothing in (None, "", "n/a", -1, "-1", 999.0, 0, "0"):
        assert value(pushed(source, {**ROW, "y": nothing, "x": nothing}))["position"] is None
    point = mapped({"lat": None, "lon": None, "point": "p"}, unknown=["-"])
    for nothing in (None, "", "-"):
        assert value(pushed(point, {**ROW, "p": nothing}))["position"] is None
    assert value(pushed(point, ROW))["position"] is None


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ({"y": "91"}, "position.lat"),
        ({"y": "126.8", "x": "37.5"}, "position.lat"),
        ({"y": None}, "position.lat"),
        ({"y": "north"}, "position.lat"),
        ({"y": [37.5]}, "position.lat"),
        ({"y": "35.1", "x": "129.0"}, "position"),
    ],
)
def test_what_is_no_place_in_the_city_is_set_aside(place: dict[str, Any], field: str) -> None:
    assert refused(pushed(mapped(), {**ROW, **place})) == field


def test_a_case_lives_by_its_agencys_words_and_an_unknown_word_ends_nothing() -> None:
    words = {"접수": "open", "2": "dispatched", "종결": "closed"}
    source = mapped({"status": "state"}, statuses=words, status="open")
    place: Any = {}
    said = []
    for state in ("접수", 2, 2, " 종결 "):
        reading = pushed(source, {**ROW, "state": state}, place=place)
        place = reading.place
        said += [(e.value["revision"], e.value["status"]) for e in reading.events if e.value]
    assert said == [(1, "open"), (2, "dispatched"), (3, "closed")]
    unknown = pushed(source, {**ROW, "state": "보류"})
    assert (value(unknown)["status"], unknown.noted) == ("open", {"status unknown: 보류": 1})
    assert value(pushed(source, ROW))["status"] == "open"


def test_units_come_as_a_list_or_a_text_and_their_order_means_nothing() -> None:
    source = mapped({"units": "u"}, units_separator="/")
    first = pushed(source, {**ROW, "u": "구급2/ 펌프1//"})
    assert value(first)["units"] == ["구급2", "펌프1"]
    assert not pushed(source, {**ROW, "u": ["펌프1", "구급2"]}, place=first.place).events
    assert refused(pushed(source, {**ROW, "u": [{}]})) == "u"


def test_a_row_a_unit_is_one_incident_with_all_units() -> None:
    source = mapped({"units": "u"}, row_per_unit=True)
    reading = pushed(source, {**ROW, "u": "A"}, {**ROW, "u": "B"}, {**ROW, "no": "26-2", "u": "C"})
    assert [(e.value["revision"], e.value["units"]) for e in reading.events if e.value] == [
        (1, ["A", "B"]),
        (1, ["C"]),
    ]


def test_several_agencies_in_one_list_may_use_one_number() -> None:
    source = mapped({"agency": "who"}, agencies={"중부서": "jungbu", "동부서": "dongbu"})
    reading = pushed(source, *({**ROW, "who": who} for who in ("중부서", "동부서", "", "해경")))
    assert [(e.value or {})["agency"] for e in reading.events] == ["jungbu", "dongbu", "119", "해경"]
    assert len({event.key for event in reading.events}) == 4
    assert (list(reading.aside), reading.noted) == ([], {"agency unknown: 해경": 1})


def test_rows_of_others_are_counted_not_read() -> None:
    source = mapped(only={"service": ["FIRE"]})
    reading = pushed(source, {**ROW, "service": "FIRE"}, {"service": "POLICE"}, {**ROW, "service": None})
    assert (len(reading.events), dict(reading.skipped)) == (1, {"left to others": 2})


def test_a_heading_without_a_mapped_column_is_another_list() -> None:
    body = b"no,at,what,lat\n1,2,3,4\n"
    reading = mapped(format="csv").read(Heard(body, None), {})
    assert [(aside.original, aside.reason) for aside in reading.aside] == [
        (body, "the heading has no column 'x'")
    ]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"domain": "navy"}, "domain"),
        ({"columns": {"case_no": "a", "time": "b"}}, "kind_text"),
        ({"columns": {**COLUMNS, "lon": None}}, "lat and lon"),
        ({"columns": {**COLUMNS, "point": "p"}}, "lat and lon"),
        ({"kinds": {"a": "dragon"}}, "no kind 'dragon'"),
        ({"words": "narnia"}, "no table 'narnia'"),
        ({"statuses": {"a": "open"}}, "go together"),
        ({"encoding": "klingon"}, "character set"),
        ({"encoding": "utf-16"}, "character set"),
        ({"timezone": "Mars/Olympus"}, "IANA"),
        ({"time_format": "ISO"}, "strptime"),
        ({"time_format": "%Q"}, "time_format"),
        ({"url": "ftp://x"}, "url"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any], complaint: str) -> None:
    good: dict[str, Any] = {"domain": "fire", "agency": "119", "columns": COLUMNS}
    with pytest.raises(Fatal, match=complaint):
        load_source("mapped_rows", MOIE, {**good, **wrong})


def test_a_file_of_rows_is_polled_and_a_pushed_source_is_not(tmp_path: Path) -> None:
    import asyncio  # noqa: PLC0415 (the only test that polls)

    (tmp_path / "rows.json").write_bytes(orjson.dumps(ROW))
    source = mapped(path=str(tmp_path / "rows.json"))
    assert len(source.read(asyncio.run(source.poll({})), {}).events) == 1
    with pytest.raises(Fatal, match="neither url nor path"):
        asyncio.run(mapped().poll({}))


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abxy"), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40)
@given(st.lists(st.dictionaries(st.sampled_from([*ROW, "s", "u", "p"]), ANY), min_size=1, max_size=4))
def test_whatever_stands_in_the_rows_reading_never_raises_and_nothing_is_lost(rows: list[Any]) -> None:
    source = mapped({"status": "s", "units": "u", "address": ["p"]}, statuses={"a": "open"})
    reading = pushed(source, *rows)
    said_before = reading.skipped.get("said before", 0)
    assert len(reading.events) + len(reading.aside) + said_before == len(rows)


def test_a_disaster_room_reports_civil_incidents() -> None:
    source = mapped(domain="civil", agency="disaster-room", kinds={"도로 침수": "hazard.traffic"})
    reading = pushed(source, {**ROW, "what": "도로 침수"})
    told = value(reading)
    (event,) = reading.events
    assert (event.topic, event.key) == ("civil.incident", told["incident_id"])
    assert (told["agency"], told["agency_case_no"], told["kind_text"]) == (
        "disaster-room",
        "26-1",
        "도로 침수",
    )
    assert told["kind"] == "hazard.traffic"
    assert lost_on_the_wire(list(reading.events)) == []
    assert pushed(source, {**ROW, "what": "도로 침수"}, place=reading.place).skipped == {"said before": 1}


@pytest.mark.parametrize("domain", ["fire", "police", "civil"])
def test_an_incident_is_of_the_topic_of_its_domain(domain: str) -> None:
    (event,) = pushed(mapped(domain=domain, agency="ours"), ROW).events
    assert event.topic == f"{domain}.incident"
    assert event.topic in load_catalogue()
