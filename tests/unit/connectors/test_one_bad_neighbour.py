"""A record whose bytes are no JSON (NaN, half an emoji, a wrong byte, 1e400) loses itself, and no neighbour."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from connectors.base import Heard
from connectors.discovery import source_types
from connectors.formats.csv import BEGINNINGS_MAX, csv_rows, headed_rows, named_cells
from connectors.formats.json import at_path, in_encoding, in_utf8, json_records, json_value, originals
from connectors.formats.json_parts import Unreadable, is_whole, parts
from connectors.formats.messages import enveloped
from connectors.formats.records import read_each
from connectors.gateway.cloud_events import PushedMessage
from connectors.gateway.examination import PushedSource
from connectors.subjects.plates import masked, plates_masked
from schemas.errors import Invalid
from tests.contract.an_example import Example, example_of, read_all

WRONG = {
    "NaN": b"NaN",
    "an infinity": b"-Infinity",
    "beyond all doubles": b"1e400",
    "half an emoji": b'"cut \\ud83d"',
    "a wrong byte": b'"Caf\xe9"',
    "a control character": b'"a\x00b"',
    "a bare word": b"undefined",
}
LINES = "one a line"
LISTS: dict[str, str | None] = {
    "adsb_json": "aircraft",
    "axis_plates": LINES,
    "axis_scene_description": "frame.observations",
    "city_events": None,
    "columbia_cad": None,
    "ed269_zones": "UASZoneList",
    "ed318_zones": "features",
    "frigate_events": LINES,
    "gbfs": "station_status.data.stations",
    "houston_active_incidents": "features",
    "mapped_places": None,
    "mapped_rows": "reports.list",
    "mds_vehicles": "vehicles_status",
    "mds_zones": "geographies",
    "nena_eido": None,
    "network_rid": "flights.0.states",
    "nvidia_deepstream": LINES,
    "ocpi_locations": "data",
    "onvif_metadata": "Frame.Object",
    "person_matches": None,
    "surplus_rows": "windows",
    "wanted_vehicles": None,
    "zones_geojson": "features",
}
"""Source → the dotted path of its list of records; ``None``: the body is the list."""
WITHOUT_LISTS = {
    "adsb_beast": "its own bytes",
    "austin_fire_calls": "CSV",
    "cap_alerts": "XML",
    "daejeon_devices": "CSV",
    "datex_situations": "XML",
    "generated_cameras": "its body is its settings",
    "gtfs_flex": "a zip of tables",
    "gtfs_realtime": "Protobuf",
    "mavlink": "its own bytes",
    "misb_klv": "KLV",
    "remote_id": "a capture",
    "simulated_calls": "a body is one record",
    "vehicle_positions_csv": "CSV",
}
PLATES = b"""{"message": {"data": {"carID": "7", "text": "12GA3456"}}, \
"timestamp": 1772960400000}"""
FRAME = {
    "Frame": {
        "@UtcTime": "2026-03-08T09:00:00.100Z",
        "Object": [{"@ObjectId": "7", "Appearance": {}}, {"@ObjectId": "8", "Appearance": {}}],
    }
}
PLACES = [{"id": "C-1", "lat": 36.35, "lon": 127.38}, {"id": "C-2", "lat": 36.36, "lon": 127.39}]


def test_every_source_is_named_here() -> None:
    assert {*LISTS, *WITHOUT_LISTS} == set(source_types())


def body_of(name: str, example: Example) -> Heard:
    """A body of the source with its list of records."""
    at_ms = example.heard()[0].at_ms
    if name == "onvif_metadata":
        return Heard(orjson.dumps(FRAME), at_ms)
    if name == "mapped_places":
        return Heard(orjson.dumps(PLACES), at_ms)
    if name == "axis_plates":
        return Heard(b"\n".join([PLATES, PLATES.replace(b"400000", b"401000")]), at_ms)
    path = LISTS[name]
    for one in reversed(example.heard()):
        if path == LINES:
            return one
        value = orjson.loads(one.body)
        if isinstance(value if path is None else at_path(value, path), list):
            return one
    raise AssertionError(f"the example of {name} has no list")


def spoilt(body: bytes, path: str | None, wrong: bytes) -> tuple[bytes, bytes, bytes]:
    """*body* as it is, with one more record that holds *wrong*, and that record."""
    if path == LINES:
        lines = [orjson.dumps(orjson.loads(line)) for line in body.splitlines() if line.strip()]
        bad = lines[0][:-1] + b',"x":' + wrong + b"}"
        return b"\n".join(lines), b"\n".join([lines[0], bad, *lines[1:]]), bad
    value = orjson.loads(body)
    good = orjson.dumps(value)
    records = value if path is None else at_path(value, path)
    bad = orjson.dumps(records[0])[:-1] + b',"x":' + wrong + b"}"
    records.insert(1, "here")
    return good, orjson.dumps(value).replace(b'"here"', bad), bad


def source_of(name: str, example: Example) -> Any:
    if name != "mapped_places":
        return example.source()
    changed = {
        "format": "json",
        "columns": {"id": "id", "lat": "lat", "lon": "lon"},
        "as_of": "2026-06-01T00:00:00+09:00",
        "becomes": "camera",
        "owner": "us",
    }
    return replace(example, config=changed).source()


def said(events: Any) -> list[str]:
    return [event.value["event_id"] for event in events]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", LISTS)
def test_a_bad_record_is_set_aside_with_its_bytes_and_its_neighbours_are_told(name: str, wrong: str) -> None:
    example = example_of(name)
    heard = body_of(name, example)
    good, body, bad = spoilt(heard.body, LISTS[name], WRONG[wrong])
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(bad)
    expected = source_of(name, example).read(Heard(good, heard.at_ms), {})
    reading = source_of(name, example).read(Heard(body, heard.at_ms), {})
    assert said(reading.events) == said(expected.events) != []
    assert len(reading.aside) == len(expected.aside) + 1
    kept = masked(bad) if name in ("wanted_vehicles", "axis_plates") else plates_masked(bad)
    assert kept in [aside.original for aside in reading.aside]


def test_a_list_pushed_with_a_bad_record_is_taken_but_for_that_record() -> None:
    example = example_of("mapped_rows")
    heard = body_of("mapped_rows", example)
    good, body, bad = spoilt(heard.body, LISTS["mapped_rows"], b"NaN")
    source = PushedSource("calls", example.source())
    examined = source.examine([PushedMessage(body), PushedMessage(good)], heard.at_ms or 0)
    (refused,) = examined.refused
    assert (refused["message"], refused["record"]) == (0, 1)
    assert refused["begins"] == bad[:200].decode()
    assert not examined.is_all_bad


@pytest.mark.parametrize("wrong", WRONG)
def test_a_bad_observation_brought_by_mqtt_is_set_aside_alone(wrong: str) -> None:
    example = example_of("axis_scene_description")
    heard = body_of("axis_scene_description", example)
    good, body, bad = spoilt(heard.body, "frame.observations", WRONG[wrong])
    told = example.source().read(Heard(enveloped("axis/a", good), heard.at_ms), {})
    reading = example.source().read(Heard(enveloped("axis/a", body), heard.at_ms), {})
    assert said(reading.events) == said(told.events) != []
    assert [aside.original for aside in reading.aside] == [bad]
    assert reading.aside[0].before.startswith(b'{"topic":"axis/a","payload":')


def test_frames_in_one_message_are_read_each_by_itself() -> None:
    example = example_of("onvif_metadata")
    frame = orjson.dumps(FRAME["Frame"])
    bad = frame.replace(b'"@UtcTime":"', b'"x":NaN,"@UtcTime":"')
    at_ms = example.heard()[0].at_ms
    reading = example.source().read(Heard(b'{"Frame":[' + bad + b"," + frame + b"]}", at_ms), {})
    alone = example.source().read(Heard(b'{"Frame":' + frame + b"}", at_ms), {})
    assert said(reading.events) == said(alone.events) != []
    assert [one.before + one.original + one.after for one in reading.aside] == [b'{"Frame":[' + bad + b"]}"]


def test_nobody_leaves_houstons_list_by_a_bad_record() -> None:
    example = example_of("houston_active_incidents")
    heard = example.heard()[0]
    _, _, place = read_all(example.source(), [heard])
    value = orjson.loads(heard.body)
    lost = value["features"].pop(0)
    bad = orjson.dumps(lost).replace(b'"UID":', b'"x":NaN,"UID":')
    body = orjson.dumps({**value, "features": ["here", *value["features"]]}).replace(b'"here"', bad)
    reading = example.source().read(Heard(body, heard.at_ms), place)
    assert not reading.events
    assert [aside.original for aside in reading.aside] == [bad]


# -- the reader -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_bad_record_stands_where_it_stood(wrong: str, index: int) -> None:
    records = [b'{"n":1}', b' {"n" : [2, "]\\"},{"]}']
    records.insert(index, b'{"n": %s}' % WRONG[wrong])
    body = b'{"a": [7], "in": {"list": [' + b" ,\n".join(records) + b' ]}, "z": "\\"]"}'
    found = json_records(body, "in.list")
    assert [isinstance(one, Unreadable) for one in found] == [at == index for at in range(3)]
    _, aside, unread = read_each(found, lambda one: one, originals(body, "in.list"))
    assert [(one.original, one.number) for one in aside] == [(records[index], index)]
    assert unread == [found[index]]


@pytest.mark.parametrize(
    "body",
    [
        b'[{"n": 1}, {"n": NaN}',  # cut off
        b'[{"n": 1}, {"n": NaN}]]',
        b'[{"n": 1}, {"n": NaN]}',  # brackets crossed
        b'[{"n": 1}, {"n": "x}]',  # a text without end
        b'[{"n": 1},]',  # nothing where a record should be
        b'[{"n": 1},,{"n": NaN}]',
        b'[{"n": NaN}, {"n": NaN}]',  # no record is good
        b"<html>[1, 2]</html>",
        b'[{"n": 1}, {"n": NaN}] and more',
        b"[NaN]",
        b"NaN",
        b"]",
    ],
)
def test_what_cannot_be_taken_apart_is_bad_as_a_whole(body: bytes) -> None:
    with pytest.raises(Invalid, match="the body is no JSON"):
        json_value(body, None)


def test_a_bad_value_beside_the_records_is_nobodys_neighbour() -> None:
    body = b'{"made": NaN, "list": [{"n": 1}]}'
    with pytest.raises(Invalid, match="the body is no JSON"):
        json_records(body, "list")


def test_a_list_that_nobody_asked_for_is_not_taken_apart() -> None:
    with pytest.raises(Invalid, match="the body is no JSON"):
        json_value(b'{"list": [{"n": 1}, {"n": NaN}]}')


def test_a_record_within_a_record_spoils_the_whole_of_it() -> None:
    good, bad = json_value(b'[{"units": ["a"]}, {"units": ["a", "\\ud83d"]}]', None)
    assert good == {"units": ["a"]}
    assert isinstance(bad, Unreadable)


def test_long_numbers_beside_a_bad_record_keep_their_digits() -> None:
    found = json_records(b'[{"n": 20260921120000000001}, {"n": 1e400}]', None)
    assert found[0] == {"n": 20260921120000000001}


def test_a_wrong_byte_of_another_character_set_spoils_its_record_alone() -> None:
    first, last = ('{"n":"화재"}'.encode("cp949"), '{"n":"구조"}'.encode("cp949"))
    bad = b'{"n":"\xff\xb8"}'
    body = in_utf8(b"[" + b",".join((first, bad, last)) + b"]", "cp949")
    found = json_records(body, None)
    assert (found[0], found[2]) == ({"n": "화재"}, {"n": "구조"})
    assert originals(body, None, "cp949")(1, None) == bad
    assert in_encoding(in_utf8(bad, "cp949"), "cp949") == bad


def test_of_two_members_of_one_name_the_last_is_the_list() -> None:
    found = json_records(b'{"l": [5], "\\u006c": [{"n": NaN}, 6]}', "l")
    assert isinstance(found[0], Unreadable)
    assert found[1] == 6


def test_brackets_in_texts_are_no_brackets() -> None:
    body = b' {"a": "]}\\"[", "b" : [1, {}] , "c":{}}'.strip()
    assert [(part.name, part.of(body)) for part in parts(body, 0)] == [
        ("a", b'"]}\\"["'),
        ("b", b"[1, {}]"),
        ("c", b"{}"),
    ]
    assert is_whole(body)
    assert not is_whole(body[:-1])
    assert not is_whole(body + b"}")
    assert not is_whole(b"{1:2:3}")


# -- CSV --------------------------------------------------------------------------------------------------------

BAD_CELLS = {
    "a wrong byte": b"Caf\xe9",
    "a quote that nothing closes": b'"cut',
    "a cell beyond all bounds": b"x" * 140_000,
}


@pytest.mark.parametrize("wrong", BAD_CELLS)
@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_a_bad_row_of_csv_is_set_aside_with_its_bytes_and_its_neighbours_are_read(
    wrong: str, encoding: str
) -> None:
    cell = BAD_CELLS[wrong].replace(b"\xe9", b"\xff")
    first, last = '1,"화\n재"'.encode(encoding), "3,구조".encode(encoding)
    bad = b"2," + cell
    heading, rows = headed_rows(b"\n".join([b"no,word", first, bad, last]) + b"\n", encoding, {"no"})
    read, aside, _ = read_each(
        rows, lambda row: named_cells(row, heading), lambda _, row: row.original.rstrip(b"\n")
    )
    assert read == [{"no": "1", "word": "화\n재"}, {"no": "3", "word": "구조"}]
    assert [one.original for one in aside] == [bad]


def test_a_body_of_nothing_but_open_quotes_is_not_read_to_its_end_for_each() -> None:
    lines = [b'%d,"\n' % number for number in range(2 * BEGINNINGS_MAX + 1)]
    rows = list(csv_rows(b"".join(lines), "utf-8"))
    assert b"".join(row.original for row in rows) == b"".join(lines)
    assert len(rows) <= BEGINNINGS_MAX + 1


@pytest.mark.parametrize("opened", [b"[", b'{"a":'])
def test_a_body_that_nests_without_end_is_given_up_where_nobody_needs_it_deeper(opened: bytes) -> None:
    body = opened * 500_000 + b"1" + (b"]" if opened == b"[" else b"}") * 500_000
    assert not is_whole(body)
    with pytest.raises(ValueError, match="nests too deep"):
        parts(body, 0)


def test_a_list_of_more_parts_than_are_taken_apart_is_given_up_soon() -> None:
    with pytest.raises(ValueError, match="too many parts"):
        parts(b"[" + b"NaN," * 1_000_000 + b"1]", 0)
