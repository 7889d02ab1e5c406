"""Any wrong value in a camera's message: it is published, set aside or counted."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Heard
from schemas.catalogue import load_catalogue
from schemas.rows import RowCodec
from tests.unit.connectors.seen import NOON, read, source, values

TIME = "2026-03-08T11:59:59.500Z"
SIZE = {"C": {"width_px": 960, "height_px": 720}}
BOX = {"left": 0, "top": 0.5, "right": 1, "bottom": 0.75}
PIXELS = {"topleftx": 0, "toplefty": 24, "bottomrightx": 648, "bottomrighty": 65}
SEEN: dict[str, dict[str, Any]] = {
    "axis_scene_description": {
        "frame": {
            "timestamp": TIME,
            "observations": [
                {
                    "track_id": "a",
                    "timestamp": TIME,
                    "bounding_box": BOX,
                    "class": {
                        "type": "Human",
                        "score": 0.5,
                        "upper_clothing_colors": [{"name": "red", "score": 1}],
                    },
                    "geoposition": {"latitude": 29.8, "longitude": -95.4},
                }
            ],
            "operations": [{"type": "DeleteOperation", "id": "a"}],
        }
    },
    "nvidia_deepstream": {
        "messageid": "m",
        "@timestamp": TIME,
        "sensor": {"id": "C", "location": {"lat": 29.8, "lon": -95.4}},
        "object": {
            "id": "7",
            "speed": 3.5,
            "bbox": PIXELS,
            "location": {"lat": 30.33, "lon": -40.55},
            "vehicle": {"type": "sedan", "color": "blue", "confidence": 0.75},
        },
        "event": {"type": "moving"},
    },
    "onvif_metadata": {
        "Frame": [
            {
                "@UtcTime": TIME,
                "Transformation": {
                    "Translate": {"@x": -1.0, "@y": -1.0},
                    "Scale": {"@x": 0.003, "@y": 0.004},
                },
                "Object": [
                    {
                        "@ObjectId": 12,
                        "Appearance": {
                            "Shape": {
                                "BoundingBox": {"@left": 20, "@top": 180, "@right": 100, "@bottom": 30}
                            },
                            "Class": {"Type": [{"@Likelihood": 0.9, "#text": "Vehicle"}]},
                            "GeoLocation": {"@lat": 29.8, "@lon": -95.4},
                        },
                        "Behaviour": {"Speed": 3.5, "Removed": {}},
                    }
                ],
                "ObjectTree": {"Delete": [{"@ObjectId": 13}]},
            }
        ]
    },
    "frigate_events": {
        "type": "update",
        "after": {
            "id": "1-a",
            "camera": "C",
            "frame_time": 1_772_971_199.5,
            "end_time": 1_772_971_199.75,
            "label": "person",
            "score": 0.75,
            "box": [0, 24, 648, 65],
            "current_zones": ["yard"],
            "current_estimated_speed": 3.5,
        },
    },
    "axis_plates": {
        "topic": "ALPV.AllPlates",
        "timestamp": NOON - 500,
        "message": {"data": {"carID": "7", "text": "MADE01", "left": "0", "top": 2, "width": 3, "height": 4}},
    },
}
SETTINGS: dict[str, dict[str, Any]] = {
    "axis_plates": {"key": "a key of more than sixteen bytes"},
    "nvidia_deepstream": {"speed_unit": "m/s"},
    "onvif_metadata": {"speed_unit": "m/s"},
    "frigate_events": {"speed_unit": "kph"},
}
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 1e308, 2**63 - 1, 2**64 - 1),
    *(
        "",
        "x",
        "nan",
        "-inf",
        "1e999",
        "0" * 5_000,
        "é\x00",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
    ),
    *([], {}, [1], ["x"], [None], [[]], [{}], {"a": 1}, {"@x": []}),
]


@cache
def heard_by(name: str) -> Any:
    return source(name, **{"camera_id": "C", "cameras": SIZE, **SETTINGS.get(name, {})})


@cache
def codec(topic: str) -> RowCodec:
    return RowCodec(load_catalogue()[topic].newest)


def ways(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to each part of *value*."""
    if way:
        yield way
    steps = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for step in steps:
        yield from ways(value[step], (*way, step))


def changed(message: dict[str, Any], way: tuple[Any, ...], to: Any) -> dict[str, Any]:
    out = copy.deepcopy(message)
    at: Any = out
    for step in way[:-1]:
        at = at[step]
    at[way[-1]] = to
    return out


@pytest.mark.parametrize("name", SEEN)
def test_a_message_as_it_should_be_is_told(name: str) -> None:
    reading = read(heard_by(name), orjson.dumps(SEEN[name]), NOON)
    assert reading.events
    assert not reading.aside
    for event in reading.events:
        codec(event.topic).encode(dict(event.value or {}))


@pytest.mark.parametrize("name", SEEN)
@settings(max_examples=250)
@given(data=st.data())
def test_whatever_stands_in_whatever_place_breaks_nothing(name: str, data: st.DataObject) -> None:
    way = data.draw(st.sampled_from(list(ways(SEEN[name]))))
    message = changed(SEEN[name], way, data.draw(st.sampled_from(ODD)))
    reading = heard_by(name).read(Heard(orjson.dumps(message), data.draw(st.sampled_from([NOON, None]))), {})
    assert not [one for one in reading.aside if "broke on it" in one.reason]
    has_nothing = name == "axis_scene_description" or "Frame" in message
    assert reading.events or reading.aside or reading.skipped or has_nothing
    for event in reading.events:
        codec(event.topic).encode(dict(event.value or {}))


def test_a_box_at_the_edge_written_without_a_point_is_a_box() -> None:
    seen = values(
        read(heard_by("axis_scene_description"), orjson.dumps(SEEN["axis_scene_description"]), NOON)
    )
    assert seen[0]["bounding_box"] == {"x": 0.0, "y": 0.5, "width": 1.0, "height": 0.25}


def test_a_box_without_edges_is_set_aside() -> None:
    way = ("frame", "observations", 0, "bounding_box")
    message = changed(SEEN["axis_scene_description"], way, {})
    reading = heard_by("axis_scene_description").read(Heard(orjson.dumps(message), NOON), {})
    assert [one.field for one in reading.aside] == ["bounding_box"]


BAD = b'{"x":1},' * 20_000


@pytest.mark.parametrize("name", ["axis_scene_description", "nvidia_deepstream", "frigate_events"])
def test_a_list_of_nothing_but_bad_messages_costs_no_more_than_its_length(name: str) -> None:
    begun = time.thread_time()
    reading = read(heard_by(name), b"[" + BAD + b"{}]", NOON)
    assert len(reading.aside) == 20_001
    assert time.thread_time() - begun < 20, "where each takes the list apart anew it is minutes"


def test_so_does_a_body_of_comments() -> None:
    begun = time.thread_time()
    reading = read(heard_by("axis_scene_description"), b"#\n" * 500_000, NOON)
    assert reading.skipped == {"comment": 500_000}
    assert time.thread_time() - begun < 20
