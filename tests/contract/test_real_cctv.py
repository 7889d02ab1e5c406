"""Real recordings of cameras, each number compared with a count by plain JSON and XML, without the connectors."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import itertools
import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.unit.connectors.seen import SANTA_CLARA, read, source, values

TT = "{http://www.onvif.org/ver10/schema}"
DUMMY = (30.33, -40.55)
PLATE_KEY = "a key of more than sixteen bytes"
PREFIX = re.compile(r"(?<=[<\s/])([A-Za-z][\w-]*):[A-Za-z]")
WIDTH, HEIGHT = 1_280, 720

Seen = Counter[tuple[str | None, int]]
"""(track, epoch ms) → count."""


@pytest.fixture(scope="module")
def cctv(data_dir: Path) -> Path:
    folder = data_dir / "cctv"
    if not folder.is_dir():
        pytest.skip(f"no recordings of cameras at {folder}")
    return folder


def ms(text: str) -> int:
    """Epoch ms of *text*; a listing of the standard has 2016-9-10."""
    text = re.sub(r"-(\d)(?=[-T])", r"-0\1", text)
    return round(datetime.fromisoformat(text if text.endswith("Z") else f"{text}Z").timestamp() * 1000)


def told(seen: list[Any]) -> Seen:
    return Counter((value["track_id"], value["event_time"]) for value in seen)


def missing_and_doubled(expected: Seen, seen: Seen) -> tuple[Seen, Seen]:
    return expected - seen, seen - expected


def test_each_of_axis_492_observations_is_told_once(cctv: Path) -> None:
    body = (cctv / "axis" / "scene_description_first_half.jsonl").read_bytes()
    frames = [json.loads(line)["frame"] for line in body.splitlines() if line.strip()]
    observed = [one for frame in frames for one in frame["observations"]]
    ended = [one for frame in frames for one in frame["operations"]]
    reading = read(source("axis_scene_description", camera_id="lobby"), body)
    seen = values(reading)

    assert len(observed) == 492
    expected: Seen = Counter((one["track_id"], ms(one["timestamp"])) for one in observed)
    assert told([value for value in seen if not value["ended"]]) == expected
    assert sum(value["ended"] for value in seen) == len(ended)
    assert len({value["event_id"] for value in seen}) == len(observed) + len(ended)
    assert not reading.aside


# ONVIF


def test_three_of_35_listings_are_whole_documents_and_are_read(cctv: Path) -> None:
    listings = sorted((cctv / "onvif_26.06" / "examples").glob("*.xml"))
    whole = [path for path in listings if _tree(path.read_text()) is not None]
    assert (len(listings), len(whole)) == (35, 3)
    for path in whole:
        reading = read(source("onvif_metadata", camera_id="C"), path.read_bytes())
        assert reading.events or reading.skipped, path.name
        assert not reading.aside


def test_each_object_of_each_listing_is_read_once_and_what_is_malformed_is_set_aside_with_its_bytes(
    cctv: Path,
) -> None:
    broken, objects, opened = [], 0, 0
    for path in sorted((cctv / "onvif_26.06" / "examples").glob("*.xml")):
        reading = read(source("onvif_metadata", camera_id="C"), path.read_bytes())
        tree = _wrapped(path.read_text())
        if tree is None:
            broken.append(path.name)
            assert not reading.events
            assert [aside.original for aside in reading.aside] == [path.read_bytes()], path.name
            continue
        expected: Seen = Counter(
            (thing.get("ObjectId"), ms(frame.get("UtcTime") or ""))
            for frame in tree.iter(f"{TT}Frame")
            for thing in frame.iterfind(f"{TT}Object")
        )
        of_frames = [value for value in values(reading) if not _is_event(value)]
        missing, more = missing_and_doubled(expected, told(of_frames))
        assert not missing, path.name
        gone = {(value["track_id"], value["event_time"]) for value in of_frames if value["ended"]}
        assert set(more) <= gone, f"{path.name}: told more often than it stands there"
        assert len({value["event_id"] for value in values(reading)}) == len(reading.events)
        objects += expected.total()
        opened += len(re.findall(r"<tt:Object[ >]", path.read_text()))
    assert broken == [f"analytics_xml_{number}.xml" for number in ("03", "10", "15", "22", "23")]
    assert objects == opened == 22


def test_the_check_of_once_sees_what_is_left_out_and_what_is_doubled() -> None:
    expected: Seen = Counter({("12", 1): 1, ("17", 1): 1})
    assert missing_and_doubled(expected, Counter({("12", 1): 2})) == ({("17", 1): 1}, {("12", 1): 1})


def test_every_json_listing_is_well_formed_and_is_told_or_counted(cctv: Path) -> None:
    listings = sorted((cctv / "onvif_26.06" / "examples").glob("*.json"))
    assert len(listings) == 8
    for path in listings:
        message = json.loads(path.read_bytes())
        reading = read(source("onvif_metadata", camera_id="C"), path.read_bytes())
        assert not reading.aside, path.name
        assert len(reading.events) + sum(reading.skipped.values()) == 1, path.name
        assert ("SensorData" in message) == ("sensor data" in reading.skipped), path.name


def _tree(text: str) -> ElementTree.Element | None:
    try:
        return ElementTree.fromstring(text)  # noqa: S314 (our own recordings)
    except ElementTree.ParseError:
        return None


def _wrapped(text: str) -> ElementTree.Element | None:
    """The listing within a root that declares all prefixes in it; ``None`` where it is malformed."""
    whole = _tree(text)
    if whole is not None:
        return whole
    plain = re.sub(r"<\?xml.*?\?>", "", text)
    prefixes = set(PREFIX.findall(plain)) - {"xmlns", "xml"}
    spaces = " ".join(f'xmlns:{one}="{TT[1:-1] if one == "tt" else one}"' for one in sorted(prefixes))
    return _tree(f"<listing {spaces}>{plain}</listing>")


def _is_event(value: Any) -> bool:
    """Whether *value* is an event, by its topic; an object's behaviour (idle, removed) is one word."""
    return any(one["name"] == "event" and "/" in one["value"] for one in value["attributes"])


