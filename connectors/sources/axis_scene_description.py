"""Axis scene description (Analytics Data Format: ``com.axis.scene.frame`` and its beta), a frame each, as JSON lines.

- Camera: ``camera_id``, or by MQTT the topic (map it with ``camera_ids``): a frame does not say where it comes from.
- Id: camera, track, the observation's own time.
- Boxes are shares of the picture already. A class comes and goes from frame to frame: where there is none, the label is
  "other", and the confidence unknown.
- With ``people``, the colours of a person's clothes are a ``cctv.person`` and not in the detection, and a face is neither.
- ``DeleteOperation`` ends a track: an event with ``ended``, beside the observations.
- ``geoposition``, where the camera is calibrated, is the thing's own place. Pictures in frames are not read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
from pydantic import Field

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.formats.json import Originals, originals
from connectors.formats.messages import Message, read_messages
from connectors.formats.records import an_id, readable, set_aside
from connectors.formats.times import iso_ms
from connectors.subjects.cameras import Camera, Cameras, CameraSettings
from connectors.subjects.detections import Attributes, Detections, Told, attribute, box_of, claimed, share_of
from connectors.subjects.people import FACE, PERSON, Traits
from connectors.subjects.plates import plates_masked
from connectors.subjects.sightings import Sightings
from connectors.transport.mqtt import MqttListener, MqttSettings
from schemas.errors import Invalid

COLOURS = {
    "upper_clothing_colors": "upper_clothing_colour",
    "lower_clothing_colors": "lower_clothing_colour",
    "colors": "colour",
}
GARMENTS = {"upper_clothing_colour": "upper_colour", "lower_clothing_colour": "lower_colour"}
PLACES = ("geoposition", "geo_position", "geographic_position", "position")
OBSERVATIONS = "observations"
OPERATIONS = "operations"
LISTS = (f"frame.{OBSERVATIONS}", f"frame.{OPERATIONS}")
EDGES = ("left", "top", "right", "bottom")


class Config(CameraSettings):
    """Settings of a source of type ``axis_scene_description``. Without mqtt it is only played or pushed."""

    people: bool = Field(False, description="tell how people look (cctv.person), and nothing of faces")
    mqtt: MqttSettings | None = Field(None, description="the broker to listen to")


class AxisSceneDescription:
    """A ``Source`` of detections."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._detections = Detections(context, Cameras(context, config), "axis")
        self._sightings = Sightings(context, "axis") if config.people else None
        self._listener = MqttListener(context, config.mqtt)

    def listen(self) -> AsyncIterator[Heard]:
        return self._listener.listen()

    async def close(self) -> None:
        await self._listener.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Told(heard.at_ms)
        read_messages(heard.body, told, self._read_one, plates_masked, LISTS)
        return told.reading(place)

    def _read_one(self, message: Message, told: Told) -> None:
        if message.value is None:
            told.skipped["empty payload"] += 1
            return
        frame = message.value.get("frame") if isinstance(message.value, dict) else None
        if not isinstance(frame, dict):
            raise Invalid("the message has no frame", field="frame", expected="an object")
        seen = frame.get(OBSERVATIONS)
        done = frame.get(OPERATIONS) or []
        if not isinstance(seen, list) or not isinstance(done, list):
            raise Invalid(
                "the frame has no list of observations", field="frame.observations", expected="a list"
            )
        camera = self._detections.cameras.named(message.topic)
        time = frame.get("timestamp")
        frame_ms = iso_ms(time, "frame.timestamp", noted=told.noted)
        parts = {name: originals(message.original, f"frame.{name}") for name in (OBSERVATIONS, OPERATIONS)}
        for index, one in enumerate(seen):
            try:
                self._observation(readable(one), camera, time, frame_ms, told)
            except Invalid as error:
                told.aside.append(_alone(message, frame, parts, OBSERVATIONS, index, error))
        for index, one in enumerate(done):
            try:
                self._operation(readable(one), camera, time, frame_ms, told)
            except Invalid as error:
                told.aside.append(_alone(message, frame, parts, OPERATIONS, index, error))

    def _observation(self, one: Any, camera: Camera, frame_time: Any, frame_ms: int, told: Told) -> None:
        if not isinstance(one, dict):
            raise Invalid("an observation is no object", field="observations", expected="an object")
        time = one.get("timestamp", frame_time)
        its_class = one.get("class")
        clothes: Attributes = []
        word, score, attributes = (None, None, []) if its_class is None else _class_of(its_class, told)
        label = self._detections.label(word, told)
        is_person = self._sightings is not None and label in (FACE, PERSON)
        if is_person:
            clothes = [its for its in attributes if its["name"] in GARMENTS]
            attributes = [its for its in attributes if its["name"] not in GARMENTS]
        if is_person and label == FACE:
            told.skipped["face"] += 1
            return
        box = one.get("bounding_box")
        if box is not None and not isinstance(box, dict):
            raise Invalid("the box is no object", field="bounding_box", expected="an object")
        event_ms = frame_ms if time == frame_time else iso_ms(time, "timestamp", noted=told.noted)
        track, position = _track(one.get("track_id")), self._position(one)
        self._detections.tell(
            told,
            camera,
            event_ms,
            (time,),
            track,
            label,
            word,
            score,
            None
            if box is None
            else box_of(box.get("left"), box.get("top"), box.get("right"), box.get("bottom"), told),
            position,
            classes=[] if word is None else claimed(label, score),
            attributes=attributes,
            said=(word, *(() if box is None else map(box.get, EDGES))),
        )
        if is_person:
            self._sighting(clothes, camera, event_ms, time, track, position, told)

    def _sighting(
        self,
        clothes: Attributes,
        camera: Camera,
        event_ms: int,
        time: Any,
        track: str,
        position: dict[str, Any] | None,
        told: Told,
    ) -> None:
        traits = Traits("axis", told.skipped, told.noted)
        for one in clothes:
            traits.colour_named(GARMENTS[one["name"]], one["value"], one["likelihood"])
        rows = traits.rows()
        if rows and self._sightings is not None:
            self._sightings.tell(told, camera, event_ms, (time,), track, rows, position)
        else:
            told.skipped["person of whom nothing is said"] += 1

    def _position(self, one: dict[str, Any]) -> dict[str, Any] | None:
        at = next((one[name] for name in PLACES if isinstance(one.get(name), dict)), None)
        if at is None:
            return None
        return self._detections.own_position(at.get("latitude"), at.get("longitude"))

    def _operation(self, one: Any, camera: Camera, time: Any, frame_ms: int, told: Told) -> None:
        if not isinstance(one, dict) or not isinstance(one.get("type"), str):
            raise Invalid("an operation has no type", field=OPERATIONS, expected="an object with its type")
        if one["type"] != "DeleteOperation":
            told.skipped[f"operation {one['type'][:40]}"] += 1
            return
        track = _track(one.get("id"))
        self._detections.tell(told, camera, frame_ms, (time, "deleted"), track, ended=True)


