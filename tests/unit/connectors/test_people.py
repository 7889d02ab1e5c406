"""People's looks: ONVIF's bodies and faces, Axis' clothes, and a vendor's answers to a case."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.subjects.people import Traits, load_people
from schemas.appearance import load_appearance
from tests.unit.connectors.seen import NOON, read, source, values

CAMERA = {"C": {"lat": 29.75, "lon": -95.25, "clock_error_s": 2.0}}
RED = (
    '<bd:Color><tt:ColorCluster><tt:Color X="76" Y="84" Z="255" Likelihood="0.5"/>'
    "<tt:Weight>0.9</tt:Weight></tt:ColorCluster></bd:Color>"
)
AXIS_TIME = "2026-03-08T11:59:00Z"


def onvif(people: bool = True) -> Any:
    return source("onvif_metadata", camera_id="C", cameras=CAMERA, people=people)


def a_frame(*parts: str, word: str = "Human") -> bytes:
    appearance = "".join(parts)
    return (
        '<tt:Frame UtcTime="2026-03-08T11:59:00Z"><tt:Object ObjectId="7"><tt:Appearance>'
        '<tt:Shape><tt:BoundingBox left="-0.5" top="0.5" right="0.5" bottom="-0.5"/></tt:Shape>'
        f'<tt:Class><tt:Type Likelihood="0.75">{word}</tt:Type></tt:Class>{appearance}'
        "</tt:Appearance></tt:Object></tt:Frame>"
    ).encode()


def body(*parts: str) -> str:
    return f"<tt:HumanBody>{''.join(parts)}</tt:HumanBody>"


def face(*parts: str) -> str:
    return f"<tt:HumanFace>{''.join(parts)}</tt:HumanFace>"


def of(reading: Any, topic: str = "cctv.person") -> list[Any]:
    return [event.value for event in reading.events if event.topic == topic]


def traits(value: Any) -> dict[str, tuple[str, float | None]]:
    return {one["name"]: (one["word"], one["confidence"]) for one in value["attributes"]}


# ONVIF


def test_a_body_and_a_face_become_the_words_and_no_more() -> None:
    said = a_frame(
        face(
            "<fc:Gender>Female</fc:Gender><fc:Age><tt:Min>70</tt:Min><tt:Max>79</tt:Max></fc:Age>",
            "<fc:FaceShape>Oval</fc:FaceShape><fc:Hair><fc:Length>Short</fc:Length></fc:Hair>",
            "<fc:Accessory><fc:Hat><fc:Wear>false</fc:Wear></fc:Hat></fc:Accessory>",
        ),
        body(
            f"<bd:Clothing><bd:Tops><bd:Category>LongSleeve</bd:Category>{RED}</bd:Tops>",
            "<bd:Bottoms><bd:Category>Skirt</bd:Category></bd:Bottoms></bd:Clothing>",
            "<bd:Belongings><bd:Bag><bd:Category>Backpack</bd:Category></bd:Bag>",
            "<bd:Bag><bd:Category>ToteBag</bd:Category></bd:Bag></bd:Belongings>",
        ),
    )
    reading = read(onvif(), said, NOON)
    (value,) = of(reading)
    assert traits(value) == {
        "sex": ("female", None),
        "age_band": ("old", 1.0),
        "hair": ("short", None),
        "sleeves": ("long", None),
        "upper_colour": ("red", 0.5),
        "lower_kind": ("skirt", None),
        "hat": ("no", None),
        "bag": ("yes", None),
        "backpack": ("yes", None),
    }
    assert (value["analytic"], value["track_id"], value["camera_id"]) == ("onvif", "7", "C")
    assert (value["case_id"], value["score"], value["crop"]) == (None, None, None)
    assert value["clock_error_s"] == value["event_time_accuracy_s"] == 2.0
    assert reading.skipped == {"features of a face": 1}
    assert "Oval" not in repr(reading) and "oval" not in repr(reading)


def test_unless_it_is_asked_for_nobodys_looks_are_told() -> None:
    said = a_frame(
        body("<bd:Clothing><bd:Tops><bd:Category>LongSleeve</bd:Category></bd:Tops></bd:Clothing>")
    )
    reading = read(onvif(people=False), said, NOON)
    assert of(reading) == [] and len(of(reading, "cctv.detection")) == 1


def test_a_face_leaves_no_detection_and_no_box_with_the_looks() -> None:
    said = a_frame(face("<fc:Gender>Male</fc:Gender>"), word="Face")
    reading = read(onvif(), said, NOON)
    assert of(reading, "cctv.detection") == []
    assert reading.skipped == {"face": 1}
    (value,) = of(reading)
    assert traits(value) == {"sex": ("male", None)} and "bounding_box" not in value
    assert len(of(read(onvif(people=False), said, NOON), "cctv.detection")) == 1


def test_what_is_unknown_or_has_no_word_is_counted_and_never_guessed() -> None:
    said = a_frame(
        face("<fc:Hair><fc:Length>Medium</fc:Length></fc:Hair>"),
        body("<bd:Clothing><bd:Bottoms><bd:Category>Kilt</bd:Category></bd:Bottoms></bd:Clothing>"),
    )
    reading = read(onvif(), said, NOON)
    assert of(reading) == []
    assert reading.skipped == {
        "hair of a person without a word of ours": 1,
        "person of whom nothing is said": 1,
    }
    assert reading.noted["bottoms of a person unknown: Kilt"] == 1


def test_a_colour_in_a_deprecated_space_is_counted() -> None:
    lab = RED.replace("<tt:Color ", '<tt:Color Colorspace="http://www.onvif.org/ver10/colorspace/CIELAB" ')
    reading = read(onvif(), a_frame(body(f"<bd:Clothing><bd:Tops>{lab}</bd:Tops></bd:Clothing>")), NOON)
    assert reading.skipped["colour of a person in a space that is not read"] == 1
    rgb = lab.replace("CIELAB", "RGB")
    reading = read(onvif(), a_frame(body(f"<bd:Clothing><bd:Tops>{rgb}</bd:Tops></bd:Clothing>")), NOON)
    assert [traits(one) for one in of(reading)] == [{"upper_colour": ("blue", 0.5)}]


def test_a_number_that_is_none_sets_the_object_aside_with_no_event_of_it() -> None:
    said = a_frame(face("<fc:Age><tt:Min>x</tt:Min><tt:Max>9</tt:Max></fc:Age>"))
    reading = read(onvif(), said, NOON)
    assert len(reading.aside) == 1 and reading.events == []


def test_two_untracked_persons_of_one_frame_are_two_sightings_and_one_told_twice_is_one() -> None:
    one = a_frame(face("<fc:Gender>Male</fc:Gender>")).replace(b' ObjectId="7"', b"")
    objects = one.partition(b"<tt:Object>")[2].removesuffix(b"</tt:Frame>")
    other = objects.replace(b'left="-0.5"', b'left="-0.25"')
    frame = one.replace(b"</tt:Frame>", b"<tt:Object>" + other + b"<tt:Object>" + objects + b"</tt:Frame>")
    found = of(read(onvif(), frame, NOON))
    assert len(found) == len({value["event_id"] for value in found}) == 2


def test_the_listing_of_the_standard_says_the_same_as_xml_and_as_json(data_dir: Path) -> None:
    folder = data_dir / "cctv" / "onvif_26.06" / "examples"
    if not folder.is_dir():
        pytest.skip(f"no examples of ONVIF at {folder}")
    there = source("onvif_metadata", camera_id="C", people=True)
    xml = read(there, (folder / "analytics_xml_20.xml").read_bytes())
    listing = (folder / "analytics_json_01.json").read_bytes()
    of_json = read(there, orjson.dumps({"topic": "C/onvif-mj/VideoSource/0", "payload": listing.decode()}))
    expected = {
        "sex": ("male", None),
        "age_band": ("adult", 1.0),
        "sleeves": ("long", None),
        "lower_kind": ("shorts", None),
        "hat": ("yes", None),
        "backpack": ("yes", None),
    }
    assert [traits(one) for one in of(xml)] == [traits(one) for one in of(of_json)] == [expected]
    assert xml.skipped == of_json.skipped == {"colour of a person that is no garment's": 1}


# Axis


def test_axis_clothes_become_the_words_and_leave_the_detection(data_dir: Path) -> None:
    path = data_dir / "cctv" / "axis" / "scene_description_first_half.jsonl"
    if not path.is_file():
        pytest.skip(f"no recording at {path}")
    lines = path.read_text(encoding="utf-8").splitlines()
    seen = [one for line in lines if line.strip() for one in json.loads(line)["frame"]["observations"]]
    dressed = [one for one in seen if any("clothing" in name for name in one.get("class") or {})]
    faces = [one for one in seen if (one.get("class") or {}).get("type") == "Face"]
    reading = read(source("axis_scene_description", camera_id="C", people=True), path.read_bytes())
    sightings, detections = of(reading), of(reading, "cctv.detection")
    assert (len(seen), len(dressed), len(faces)) == (492, 49, 68)
    assert len(sightings) == len(dressed) and reading.skipped["face"] == len(faces)
    assert sum(not one["ended"] for one in detections) == len(seen) - len(faces)
    assert "clothing" not in repr(detections)
    upper = Counter(traits(one)["upper_colour"][0] for one in sightings if "upper_colour" in traits(one))
    best = [
        max(one["class"]["upper_clothing_colors"], key=lambda colour: colour["score"])["name"].lower()
        for one in dressed
        if one["class"].get("upper_clothing_colors")
    ]
    assert upper == Counter(best)


def test_axis_beige_is_as_good_as_white_by_half() -> None:
    clothes = {"upper_clothing_colors": [{"name": "Beige", "score": 0.5}]}
    observation = {
        "track_id": "a",
        "timestamp": AXIS_TIME,
        "class": {"type": "Human", "score": 0.75, **clothes},
    }
    frame = {"frame": {"timestamp": AXIS_TIME, "observations": [observation], "operations": []}}
    there = source("axis_scene_description", camera_id="C", people=True)
    assert [traits(one) for one in of(read(there, orjson.dumps(frame), NOON))] == [
        {"upper_colour": ("white", 0.25)}
    ]


# A vendor's answers


MATCH = {
    "case": "c-1",
    "camera": "C",
    "track": "4",
    "time": "2026-03-08T11:50:00Z",
    "score": 0.75,
    "crop": {"ref": "crops/4", "expires_at": "2026-03-09T11:50:00Z"},
}


def matches(*records: Any) -> Any:
    return read(source("person_matches", cameras=CAMERA, analytic="finder"), orjson.dumps([*records]), NOON)


def test_an_answer_is_a_sighting_of_its_case_with_its_score() -> None:
    (value,) = values(matches(MATCH))
    assert (value["case_id"], value["score"], value["analytic"]) == ("c-1", 0.75, "finder")
    assert value["crop"] == {"ref": "crops/4", "expires_at": NOON + 86_400_000 - 600_000}
    assert value["position"]["lat"] == 29.75 and value["attributes"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"case": None}, "case"),
        ({"case": ""}, "case"),
        ({"score": None}, "score"),
        ({"score": 1.5}, "score"),
        ({"score": -0.25}, "score"),
        ({"score": float("nan")}, "score"),
        ({"camera": None}, "camera"),
        ({"time": "now"}, "time"),
        ({"time": "2026-03-09T11:50:00Z", "crop": None}, "event_time"),
        (
            {"crop": {"ref": "data:image/jpeg;base64,SECRET", "expires_at": "2026-03-09T11:50:00Z"}},
            "crop.ref",
        ),
        ({"crop": {"ref": "SECRET", "expires_at": "2026-03-08T11:50:00Z"}}, "crop.expires_at"),
        ({"crop": {"ref": "SECRET"}}, "crop.expires_at"),
        ({"face": "SECRET"}, ""),
        ({"vector": [0.5, 0.25]}, ""),
    ],
)
def test_what_is_no_answer_of_a_case_is_set_aside_without_the_person(
    change: dict[str, Any], field: str
) -> None:
    wrong = {**MATCH, **change}
    reading = matches(MATCH, wrong, {**MATCH, "track": "5"})
    assert [value["track_id"] for value in values(reading)] == ["4", "5"]
    (aside,) = reading.aside
    assert (aside.field, aside.number) == (field, 1)
    assert not re.search(b"SECRET|0.25|crops|score", aside.original)


# The tables


def test_every_word_of_the_standards_lists_is_in_the_table(data_dir: Path) -> None:
    """The lists of the schema files, read apart: a value that the table lacks would only be noted."""
    folder = data_dir / "cctv" / "onvif_26.06" / "wsdl" / "ver20" / "analytics"
    if not folder.is_dir():
        pytest.skip(f"no schemas of ONVIF at {folder}")
    text = (folder / "humanbody.xsd").read_text("utf-8")
    lists = {
        name: set(re.findall(r'enumeration value="(\w+)"', part))
        for name, part in re.findall(r'<xs:simpleType name="(\w+)">(.*?)</xs:simpleType>', text, re.DOTALL)
    }
    table = load_people().vendors["onvif"]
    for name, part in {
        "TopsCategory": "tops",
        "TopsStyle": "tops_style",
        "BottomsCategory": "bottoms",
        "BottomsStyle": "bottoms_style",
        "BagCategory": "bag",
    }.items():
        assert {word.lower() for word in lists[name]} == set(table[part]), name


@pytest.mark.parametrize(
    ("low", "high", "band", "share"),
    [
        (0, 12, "child", 1.0),
        (10, 13, "child", 0.75),
        (15, 15, "teenager", 1.0),
        (60, 69, "adult", 0.5),
        (65, 110, "old", 1.0),
    ],
)
def test_a_range_of_ages_is_the_band_with_most_of_its_years(
    low: int, high: int, band: str, share: float
) -> None:
    found = Traits("onvif", Counter(), Counter())
    found.age(low, high)
    assert found.rows() == [{"name": "age_band", "word": band, "confidence": share}]


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (9, 3), (0, 200)])
def test_an_age_that_cannot_be_is_noted(low: int, high: int) -> None:
    noted = Counter[str]()
    found = Traits("onvif", Counter(), noted)
    found.age(low, high)
    assert found.rows() == [] and noted == {"age of a person that cannot be": 1}


def test_every_colours_name_has_a_word_for_both_garments() -> None:
    for name in load_people().colours:
        found = Traits("axis", Counter(), Counter())
        for garment in ("upper_colour", "lower_colour"):
            found.colour_named(garment, name.title(), 0.5)
        rows = found.rows()
        assert len(rows) == 2, name
        for one in rows:
            load_appearance().check(one["name"], one["word"])
            assert one["confidence"] <= 0.5
