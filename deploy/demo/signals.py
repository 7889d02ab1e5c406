"""Signals of drones as they are sent: Remote ID in Wi-Fi beacons, KLV of their video, MAVLink of their links. Pure.

For the demo alone: each function writes what the connector of its form reads, from the standards' own tables.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

PROTOCOL = 2
SYSTEM_EPOCH_S = 1_546_300_800
RADIOTAP = bytes((0, 0, 8, 0, 0, 0, 0, 0))
BEACON = bytes.fromhex("80000000ffffffffffff")
VENDOR = bytes.fromhex("fa0bbc0d")
LINK_RADIOTAP = 127
KLV_KEY = bytes.fromhex("060e2b34020b01010e01030101000000")


@dataclass(frozen=True, slots=True)
class Flying:
    """Where a drone is at *at_ms*, and how it moves. *above_m*: above the ground of *ground_m* above the sea; *geoid_m*: the
    geoid above the ellipsoid."""

    at_ms: int
    lat: float
    lon: float
    above_m: float
    speed_mps: float
    track_deg: float
    ground_m: float = 150.0
    geoid_m: float = -27.0


# -- Remote ID ---------------------------------------------------------------------------------------------------


def remote_id(
    flying: Flying, address: bytes, serial: str | None, pilot: tuple[float, float] | None
) -> tuple[int, bytes]:
    """A beacon with one message pack, as (ms, frame). Without *serial* it sends no id."""
    messages = [_location(flying)]
    if serial is not None:
        messages.insert(0, struct.pack("<BB20s3x", PROTOCOL, 1 << 4 | 2, serial.encode()))
    if pilot is not None:
        messages.append(_system(flying, pilot))
    pack = bytes((0xF0 | PROTOCOL, 25, len(messages))) + b"".join(messages)
    element = VENDOR + bytes((flying.at_ms // 1_000 % 256,)) + pack
    body = struct.pack("<QHH", 0, 100, 0x2001) + b"\0\0" + bytes((221, len(element))) + element
    return flying.at_ms, RADIOTAP + BEACON + address + address + b"\0\0" + body


def _location(flying: Flying) -> bytes:
    track = round(flying.track_deg) % 360
    flags = 2 << 4 | 1 << 2 | (2 if track >= 180 else 0)  # airborne, height above the ground
    wgs84 = flying.above_m + flying.ground_m + flying.geoid_m
    return struct.pack(
        "<BBBBbiiHHHBBHBx",
        1 << 4 | PROTOCOL,
        flags,
        track % 180,
        min(254, round(flying.speed_mps / 0.25)),
        0,
        round(flying.lat * 1e7),
        round(flying.lon * 1e7),
        0,
        round((wgs84 + 1_000) * 2),
        round((flying.above_m + 1_000) * 2),
        5 << 4 | 11,  # within 3 m of height, 3 m of place
        4,  # 0.3 m/s
        flying.at_ms % 3_600_000 // 100,
        1,  # 0.1 s
    )


def _system(flying: Flying, pilot: tuple[float, float]) -> bytes:
    lat, lon = pilot
    said_s = flying.at_ms // 1_000 - SYSTEM_EPOCH_S
    heights = (0, 0, round((flying.ground_m + flying.geoid_m + 1_000) * 2))
    return struct.pack(
        "<BBiiHBHHBHIx",
        4 << 4 | PROTOCOL,
        1,
        round(lat * 1e7),
        round(lon * 1e7),
        1,
        0,
        *heights[:2],
        0,
        heights[2],
        said_s,
    )


def capture(frames: Iterable[tuple[int, bytes]]) -> bytes:
    """Frames as a pcap file, in microseconds."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, LINK_RADIOTAP)]
    for at_ms, frame in frames:
        head = struct.pack("<IIII", at_ms // 1_000, at_ms % 1_000 * 1_000, len(frame), len(frame))
        parts += [head, frame]
    return b"".join(parts)


# -- KLV (MISB ST 0601) ------------------------------------------------------------------------------------------


def klv(
    flying: Flying,
    name: str,
    mission: str,
    corners: Sequence[tuple[float, float]],
    centre: tuple[float, float],
) -> bytes:
    """A packet of a camera that looks down, with its *corners* on the ground."""
    lat, lon = centre
    tags: list[tuple[int, bytes]] = [
        (2, struct.pack(">Q", flying.at_ms * 1_000)),
        (3, mission.encode()),
        (4, name.encode()),
        (5, struct.pack(">H", _unsigned(flying.track_deg % 360, 0, 360, 16))),
        (6, struct.pack(">h", 0)),
        (7, struct.pack(">h", 0)),
        (13, struct.pack(">i", _signed(flying.lat, 90, 32))),
        (14, struct.pack(">i", _signed(flying.lon, 180, 32))),
        (15, struct.pack(">H", _unsigned(flying.above_m + flying.ground_m, -900, 19_000, 16))),
        (21, struct.pack(">I", _unsigned(flying.above_m, 0, 5_000_000, 32))),
        (23, struct.pack(">i", _signed(lat, 90, 32))),
        (24, struct.pack(">i", _signed(lon, 180, 32))),
        (25, struct.pack(">H", _unsigned(flying.ground_m, -900, 19_000, 16))),
    ]
    for number, corner in enumerate(corners):
        offsets = (corner[0] - lat, corner[1] - lon)
        tags += [
            (26 + 2 * number + n, struct.pack(">h", _signed(one, 0.075, 16))) for n, one in enumerate(offsets)
        ]
    tags.append((65, bytes((19,))))
    body = b"".join(bytes((tag, len(value))) + value for tag, value in tags) + bytes((1, 2))
    size = len(body) + 2
    head = KLV_KEY + (bytes((size,)) if size < 128 else bytes((0x81, size)))
    whole = head + body
    return whole + struct.pack(">H", _checksum(whole))


def _unsigned(value: float, low: float, high: float, bits: int) -> int:
    return round((value - low) / (high - low) * ((1 << bits) - 1))


def _signed(value: float, reach: float, bits: int) -> int:
    return round(max(-1.0, min(1.0, value / reach)) * ((1 << bits - 1) - 1))


def _checksum(data: bytes) -> int:
    """The sum of all bytes as words of 16 bits, the first byte of each the greater."""
    return sum(byte << 8 * ((number + 1) % 2) for number, byte in enumerate(data)) & 0xFFFF


# -- MAVLink -----------------------------------------------------------------------------------------------------


def mavlink(flights: Iterable[Flying], system: int) -> bytes:
    """A log of a link: a heartbeat, the fix and the position for each of *flights*."""
    from pymavlink.dialects.v20 import common  # noqa: PLC0415 (a large module, for the demo alone)

    link: Any = common.MAVLink(None, srcSystem=system, srcComponent=1)
    parts = []
    for one in flights:
        lat, lon, sea = round(one.lat * 1e7), round(one.lon * 1e7), one.above_m + one.ground_m
        north = one.speed_mps * math.cos(math.radians(one.track_deg))
        east = one.speed_mps * math.sin(math.radians(one.track_deg))
        boot_ms = one.at_ms % (1 << 32)
        messages = (
            common.MAVLink_heartbeat_message(2, 3, 81, 0, 4, 3),
            common.MAVLink_gps_raw_int_message(
                one.at_ms * 1_000, 3, lat, lon, round(sea * 1_000), 80, 120,
                round(one.speed_mps * 100), round(one.track_deg * 100) % 36_000, 14,
            ),
            common.MAVLink_global_position_int_message(
                boot_ms, lat, lon, round(sea * 1_000), round(one.above_m * 1_000),
                round(north * 100), round(east * 100), 0, round(one.track_deg * 100) % 36_000,
            ),
        )  # fmt: skip
        parts += [struct.pack(">Q", one.at_ms * 1_000) + message.pack(link) for message in messages]
    return b"".join(parts)
