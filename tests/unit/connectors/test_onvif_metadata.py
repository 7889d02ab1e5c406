"""ONVIF metadata: whole streams and fragments, JSON over MQTT, and hostile XML."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Reading
from connectors.formats.xml import BYTES_MAX
from schemas.errors import Fatal
from tests.unit.connectors.seen import NOON, read, source, values

TT = 'xmlns:tt="http://www.onvif.org/ver10/schema"'
TIME = "2026-03-08T11:59:59.5"
FRAMES = {
    "01": 0,
    "02": 0,
    "04": 4,
    "05": 2,
    "06": 7,
    "07": 1,
    "08": 1,
    "09": 1,
    "11": 0,
    "12": 1,
    "13": 1,
    "14": 1,
}
FRAMES |= {"16": 1, "17": 1, "18": 1, "20": 1}
"""Listings of the analytics specification → objects published; 06: six objects, one merged into another, one split."""


@pytest.fixture(scope="module")
def listings(data_dir: Path) -> Path:
    folder = data_dir / "cctv" / "onvif_26.06" / "examples"
    if not folder.is_dir():
        pytest.skip(f"no listings at {folder}")
    return folder


def a_device(**config: Any) -> Any:
    return source("onvif_metadata", **{"camera_id": "C", **config})


def test_the_listings_that_are_whole_documents_are_read(listings: Path) -> None:
    sensors, body, line = (
        read(a_device(), (listings / name).read_bytes())
        for name in ("analytics_xml_19.xml", "analytics_xml_20.xml", "core_xml_06.xml")
    )
    assert (len(sensors.events), sensors.skipped) == (0, {"sensor data": 3})
    (human,) = values(body)
    assert (human["label"], human["confidence"], human["track_id"]) == ("person", 0.8, "15")
    assert [value["track_id"] for value in values(line)] == ["15", "19"]
    assert [value["attributes"][0]["value"] for value in values(line)] == [
        "RuleEngine/LineDetector/Crossed"
    ] * 2
    assert not [*sensors.aside, *body.aside, *line.aside]


@pytest.mark.parametrize(("number", "count"), [one for one in FRAMES.items() if one[0] not in ("11", "06")])
def test_each_fragment_is_read_once_within_its_namespaces(listings: Path, number: str, count: int) -> None:
    reading = read(a_device(), (listings / f"analytics_xml_{number}.xml").read_bytes())
    assert len(reading.events) == count
    assert len({value["event_id"] for value in values(reading)}) == count
    assert not reading.aside


def test_who_merges_into_another_is_gone(listings: Path) -> None:
    reading = read(a_device(), (listings / "analytics_xml_06.xml").read_bytes())
    assert [value["track_id"] for value in values(reading) if value["ended"]] == ["17"]
    assert len(reading.events) == 7


def test_cell_motion_in_the_standards_own_misprint_is_an_event(listings: Path) -> None:
    (value,) = values(read(a_device(), (listings / "analytics_xml_11.xml").read_bytes()))
    assert value["label"] == "motion"
    assert {one["name"]: one["value"] for one in value["attributes"]}["ismotion"] == "true"


@pytest.mark.parametrize("number", ["03", "10", "15", "21", "22", "23", "24", "25", "26", "27", "28", "29"])
def test_listings_that_are_malformed_or_describe_rules_are_set_aside_whole(
    listings: Path, number: str
) -> None:
    body = (listings / f"analytics_xml_{number}.xml").read_bytes()
    reading = read(a_device(), body)
    assert not reading.events
    assert [aside.original for aside in reading.aside] == [body]


def test_json_over_mqtt_says_what_the_xml_of_the_same_object_says(listings: Path) -> None:
    xml = read(a_device(), (listings / "analytics_xml_20.xml").read_bytes())
    json = read(a_device(), (listings / "analytics_json_01.json").read_bytes())
    assert json.events == xml.events


def test_every_json_listing_that_has_a_topic_is_read_by_it(listings: Path) -> None:
    """Nine topics are listed, seven with a payload; each payload is one object, or one that is left out."""
    told = []
    for path in sorted(listings.glob("*.topic.txt")):
        payload = path.with_name(path.name.replace("topic", "json", 1).replace(".topic.txt", ".json"))
        if payload.is_file():
            said = {"topic": path.read_text().strip(), "payload": payload.read_text()}
            reading = read(a_device(), orjson.dumps(said))
            assert not reading.aside
            assert {value["camera_id"] for value in values(reading)} <= {"MyDevice"}
            told.append(len(reading.events) + sum(reading.skipped.values()))
    assert told == [1] * 7


def test_a_json_listing_that_is_malformed_is_set_aside_with_its_bytes(listings: Path) -> None:
    whole = (listings / "analytics_json_01.json").read_bytes()
    for body in (whole.replace(b'"@UtcTime":', b'"@UtcTime"'), whole[:-4], whole.replace(b"}]", b"},]", 1)):
        reading = read(a_device(), body)
        assert not reading.events
        assert [aside.original for aside in reading.aside] == [body]


def a_frame(*objects: str, time: str = TIME, before: str = "") -> str:
    return f'<tt:Frame UtcTime="{time}">{before}{"".join(objects)}</tt:Frame>'


def an_object(
    inner: str = "", number: int = 1, box: str = 'left="-0.5" top="0.5" right="0.5" bottom="-0.5"'
) -> str:
    shape = f"<tt:Shape><tt:BoundingBox {box}/></tt:Shape>"
    return f'<tt:Object ObjectId="{number}"><tt:Appearance>{shape}{inner}</tt:Appearance></tt:Object>'


def classes(**likelihoods: float) -> str:
    types = (f'<tt:Type Likelihood="{share}">{word}</tt:Type>' for word, share in likelihoods.items())
    return f"<tt:Class>{''.join(types)}</tt:Class>"


def one(body: str, **config: Any) -> Any:
    (value,) = values(read(a_device(**config), body.encode(), NOON))
    return value


@pytest.mark.parametrize(
    ("moved", "box"),
    [
        ("", (0.25, 0.25, 0.5, 0.5)),
        ('<tt:Translate x="0.5" y="0.5"/><tt:Scale x="1" y="1"/>', (0.5, 0.0, 0.5, 0.5)),
        ('<tt:Scale x="0.5" y="0.5"/>', (0.375, 0.375, 0.25, 0.25)),
        ('<tt:Scale x="-1" y="-1"/>', (0.25, 0.25, 0.5, 0.5)),
    ],
)
def test_boxes_are_scaled_moved_and_turned_to_the_top_left(moved: str, box: tuple[float, ...]) -> None:
    transformation = f"<tt:Transformation>{moved}</tt:Transformation>" if moved else ""
    found = one(a_frame(an_object(), before=transformation))["bounding_box"]
    assert (found["x"], found["y"], found["width"], found["height"]) == box


def test_several_classes_are_all_told_and_a_vehicles_type_goes_before_vehicle() -> None:
    value = one(a_frame(an_object(classes(Vehicle=0.8, Car=0.75, Truck=0.3))))
    assert (value["label"], value["confidence"], value["label_text"]) == ("car", 0.75, "Car")
    assert [(c["label"], c["likelihood"]) for c in value["classes"]] == [
        ("vehicle", 0.8),
        ("car", 0.75),
        ("truck", 0.3),
    ]
    unsure = one(a_frame(an_object(classes(Vehicle=0.8, Car=0.45))))
    assert (unsure["label"], unsure["confidence"]) == ("vehicle", 0.8)


def test_a_place_of_its_own_goes_before_the_cameras() -> None:
    cameras = {"C": {"lat": 29.75, "lon": -95.5}}
    own = one(a_frame(an_object('<tt:GeoLocation lat="29.8" lon="-95.4"/>')), cameras=cameras)
    assert (own["position_source"], own["position"]["lat"]) == ("analytics", 29.8)
    assert one(a_frame(an_object()), cameras=cameras)["position_source"] == "camera"
    assert one(a_frame(an_object()))["position_source"] is None


def test_a_speed_needs_its_unit() -> None:
    body = a_frame('<tt:Object ObjectId="1"><tt:Behaviour><tt:Speed>36</tt:Speed></tt:Behaviour></tt:Object>')
    assert one(body)["speed_mps"] is None
    assert one(body, speed_unit="km/h")["speed_mps"] == pytest.approx(10)


def test_what_is_removed_has_ended_once_even_if_the_tree_deletes_it_too() -> None:
    removed = '<tt:Object ObjectId="1"><tt:Behaviour><tt:Removed/></tt:Behaviour></tt:Object>'
    tree = '<tt:ObjectTree><tt:Delete ObjectId="1"/><tt:Delete ObjectId="2"/></tt:ObjectTree>'
    reading = read(a_device(), a_frame(removed, tree).encode(), NOON)
    assert [(value["track_id"], value["ended"]) for value in values(reading)] == [("1", True), ("2", True)]


def test_a_plate_beside_an_object_is_not_read() -> None:
    info = (
        "<tt:LicensePlateInfo><tt:PlateNumber Likelihood='0.9'>MADE01</tt:PlateNumber></tt:LicensePlateInfo>"
    )
    reading = read(a_device(), a_frame(an_object(info), an_object(info, box='left="x"')).encode(), NOON)
    (value,) = values(reading)
    assert value["label"] == "licence_plate"
    assert "MADE01" not in repr(reading)


WRONG = [
    an_object(box='left="west" top="1" right="1" bottom="1"'),
    an_object(box='left="nan" top="1" right="1" bottom="1"'),
    an_object(classes(Human=7)),
    an_object('<tt:GeoLocation lat="51.5" lon="-0.1"/>'),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_object_is_set_aside_alone_and_read_alone_once_mended(wrong: str) -> None:
    moved = '<tt:Transformation><tt:Translate x="0.5" y="0.5"/></tt:Transformation>'
    body = f"<?xml version='1.0'?><tt:MetadataStream {TT}><tt:VideoAnalytics>"
    body += a_frame(an_object(number=5), wrong, an_object(number=6), before=moved)
    body += "</tt:VideoAnalytics></tt:MetadataStream>"
    reading = read(a_device(), body.encode(), NOON)
    assert [value["track_id"] for value in values(reading)] == ["5", "6"]
    (aside,) = reading.aside
    assert aside.original == wrong.encode()
    mended = read(a_device(), aside.before + an_object().encode() + aside.after, NOON)
    assert mended.events == read(a_device(), a_frame(an_object(), before=moved).encode(), NOON).events


def test_a_frame_without_a_time_is_set_aside_and_the_others_are_told() -> None:
    body = a_frame(an_object()) + a_frame(an_object(), time="...") + a_frame(an_object(number=2))
    reading = read(a_device(), body.encode(), NOON)
    assert [value["track_id"] for value in values(reading)] == ["1", "2"]
    assert [aside.original for aside in reading.aside] == [a_frame(an_object(), time="...").encode()]


def test_a_wrong_object_in_json_is_set_aside_alone_and_read_alone_once_mended() -> None:
    def thing(left: Any, number: int) -> dict[str, Any]:
        box = {"@left": left, "@top": 0.5, "@right": 0.5, "@bottom": -0.5}
        return {"@ObjectId": number, "Appearance": {"Shape": {"BoundingBox": box}}}

    payload = {"Frame": [{"@UtcTime": TIME, "Object": [thing(0, 5), thing("west", 1), thing(0, 6)]}]}
    body = orjson.dumps({"topic": "D/onvif-mj/VideoAnalytics/1/M", "payload": orjson.dumps(payload).decode()})
    reading = read(a_device(), body, NOON)
    assert [value["track_id"] for value in values(reading)] == ["5", "6"]
    (aside,) = reading.aside
    assert orjson.loads(aside.original) == thing("west", 1)
    (mended,) = values(read(a_device(), aside.before + orjson.dumps(thing(0, 1)) + aside.after, NOON))
    assert (mended["camera_id"], mended["track_id"]) == ("D", "1")


# Properties

INSIDE = "D/onvif-ej/RuleEngine/FieldDetector/ObjectsInside/&1/Field/5"


def by_mqtt(topic: str, payload: Any) -> bytes:
    return orjson.dumps({"topic": topic, "payload": orjson.dumps(payload).decode() if payload else ""})


def is_inside(inside: bool = True) -> dict[str, Any]:
    source_items = {"VideoSource": "1", "Rule": "Field"}
    return {"UtcTime": TIME, "Source": source_items, "Key": {"ObjectId": "5"}, "Data": {"IsInside": inside}}


def hear(*bodies: bytes) -> tuple[list[Any], list[Reading]]:
    place: Any = {}
    readings = []
    for number, body in enumerate(bodies):
        readings.append(read(a_device(), body, NOON + number, place))
        place = orjson.loads(orjson.dumps(readings[-1].place))
    return [value for reading in readings for value in values(reading)], readings


def test_a_property_is_ended_by_an_empty_payload_and_only_once() -> None:
    told, readings = hear(by_mqtt(INSIDE, is_inside()), by_mqtt(INSIDE, None), by_mqtt(INSIDE, None))
    assert [(value["track_id"], value["ended"], value["event_time"]) for value in told] == [
        ("5", False, NOON - 500),
        ("5", True, NOON + 1),
    ]
    assert readings[-1].skipped == {"deleted, and nothing known of it": 1}
    assert readings[-1].place == {"properties": {}}


def test_an_ending_that_is_heard_again_is_the_same_event() -> None:
    begun = read(a_device(), by_mqtt(INSIDE, is_inside()), NOON)
    ids = {
        values(read(a_device(), by_mqtt(INSIDE, None), NOON + later, begun.place))[0]["event_id"]
        for later in (1, 2)
    }
    assert len(ids) == 1, "the broker sends it again after a crash"


def test_the_place_is_bounded() -> None:
    body = b"\n".join(by_mqtt(f"{INSIDE}{number}", is_inside()) for number in range(1000))
    assert len(hear(body)[1][0].place["properties"]) == 200


def test_by_xml_a_property_is_ended_by_its_operation() -> None:
    note = (
        "<wsnt:NotificationMessage><wsnt:Topic>tns1:RuleEngine/FieldDetector/ObjectsInside</wsnt:Topic><wsnt:Message>"
        f'<tt:Message UtcTime="{TIME}" PropertyOperation="{{}}"><tt:Source><tt:SimpleItem Name="Rule" Value="F"/>'
        '</tt:Source><tt:Key><tt:SimpleItem Name="ObjectId" Value="5"/></tt:Key></tt:Message></wsnt:Message>'
        "</wsnt:NotificationMessage>"
    )
    told, _ = hear((note.format("Changed") + note.format("Deleted")).encode())
    assert [value["ended"] for value in told] == [False, True]
    assert len({value["event_id"] for value in told}) == 2


def an_event(topic: str, data: dict[str, Any] | None = None, rule: str = "R") -> bytes:
    said = {"UtcTime": TIME, "Source": {"VideoSource": "1", "Rule": rule}, "Data": data or {}}
    return by_mqtt(f"D/onvif-ej/{topic}/&1", said)


@pytest.mark.parametrize(
    ("topic", "data", "label"),
    [
        ("RuleEngine/LineDetector/Crossed", {"ObjectId": "7"}, "line_crossed"),
        ("RuleEngine/FieldDetector/ObjectsInside", {"IsInside": True}, "intrusion"),
        ("RuleEngine/LoiteringDetector/ObjectIsLoitering", {"State": True}, "loitering"),
        ("RuleEngine/LoiteringDetector/ObjectIsRemoved", {}, "object_removed"),
        ("RuleEngine/ObjectAbandoned", {}, "object_left"),
        ("RuleEngine/ObjectRemoved", {}, "object_removed"),
        ("RuleEngine/TamperDetector/Tamper", {"State": True}, "tamper"),
        ("VideoSource/GlobalSceneChange/AnalyticsService", {"State": "true"}, "tamper"),
        ("tns1:RuleEngine/tnsmaker:FightDetection/Fight", {"State": "1"}, "fight"),
        ("RuleEngine/ViolenceDetector/State", {}, "fight"),
        ("RuleEngine/FallDetector/Fallen", {}, "person_down"),
        ("RuleEngine/CrowdDetection", {}, "crowd"),
        ("RuleEngine/SmokeFireDetector/Smoke", {}, "smoke"),
        ("RuleEngine/ArsonDetection", {}, "fire"),
        ("RuleEngine/TrafficAccident/Accident", {}, "collision"),
        ("RuleEngine/IllegalParking", {}, "parked_vehicle"),
        ("RuleEngine/RoadObstacle", {}, "obstacle"),
        ("RuleEngine/Stalking", {}, "stalking"),
        ("RuleEngine/DrowningDetector", {}, "drowning"),
        ("RuleEngine/ObjectDetection/Object", {"ClassTypes": "Human Vehicle"}, "person"),
        ("RuleEngine/FireflyCounter", {}, "other"),
        ("CameraApplicationPlatform/ObjectAnalytics/Device1Scenario1", {"active": "1"}, "other"),
        ("CameraApplicationPlatform/FenceGuard/Camera1Profile1", {"active": "1"}, "line_crossed"),
    ],
)
def test_an_event_is_labelled_by_what_its_topic_says_somebody_does(
    topic: str, data: dict[str, Any], label: str
) -> None:
    (value,), _ = hear(an_event(topic, data))
    assert (value["label"], value["ended"]) == (label, False)


@pytest.mark.parametrize("data", [{"IsInside": False}, {"State": "false"}, {"active": "0"}])
def test_a_state_that_is_not_so_is_an_end_and_claims_nothing(data: dict[str, Any]) -> None:
    (value,), _ = hear(an_event("RuleEngine/SmokeDetector", data))
    assert (value["label"], value["ended"]) == ("other", True)


def test_the_city_says_what_a_rule_or_scenario_that_its_cameras_have_stands_for() -> None:
    topic = "CameraApplicationPlatform/ObjectAnalytics/Device1Scenario1"
    said = a_device(rules={"Schoolyard": "fight", topic: "parked_vehicle"})
    bodies = (an_event("RuleEngine/FieldDetector", rule="Schoolyard"), an_event(topic))
    assert [values(read(said, body, NOON))[0]["label"] for body in bodies] == ["fight", "parked_vehicle"]
    with pytest.raises(Fatal, match="no such label: 'figth'; near: fight"):
        a_device(rules={"Schoolyard": "figth"})


def test_events_of_other_services_are_counted_and_not_told() -> None:
    told, readings = hear(
        by_mqtt("D/onvif-ej/Device/Sensor/Temperature/High", {"UtcTime": TIME, "Data": {"Value": 30}})
    )
    assert not told
    assert readings[0].skipped == {"event of another service": 1}


def test_a_device_with_several_video_sources_has_a_camera_for_each() -> None:
    there = {"camera_ids": {"D/1": "front", "D/2": "back"}}
    frame = {"Frame": [{"@UtcTime": TIME, "Object": [{"@ObjectId": 1}]}]}
    bodies = [by_mqtt(f"D/onvif-mj/VideoAnalytics/{number}/M", frame) for number in (1, 2)]
    bodies.append(by_mqtt(INSIDE, is_inside()))
    told = [values(read(a_device(**there), body, NOON))[0]["camera_id"] for body in bodies]
    assert told == ["front", "back", "front"]


# Hostile XML

LAUGHS = b"<!DOCTYPE l [<!ENTITY a 'ha'>" + b"".join(
    f"<!ENTITY {new} '{f'&{old};' * 10}'>".encode() for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
LAUGHS += b"]><tt:MetadataStream " + TT.encode() + b">&i;</tt:MetadataStream>"
HOSTILE = {
    "a billion laughs": LAUGHS,
    "in UTF-16": LAUGHS.decode().encode("utf-16"),
    "in UTF-16 without a mark": LAUGHS.decode().encode("utf-16-le"),
    "in UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>' + LAUGHS,
    "a file": b"<!DOCTYPE l [<!ENTITY a SYSTEM 'file:///etc/hostname'>]><l>&a;</l>",
    "a page": b"<!DOCTYPE l SYSTEM 'http://127.0.0.1:1/l.dtd'><l/>",
    "an entity of nobody": b"<l>&a;</l>",
    "deep": b"<tt:Frame>" * 400_000,
    "deep and closed": b"<a>" * 400_000 + b"</a>" * 400_000,
    "wide": b"<a/>" * (BYTES_MAX // 4 - 1_000),
    "one long attribute": b'<a b="' + b"x" * (BYTES_MAX - 1_000) + b'"/>',
    "many attributes": b"<a " + b" ".join(b'a%d="1"' % number for number in range(200_000)) + b"/>",
    "too long": b"<a>" + b" " * BYTES_MAX + b"</a>",
    "many frames cut off": b'<tt:Frame UtcTime="x">' * 100_000,
    "many bad frames": b'<tt:Frame UtcTime="x"/>' * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_xml_that_means_harm_is_refused_soon_and_within_400_mb(name: str) -> None:
    device = a_device()
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begun = time.thread_time()  # threads of other tests
    reading = read(device, HOSTILE[name], NOON)
    # Each takes half a second at most; quadratic time would take minutes. No figure
    # in between is asserted: a full collection over a long session's objects alone is most of a second.
    assert time.thread_time() - begun < 20
    assert not reading.events
    assert reading.aside
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before_mb < 400


def test_json_that_means_harm_is_set_aside() -> None:
    deep = b'{"Frame":' * 100_000
    huge = orjson.dumps(
        {"Frame": [{"@UtcTime": TIME, "Object": [{"@ObjectId": 1, "Appearance": {"Shape": {}}}]}]}
    )
    for body in (deep, deep + b"1" + b"}" * 100_000, huge.replace(b"1,", b"1" * 5_000 + b",")):
        reading = read(a_device(), body, NOON)
        assert len(reading.aside) + len(reading.events) == 1


@settings(max_examples=150)
@given(st.binary(max_size=12), st.integers(0, 600), st.booleans())
def test_whatever_is_struck_into_a_stream_breaks_nothing(noise: bytes, at: int, is_json: bool) -> None:
    xml = f"<tt:MetadataStream {TT}>{a_frame(an_object(classes(Human=0.5)))}</tt:MetadataStream>".encode()
    body = by_mqtt(INSIDE, is_inside()) if is_json else xml
    spoilt = body[:at] + noise + body[at + len(noise) :]
    reading = read(a_device(), spoilt, NOON)
    assert reading.events or reading.aside or reading.skipped or b"Frame" not in spoilt
