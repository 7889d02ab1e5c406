"""MISB ST 0601 metadata of drones' video, raw KLV or in an MPEG transport stream: a file, played or pushed.

- The drone is its tail number (tag 4) or call sign (59); ``drones`` maps these to the city's ids; ``drone_id`` names one
  that says neither.
- ``drone.position`` is the place of the camera. A packet without a place says none.
- ``drone.footprint``: the corners in full (tags 82 to 89), else from the frame's centre (26 to 33), else computed.
- At most one of each in ``every_s`` seconds a drone; the others are counted.
- ``cctv.detection`` of its VMTI targets (tag 74, ST 0903): the camera is the drone's video in ``video_refs``, or the drone.
  A place is the target's own, or the frame's centre and its offset. Ontologies differ: a class that is no word of
  ``labels.toml`` is noted.
- A packet with a wrong checksum, or cut off, is set aside; so is one outside the city or without a time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.klv import Packet, Tags, packets_of, tags_of
from connectors.formats.records import plausible_time, set_aside
from connectors.formats.records import position as position_of
from connectors.formats.transport_stream import is_transport_stream, klv_of
from connectors.formats.vmti import Picture, Target, picture_of
from connectors.subjects.cameras import Camera, Cameras, CameraSettings
from connectors.subjects.detections import Detections, Told, box_in_pixels, claimed
from connectors.subjects.drone_heights import height_fields, single
from connectors.subjects.footprints import (
    CORNERS,
    Footprint,
    Pose,
    computed,
    footprint_of,
    from_offsets,
)
from connectors.subjects.labels import load_labels
from connectors.subjects.vehicles import Telemetry
from connectors.transport.file import read_file
from schemas.errors import Fatal, Invalid
from schemas.heights import Bound, above_ground_and_sea

POSITION, FOOTPRINT = "drone.position", "drone.footprint"
DRONES_MAX = 1_000
OFTEN, OLDER, NO_GROUND, NO_NAME = (
    "more often than every_s",
    "no newer than what its drone said before",
    "footprint without ground: a ray above the horizon, or corners that cross",
    "no tail number",
)


class Config(BaseModel):
    """Settings of a source of type ``misb_klv``. Without path it is only played or pushed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path | None = Field(None, description="a file of it: KLV, or a transport stream")
    drone_id: str | None = Field(None, min_length=1, description="the drone, where packets name none")
    drones: dict[str, str] = Field({}, description="tail number or call sign → the drone's id")
    video_refs: dict[str, str] = Field({}, description="the drone's id → its picture at the video system")
    every_s: float = Field(
        1, ge=0, le=60, description="seconds between two positions, or footprints, of a drone"
    )
    attitude_error_deg: float = Field(
        1, ge=0, le=45, description="by how much a camera's direction may be off"
    )
    slant_error: float = Field(0.05, ge=0, le=1, description="share by which a slant range may be off")


