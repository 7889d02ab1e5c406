"""DeepStream's messages: its dummies, its parking spaces, its pixels."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.base import Reading
from schemas.errors import Fatal
from tests.unit.connectors.seen import NOON, SANTA_CLARA, read, source, values

LIVE_SIZE = {"width_px": 960, "height_px": 760}


@pytest.fixture(scope="module")
def garage(data_dir: Path) -> bytes:
    path = data_dir / "cctv" / "nvidia_deepstream" / "demo-1_first60pct.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    return gzip.decompress(path.read_bytes())


@pytest.fixture(scope="module")
def heard(garage: bytes) -> Reading:
    return read(source("nvidia_deepstream", SANTA_CLARA), garage)


def test_1816_messages_of_49_cameras_are_1816_detections(heard: Reading) -> None:
    assert len(heard.events) == len({value["event_id"] for value in values(heard)}) == 1_816
    assert len({event.key for event in heard.events}) == 49
    assert not heard.aside


def test_no_object_is_placed_by_the_dummy_and_17_stand_where_their_sensor_does(heard: Reading) -> None:
    assert Counter(value["position_source"] for value in values(heard)) == {None: 1_799, "camera": 17}
    placed = [value for value in values(heard) if value["position"] is not None]
    assert all(SANTA_CLARA.bounds.holds(at["position"]["lat"], at["position"]["lon"]) for at in placed)


def test_without_that_rule_the_dummy_lies_in_the_sea_and_is_set_aside(garage: bytes) -> None:
    reading = read(source("nvidia_deepstream", SANTA_CLARA, dummy_positions=[]), garage)
    assert (len(reading.events), len(reading.aside)) == (0, 1_816)
    assert {aside.field for aside in reading.aside} == {"position"}


def test_boxes_are_null_until_the_city_says_how_large_the_pictures_are(garage: bytes, heard: Reading) -> None:
    assert all(value["bounding_box"] is None for value in values(heard))
    assert heard.noted["box in pixels of a picture of unknown size"] == 1_816
    cameras = dict.fromkeys({event.key for event in heard.events}, LIVE_SIZE)
    sized = read(source("nvidia_deepstream", SANTA_CLARA, cameras=cameras), garage)
    boxes = [box for value in values(sized) if (box := value["bounding_box"]) is not None]
    assert (len(boxes), sized.noted) == (1_812, {"box without extent": 4}), (
        "four spaces that emptied: all zeros"
    )
    assert boxes[0] == {
        "x": 504 / 960,
        "y": 24 / 760,
        "width": 648 / 960 - 504 / 960,
        "height": 65 / 760 - 24 / 760,
    }
    assert all(0 <= box[edge] <= 1 for box in boxes for edge in box)


def test_messages_out_of_order_keep_their_own_times(heard: Reading) -> None:
    times = [value["event_time"] for value in values(heard)]
    assert sum(later < earlier for earlier, later in itertools.pairwise(times)) == 396


def test_a_space_that_empties_ends_its_track(heard: Reading) -> None:
    events = Counter((value["attributes"][0]["value"], value["ended"]) for value in values(heard))
    assert events[("empty", True)] == 4
    assert events[("parked", False)] == 13


def test_the_converters_unknowns_are_no_classes_and_no_plate_is_passed_on(heard: Reading) -> None:
    assert {value["label"] for value in values(heard)} == {"vehicle"}
    assert Counter(value["confidence"] for value in values(heard)) == {None: 1_799, 1.0: 17}
    assert "UNK" not in repr(heard.events)


def a_message(**changed: Any) -> dict[str, Any]:
    return {
        "messageid": "m-1",
        "@timestamp": "2026-03-08T11:59:59.500Z",
        "sensor": {"id": "cam"},
        "object": {"id": "7", "speed": 36, "vehicle": {"type": "sedan", "color": "blue", "confidence": 0.75}},
        "event": {"type": "moving"},
        **changed,
    }


def test_a_car_that_is_known_is_told_with_all_that_is_known() -> None:
    (value,) = values(read(source("nvidia_deepstream", speed_unit="km/h"), orjson.dumps(a_message()), NOON))
    assert (value["label"], value["label_text"], value["confidence"]) == ("car", "sedan", 0.75)
    assert value["speed_mps"] == pytest.approx(10)
    assert value["attributes"][0] == {"name": "color", "value": "blue", "likelihood": None}
    assert value["event_time"] == NOON - 500


def test_a_camera_of_the_citys_list_lends_its_place(tmp_path: Path) -> None:
    listed = tmp_path / "cameras.csv"
    listed.write_text("camera_id,lat,lon,azimuth,width_px,height_px,owner\nC-1,29.75,-95.5,,1280,960,us\n")
    there = source("nvidia_deepstream", camera_list=str(listed), camera_ids={"cam": "C-1"})
    (value,) = values(read(there, orjson.dumps(a_message()), NOON))
    assert (value["camera_id"], value["position_source"]) == ("C-1", "camera")
    assert value["position"] == {"lat": 29.75, "lon": -95.5, "accuracy_m": None}


def test_a_camera_list_that_is_none_or_lies_elsewhere_is_a_wrong_setting(tmp_path: Path) -> None:
    elsewhere = {"cam": {"lat": 51.5, "lon": -0.1}}
    with pytest.raises(Fatal, match="outside the city"):
        source("nvidia_deepstream", cameras=elsewhere)
    for text in ("<html>", "camera_id,lat\nC-1,north\n", "name,lat\nC-1,29\n"):
        (tmp_path / "cameras.csv").write_text(text)
        with pytest.raises(Fatal, match=r"cameras\.csv"):
            source("nvidia_deepstream", camera_list=str(tmp_path / "cameras.csv"))
    with pytest.raises(Fatal, match="No such file"):
        source("nvidia_deepstream", camera_list=str(tmp_path / "none.csv"))


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("object", {"object": "car"}),
    ("@timestamp", {"@timestamp": "yesterday"}),
    ("@timestamp", {"@timestamp": "2026-03-08T11:59:59"}),
    ("event_time", {"@timestamp": "2026-03-08T12:10:00Z"}),
    ("sensor", {"sensor": []}),
    ("camera_id", {"sensor": {}}),
    ("position", {"object": {"id": "7", "vehicle": {}, "location": {"lat": 51.5, "lon": -0.1}}}),
    ("position.lat", {"object": {"id": "7", "vehicle": {}, "location": {"lat": 91, "lon": -0.1}}}),
    ("object.vehicle.confidence", {"object": {"id": "7", "vehicle": {"confidence": 75}}}),
    ("object.vehicle", {"object": {"id": "7", "vehicle": {"type": ["car"]}}}),
    ("id", {"object": {"id": {}, "vehicle": {}}}),
]


@pytest.mark.parametrize(("field", "changed"), WRONG)
def test_a_wrong_message_is_set_aside_with_its_bytes_and_its_neighbours_are_heard(
    field: str, changed: dict[str, Any]
) -> None:
    bad = orjson.dumps(a_message(**changed))
    body = b"\n".join([orjson.dumps(a_message()), bad, orjson.dumps(a_message(messageid="m-2"))])
    reading = read(source("nvidia_deepstream"), body, NOON)
    assert len(reading.events) == 2
    assert [(aside.original, aside.field) for aside in reading.aside] == [(bad, field)]


def test_a_plate_in_what_is_set_aside_is_masked() -> None:
    thing = {"id": "7", "vehicle": {"license": "MADE-01", "confidence": 9}}
    for body in (orjson.dumps(a_message(object=thing)), b'{"object": {"vehicle": {"license": "MADE-01", "li'):
        (aside,) = read(source("nvidia_deepstream"), body, NOON).aside
        assert b"MADE" not in aside.original
        assert b'"*' in aside.original


def test_what_neither_id_nor_position_tells_apart_is_told_apart_by_time_and_event() -> None:
    bodies = [a_message(messageid=None, event={"type": what}) for what in ("moving", "stopped")]
    ids = {
        value["event_id"]
        for one in bodies
        for value in values(read(source("nvidia_deepstream"), orjson.dumps(one)))
    }
    assert len(ids) == 2
