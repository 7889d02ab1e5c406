"""NVIDIA DeepStream's messages (minimal schema of ``nvmsgconv``), one object each, by MQTT, pushed, or as JSON lines.

- Camera: the sensor's id.
- Id: the message's own; where it has none, camera, object, time and kind of event. An object id of 2⁶⁴−1 or −1 means
  that nobody tracks it: its track is null, and its class and box tell it from its neighbours.
- Object positions are taken unless they stand in ``dummy_positions``: the converter fills in 30.33, -40.55 where nobody
  set any, the same for every object, and such a place is none.
- A sensor's position, where it is not 0,0, is the camera's, and so is that of every detection without a place of its own.
- Boxes are in pixels of a picture whose size the messages do not say: they need ``width_px`` and ``height_px``.
- ``exit`` and ``empty`` (the parking space) end a track. Messages come out of order; each keeps its own time.
- ``confidence`` below 0, or 0 beside nothing known, and a plate that reads UNK…, are the converter's way to say nothing.
  Plates are not read at all.
- ``speed`` has no unit that the schema names: the settings do, else it is left out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

from pydantic import Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.messages import Message, read_messages
from connectors.formats.records import id_or_none
from connectors.formats.times import iso_ms
from connectors.subjects.cameras import Camera, Cameras, CameraSettings
from connectors.subjects.detections import (
    METRES_PER_S,
    Box,
    Detections,
    Told,
    attribute,
    box_in_pixels,
    claimed,
    share_of,
    speed_of,
)
from connectors.subjects.labels import OTHER
from connectors.subjects.plates import plates_masked
from connectors.transport.mqtt import MqttListener, MqttSettings
from schemas.errors import Invalid

ENDS = frozenset({"exit", "empty"})
KINDS = ("vehicle", "person", "face", "bag", "bicycle")
UNKNOWN = frozenset({"", "unknown"})
DETAILS = ("make", "model", "color")
READ = ("type", *DETAILS)
CLASSES_MAX = 4_096
"""Classes remembered, so that each is made out once."""
Edges = tuple[object, object, object, object]
NO_EDGES: Edges = (None, None, None, None)
Class = tuple[str | None, str, float | None, list[dict[str, Any]], list[dict[str, Any]]]
"""Word, label, confidence, classes, attributes."""


class Config(CameraSettings):
    """Settings of a source of type ``nvidia_deepstream``. Without mqtt it is only played or pushed."""

    dummy_positions: tuple[tuple[float, float], ...] = Field(
        ((30.33, -40.55),), description="(lat, lon) that mean: nobody has set a position"
    )
    speed_unit: Literal["m/s", "km/h", "mph"] | None = Field(
        None, description="of object.speed; none: speeds are left out"
    )
    mqtt: MqttSettings | None = Field(None, description="the broker to listen to")


class NvidiaDeepstream:
    """A ``Source`` of detections."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._detections = Detections(context, Cameras(context, config), "nvidia")
        self._dummies = frozenset(config.dummy_positions)
        self._speed = METRES_PER_S.get(config.speed_unit or "")
        self._classes: dict[tuple[object, ...], Class] = {}
        self._listener = MqttListener(context, config.mqtt)

    def listen(self) -> AsyncIterator[Heard]:
        return self._listener.listen()

    async def close(self) -> None:
        await self._listener.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Told(heard.at_ms)
        read_messages(heard.body, told, self._read_one, plates_masked)
        return told.reading(place)

    def _read_one(self, message: Message, told: Told) -> None:
        value = message.value
        if value is None:
            told.skipped["empty payload"] += 1
            return
        thing = value.get("object") if isinstance(value, dict) else None
        if not isinstance(thing, dict):
            raise Invalid("the message has no object", field="object", expected="an object")
        time, own_id = value.get("@timestamp"), value.get("messageid")
        sensor, event = _part(value, "sensor"), _part(value, "event").get("type")
        camera = self._detections.cameras.named(_text(sensor.get("id")))
        word, label, confidence, classes, details = self._class_of(thing, event, told)
        where, whose = self._position(thing), camera
        if where is None and camera.position is None:
            whose = self._placed(camera, sensor)
        is_named = isinstance(own_id, str) and own_id != ""
        self._detections.tell(
            told,
            whose,
            iso_ms(time, "@timestamp", noted=told.noted),
            (own_id,) if is_named else (time, event),
            _text(thing.get("id")),
            label,
            word,
            confidence,
            _box(thing, camera, told),
            where,
            speed_of(thing.get("speed"), "object.speed", self._speed, told.noted),
            event in ENDS,
            classes,
            details,
            (word, confidence, *_edges(thing), *_place(thing)),
            is_named,
        )

    def _class_of(self, thing: dict[str, Any], event: object, told: Told) -> Class:
        """Label, word, confidence and classes of an object; the same few classes come again and again."""
        kind = next((kind for kind in KINDS if kind in thing), None)
        part = {} if kind is None else _part(thing, kind)
        share = share_of(part.get("confidence"), f"object.{kind}.confidence", told.noted)
        key = (kind, event, share, *map(part.get, READ))
        try:
            found = self._classes.get(key)
        except TypeError:
            raise Invalid("the class is no text", field=f"object.{kind}", expected="text") from None
        if found is None:
            found = _class(kind, part, share, event, lambda word: self._detections.label(word, told))
            if len(self._classes) >= CLASSES_MAX:
                self._classes.clear()
            if found[1] != OTHER:  # an unknown word is noted each time
                self._classes[key] = found
        return found

    def _position(self, thing: dict[str, Any]) -> dict[str, Any] | None:
        lat, lon = _place(thing)
        is_dummy = (
            isinstance(lat, int | float) and isinstance(lon, int | float) and (lat, lon) in self._dummies
        )
        return None if is_dummy else self._detections.own_position(lat, lon)

    def _placed(self, camera: Camera, sensor: dict[str, Any]) -> Camera:
        at = _part(sensor, "location")
        where = self._detections.own_position(at.get("lat"), at.get("lon"))
        if where is None:
            return camera
        return Camera(camera.camera_id, where, camera.width_px, camera.height_px, camera.clock_error_s)


