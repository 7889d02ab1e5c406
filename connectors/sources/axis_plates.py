"""Axis License Plate Verifier's events (``ALPV.AllPlates``): XML of its event stream, or the JSON of its MQTT bridge.

The plate's text is hashed with ``key`` before anything leaves ``read``: it stands in no event, no reason, no log. What
is set aside is **masked**: of its bytes only the words of the format are left (``plates.masked``), so it says what was
wrong with it, but cannot be fed again; the camera's own list is where to look. Recordings of this source and whatever
keeps its bodies before ``read`` (a spool) hold clear text: give them the same care as the key.

- Camera: ``camera_id``, or by MQTT the topic. Id: camera, the car's number, time, and state; without such, the token.
- Boxes are in pixels: they need ``width_px`` and ``height_px`` of the camera.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from lxml import etree
from pydantic import Field, SecretStr

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.messages import Message, read_messages
from connectors.formats.records import ALONE, plausible_time, set_aside
from connectors.formats.times import iso_ms
from connectors.formats.xml import Element, check_unmarked, parsed_with_marks
from connectors.subjects.cameras import Camera, Cameras, CameraSettings
from connectors.subjects.detections import Box, Told, box_in_pixels, share_of
from connectors.subjects.plates import masked, plate_key, plate_token
from connectors.subjects.plausible import id_if_known
from connectors.transport.mqtt import MqttListener, MqttSettings
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields

TT = "{http://www.onvif.org/ver10/schema}"
UNKNOWN = frozenset({"", "unknown"})
COUNTRY = re.compile(r"[A-Za-z]{2,3}")


class Config(CameraSettings):
    """Settings of a source of type ``axis_plates``. Without mqtt it is only played or pushed."""

    key: SecretStr = Field(
        description="hashes plates: ${NAME} of a secret of 16 bytes or more, the same for all cameras of the city"
    )
    mqtt: MqttSettings | None = Field(None, description="the broker to listen to")


class AxisPlates:
    """A ``Source`` of plates, as tokens."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._cameras = Cameras(context, config)
        self._key = plate_key(config.key.get_secret_value(), f"source {context.source!r}")
        self._listener = MqttListener(context, config.mqtt)

    def listen(self) -> AsyncIterator[Heard]:
        return self._listener.listen()

    async def close(self) -> None:
        await self._listener.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Told(heard.at_ms)
        try:
            self._read(heard.body, told)
        except Exception as error:  # a caller that catches it would keep the body as it came
            broke = Invalid(
                f"the source broke on it: {type(error).__name__}", expected="a source without a fault"
            )
            return Reading((), place, aside=[set_aside(masked(heard.body), broke)])
        return told.reading(place)

    def _read(self, body: bytes, told: Told) -> None:
        if body.lstrip()[:1] in (b"{", b"[", b"#"):
            read_messages(body, told, self._read_one, masked)
            told.aside = [set_aside(one.original, _reason(one), ALONE) for one in told.aside]
            return
        try:
            self._read_xml(body, None, told)
        except Invalid as error:
            told.aside.append(set_aside(masked(body), error))

    def _read_one(self, message: Message, told: Told) -> None:
        match message.value:
            case None:
                told.skipped["empty payload"] += 1
            case bytes():
                self._read_xml(message.value, message.topic, told)
            case {"message": {"data": dict() as data}, "timestamp": int() as ms}:
                self._plate(data, ms, str(ms), message.topic, told)
            case _:
                raise Invalid("the message has no data", field="message.data", expected="an object")

    def _read_xml(self, body: bytes, topic: str | None, told: Told) -> None:
        found = 0
        root, is_marked = parsed_with_marks(body)
        for message, time, items in _notifications(root):
            found += 1
            try:
                if is_marked:
                    check_unmarked(message)
                event_ms = iso_ms(time, "UtcTime", is_utc=True, noted=told.noted)
                self._plate(items, event_ms, time, topic, told)
            except Invalid as error:
                told.aside.append(set_aside(masked(bytes(etree.tostring(message, with_tail=False))), error))
        if not found:
            raise Invalid(
                "there is no message of a plate", field="Message", expected="tt:Message with its text"
            )

    def _plate(
        self, items: Mapping[str, Any], event_ms: int, time: str | None, topic: str | None, told: Told
    ) -> None:
        text = items.get("text")
        if not isinstance(text, str):
            raise Invalid("the plate is no text", field="text", expected="a number plate")
        token = plate_token(self._key, text)
        camera = self._cameras.named(topic)
        car, state = id_if_known(_word(items.get("carID")), "carID", told.noted), _word(items.get("carState"))
        at_ms = plausible_time(event_ms, told.at_ms, "UtcTime")
        event_id = derived_id(
            self._context.city, self._context.source, camera.camera_id, car or token, time, state
        )
        if not told.is_new(event_id):
            return
        value = event_fields(
            self._context.city,
            self._context.source,
            event_id=event_id,
            event_time_ms=at_ms,
            received_ms=at_ms if told.at_ms is None else told.at_ms,
            position=None if camera.position is None else dict(camera.position),
        )
        value |= {
            "camera_id": camera.camera_id,
            "plate_token": token,
            "country": _country(items.get("country")),
            "confidence": share_of(items.get("confidence"), "confidence", told.noted),
            "vehicle_type": None,
            "colour": None,
            "direction_deg": None,
            "speed_mps": None,
            "image_ref": None,
            "position_source": None if camera.position is None else "camera",
            "track_id": car,
            "track_state": state,
            "bounding_box": _box(items, camera, told),
        }
        told.events.append(Event("cctv.plate", camera.camera_id, value))


def _notifications(root: Element) -> Iterator[tuple[Element, str | None, dict[str, Any]]]:
    """Each message that reads a plate, its time and its items."""
    for message in root.iter(f"{TT}Message"):
        data = message.find(f"{TT}Data")
        items = (
            {} if data is None else {i.get("Name", ""): i.get("Value") for i in data.iter(f"{TT}SimpleItem")}
        )
        if "text" in items:
            yield message, message.get("UtcTime"), items


def _reason(one: Any) -> Invalid:
    return Invalid(one.reason, field=one.field, expected=one.expected)


CAR_WORD = re.compile(r"\d{1,20}|[a-z_]{1,20}")


def _word(value: object) -> str | None:
    """A number of a car or a word of the format; anything else is not passed on, as it may be a plate."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if CAR_WORD.fullmatch(text) and text not in UNKNOWN else None


def _country(value: object) -> str | None:
    return value if isinstance(value, str) and COUNTRY.fullmatch(value) else None


def _box(items: Mapping[str, Any], camera: Camera, told: Told) -> Box | None:
    try:
        left, top, width, height = (float(items[name]) for name in ("left", "top", "width", "height"))
    except (KeyError, TypeError, ValueError):
        return None
    return box_in_pixels(camera, left, top, left + width, top + height, told)


SOURCE = AxisPlates