class MisbKlv:
    """A ``PolledSource`` of positions, footprints and detections."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context, self._config = context, config
        self._detections = Detections(context, Cameras(context, CameraSettings()), "onvif")

    async def poll(self, place: Place) -> Heard:
        if self._config.path is None:
            raise Fatal(
                f"source {self._context.source!r} has no path",
                hint="set it under its [[source]], or live = false if it is only played or pushed",
            )
        return await read_file(self._config.path)

    async def close(self) -> None:
        return None

    def read(self, heard: Heard, place: Place) -> Reading:
        told, seen = Telemetry(self._context, heard.at_ms), Told(heard.at_ms)
        streams = klv_of(heard.body, told.noted) if is_transport_stream(heard.body) else iter((heard.body,))
        newest, found = dict(place.get("newest", {})), 0
        for stream in streams:
            unread = len(stream)
            for packet in packets_of(stream):
                found += 1
                unread -= len(packet.original)
                try:
                    self._packet(packet, newest, told, seen)
                except Invalid as error:
                    told.aside.append(set_aside(packet.original, error))
            if unread:
                told.noted["bytes that are no packet of ST 0601"] += 1
        if not found:
            none = Invalid(
                "there is no packet of MISB ST 0601", field="", expected="KLV or a transport stream"
            )
            return Reading((), place, aside=[set_aside(heard.body, none)])
        told.events += seen.events
        told.skipped.update(seen.skipped)
        told.noted.update(seen.noted)
        kept = dict(list(newest.items())[-DRONES_MAX:])
        return told.reading({"newest": kept} if kept else place)

    def _packet(self, packet: Packet, newest: dict[str, list[int]], told: Telemetry, seen: Told) -> None:
        if packet.fault:
            raise Invalid(packet.fault, field="tag 1", expected="a whole packet with its checksum")
        tags = tags_of(packet.items, told.noted)
        if tags.time_us is None:
            raise Invalid("the packet has no time", field="tag 2", expected="microseconds since 1970")
        event_ms = plausible_time(tags.time_us // 1_000, told.at_ms, "tag 2")
        name = tags.texts.get(4) or tags.texts.get(59)
        drone_id = self._config.drones.get(name, name) if name else self._config.drone_id
        if drone_id is None:
            raise Invalid(NO_NAME, field="tag 4", expected="a tail number, or drone_id in the settings")
        position = position_of(self._context, *(tags.all_of(13, 14) or (None, None)))
        told_ms, last_ms = newest.pop(drone_id, (-1, -1))
        newest[drone_id] = [told_ms, max(event_ms, last_ms)]
        if event_ms <= last_ms:
            told.skipped[OLDER] += 1
            return
        if position is None or (told_ms >= 0 and event_ms < told_ms + self._config.every_s * 1_000):
            told.skipped[OFTEN if position else "packet without a place"] += 1
        else:
            newest[drone_id] = [event_ms, event_ms]
            self._tell(drone_id, name is not None, event_ms, position, tags, told)
        if tags.vmti is not None:
            self._targets(drone_id, event_ms, tags, tags.vmti, seen)

    def _tell(
        self,
        drone_id: str,
        is_named: bool,
        event_ms: int,
        position: dict[str, Any],
        tags: Tags,
        told: Telemetry,
    ) -> None:
        context, number = self._context, tags.numbers.get
        heights = {"above_sea": number(15), "above_wgs84": number(75)}
        said = {
            "drone_id": drone_id,
            "id_kind": "tail" if is_named else None,
            "id_verdict": "valid" if is_named else "none",
            "known_as": context.drones.get(drone_id, "unknown"),
            **height_fields(heights, context.terrain),
            "speed_mps": number(56),
            "vertical_mps": number(51),
            "heading_deg": number(5),
            "mission_id": tags.texts.get(3),
        }
        told.tell(POSITION, (event_ms,), event_ms=event_ms, position=position, said=said)
        ground, _ = above_ground_and_sea(heights, context.terrain)
        found = self._footprint((position["lat"], position["lon"]), ground, tags)
        if found is None:
            told.noted[NO_GROUND] += 1
            return
        centre = found.centre
        seen_at = centre if centre and context.bounds.holds(*centre) and centre != (0, 0) else None
        shown = {
            "drone_id": drone_id,
            "corners": [_point(one) for one in found.corners],
            "centre": None if centre is None else _point(centre),
            "error_m": None if found.error_m is None else single(found.error_m),
            "origin": found.origin,
            "slant_range_m": number(21),
            "camera_height_m": found.camera_height_m,
            "video_ref": self._config.video_refs.get(drone_id),
            "mission_id": tags.texts.get(3),
        }
        where = None if seen_at is None else {**_point(seen_at), "accuracy_m": None}
        told.tell(FOOTPRINT, (event_ms,), event_ms=event_ms, position=where, said=shown)

    def _footprint(self, at: tuple[float, float], above_ground: Bound, tags: Tags) -> Footprint | None:
        centre = tags.all_of(23, 24)
        middle = None if centre is None else (centre[0], centre[1])
        if (full := tags.all_of(*range(82, 90))) is not None:
            return footprint_of(list(zip(full[::2], full[1::2], strict=True)), middle, CORNERS)
        if middle is not None and (offsets := tags.all_of(*range(26, 34))) is not None:
            return from_offsets(middle, list(zip(offsets[::2], offsets[1::2], strict=True)))
        numbers = tags.numbers
        platform = (numbers.get(5), numbers.get(90, numbers.get(6)), numbers.get(91, numbers.get(7)))
        camera, view = tags.all_of(18, 19, 20), tags.all_of(16, 17)
        heading, pitch, roll = platform
        if camera is None or view is None or heading is None or pitch is None or roll is None:
            return None
        turned = (camera[0], camera[1], camera[2])
        return computed(
            Pose(at, (heading, pitch, roll), turned, view[0], view[1]),
            above_ground,
            slant_m=numbers.get(21),
            attitude_error_deg=self._config.attitude_error_deg,
            slant_error=self._config.slant_error,
        )

    def _targets(self, drone_id: str, event_ms: int, tags: Tags, vmti: bytes, seen: Told) -> None:
        picture: Picture = picture_of(vmti)
        camera = Camera(self._config.video_refs.get(drone_id, drone_id), None, picture.width, picture.height)
        for target in picture.targets:
            try:
                where = position_of(self._context, *(_place(target, tags) or (None, None)))
            except Invalid:
                seen.noted["target outside the city"] += 1
                where = None
            label = self._label(target.word, seen)
            box = None if target.edges is None else box_in_pixels(camera, *target.edges, seen)
            confidence = None if target.confidence is None else single(target.confidence)
            self._detections.tell(
                seen, camera, event_ms, ("vmti",), str(target.number), label, target.word, confidence, box, where,
                classes=claimed(label, confidence),
            )  # fmt: skip

    def _label(self, word: str | None, seen: Told) -> str:
        if word is not None and word.lower() in load_labels().words:
            return word.lower()
        return self._detections.label(word, seen)


def _place(target: Target, tags: Tags) -> tuple[float, float] | None:
    centre = tags.all_of(23, 24)
    if target.place is not None or target.offset is None or centre is None:
        return target.place
    return centre[0] + target.offset[0], centre[1] + target.offset[1]


def _point(at: tuple[float, float]) -> dict[str, float]:
    return {"lat": at[0], "lon": at[1]}


SOURCE = MisbKlv