# NVIDIA


@pytest.fixture(scope="module")
def garage(cctv: Path) -> bytes:
    return gzip.decompress((cctv / "nvidia_deepstream" / "demo-1_first60pct.jsonl.gz").read_bytes())


def test_each_of_1816_messages_stands_where_its_sensor_does_and_never_at_the_dummy(garage: bytes) -> None:
    messages = [json.loads(line) for line in garage.splitlines()]
    objects = Counter((m["object"]["location"]["lat"], m["object"]["location"]["lon"]) for m in messages)
    sensors = [(m["sensor"]["location"]["lat"], m["sensor"]["location"]["lon"]) for m in messages]
    reading = read(source("nvidia_deepstream", SANTA_CLARA), garage)
    seen = values(reading)

    assert len(messages) == len({m["messageid"] for m in messages}) == 1_816
    assert objects == {DUMMY: 1_816}
    assert sum(at != (0, 0) for at in sensors) == 17
    places = [None if v["position"] is None else (v["position"]["lat"], v["position"]["lon"]) for v in seen]
    assert places == [None if at == (0, 0) else at for at in sensors]
    assert [v["event_time"] for v in seen] == [ms(m["@timestamp"]) for m in messages]
    assert len({v["event_id"] for v in seen}) == 1_816
    assert not reading.aside


def test_396_neighbours_are_out_of_order_and_stay_so(garage: bytes) -> None:
    times = [json.loads(line)["@timestamp"] for line in garage.splitlines()]
    assert {len(time) for time in times} == {24}, "so that text sorts as time does"
    assert sum(later < earlier for earlier, later in itertools.pairwise(times)) == 396
    seen = [value["event_time"] for value in values(read(source("nvidia_deepstream", SANTA_CLARA), garage))]
    assert sum(later < earlier for earlier, later in itertools.pairwise(seen)) == 396


def test_a_box_is_its_pixels_by_the_resolution_of_the_citys_file_or_null(garage: bytes) -> None:
    messages = [json.loads(line) for line in garage.splitlines()]
    cameras = sorted({m["sensor"]["id"] for m in messages})
    known = set(cameras[::2])
    size = {"width_px": WIDTH, "height_px": HEIGHT}
    there = source("nvidia_deepstream", SANTA_CLARA, cameras=dict.fromkeys(known, size))
    assert len(cameras) == 49
    for message, value in zip(messages, values(read(there, garage)), strict=True):
        if message["sensor"]["id"] not in known:
            assert value["bounding_box"] is None
            continue
        at, box = message["object"]["bbox"], value["bounding_box"]
        if not any(at.values()):  # a space that emptied has no box: the maker writes four zeros
            assert box is None
            continue
        assert box["x"] * WIDTH == pytest.approx(at["topleftx"])
        assert box["y"] * HEIGHT == pytest.approx(at["toplefty"])
        assert (box["x"] + box["width"]) * WIDTH == pytest.approx(min(at["bottomrightx"], WIDTH))
        assert (box["y"] + box["height"]) * HEIGHT == pytest.approx(min(at["bottomrighty"], HEIGHT))


# Plates


def test_axis_plate_is_the_keyed_hash_of_its_text_and_its_text_is_nowhere(cctv: Path) -> None:
    body = (cctv / "axis_alpv" / "alpv_allplates_event.xml").read_bytes()
    tree = _tree(body.decode())
    assert tree is not None
    (clear,) = (one.get("Value", "") for one in tree.iter(f"{TT}SimpleItem") if one.get("Name") == "text")
    there = source("axis_plates", camera_id="gate", key=PLATE_KEY)
    (value,) = values(read(there, body))
    assert (
        value["plate_token"] == hmac.new(PLATE_KEY.encode(), clear.encode(), hashlib.sha256).hexdigest()[:32]
    )
    cut = body[: body.index(clear.encode()) + len(clear)]
    for spoilt in (body, cut, body.replace(b"UtcTime", b"Time"), body + body, b"{" + body):
        assert clear in spoilt.decode()
        reading = read(there, spoilt)
        assert reading.events or reading.aside
        assert clear not in repr(reading)
