"""MAVLink 1 and 2, from the datagrams of a control link (UDP) or a log (``.tlog``, played or pushed): ``drone.position``.

- The drone is the link's system id: ``drones`` names it, else ``prefix`` and the number do. Ground stations and what
  hangs on a drone (a gimbal, a camera: any component but the autopilot) are not heard.
- A place is ``GLOBAL_POSITION_INT``; ``GPS_RAW_INT`` where a system never sends that. It counts from a good fix of the
  receiver (``fix_type`` 3 or more) until two seconds after the last; one of the same moment counts, since an autopilot
  says the place first. A fix of two dimensions gives a place without a height. 0,0 is no place.
- ``alt`` is above the sea, ``relative_alt`` above home, which is where it took off. Their accuracy, and that of the
  place, is known where MAVLink 2 says ``h_acc`` and ``v_acc``; ``eph`` is a dilution, no distance.
- Unknown: heading, speed and course 65535, battery −1 (and what is beyond 100), accuracies 0.
- On the ground or in the air only by ``EXTENDED_SYS_STATE``, and ``MAV_STATE`` standby; critical and emergency are one.
- The time is the log's, or that of the arrival: an autopilot's own runs from its start.
- ``OPEN_DRONE_ID_*`` are not read: they say what a drone sends to others.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import AsyncIterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.mavlink_frames import LinkMessage, messages_of, stamped
from connectors.formats.records import plausible_time, set_aside
from connectors.subjects.drone_heights import height_fields, single
from connectors.subjects.vehicles import Telemetry
from connectors.transport.udp import UdpListener, UdpSettings
from schemas.errors import Invalid

POSITION = "drone.position"
FIX_COUNTS_MS = 2_000
FIX_2D, FIX_3D = 2, 3
GOOD_FIXES = range(FIX_2D, 9)
AUTOPILOT = 1
SYSTEMS_MAX = 255
ALL_ONES = 0xFFFF
MOVING_MPS = 0.5
"""Below it a course is noise."""
FUSED = "GLOBAL_POSITION_INT"
WANTED = frozenset(
    {
        FUSED,
        "GPS_RAW_INT",
        "HEARTBEAT",
        "SYS_STATUS",
        "BATTERY_STATUS",
        "EXTENDED_SYS_STATE",
    }
)
TYPES = {
    1: "aeroplane", 2: "multirotor", 3: "multirotor", 4: "multirotor", 7: "airship", 8: "free_balloon", 9: "rocket",
    13: "multirotor", 14: "multirotor", 15: "multirotor", 16: "ornithopter", 17: "kite", 19: "hybrid_lift",
    20: "hybrid_lift", 21: "hybrid_lift", 22: "hybrid_lift", 23: "hybrid_lift", 24: "hybrid_lift", 25: "hybrid_lift",
    28: "parachute", 29: "multirotor", 35: "multirotor", 43: "multirotor",
}  # fmt: skip
"""MAV_TYPE → ours; a helicopter is what Remote ID calls one with the multirotors."""
STANDBY, CRITICAL, EMERGENCY = 3, 5, 6
LANDED = {1: "ground", 2: "airborne", 3: "airborne", 4: "airborne"}
NO_FIX, NO_TIME, OFTEN, OLDER = (
    "position without a fix",
    "message without a time",
    "more positions a second than per_second_max",
    "no newer than what its drone said before",
)


class Config(BaseModel):
    """Settings of a source of type ``mavlink``. Without udp it is only played or pushed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prefix: str = Field(
        "mavlink-", max_length=48, description="stands before the number of a system without a name"
    )
    drones: dict[str, str] = Field({}, description="system id, 1 to 255 → the drone's id")
    per_second_max: int = Field(5, ge=1, le=50, description="positions of a drone that a second may have")
    udp: UdpSettings | None = Field(None, description="the port to which the link is sent")

    @field_validator("drones")
    @classmethod
    def _are_systems(cls, drones: dict[str, str]) -> dict[str, str]:
        for system, drone_id in drones.items():
            if not system.isdecimal() or not 1 <= int(system) <= SYSTEMS_MAX or not drone_id.strip():
                raise ValueError(f"{system[:20]!r}: write a system id, 1 to 255, and the drone's id")
        return {str(int(system)): drone_id.strip() for system, drone_id in drones.items()}


