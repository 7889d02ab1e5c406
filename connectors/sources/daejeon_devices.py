"""Daejeon's list of roadside devices (CP949 CSV): what is a camera in it becomes ``place.camera``.

A device's id begins with the district's code and its class (``30200CTVPOC477939623``). The list is of
*devices*: bus terminals, roadside units and signs stand in it too and are skipped by class. Many stand at
0,0: the city does not know where they are. A device of any class that stands outside the city is set aside.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.csv import CsvRow, csv_rows, named_cells
from connectors.formats.empty_body import Nothing
from connectors.formats.pages import ListForm
from connectors.formats.records import (
    a_text,
    note_unknown,
    position,
    read_each,
    set_aside,
    text_or_none,
)
from connectors.formats.times import local_time
from connectors.transport.page_or_file import Charset, PagedSettings, PageOrFile
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields

ID, NAME, LON, LAT, UPDATED = "분류명", "번호", "경도", "위도", "업데이트일시"
DEVICE_ID = re.compile(r"(?:\d{5})?(?P<cls>[A-Z]+)\d+")

PURPOSES: dict[str, tuple[str, ...]] = {
    "CTVPOC": ("crime-prevention",),  # 방범용 CCTV, with a position
    "POCCTV": ("crime-prevention",),  # 방범용 CCTV, none with a position
    "CTVGTV": ("crime-prevention",),  # 스쿨존·도로방범 (school zones, streets), nearly all without a position
    "CTVUTI": ("traffic",),  # UTIS, 도시교통정보시스템: junctions
    "CTVLPC": ("traffic",),  # 차량번호 인식 (plate reader) on a main road
    "CTVFCL": ("facility",),  # 시설물 관리
}
"""Camera classes → what the camera may be used for. A camera class that stands not here is a camera of no
known purpose, which nobody can be granted."""

OTHER_CLASSES = {
    "BITBIT": "bus information terminal",  # 버스정보안내기
    "RSERSE": "roadside unit",  # 노변기지국
    "VDSIMG": "vehicle detector",  # 차량검지기
    "VMSTRFVMS": "message sign",  # 도로전광표지
    "VMSVMSTRF": "message sign",
    "VMSFCL": "message sign",
    "MTRDJD": "meter",
}
"""Classes of the list beside cameras; any other class is skipped under its own name."""


class Config(PagedSettings):
    """Settings of a source of type ``daejeon_devices``."""

    owner: str = Field("daejeon", min_length=1, description="who owns the cameras, as stated in each event")
    encoding: Charset = Field("cp949", description="the file's character set")


def is_camera(cls: str) -> bool:
    """Whether devices of this class see: CTV (closed-circuit television) begins or ends its name."""
    return cls.startswith("CTV") or cls.endswith("CTV")


@dataclass(frozen=True, slots=True)
class _Camera:
    """A camera as its row has it; *told*: its fields beside the common ones."""

    event_id: str
    updated_ms: int
    position: dict[str, Any] | None
    told: dict[str, Any]


class DaejeonDevices:
    """A ``PolledSource`` of a list; the same list again gives no event."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config
        self._asked = PageOrFile(context.source, config, ListForm("rows"))

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        digest = hashlib.sha256(heard.body).hexdigest()
        if place.get("digest") == digest:
            return Reading((), place)
        rows = [row for row in csv_rows(heard.body, self._config.encoding) if row.original.strip()]
        heading = rows[0].cells
        if not {ID, NAME, LON, LAT, UPDATED} <= set(heading):
            wrong = Invalid("the body is no device list", field="", expected=f"a heading with {ID}")
            return Reading((), place, aside=[set_aside(heard.body, wrong)])
        if not rows[1:]:
            raise Nothing("a heading alone")
        noted = Counter[str]()
        read, aside, _ = read_each(
            rows[1:],
            lambda row: self._device(row, heading, noted),
            lambda _, row: row.original.rstrip(b"\r\n"),
            (rows[0].original.rstrip(b"\r\n") + b"\n", b"\n"),
        )
        cameras = [device for device in read if isinstance(device, _Camera)]
        skipped = Counter(device for device in read if isinstance(device, str))
        return Reading(
            self._events(cameras, heard), {"digest": digest}, aside=aside, skipped=skipped, noted=noted
        )

    def _device(self, row: CsvRow, heading: list[str], noted: Counter[str]) -> _Camera | str:
        """The camera in *row*; for any other device, what it is."""
        cells = named_cells(row, heading)
        device_id = a_text(cells[ID], ID)
        match = DEVICE_ID.fullmatch(device_id)
        if match is None:
            raise Invalid("the device id holds no class", field=ID, expected="as 30200CTVPOC477939623")
        cls, at = match["cls"], position(self._context, cells[LAT], cells[LON])
        if not is_camera(cls):
            return OTHER_CLASSES.get(cls, cls)
        if cls not in PURPOSES:
            note_unknown(noted, "camera class", cls)
        read = local_time(cells[UPDATED], "%Y-%m-%d %H:%M:%S", self._context.timezone, UPDATED)
        updated_ms = read.note(noted)
        its_id = derived_id(self._context.city, self._context.source, *row.cells)
        told = {
            "camera_id": device_id,
            "name": text_or_none(cells[NAME], NAME),
            "owner": self._config.owner,
            "purposes": list(PURPOSES.get(cls, ())),
            "azimuth_deg": None,
            "status": "ok",  # the list has no word for a fault
            "generated": False,
        }
        return _Camera(its_id, updated_ms, at, told)

    def _events(self, cameras: Sequence[_Camera], heard: Heard) -> list[Event]:
        """One event a camera. A file without a clock was received when its newest line was written."""
        newest_ms = max((camera.updated_ms for camera in cameras), default=0)
        received_ms = heard.at_ms if heard.at_ms is not None else newest_ms
        once = {camera.event_id: camera for camera in cameras}
        return [self._event(camera, received_ms) for camera in once.values()]

    def _event(self, camera: _Camera, received_ms: int) -> Event:
        common = event_fields(
            self._context.city,
            self._context.source,
            event_id=camera.event_id,
            event_time_ms=camera.updated_ms,
            received_ms=received_ms,
            position=camera.position,
        )
        return Event("place.camera", camera.told["camera_id"], common | camera.told)


SOURCE = DaejeonDevices
