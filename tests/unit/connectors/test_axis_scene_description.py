"""Axis scene description: frames of observations, and tracks that end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.base import Heard, Reading
from tests.unit.connectors.seen import NOON, read, source, values

TIME = "2026-03-08T11:59:59.500000Z"


@pytest.fixture(scope="module")
def heard(data_dir: Path) -> Reading:
    path = data_dir / "cctv" / "axis" / "scene_description_first_half.jsonl"
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    return read(source("axis_scene_description", camera_id="lobby"), path.read_bytes())


def test_492_observations_are_told_once_each_and_8_tracks_end(heard: Reading) -> None:
    assert Counter(value["ended"] for value in values(heard)) == {False: 492, True: 8}
    assert len({value["event_id"] for value in values(heard)}) == 500
    assert not heard.aside


def test_a_class_is_told_where_the_camera_has_one_and_nowhere_else(heard: Reading) -> None:
    seen = [value for value in values(heard) if not value["ended"]]
    assert Counter(value["label"] for value in seen) == {"other": 375, "face": 68, "person": 49}
    assert all((value["confidence"] is None) == (value["label"] == "other") for value in seen)
    dressed = [value for value in seen if value["attributes"]]
    assert len(dressed) == 49
    assert {one["name"] for value in dressed for one in value["attributes"]} == {
        "upper_clothing_colour",
        "lower_clothing_colour",
    }


def test_every_box_lies_in_its_picture(heard: Reading) -> None:
    boxes = [value["bounding_box"] for value in values(heard) if not value["ended"]]
    assert all(0 <= box["x"] <= box["x"] + box["width"] <= 1.000001 for box in boxes)
    first = boxes[0]
    assert (first["x"], first["y"]) == (0.2767, 0.3575)
    assert (first["width"], first["height"]) == pytest.approx((0.3225 - 0.2767, 0.439 - 0.3575))


def test_the_makers_own_tracks_are_read_over_their_comments(data_dir: Path) -> None:
    path = data_dir / "cctv" / "axis" / "simple_tracks.jsonl"
    reading = read(source("axis_scene_description", camera_id="lobby"), path.read_bytes())
    seen = Counter(value["track_id"] for value in values(reading) if not value["ended"])
    assert seen == {"track_001": 4, "track_002": 2, "track_003": 3, "track_004": 2, "track_005": 6}
    assert [value["track_id"] for value in values(reading) if value["ended"]] == ["track_001"]


def an_observation(**changed: Any) -> dict[str, Any]:
    box = {"left": 0.25, "top": 0.5, "right": 0.5, "bottom": 0.75}
    return {"track_id": "a", "timestamp": TIME, "bounding_box": box, **changed}


def a_frame(*observations: Any, operations: Any = ()) -> bytes:
    return orjson.dumps(
        {"frame": {"timestamp": TIME, "observations": list(observations), "operations": list(operations)}}
    )


def test_a_place_of_its_own_goes_before_the_cameras() -> None:
    there = source("axis_scene_description", camera_id="C", cameras={"C": {"lat": 29.75, "lon": -95.5}})
    at = {"latitude": 29.8, "longitude": -95.4}
    own, lent = values(
        read(there, a_frame(an_observation(geoposition=at), an_observation(track_id="b")), NOON)
    )
    assert (own["position_source"], own["position"]["lat"]) == ("analytics", 29.8)
    assert (lent["position_source"], lent["position"]["lat"]) == ("camera", 29.75)


def test_who_brings_frames_by_mqtt_is_known_by_the_topic() -> None:
    there = source("axis_scene_description", camera_ids={"axis/ACCC8E/scene": "C-9"})
    body = orjson.dumps({"topic": "axis/ACCC8E/scene", "payload": a_frame(an_observation()).decode()})
    (value,) = values(read(there, body, NOON))
    assert value["camera_id"] == "C-9"


WRONG: list[tuple[str, Any]] = [
    ("bounding_box", an_observation(bounding_box={"left": "0.25"})),
    ("bounding_box", an_observation(bounding_box=[1, 2])),
    ("timestamp", an_observation(timestamp="now")),
    ("track_id", an_observation(track_id=None)),
    ("class.score", an_observation(**{"class": {"type": "Human", "score": 77}})),
    ("class", an_observation(**{"class": "Human"})),
    ("position", an_observation(geoposition={"latitude": 51.5, "longitude": -0.1})),
    ("observations", "seen"),
]


@pytest.mark.parametrize(("field", "wrong"), WRONG)
def test_a_wrong_observation_is_set_aside_alone_and_read_alone_once_mended(field: str, wrong: Any) -> None:
    there = source("axis_scene_description", camera_id="C")
    frame = a_frame(an_observation(track_id="b"), wrong, an_observation(track_id="c"))
    reading = read(there, frame, NOON)
    assert [value["track_id"] for value in values(reading)] == ["b", "c"]
    (aside,) = reading.aside
    assert (orjson.loads(aside.original), aside.field) == (wrong, field)
    mended = read(there, aside.before + orjson.dumps(an_observation()) + aside.after, NOON)
    assert mended.events == read(there, a_frame(an_observation()), NOON).events


def test_a_box_far_outside_the_picture_is_no_box_and_one_at_its_border_is_cut() -> None:
    there = source("axis_scene_description", camera_id="C")
    far = an_observation(bounding_box={"left": 2.0, "top": 0.5, "right": 3.0, "bottom": 0.75})
    near = an_observation(bounding_box={"left": -0.04, "top": 0.5, "right": 0.5, "bottom": 1.04})
    reading = read(there, a_frame(far, near), NOON)
    assert [value["bounding_box"] for value in values(reading)] == [
        None,
        {"x": 0.0, "y": 0.5, "width": 0.5, "height": 0.5},
    ]
    assert reading.noted == {"box outside its picture": 1}


def test_a_camera_that_nobody_names_is_no_camera() -> None:
    reading = read(source("axis_scene_description"), a_frame(an_observation()), NOON)
    assert [aside.field for aside in reading.aside] == ["camera_id"]


def test_a_word_of_the_camera_that_we_do_not_know_is_other_and_noted() -> None:
    there = source("axis_scene_description", camera_id="C")
    its_class = {"type": "Unicycle", "score": 0.5}
    for _ in range(2):
        reading = there.read(Heard(a_frame(an_observation(**{"class": its_class})), NOON), {})
        assert [(value["label"], value["label_text"]) for value in values(reading)] == [("other", "Unicycle")]
        assert reading.noted == {"label unknown: Unicycle": 1}