def _part(message: dict[str, Any], name: str) -> dict[str, Any]:
    part = message.get(name)
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise Invalid(f"{name} is no object", field=name, expected="an object")
    return part


def _place(thing: dict[str, Any]) -> tuple[object, object]:
    at = _part(thing, "location")
    return at.get("lat"), at.get("lon")


def _text(value: object) -> str | None:
    return id_or_none(value, "id")


def _class(
    kind: str | None,
    part: dict[str, Any],
    share: float | None,
    event: object,
    label_of: Callable[[str], str],
) -> Class:
    """A part of an object names its kind, and has more fields where the analytics give more."""
    its_type = part.get("type") if kind == "vehicle" else None
    is_typed = isinstance(its_type, str) and its_type.lower() not in UNKNOWN
    word = str(its_type) if is_typed else kind
    details = [
        attribute(name, value)
        for name in DETAILS
        if isinstance(value := part.get(name), str) and value.lower() not in UNKNOWN
    ]
    confidence = share if share or details or is_typed else None
    label = OTHER if word is None else label_of(word)
    if isinstance(event, str) and event:
        details.append(attribute("event", event))
    return word, label, confidence, claimed(label, confidence), details


def _box(thing: dict[str, Any], camera: Camera, told: Told) -> Box | None:
    edges = _edges(thing)
    return None if edges == NO_EDGES else box_in_pixels(camera, *edges, told)


def _edges(thing: dict[str, Any]) -> Edges:
    box = thing.get("bbox")
    if box is None:
        return NO_EDGES
    if not isinstance(box, dict):
        raise Invalid("bbox is no object", field="object.bbox", expected="an object")
    return box.get("topleftx"), box.get("toplefty"), box.get("bottomrightx"), box.get("bottomrighty")


SOURCE = NvidiaDeepstream