class Mavlink:
    """A ``Source`` of drones' positions."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context, self._config = context, config
        self._listener = UdpListener(
            context,
            config.udp,
            joined=lambda found: b"".join(stamped(data, at_ms * 1_000) for data, at_ms in found),
        )

    def listen(self) -> AsyncIterator[Heard]:
        return self._listener.listen()

    async def close(self) -> None:
        await self._listener.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Telemetry(self._context, heard.at_ms)
        every = list(messages_of(heard.body, told.skipped))
        if not every:
            error = Invalid(
                "there is no whole MAVLink frame", field="", expected="MAVLink 1 or 2, or a .tlog"
            )
            return Reading((), place, aside=[set_aside(heard.body, error)])
        said = [one for one in every if one.name in WANTED and one.component == AUTOPILOT]
        systems = {number: dict(state) for number, state in place.get("systems", {}).items()}
        for one in said:
            if one.name == FUSED:  # whichever of the two it says first
                systems.setdefault(str(one.system), {})["is_fused"] = True
        fixes = _Fixes(said, heard.at_ms, systems)
        for one in said:
            state = systems.setdefault(str(one.system), {})
            self._hear(one, state, fixes, told)
        fixes.remember()
        return told.reading({"systems": systems} if systems else place)

    def _hear(self, one: LinkMessage, state: dict[str, Any], fixes: _Fixes, told: Telemetry) -> None:
        fields = one.fields
        if one.name == "HEARTBEAT":
            state["type"], state["status"] = fields.type, fields.system_status
        elif one.name == "EXTENDED_SYS_STATE":
            state["landed"] = fields.landed_state
        elif one.name in ("SYS_STATUS", "BATTERY_STATUS"):
            is_first = one.name == "SYS_STATUS" or fields.id == 0
            if is_first and 0 <= fields.battery_remaining <= 100:
                state["battery"] = fields.battery_remaining
        elif one.name == FUSED or not state.get("is_fused"):
            self._place(one, state, fixes, told)

    def _place(self, one: LinkMessage, state: dict[str, Any], fixes: _Fixes, told: Telemetry) -> None:
        at_ms = moment_ms(one, told.at_ms)
        if at_ms is None:
            told.skipped[NO_TIME] += 1
            return
        fix = fixes.at(one.system, at_ms)
        if fix is None or (one.fields.lat, one.fields.lon) == (0, 0):
            told.skipped[NO_FIX] += 1
            return
        if at_ms <= state.get("newest", -1):
            told.skipped[OLDER] += 1
            return
        second, count = at_ms // 1_000, state.get("count", 0)
        if second != state.get("newest", -1) // 1_000:
            count = 0
        if count >= self._config.per_second_max:
            told.skipped[OFTEN] += 1
            return
        try:
            self._tell(one, at_ms, fix, state, told)
        except Invalid as error:
            original = bytes(one.fields.get_msgbuf())
            told.aside.append(set_aside(stamped(original, at_ms * 1_000), error))
        state["newest"], state["count"] = at_ms, count + 1

    def _tell(
        self, one: LinkMessage, at_ms: int, fix: list[Any], state: dict[str, Any], told: Telemetry
    ) -> None:
        plausible_time(at_ms, told.at_ms)
        drone_id = self._config.drones.get(str(one.system), f"{self._config.prefix}{one.system}")
        _, kind, across_m, up_m = fix
        position = told.position(one.fields.lat / 1e7, one.fields.lon / 1e7)
        if position is not None:
            position["accuracy_m"] = told.plausible(across_m, "accuracy")
        fused = one.name == FUSED
        heights = {
            "above_sea": one.fields.alt / 1_000 if kind >= FIX_3D else None,
            "above_takeoff": one.fields.relative_alt / 1_000 if fused and kind >= FIX_3D else None,
        }
        said = {
            "drone_id": drone_id,
            "id_kind": "system",
            "id_verdict": "valid",
            "known_as": self._context.drones.get(drone_id, "unknown"),
            "drone_type": TYPES.get(state.get("type", 0)),
            "flight_status": _status(state),
            "battery_percent": state.get("battery"),
            **height_fields(heights, self._context.terrain, up_m if kind >= FIX_3D else None),
            **(_fused_motion(one.fields) if fused else _raw_motion(one.fields)),
        }
        told.tell(POSITION, (at_ms,), event_ms=at_ms, position=position, said=said)


class _Fixes:
    """The good fixes of each system: when, of which kind, and their accuracy across and upwards, metres."""

    def __init__(
        self, said: list[LinkMessage], at_ms: int | None, systems: dict[str, dict[str, Any]]
    ) -> None:
        self._systems = systems
        self._good: dict[int, list[list[Any]]] = {
            int(number): [list(state["fix"])] for number, state in systems.items() if "fix" in state
        }
        for one in said:
            when = moment_ms(one, at_ms)
            if one.name == "GPS_RAW_INT" and one.fields.fix_type in GOOD_FIXES and when is not None:
                accuracies = (_metres(one.fields.h_acc), _metres(one.fields.v_acc))
                self._good.setdefault(one.system, []).append([when, one.fields.fix_type, *accuracies])
        for good in self._good.values():
            good.sort(key=lambda fix: int(fix[0]))

    def at(self, system: int, at_ms: int) -> list[Any] | None:
        """The last one of *system* at *at_ms*; ``None`` where it was over two seconds before."""
        good = self._good.get(system, [])
        index = bisect_right(good, at_ms, key=lambda fix: int(fix[0]))
        return good[index - 1] if index and at_ms - good[index - 1][0] <= FIX_COUNTS_MS else None

    def remember(self) -> None:
        """Leave the last of each in its system's state."""
        for system, good in self._good.items():
            self._systems.setdefault(str(system), {})["fix"] = good[-1]