def _class_of(its_class: Any, told: Told) -> tuple[str | None, float | None, Attributes]:
    if not isinstance(its_class, dict):
        raise Invalid("the class is no object", field="class", expected="an object")
    word = its_class.get("type")
    if word is not None and not isinstance(word, str):
        raise Invalid("the class's type is no text", field="class.type", expected="text")
    attributes: Attributes = []
    for theirs, ours in COLOURS.items():
        colours = its_class.get(theirs) or []
        if not isinstance(colours, list) or not all(isinstance(colour, dict) for colour in colours):
            raise Invalid("the colours are no list of objects", field=f"class.{theirs}", expected="objects")
        for colour in colours:
            name, score = (
                colour.get("name"),
                share_of(colour.get("score"), f"class.{theirs}.score", told.noted),
            )
            attributes.append(attribute(ours, name, score))
    return word, share_of(its_class.get("score"), "class.score", told.noted), attributes


def _track(value: Any) -> str:
    return an_id(value, "track_id")


def _alone(
    message: Message,
    frame: dict[str, Any],
    parts: dict[str, Originals],
    part: str,
    index: int,
    error: Invalid,
) -> SetAside:
    """One bad part of a frame set aside, with a frame around it that holds nothing else."""
    before, after = message.around
    rest = b',"' + (b"operations" if part != OPERATIONS else b"observations") + b'":[]}}'
    time = orjson.dumps(frame.get("timestamp"))
    around = (before + b'{"frame":{"timestamp":' + time + b',"' + part.encode() + b'":[', b"]" + rest + after)
    return set_aside(plates_masked(parts[part](index, None)), error, around)


SOURCE = AxisSceneDescription
