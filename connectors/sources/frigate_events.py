"""Frigate's tracked-object events (topic ``frigate/events``): an object before and after, each time it changes.

- What counts is ``after``. Camera and zone are Frigate's names; ``camera_ids`` and ``zones`` map them to the city's.
- Id: camera, event id, the frame's time, and whether the event is new, an update or the end.
- Boxes are in pixels of the *detect* resolution: ``width_px`` and ``height_px`` of the camera.
- ``end`` sets ``ended`` and happens at ``end_time``; a type of a later version is an update, and noted.
- What Frigate itself takes for a false positive is skipped.
- ``sub_label`` and recognised plates may name a person or a car: they are not read.
- Speeds are read only where the settings say Frigate's unit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

from pydantic import Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.messages import Message, read_messages
from connectors.formats.records import a_text, note_unknown
from connectors.formats.times import epoch_ms
from connectors.subjects.cameras import Camera, Cameras, CameraSettings
from connectors.subjects.detections import (
    METRES_PER_S,
    Attributes,
    Box,
    Detections,
    Told,
    attribute,
    box_in_pixels,
    claimed,
    share_of,
    speed_of,
)
from connectors.subjects.plates import plates_masked
from connectors.transport.mqtt import MqttListener, MqttSettings
from schemas.errors import Invalid

TYPES = ("new", "update", "end")


class Config(CameraSettings):
    """Settings of a source of type ``frigate_events``. Without mqtt it is only played or pushed."""

    zones: dict[str, str] = Field({}, description="what Frigate calls a zone → the city's id of it")
    speed_unit: Literal["kph", "mph"] | None = Field(
        None, description="Frigate's unit of speed; none: speeds are left out"
    )
    mqtt: MqttSettings | None = Field(None, description="the broker to listen to; its topic: frigate/events")


class FrigateEvents:
    """A ``Source`` of detections."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._detections = Detections(context, Cameras(context, config), "frigate")
        self._zones = config.zones
        self._speed = METRES_PER_S.get(config.speed_unit or "")
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
        after = value.get("after") if isinstance(value, dict) else None
        if not isinstance(after, dict):
            raise Invalid("the event has nothing after", field="after", expected="an object")
        change = a_text(value.get("type"), "type")
        if after.get("false_positive") is True:
            told.skipped["false positive, as Frigate says"] += 1
            return
        self._tell(after, change, told)
        if change not in TYPES:
            note_unknown(told.noted, "event type", change)

    def _tell(self, after: dict[str, Any], change: str, told: Told) -> None:
        camera = self._detections.cameras.named(a_text(after.get("camera"), "after.camera"))
        track = a_text(after.get("id"), "after.id")
        word = a_text(after.get("label"), "after.label")
        label = self._detections.label(word, told)
        score = share_of(after.get("score"), "after.score", told.noted)
        frame_time, has_ended = after.get("frame_time"), change == "end"
        time = after.get("end_time") if has_ended else None
        self._detections.tell(
            told,
            camera,
            _epoch_ms(frame_time, "after.frame_time") if time is None else _epoch_ms(time, "after.end_time"),
            (frame_time, change),
            track,
            label,
            word,
            score,
            _box(after.get("box"), camera, told),
            speed_mps=self._speed_of(after, told),
            ended=has_ended,
            classes=claimed(label, score),
            attributes=self._attributes(after),
            said=(word, after.get("box")),
        )

    def _attributes(self, after: dict[str, Any]) -> Attributes:
        zones = after.get("current_zones") or []
        if not isinstance(zones, list) or not all(isinstance(zone, str) for zone in zones):
            raise Invalid("current_zones is no list of names", field="after.current_zones", expected="names")
        found = [attribute("zone", self._zones.get(zone, zone)) for zone in zones]
        if after.get("stationary") is True:
            found.append(attribute("event", "stationary"))
        return found

    def _speed_of(self, after: dict[str, Any], told: Told) -> float | None:
        """None where Frigate estimates none: it says 0 for that."""
        stated = after.get("current_estimated_speed") or None
        return speed_of(stated, "after.current_estimated_speed", self._speed, told.noted)


def _box(box: Any, camera: Camera, told: Told) -> Box | None:
    if box is None:
        return None
    if not isinstance(box, list) or len(box) != 4:
        raise Invalid("the box is no four numbers", field="after.box", expected="left, top, right, bottom")
    left, top, right, bottom = box
    return box_in_pixels(camera, left, top, right, bottom, told)


def _epoch_ms(value: object, field: str) -> int:
    """Epoch ms of a JSON number of seconds: text is none."""
    if isinstance(value, str):
        raise Invalid(f"{field} is no time", field=field, expected="seconds since 1970")
    return epoch_ms(value, field)


SOURCE = FrigateEvents
