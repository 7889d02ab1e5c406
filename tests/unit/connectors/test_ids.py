"""An id is its digits: no two things become one, and no thing two, by the way a number is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, SourceContext
from connectors.discovery import load_source
from connectors.formats.json import json_value
from connectors.formats.messages import enveloped
from connectors.formats.records import an_id, id_or_none
from connectors.recordings import read_line
from connectors.subjects.cameras import read_camera_list
from schemas.errors import Invalid
from tests.contract.an_example import example_of

CITY = SourceContext("ansan", "list", ZoneInfo("Asia/Seoul"), Bounds(36, 127, 37, 128))
ROWS: dict[str, Any] = {
    "domain": "fire",
    "agency": "119",
    "format": "json",
    "columns": {"case_no": "no", "time": "at", "kind_text": "type", "lat": "lat", "lon": "lon"},
}
LONG = (20260921120000000001, 20260921120000000002)


def a_list(*numbers: str) -> bytes:
    rows = (
        f'{{"no": {number}, "at": "2026-09-21T12:00:00Z", "type": "FIRE", "lat": 36.35, "lon": 127.38}}'
        for number in numbers
    )
    return f"[{', '.join(rows)}]".encode()


def case_numbers(body: bytes, place: Any = None) -> tuple[list[str], list[str], Any]:
    reading = load_source("mapped_rows", CITY, ROWS).read(Heard(body, None), place or {})
    told = [event.value["agency_case_no"] for event in reading.events if event.value]
    return told, [aside.field for aside in reading.aside], reading.place


def test_two_long_numbers_are_two_cases() -> None:
    told, aside, _ = case_numbers(a_list(*map(str, LONG)))
    assert (told, aside) == ([str(one) for one in LONG], [])


def test_a_number_with_a_point_is_the_same_case() -> None:
    told, _, place = case_numbers(a_list("24001234"))
    again, aside, _ = case_numbers(a_list("24001234.0", '"24001234"'), place)
    assert (told, again, aside) == (["24001234"], [], [])


def test_a_number_that_may_have_lost_digits_is_refused_alone() -> None:
    told, aside, _ = case_numbers(a_list("2.0260921e19", "7.5", "7"))
    assert (told, aside) == (["7"], ["no", "no"])


def test_a_recording_keeps_every_digit() -> None:
    line = b'{"fetched_at": "2026-09-21T03:02:00Z", "body": %s}' % a_list(*map(str, LONG))
    told, _, _ = case_numbers(read_line(line).body)
    assert told == [str(one) for one in LONG]


@pytest.mark.parametrize("numbers", [("101", "102"), ("101.0", "102.0"), tuple(map(str, LONG))])
def test_stations_and_vehicles_of_gbfs_may_have_numbers_for_ids(numbers: tuple[str, str]) -> None:
    head = '"last_updated": 1790000000, "ttl": 60, "version": "2.3"'
    stations = ", ".join(
        f'{{"station_id": {one}, "name": "n", "lat": 36.35, "lon": 127.38}}' for one in numbers
    )
    states = ", ".join(
        f'{{"station_id": {one}, "num_bikes_available": 3, "is_installed": true, "is_renting": true,'
        ' "is_returning": true, "last_reported": 1789999980}'
        for one in numbers
    )
    body = (
        f'{{"station_information": {{{head}, "data": {{"stations": [{stations}]}}}},'
        f' "station_status": {{{head}, "data": {{"stations": [{states}]}}}}}}'
    )
    reading = load_source("gbfs", CITY, {}).read(Heard(body.encode(), 1_790_000_000_000), {})
    assert not reading.aside
    found = {event.value["hub_id"] for event in reading.events if event.value and "hub_id" in event.value}
    assert found == {one.removesuffix(".0") for one in numbers}


@pytest.mark.parametrize(
    ("value", "expected"), [(7, "7"), (7.0, "7"), (" a ", "a"), (-1, "-1"), (LONG[0], str(LONG[0]))]
)
def test_an_id_is_text_or_whole(value: object, expected: str) -> None:
    assert an_id(value, "id") == id_or_none(value, "id") == expected


@pytest.mark.parametrize("value", [True, 7.5, 2.0**53, float("nan"), float("inf"), [], "", None])
def test_no_id_is_refused(value: object) -> None:
    with pytest.raises(Invalid):
        an_id(value, "id")


def test_a_long_number_beside_broken_json_is_invalid() -> None:
    for body in (b"[%s" % (b"1" * 25), b"[" + b"1" * 5000 + b"]", b"[NaN, %s]" % (b"1" * 25)):
        with pytest.raises(Invalid):
            json_value(body)
    assert json_value(b"[%s]" % (b"1" * 25)) == [int("1" * 25)]


@pytest.mark.parametrize("before", range(7))
def test_a_long_number_is_found_wherever_it_stands(before: int) -> None:
    body = b"[" + b" " * before + b"1" * 19 + b"2" * before + b"]"
    assert json_value(body) == [int("1" * 19 + "2" * before)]


@pytest.mark.parametrize(
    ("track", "digits"),
    [
        ("24001234", "24001234"),
        ("24001234.0", "24001234"),
        ('"24001234"', "24001234"),
        (str(LONG[0]), str(LONG[0])),
        (f'"{LONG[0]}"', str(LONG[0])),
    ],
)
def test_a_cameras_track_is_its_digits(track: str, digits: str) -> None:
    """A camera's numbers are read as every other source's."""
    scene = f'{{"track_id": {track}, "timestamp": "2026-03-08T09:00:00Z"}}'
    frame = (
        f'{{"frame": {{"timestamp": "2026-03-08T09:00:00Z", "observations": [{scene}], "operations": []}}}}'
    )
    object_ = f'{{"@ObjectId": {track}, "Appearance": {{}}}}'
    onvif = f'{{"Frame": {{"@UtcTime": "2026-03-08T09:00:00Z", "Object": [{object_}]}}}}'
    bodies = {"axis_scene_description": frame, "onvif_metadata": onvif}
    for name, body in bodies.items():
        source = example_of(name).source()
        for one in (body.encode(), enveloped("cam/a", body.encode())):
            (event,) = source.read(Heard(one, None), {}).events
            assert event.value["track_id"] == digits


def test_two_rows_of_houstons_list_with_long_numbers_are_two() -> None:
    example = example_of("houston_active_incidents")
    heard = example.heard()[0]
    first, second = (f'"UID":{one},' for one in LONG)
    row = '{"attributes":{UID"Agency":"F","Address":"A ST","CALL_TIME":1717242600000,"IncidentType":"EMS EVENT"}}'
    rows = ",".join(row.replace("UID", uid) for uid in (first, second))
    reading = example.source().read(Heard(f'{{"features":[{rows}]}}'.encode(), heard.at_ms), {})
    assert len({event.key for event in reading.events}) == 2
    assert not reading.aside


def test_a_camera_list_in_json_may_have_numbers_for_ids(tmp_path: Path) -> None:
    path = tmp_path / "cameras.json"
    path.write_text(f'[{{"camera_id": 7}}, {{"camera_id": 8.0}}, {{"camera_id": {LONG[0]}}}]')
    assert set(read_camera_list(path)) == {"7", "8", str(LONG[0])}
