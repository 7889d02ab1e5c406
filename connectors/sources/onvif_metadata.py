"""ONVIF metadata: the XML of its streams and event answers, and the JSON over MQTT of 26.06 (``onvif-mj``, ``onvif-ej``).

- XML is a whole document, or a fragment (a ``tt:Frame`` as it stands in a stream), read within its usual namespaces.
- Camera: by MQTT the device before ``/onvif-…/``, with its video source where ``camera_ids`` or ``cameras`` know both
  (``device/source``); else ``camera_id``.
- Id: camera, object, the frame's time and classifier; of an event its topic, time, source and object.
- Boxes: the frame's transformation gives −1 … 1 with y upwards; ours are shares of the picture with the origin top left.
- Label: the likeliest class, but a vehicle's type before "Vehicle" where it is as likely as not; all stand in ``classes``.
- A place of its own: ``GeoLocation``. ``Removed``, and what the object tree deletes, merges or renames, ends a track.
- Events of analytics are published without a box; their label is what ``rules`` says, what the topic says (the standard's
  rules, makers' own by the behaviour they name), or the class of their object. A state that is not so has ended.
- ``PropertyOperation="Deleted"`` deletes a property, as by MQTT an empty payload does: the last ``PROPERTIES_MAX``
  properties are in the place, so the end is published once.
- Sensor data and events of other services are counted as skipped. Plates and faces' names are not read.
- With ``people``, how a person looks is a ``cctv.person`` (``_onvif_people.py``), and a face is no detection.
- Times are named UTC, so one without an offset is UTC. ``Speed`` has no unit in the schema: the settings may name it.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import Any, Literal

import orjson
from pydantic import Field, field_validator

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import Originals, originals
from connectors.formats.messages import Message, read_messages
from connectors.formats.records import ALONE, readable, set_aside
from connectors.sources import _onvif_json as as_json
from connectors.sources import _onvif_xml as as_xml
from connectors.sources._onvif_events import VIDEO_SOURCE, Events, remember, video_source_of
from connectors.sources._onvif_parts import DEVICE, Claim, Frame, Thing, event_topic_of, utc_ms
from connectors.sources._onvif_people import tell_traits
from connectors.subjects.cameras import Camera, Cameras, CameraSettings
from connectors.subjects.detections import METRES_PER_S, Detections, Told, attribute, box_of, speed_of
from connectors.subjects.labels import OTHER, check_labels, label_of
from connectors.subjects.people import FACE, PERSON, Traits
from connectors.subjects.plates import plates_masked
from connectors.subjects.plausible import plausible
from connectors.subjects.sightings import Sightings
from connectors.transport.mqtt import MqttListener, MqttSettings
from schemas.errors import Invalid

LISTS = ("Frame", "Frame.Object")
PROPERTIES_MAX = 200
CLASSES_MAX = 4_096
"""Classes remembered, so that each is made out once."""
Class = tuple[str, str | None, float | None, list[dict[str, Any]]]
Piece = tuple[bytes, tuple[bytes, bytes]]
"""Bytes as they came, and what makes a body of their own of them."""


class Config(CameraSettings):
    """Settings of a source of type ``onvif_metadata``. Without mqtt it is only played or pushed."""

    speed_unit: Literal["m/s", "km/h", "mph"] | None = Field(
        None, description="of Behaviour/Speed; none: speeds are left out"
    )
    rules: dict[str, str] = Field(
        {},
        description="the name of a camera's rule, or its topic → what it stands for: a label, such as fight",
    )
    people: bool = Field(False, description="tell how people look (cctv.person), and nothing of faces")
    mqtt: MqttSettings | None = Field(None, description="the broker to listen to")

    @field_validator("rules")
    @classmethod
    def _are_labels(cls, rules: dict[str, str]) -> dict[str, str]:
        return check_labels(rules)


class OnvifMetadata:
    """A ``Source`` of detections."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._detections = Detections(context, Cameras(context, config), "onvif")
        self._sightings = Sightings(context, "onvif") if config.people else None
        self._events = Events(self._detections, config.rules)
        self._speed = METRES_PER_S.get(config.speed_unit or "")
        self._classes: dict[tuple[Claim, ...], Class] = {}
        self._listener = MqttListener(context, config.mqtt)

    def listen(self) -> AsyncIterator[Heard]:
        return self._listener.listen()

    async def close(self) -> None:
        await self._listener.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Told(heard.at_ms)
        properties: dict[str, list[Any]] = dict(place.get("properties", {}))
        if heard.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b"#") or b"<" not in heard.body:
            read_messages(
                heard.body,
                told,
                lambda message, told: self._read_one(message, told, properties),
                plates_masked,
                LISTS,
            )
        else:
            try:
                self._read_xml(heard.body, None, told)
            except Invalid as error:
                told.aside.append(set_aside(plates_masked(heard.body), error))
        for oldest in list(properties)[: max(0, len(properties) - PROPERTIES_MAX)]:
            del properties[oldest]
        is_same = properties == place.get("properties", {})
        return told.reading(place if is_same else {**place, "properties": properties})

    # Messages

    def _read_one(self, message: Message, told: Told, properties: dict[str, list[Any]]) -> None:
        value = message.value
        if value is None:
            self._deleted(message.topic or "", told, properties)
        elif isinstance(value, bytes):
            self._read_xml(value, message.topic, told, message)
        elif not isinstance(value, dict):
            raise Invalid(f"the message is a JSON {type(value).__name__}", expected="an object")
        elif "Frame" in value:
            self._read_frames(message, value, told)
        elif "SensorData" in value:
            told.skipped["sensor data"] += len(as_json.many(value["SensorData"], "SensorData"))
        elif "UtcTime" in value and ("Source" in value or "Data" in value):
            happening = as_json.happening_of(value, event_topic_of(message.topic))
            camera = self._camera(message.topic, video_source_of(happening))
            if self._events.add(happening, camera, told):
                remember(properties, message.topic, happening)
        else:
            raise Invalid(
                "the message is no frame and no event", field="Frame", expected="Frame, or UtcTime and Data"
            )

    def _read_frames(self, message: Message, value: dict[str, Any], told: Told) -> None:
        frames = as_json.many(value["Frame"], "Frame")
        is_list = isinstance(value["Frame"], list)
        parts = originals(message.original, "Frame" if is_list else None)
        for index, frame in enumerate(frames):
            try:
                raw = readable(frame)
            except Invalid as error:
                before, after = message.around
                around = (before + b'{"Frame":[', b"]}" + after)
                told.aside.append(set_aside(plates_masked(parts(index, None)), error, around))
                continue
            opened = {name: part for name, part in raw.items() if name not in ("Object", "ObjectTree")}

            objects = originals(partial(parts, index, raw), "Object" if is_list else "Frame.Object")

            def alone(number: int, objects: Originals = objects, opened: Any = opened) -> Piece:
                before, after = message.around
                frame = orjson.dumps(opened)[:-1] + (b"," if opened else b"")
                around = (before + b'{"Frame":[' + frame + b'"Object":[', b"]}]}" + after)
                return objects(number, None), around

            things = as_json.many(raw.get("Object"), "Object")
            is_alone = isinstance(raw.get("Object"), list)
            self._frame(
                as_json.frame_of(raw),
                self._camera(message.topic, None),
                map(as_json.thing_of, things),
                alone if is_alone else lambda _: (message.original(), message.around),
                told,
            )

    def _deleted(self, topic: str, told: Told, properties: dict[str, list[Any]]) -> None:
        """Add the end of a state, where its beginning is remembered."""
        state, event_topic = properties.pop(topic, None), event_topic_of(topic)
        if state is None or event_topic is None:
            told.skipped["deleted, and nothing known of it"] += 1
            return
        camera = self._camera(topic, state[VIDEO_SOURCE])
        self._events.end(topic, event_topic, state, camera, told)

    # XML

    def _read_xml(self, body: bytes, topic: str | None, told: Told, message: Message | None = None) -> None:
        document = as_xml.Document(body)
        found = document.sensor_data()
        if found:
            told.skipped["sensor data"] += found

        def put_aside(element: Any, error: Invalid, frame: Any = None) -> None:
            if message is None:
                original, around = document.original(element), document.around(element, frame)
            else:  # within an envelope it keeps its topic
                original, around = message.original(), message.around
            told.aside.append(set_aside(plates_masked(original), error, around))

        def whole(_: int) -> Piece:
            return (message.original(), message.around) if message is not None else (body, ALONE)

        for element in document.frames():
            found += 1
            try:
                things = list(element.iterchildren(as_xml.OBJECT))
                self._frame(
                    as_xml.frame_of(document.whole(element, beside=as_xml.OBJECT)),
                    self._camera(topic, None),
                    map(document.thing_of, things),  # a generator would end at the first that raises
                    partial(_alone, document, things, element) if message is None else whole,
                    told,
                )
            except Invalid as error:
                put_aside(element, error)
        for element in document.happenings():
            found += 1
            try:
                happening = as_xml.happening_of(document.whole(element))
                self._events.add(happening, self._camera(topic, video_source_of(happening)), told)
            except Invalid as error:
                put_aside(element, error)
        if not found and (len(document.root) or (document.root.text or "").strip()):
            raise Invalid(
                "there is no frame and no event",
                field="Frame",
                expected="tt:Frame or wsnt:NotificationMessage",
            )

    # Both forms

    def _camera(self, topic: str | None, video_source: str | None) -> Camera:
        device = DEVICE.fullmatch(topic) if topic else None
        if device is None:
            return self._detections.cameras.named(topic)
        name = device["device"]
        if video_source is None and device["form"] == "mj":
            steps = device["rest"].split("/")
            video_source = steps[1] if len(steps) > 1 else None
        both = f"{name}/{video_source}" if video_source else None
        return self._detections.cameras.named(both if self._detections.cameras.knows(both) else name)

    def _frame(
        self,
        frame: Frame,
        camera: Camera,
        things: Iterator[Thing],
        alone: Callable[[int], Piece],
        told: Told,
    ) -> None:
        """Add each of *things*; one that raises ``Invalid`` as it is read is set aside as *alone* gives it."""
        event_ms = utc_ms(frame.time, told.noted)
        ended = set(frame.gone)
        for number in itertools.count():
            try:
                thing = next(things)
                self._thing(thing, frame, camera, event_ms, told)
                if thing.is_removed:
                    ended.discard(thing.object_id or "")
            except StopIteration:
                break
            except Invalid as error:
                original, around = alone(number)
                told.aside.append(set_aside(plates_masked(original), error, around))
        for object_id in frame.gone:
            if object_id in ended:
                identity = (frame.time, frame.source, "gone")
                self._detections.tell(told, camera, event_ms, identity, object_id, ended=True)

    def _thing(self, thing: Thing, frame: Frame, camera: Camera, event_ms: int, told: Told) -> None:
        detections = self._detections
        found = self._class_of(thing, told)
        label = found[0]
        if thing.has_plate:
            told.noted["plates are not read from this source"] += 1
        own = None
        if thing.lat is not None or thing.lon is not None:
            own = detections.own_position(thing.lat, thing.lon)
        rows: list[dict[str, Any]] | None = None
        if self._sightings is not None and (thing.person or label in (FACE, PERSON)):
            rows = _traits_of(thing, label, told)  # before anything is told: it may raise
        if rows is None or label != FACE:
            self._detection(thing, frame, camera, event_ms, own, found, told)
        if rows and self._sightings is not None:
            identity = (frame.time, frame.source)
            seen = (told, camera, event_ms, identity, thing.object_id, rows, own)
            self._sightings.tell(*seen, said=(*(thing.edges or ()), *rows))

    def _detection(
        self, thing: Thing, frame: Frame, camera: Camera, event_ms: int, own: Any, found: Class, told: Told
    ) -> None:
        (label, word, confidence, classes), edges, detections = found, thing.edges, self._detections
        detections.tell(
            told,
            camera,
            event_ms,
            (frame.time, frame.source),
            thing.object_id,
            label,
            word,
            confidence,
            None if edges is None else box_of(*frame.transformation.shares(edges), told),
            own,
            speed_of(thing.speed, "Speed", self._speed, told.noted),
            thing.is_removed,
            classes,
            [
                attribute(name, text, plausible(share, "likelihood", told.noted))
                for name, text, share in thing.attributes
            ],
            (word, *(edges or ())),
        )

    def _class_of(self, thing: Thing, told: Told) -> Class:
        """Label, word, confidence and classes; the same few claims come again and again."""
        key = tuple((word, plausible(share, "likelihood", told.noted)) for word, share in thing.claims)
        found = self._classes.get(key)
        if found is None:
            claims = [(self._detections.label(word, told), share, word) for word, share in key]
            sure = sorted(
                ((label, share) for label, share, _ in claims if share is not None), key=lambda c: -c[1]
            )
            if sure:
                label, confidence = label_of(sure)
            else:
                label, confidence = (claims[0][0], None) if claims else (OTHER, None)
            word = next((w for ours, share, w in claims if (ours, share) == (label, confidence)), None)
            classes = [{"label": ours, "likelihood": share} for ours, share in sure]
            found = label, word, confidence, classes
            if len(self._classes) >= CLASSES_MAX:
                self._classes.clear()
            if all(ours != OTHER for ours, _, _ in claims):  # an unknown word is noted each time
                self._classes[key] = found
        return found


def _traits_of(thing: Thing, label: str, told: Told) -> list[dict[str, Any]]:
    """Return the looks of the person *thing*; count what stands neither in that nor in its detection."""
    traits = Traits("onvif", told.skipped, told.noted)
    tell_traits(thing.person, traits, told.skipped)
    kept = [one for one in thing.attributes if one[0] != "colour"]
    if len(kept) < len(thing.attributes):
        told.skipped["colour of a person that is no garment's"] += 1
    if label == FACE:
        told.skipped["face"] += 1
    thing.attributes = kept
    rows = traits.rows()
    if not rows:
        told.skipped["person of whom nothing is said"] += 1
    return rows


def _alone(document: as_xml.Document, things: Sequence[Any], frame: Any, number: int) -> Piece:
    return document.original(things[number]), document.around(things[number], frame)


SOURCE = OnvifMetadata
