"""ADS-B messages of Mode S, downlink formats 17 and 18: who, where, how fast (RTCA DO-260B; ICAO Doc 9871, annex C). Pure.

- The 24 bits of parity are checked: a message that breaks them is ``Invalid``. None is mended.
- Of format 18 only control field 0 is read, an aircraft's own message under its ICAO address; relayed ones are ``None``.
- Heights in steps of 100 ft (Gillham's code, Q bit 0) are ``None``: they are flown above 50,175 ft only.
- Airspeed and its heading (subtypes 3 and 4) are told apart from speed and track over the ground (1 and 2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from connectors.formats.cpr import CprPlace
from schemas.errors import Invalid

LONG_BYTES = 14
GENERATOR = 0xFFF409
"""x^24 and these: the polynomial of Mode S's parity."""
LETTERS = "#ABCDEFGHIJKLMNOPQRSTUVWXYZ##### ###############0123456789######"
"""Callsigns' alphabet of six bits; # has no letter."""
SETS = {1: "D", 2: "C", 3: "B", 4: "A"}
MOVEMENTS = (
    (2, 0.125, 0.125),
    (9, 1.0, 0.25),
    (13, 2.0, 0.5),
    (39, 15.0, 1.0),
    (94, 70.0, 2.0),
    (109, 100.0, 5.0),
)
"""Movement on the ground from a code on: knots there, knots a code."""
FASTEST_CODE, FASTEST_KN = 124, 175.0
METRE_FT = 1 / 0.3048


@dataclass(frozen=True, slots=True)
class Identification:
    """*category*: set and number (A7: a rotorcraft), ``None`` for not said; *callsign* without the spaces around."""

    address: str
    callsign: str
    category: str | None


@dataclass(frozen=True, slots=True)
class AirbornePlace:
    """*altitude_ft*: barometric, or above WGS-84 where *is_geometric*; ``None`` for unknown."""

    address: str
    place: CprPlace
    altitude_ft: float | None
    is_geometric: bool


@dataclass(frozen=True, slots=True)
class SurfacePlace:
    """*speed_kn* and *track_deg* over the ground; ``None`` for unknown."""

    address: str
    place: CprPlace
    speed_kn: float | None
    track_deg: float | None


@dataclass(frozen=True, slots=True)
class Velocity:
    """*speed_kn*, *track_deg*: over the ground; *airspeed_kn*, *heading_deg*: through the air. Climb in feet a minute."""

    address: str
    speed_kn: float | None = None
    track_deg: float | None = None
    airspeed_kn: float | None = None
    heading_deg: float | None = None
    climb_fpm: int | None = None


Squitter = Identification | AirbornePlace | SurfacePlace | Velocity


def _remainders() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        rest = byte << 16
        for _ in range(8):
            rest = (rest << 1) ^ (GENERATOR if rest & 0x800000 else 0)
        found.append(rest & 0xFFFFFF)
    return tuple(found)


_REMAINDER = _remainders()


def parity_remainder(message: bytes) -> int:
    """The remainder of *message* over the polynomial: 0 where formats 17 and 18 arrived as they were sent."""
    rest = 0
    for byte in message[:-3]:
        rest = ((rest << 8) & 0xFFFFFF) ^ _REMAINDER[(rest >> 16) ^ byte]
    return rest ^ int.from_bytes(message[-3:])


def is_extended_squitter(message: bytes) -> bool:
    """Whether *message* is of downlink format 17 or 18."""
    return len(message) == LONG_BYTES and message[0] >> 3 in (17, 18)


def squitter_of(message: bytes) -> Squitter | None:
    """The content of *message*; ``None`` for one of another format or kind. ``Invalid`` where its parity is broken."""
    if not is_extended_squitter(message):
        return None
    if parity_remainder(message):
        raise Invalid("the parity of a Mode S message is broken", field="parity", expected="a remainder of 0")
    if message[0] >> 3 == 18 and message[0] & 7:
        return None
    address, me = message[1:4].hex(), int.from_bytes(message[4:11])
    code = me >> 51
    if code in SETS:
        return _identification(address, code, me)
    if 5 <= code <= 8:
        return _surface(address, me)
    if 9 <= code <= 18 or 20 <= code <= 22:
        return _airborne(address, code, me)
    return _velocity(address, me) if code == 19 else None


def _identification(address: str, code: int, me: int) -> Identification:
    letters = "".join(LETTERS[me >> shift & 0x3F] for shift in range(42, -1, -6))
    number = me >> 48 & 7
    return Identification(
        address, letters.replace("#", "").strip(), f"{SETS[code]}{number}" if number else None
    )


def _place(me: int) -> CprPlace:
    return CprPlace(bool(me >> 34 & 1), me >> 17 & 0x1FFFF, me & 0x1FFFF)


def _airborne(address: str, code: int, me: int) -> AirbornePlace:
    bits = me >> 36 & 0xFFF
    if code >= 20:
        return AirbornePlace(address, _place(me), bits * METRE_FT if bits else None, is_geometric=True)
    altitude_ft = None
    if bits & 0x10:  # the Q bit: steps of 25 ft
        altitude_ft = ((bits >> 5 << 4) | (bits & 0xF)) * 25.0 - 1000
    return AirbornePlace(address, _place(me), altitude_ft, is_geometric=False)


def _surface(address: str, me: int) -> SurfacePlace:
    has_track = me >> 43 & 1
    track_deg = (me >> 36 & 0x7F) * 360 / 128 if has_track else None
    return SurfacePlace(address, _place(me), movement_kn(me >> 44 & 0x7F), track_deg)


def movement_kn(code: int) -> float | None:
    """Knots on the ground by a movement *code*: the least of its step; ``None`` for unknown."""
    if code == 1:
        return 0.0
    if code == FASTEST_CODE:
        return FASTEST_KN
    for first, speed_kn, step_kn in reversed(MOVEMENTS):
        if first <= code < FASTEST_CODE:
            return speed_kn + (code - first) * step_kn
    return None


def _velocity(address: str, me: int) -> Velocity | None:
    subtype = me >> 48 & 7
    rate = me >> 10 & 0x1FF
    climb_fpm = None if not rate else (rate - 1) * 64 * (-1 if me >> 19 & 1 else 1)
    step_kn = 4 if subtype in (2, 4) else 1  # 2 and 4: faster than sound
    if subtype in (1, 2):
        east, north = me >> 32 & 0x3FF, me >> 21 & 0x3FF
        if not east or not north:
            return Velocity(address, climb_fpm=climb_fpm)
        east_kn = (east - 1) * step_kn * (-1 if me >> 42 & 1 else 1)
        north_kn = (north - 1) * step_kn * (-1 if me >> 31 & 1 else 1)
        speed_kn = math.hypot(east_kn, north_kn)
        track_deg = math.degrees(math.atan2(east_kn, north_kn)) % 360 if speed_kn else None
        return Velocity(address, speed_kn=speed_kn, track_deg=track_deg, climb_fpm=climb_fpm)
    if subtype in (3, 4):
        speed = me >> 21 & 0x3FF
        return Velocity(
            address,
            airspeed_kn=float((speed - 1) * step_kn) if speed else None,
            heading_deg=(me >> 32 & 0x3FF) * 360 / 1024 if me >> 42 & 1 else None,
            climb_fpm=climb_fpm,
        )
    return None
