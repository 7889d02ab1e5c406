"""Messages of Remote ID by radio: ASTM F3411-22a, ASD-STAN 4709-002. Pure.

A message has 25 bytes, numbers in it the lesser byte first; a pack holds up to nine. What the standard writes for "unknown"
is ``None`` here, never a value. What can be neither a value nor that sign is ``None`` too, and named in ``faults``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from schemas.errors import Invalid

Class = TypeVar("Class")
MESSAGE_BYTES = 25
PACKED_MAX = 9
BASIC_ID, LOCATION, AUTHENTICATION, SELF_ID, SYSTEM, OPERATOR_ID, PACK = 0, 1, 2, 3, 4, 5, 0xF
NEWEST_PROTOCOL = 2
PRIVATE_PROTOCOL = 0xF
HOUR_MS, HOUR_TENTHS = 3_600_000, 36_000
SYSTEM_EPOCH_S = 1_546_300_800
"""2019-01-01 00:00 UTC: a System message counts its seconds from there."""
ID_KINDS = (None, "serial", "registration", "utm", "session")
DRONE_TYPES = (
    None,
    "aeroplane",
    "multirotor",
    "gyroplane",
    "hybrid_lift",
    "ornithopter",
    "glider",
    "kite",
    "free_balloon",
    "captive_balloon",
    "airship",
    "parachute",
    "rocket",
    "tethered",
    "ground_obstacle",
    "other",
)
FLIGHT_STATUSES = (None, "ground", "airborne", "emergency", "system_failure")
OPERATOR_KINDS = ("takeoff", "live", "fixed")
HORIZONTAL_M = (None, 18_520.0, 7_408.0, 3_704.0, 1_852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0, 1.0)
VERTICAL_M = (None, 150.0, 45.0, 25.0, 10.0, 3.0, 1.0)
SPEED_MPS = (None, 10.0, 3.0, 1.0, 0.3)
"""Bounds of the classes of accuracy: the true value is within less."""
_LOCATION = struct.Struct("<BBBBbiiHHHBBHBx")
_SYSTEM = struct.Struct("<BBiiHBHHBHIx")


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicId:
    """*text*: the id as people write it; ``None`` where there is none. *is_whole*: no byte of it is beyond its form."""

    id_kind: str | None
    drone_type: str | None
    text: str | None
    is_whole: bool = True
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationMessage:
    """*tenths*: tenths of a second since the full hour, UTC. Metres, metres a second, degrees."""

    flight_status: str | None
    lat: float | None
    lon: float | None
    track_deg: float | None
    speed_mps: float | None
    vertical_mps: float | None
    pressure_altitude_m: float | None
    above_wgs84_m: float | None
    height_m: float | None
    is_above_ground: bool
    horizontal_accuracy_m: float | None
    vertical_accuracy_m: float | None
    pressure_accuracy_m: float | None
    speed_accuracy_mps: float | None
    tenths: int | None
    time_accuracy_s: float | None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfId:
    """A word of the operator; *kind*: 0 text, 1 emergency, 2 extended status."""

    kind: int
    text: str | None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemMessage:
    """The operator's place, and the area of a group of drones. *at_s*: seconds since 1970."""

    operator_kind: str | None
    lat: float | None
    lon: float | None
    above_wgs84_m: float | None
    area_count: int | None
    area_radius_m: float | None
    area_ceiling_m: float | None
    area_floor_m: float | None
    at_s: int | None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorId:
    text: str | None
    faults: tuple[str, ...] = ()


Message = BasicId | LocationMessage | SelfId | SystemMessage | OperatorId


def messages_of(data: bytes) -> list[bytes]:
    """The messages in *data*, which begins with a message or a pack. ``Invalid`` where it is cut or neither."""
    if not data:
        raise Invalid("there is no message", field="message", expected=f"{MESSAGE_BYTES} bytes")
    if data[0] >> 4 != PACK:
        return [_whole(data, 0)]
    if len(data) < 3 or data[1] != MESSAGE_BYTES:
        raise Invalid("the pack's messages have another size", field="pack", expected=f"{MESSAGE_BYTES}")
    if not 1 <= data[2] <= PACKED_MAX:
        raise Invalid("the pack says another number of messages", field="pack", expected=f"1 to {PACKED_MAX}")
    return [_whole(data, 3 + number * MESSAGE_BYTES) for number in range(data[2])]


def _whole(data: bytes, begin: int) -> bytes:
    message = data[begin : begin + MESSAGE_BYTES]
    if len(message) < MESSAGE_BYTES:
        raise Invalid("the message is cut", field="message", expected=f"{MESSAGE_BYTES} bytes")
    return message


def decode(message: bytes) -> Message | None:
    """One message of 25 bytes. ``None`` for authentication, which is not read; ``Invalid`` for what is no message."""
    message = _whole(message, 0)
    kind, protocol = message[0] >> 4, message[0] & 0xF
    if NEWEST_PROTOCOL < protocol != PRIVATE_PROTOCOL:
        raise Invalid(
            "the message is of a later protocol", field="protocol", expected=f"at most {NEWEST_PROTOCOL}"
        )
    if kind == AUTHENTICATION:
        return None
    if kind not in _READERS:
        raise Invalid(
            f"no message is of type {kind}", field="message", expected="0 to 5, or 15 around others"
        )
    return _READERS[kind](message)


def location_ms(tenths: int, near_ms: int) -> int:
    """The time, in ms since 1970, that *tenths* of a second since a full hour are, nearest to *near_ms*."""
    at_ms = near_ms - near_ms % HOUR_MS + tenths * 100
    return min((at_ms - HOUR_MS, at_ms, at_ms + HOUR_MS), key=lambda one: abs(one - near_ms))