def moment_ms(one: LinkMessage, at_ms: int | None) -> int | None:
    """When a message was said, by the log or by its arrival."""
    return at_ms if one.at_us is None else one.at_us // 1_000


def _metres(millimetres: int) -> float | None:
    return single(millimetres / 1_000) if 0 < millimetres < 2**32 - 1 else None


def _status(state: dict[str, Any]) -> str | None:
    if state.get("status") in (CRITICAL, EMERGENCY):
        return "emergency"
    return LANDED.get(state.get("landed", 0)) or ("ground" if state.get("status") == STANDBY else None)


def _fused_motion(fields: Any) -> dict[str, float | None]:
    north, east = fields.vx / 100, fields.vy / 100
    speed = math.hypot(north, east)
    return {
        "speed_mps": speed,
        "vertical_mps": -fields.vz / 100 + 0.0,
        "track_deg": math.degrees(math.atan2(east, north)) % 360 if speed >= MOVING_MPS else None,
        "heading_deg": _degrees(fields.hdg),
    }


def _raw_motion(fields: Any) -> dict[str, float | None]:
    speed = None if fields.vel == ALL_ONES else fields.vel / 100
    is_moving = speed is not None and speed >= MOVING_MPS
    return {"speed_mps": speed, "track_deg": _degrees(fields.cog) if is_moving else None}


def _degrees(hundredths: int) -> float | None:
    """Degrees of the compass; ``None`` beyond it, as 65535 is."""
    return hundredths / 100 if hundredths <= 36_000 else None


SOURCE = Mavlink
