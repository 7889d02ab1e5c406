"""Frigate's events: the state "after", in the detect resolution, until the end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.unit.connectors.seen import NOON, read, source, values

FRAME_S = NOON / 1000 - 1
SIZE = {"porch": {"width_px": 1280, "height_px": 960}}


def an_event(change: str = "update", **after: Any) -> bytes:
    thing = {"id": "1.5-abc", "camera": "porch", "frame_time": FRAME_S, "label": "dog", "score": 0.75}
    thing |= {"box": [320, 240, 640, 480], "current_zones": [], "end_time": None, **after}
    return orjson.dumps({"type": change, "before": thing, "after": thing})


def test_the_documentations_own_update_is_one_person_in_two_zones(data_dir: Path) -> None:
    path = data_dir / "cctv" / "frigate" / "event_update.jsonc"
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    there = source(
        "frigate_events",
        cameras={"C-1": {"width_px": 1280, "height_px": 960}},
        camera_ids={"front_door": "C-1"},
    )
    (value,) = values(read(there, re.sub(rb"//[^\n]*", b"", path.read_bytes())))
    assert (value["camera_id"], value["track_id"]) == ("C-1", "1607123955.475377-mxklsc")
    assert (value["label"], value["confidence"], value["event_time"]) == (
        "person",
        0.87890625,
        1_607_123_962_083,
    )
    assert value["bounding_box"]["x"] == 432 / 1280
    assert value["bounding_box"]["y"] + value["bounding_box"]["height"] == pytest.approx(854 / 960)
    assert [one["value"] for one in value["attributes"]] == ["yard", "driveway"]
    assert not value["ended"]


def test_the_end_is_told_at_its_own_time() -> None:
    (value,) = values(read(source("frigate_events"), an_event("end", end_time=FRAME_S + 0.5), NOON))
    assert (value["ended"], value["event_time"]) == (True, NOON - 500)


def test_zones_have_the_citys_names() -> None:
    there = source("frigate_events", zones={"yard": "Z-1"}, cameras=SIZE)
    (value,) = values(read(there, an_event(current_zones=["yard", "road"]), NOON))
    assert [one["value"] for one in value["attributes"]] == ["Z-1", "road"]


def test_new_update_and_end_of_one_frame_are_three_events_and_said_twice_they_are_the_same() -> None:
    body = b"\n".join(an_event(change) for change in ("new", "update", "end"))
    once, again = (values(read(source("frigate_events"), body, NOON)) for _ in range(2))
    assert len({value["event_id"] for value in once}) == 3
    assert once == again


def test_a_false_positive_is_counted_and_not_told() -> None:
    reading = read(source("frigate_events"), an_event(false_positive=True), NOON)
    assert not reading.events
    assert reading.skipped == {"false positive, as Frigate says": 1}


def test_a_speed_needs_its_unit() -> None:
    body = an_event(current_estimated_speed=36)
    for unit, metres in ((None, None), ("kph", 10), ("mph", 16.09344)):
        (value,) = values(read(source("frigate_events", speed_unit=unit), body, NOON))
        assert value["speed_mps"] == (None if metres is None else pytest.approx(metres))


def test_faces_and_plates_that_frigate_recognises_go_no_further() -> None:
    named: dict[str, Any] = {"sub_label": ["Jane Roe", 0.9], "recognized_license_plate": "MADE01"}
    reading = read(
        source("frigate_events"), an_event(**named) + b"\n" + an_event(**named, score="high"), NOON
    )
    (aside,) = reading.aside
    for secret in ("Jane", "MADE"):
        assert secret not in repr(reading.events)
        assert secret.encode() not in aside.original


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("after.frame_time", {"frame_time": "now"}),
    ("event_time", {"frame_time": FRAME_S + 3600}),
    ("after.id", {"id": None}),
    ("after.camera", {"camera": ""}),
    ("after.label", {"label": 7}),
    ("after.score", {"score": 75}),
    ("after.box", {"box": [1, 2, 3]}),
    ("bounding_box", {"box": [1, 2, 3, "4"]}),
    ("after.current_zones", {"current_zones": [1]}),
]


@pytest.mark.parametrize(("field", "changed"), WRONG)
def test_a_wrong_event_is_set_aside_with_its_bytes(field: str, changed: dict[str, Any]) -> None:
    bad = an_event(**changed)
    reading = read(source("frigate_events", cameras=SIZE), an_event() + b"\n" + bad, NOON)
    assert len(reading.events) == 1
    assert [(aside.original, aside.field) for aside in reading.aside] == [(bad, field)]


def test_an_event_without_a_type_is_set_aside() -> None:
    reading = read(source("frigate_events"), an_event(""), NOON)
    assert [aside.field for aside in reading.aside] == ["type"]