def _basic_id(message: bytes) -> BasicId:
    kind, drone_type = message[1] >> 4, message[1] & 0xF
    faults = ("id_kind",) if kind >= len(ID_KINDS) else ()
    id_kind = None if faults else ID_KINDS[kind]
    said = message[2:22]
    is_whole = True
    if not any(said):
        text = None
    elif id_kind == "utm":
        text = _uuid(said[:16])
        is_whole = any(said[:16]) and not any(said[16:])
    elif id_kind == "session":
        text = said.hex()
        is_whole = said[0] != 0 and any(said[1:])
    else:
        text, is_whole = _text(said)
    return BasicId(
        id_kind=id_kind, drone_type=DRONE_TYPES[drone_type], text=text, is_whole=is_whole, faults=faults
    )


def _location(message: bytes) -> LocationMessage:
    (_, flags, track, speed, climb, lat, lon, pressure, wgs84, height, accuracy, others, tenths, time) = (
        _LOCATION.unpack(message)
    )
    faults: list[str] = []
    where = _degrees(lat, lon, "position", faults)
    track += 180 if flags & 2 else 0
    is_unknown = track > 360  # 361 is the sign; an honest sender has no other beyond the circle
    if is_unknown and track != 361:
        faults.append("track")
    vertical = climb * 0.5
    if vertical != 63 and not -62 <= vertical <= 62:
        faults.append("vertical_speed")
    if tenths > HOUR_TENTHS and tenths != 0xFFFF:
        faults.append("timestamp")
    return LocationMessage(
        flight_status=_class(flags >> 4, FLIGHT_STATUSES, "flight_status", faults),
        lat=where[0],
        lon=where[1],
        track_deg=None if is_unknown else float(track),
        speed_mps=_speed(speed, is_fast=bool(flags & 1)),
        vertical_mps=vertical if -62 <= vertical <= 62 else None,
        pressure_altitude_m=_altitude(pressure),
        above_wgs84_m=_altitude(wgs84),
        height_m=_altitude(height),
        is_above_ground=bool(flags & 4),
        horizontal_accuracy_m=_class(accuracy & 0xF, HORIZONTAL_M, "horizontal_accuracy", faults),
        vertical_accuracy_m=_class(accuracy >> 4, VERTICAL_M, "vertical_accuracy", faults),
        pressure_accuracy_m=_class(others >> 4, VERTICAL_M, "pressure_accuracy", faults),
        speed_accuracy_mps=_class(others & 0xF, SPEED_MPS, "speed_accuracy", faults),
        tenths=tenths if tenths <= HOUR_TENTHS else None,
        time_accuracy_s=(time & 0xF) / 10 or None,
        faults=tuple(faults),
    )


def _self_id(message: bytes) -> SelfId:
    return SelfId(kind=message[1], text=_text(message[2:25])[0])


def _system(message: bytes) -> SystemMessage:
    _, flags, lat, lon, count, radius, ceiling, floor, _, altitude, seconds = _SYSTEM.unpack(message)
    faults: list[str] = []
    where = _degrees(lat, lon, "operator_position", faults)
    kind = flags & 3
    if kind >= len(OPERATOR_KINDS):
        faults.append("operator_position_kind")
    return SystemMessage(
        operator_kind=None if where[0] is None or kind >= len(OPERATOR_KINDS) else OPERATOR_KINDS[kind],
        lat=where[0],
        lon=where[1],
        above_wgs84_m=_altitude(altitude),
        area_count=count or None,
        area_radius_m=radius * 10.0 or None,
        area_ceiling_m=_altitude(ceiling),
        area_floor_m=_altitude(floor),
        at_s=SYSTEM_EPOCH_S + seconds if seconds else None,
        faults=tuple(faults),
    )


def _operator_id(message: bytes) -> OperatorId:
    text, is_whole = _text(message[2:22])
    return OperatorId(text=text, faults=() if is_whole else ("operator_id",))


_READERS: Mapping[int, Callable[[bytes], Message]] = {
    BASIC_ID: _basic_id,
    LOCATION: _location,
    SELF_ID: _self_id,
    SYSTEM: _system,
    OPERATOR_ID: _operator_id,
}


def _text(said: bytes) -> tuple[str | None, bool]:
    """The printable text in *said*, and whether its bytes are all of it: ASCII, then zeros alone."""
    begin, _, rest = said.partition(b"\0")
    text = "".join(chr(byte) for byte in begin if 0x20 <= byte < 0x7F).strip()
    return text or None, not any(rest) and len(text) == len(begin.strip())


def _uuid(said: bytes) -> str:
    digits = said.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _degrees(lat: int, lon: int, name: str, faults: list[str]) -> tuple[float | None, float | None]:
    if lat == 0 and lon == 0:
        return None, None
    if abs(lat) > 900_000_000 or abs(lon) > 1_800_000_000:
        faults.append(name)
        return None, None
    return lat / 1e7, lon / 1e7


def _speed(said: int, *, is_fast: bool) -> float | None:
    """Steps of 0.25 m/s up to 63.75, then, *is_fast*, of 0.75 m/s more; the last of these, 255 m/s, means unknown."""
    if not is_fast:
        return said * 0.25
    return None if said == 255 else said * 0.75 + 63.75


def _altitude(said: int) -> float | None:
    return said * 0.5 - 1000 if said else None


def _class(said: int, classes: tuple[Class | None, ...], name: str, faults: list[str]) -> Class | None:
    if said >= len(classes):
        faults.append(name)
        return None
    return classes[said]
