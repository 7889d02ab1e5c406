"""MAVLink frames by hand, for tests: laid out by struct from the message definitions, the checksum by the standard's own
words (X.25, seeded with the message's extra byte). No library of MAVLink takes part."""

from __future__ import annotations

import struct

EXTRA = {0: 50, 1: 124, 24: 24, 30: 39, 33: 104, 245: 130}
"""Message id → CRC_EXTRA, as common.xml gives it: HEARTBEAT, SYS_STATUS, GPS_RAW_INT, ATTITUDE, GLOBAL_POSITION_INT,
EXTENDED_SYS_STATE."""


def x25(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        low = (byte ^ (crc & 0xFF)) & 0xFF
        low = (low ^ (low << 4)) & 0xFF
        crc = (crc >> 8) ^ (low << 8) ^ (low << 3) ^ (low >> 4)
    return crc & 0xFFFF


def frame_1(message: int, payload: bytes, *, system: int = 1, component: int = 1) -> bytes:
    """A frame of MAVLink 1."""
    head = bytes([len(payload), 0, system, component, message])
    return b"\xfe" + head + payload + struct.pack("<H", x25(head + payload + bytes([EXTRA[message]])))


def frame_2(
    message: int, payload: bytes, *, system: int = 1, component: int = 1, signed: bool = False
) -> bytes:
    """A frame of MAVLink 2, its trailing zeros cut as the standard asks."""
    payload = payload.rstrip(b"\0") or b"\0"
    head = bytes([len(payload), int(signed), 0, 0, system, component, message, 0, 0])
    crc = struct.pack("<H", x25(head + payload + bytes([EXTRA[message]])))
    return b"\xfd" + head + payload + crc + (b"\x05" * 13 if signed else b"")


def position(
    *,
    lat: float = 29.75,
    lon: float = -95.25,
    alt_m: float = 80,
    up_m: float = 60,
    v: tuple[int, int, int] = (300, 400, -50),
    hdg: int = 9_000,
    boot_ms: int = 1_000,
) -> bytes:
    """GLOBAL_POSITION_INT (33): time, lat, lon, alt, relative_alt, vx, vy, vz, hdg."""
    return struct.pack(
        "<IiiiihhhH",
        boot_ms,
        round(lat * 1e7),
        round(lon * 1e7),
        round(alt_m * 1e3),
        round(up_m * 1e3),
        *v,
        hdg,
    )


def gps(
    fix: int = 3,
    *,
    lat: float = 29.75,
    lon: float = -95.25,
    alt_m: float = 80,
    vel: int = 500,
    cog: int = 4_500,
    h_acc: int | None = None,
    v_acc: int = 0,
) -> bytes:
    """GPS_RAW_INT (24): time, lat, lon, alt, eph, epv, vel, cog, fix_type, satellites; of MAVLink 2 also the accuracies."""
    base = struct.pack(
        "<QiiiHHHHBB",
        0,
        round(lat * 1e7),
        round(lon * 1e7),
        round(alt_m * 1e3),
        65_535,
        65_535,
        vel,
        cog,
        fix,
        9,
    )
    return base if h_acc is None else base + struct.pack("<iIIII", 0, h_acc, v_acc, 0, 0)


def heartbeat(kind: int = 2, status: int = 4) -> bytes:
    """HEARTBEAT (0): custom mode, type, autopilot, base mode, system status, version."""
    return struct.pack("<IBBBBB", 0, kind, 3, 0, status, 3)


def battery(percent: int) -> bytes:
    """SYS_STATUS (1)."""
    return struct.pack("<IIIHHhHHHHHHb", 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, percent)


def at(second: float, frame: bytes) -> bytes:
    """*frame* as a log has it, at so many seconds after 2026-03-08 12:00 UTC."""
    return struct.pack(">Q", 1_772_971_200_000_000 + round(second * 1e6)) + frame
