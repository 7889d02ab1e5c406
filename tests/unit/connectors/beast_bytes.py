"""Mode S messages and Beast frames, written bit by bit as the standards say; shares nothing with the decoder."""

from __future__ import annotations

import math

GENERATOR = "1111111111111010000001001"
"""Mode S's polynomial, x^24 first (ICAO Annex 10, volume IV, 3.1.2.3.3)."""
SIXBITS = "_ABCDEFGHIJKLMNOPQRSTUVWXYZ_____ _______________0123456789"
NL_59_TO_2 = (
    10.47047130, 14.82817437, 18.18626357, 21.02939493, 23.54504487, 25.82924707, 27.93898710, 29.91135686,
    31.77209708, 33.53993436, 35.22899598, 36.85025108, 38.41241892, 39.92256684, 41.38651832, 42.80914012,
    44.19454951, 45.54626723, 46.86733252, 48.16039128, 49.42776439, 50.67150166, 51.89342469, 53.09516153,
    54.27817472, 55.44378444, 56.59318756, 57.72747354, 58.84763776, 59.95459277, 61.04917774, 62.13216659,
    63.20427479, 64.26616523, 65.31845310, 66.36171008, 67.39646774, 68.42322022, 69.44242631, 70.45451075,
    71.45986473, 72.45884545, 73.45177442, 74.43893416, 75.42056257, 76.39684391, 77.36789461, 78.33374083,
    79.29428225, 80.24923213, 81.19801349, 82.13956981, 83.07199445, 83.99173563, 84.89166191, 85.75541621,
    86.53536998, 87.00000000,
)  # fmt: skip
"""DO-260B, A.1.7.2, the table of transition latitudes: below the first there are 59 zones, below the last 2, then 1."""


def zones(lat: float) -> int:
    return next((59 - index for index, edge in enumerate(NL_59_TO_2) if abs(lat) < edge), 1)


def parity(bits: str) -> str:
    """The remainder of a long division, digit by digit."""
    rest = [int(bit) for bit in bits + "0" * 24]
    for at in range(len(bits)):
        if rest[at]:
            for offset, digit in enumerate(GENERATOR):
                rest[at + offset] ^= int(digit)
    return "".join(map(str, rest[-24:]))


def message(address: str, me: str, *, head: str = "10001101") -> bytes:
    """A message of format 17 (*head*: its first byte) with 56 bits *me*."""
    bits = head + f"{int(address, 16):024b}" + me
    assert len(bits) == 88
    return int(bits + parity(bits), 2).to_bytes(14)


def identification(address: str, callsign: str, *, code: int = 4, number: int = 7) -> bytes:
    letters = "".join(f"{SIXBITS.index(letter):06b}" for letter in callsign.ljust(8))
    return message(address, f"{code:05b}{number:03b}" + letters)


def cpr(lat: float, lon: float, *, is_odd: bool, span: float = 360.0) -> str:
    """34 bits: DO-260B, A.1.7.3 (*span* 360, in the air) and A.1.7.4 (90, on the ground)."""
    height = span / (60 - is_odd)
    north = math.floor(2**17 * ((lat % height) / height) + 0.5)
    seen_lat = height * (north / 2**17 + math.floor(lat / height))
    width = span / max(zones(seen_lat) - is_odd, 1)
    east = math.floor(2**17 * ((lon % width) / width) + 0.5)
    return f"{north % 2**17:017b}{east % 2**17:017b}"


def airborne(address: str, lat: float, lon: float, *, is_odd: bool, altitude_ft: int = 2_000) -> bytes:
    steps = f"{(altitude_ft + 1_000) // 25:011b}"
    height = steps[:7] + "1" + steps[7:]  # the Q bit
    return message(address, f"{11:05b}000" + height + "0" + str(int(is_odd)) + cpr(lat, lon, is_odd=is_odd))


def surface(
    address: str, lat: float, lon: float, *, is_odd: bool, movement: int = 41, track: int = 32
) -> bytes:
    where = cpr(lat, lon, is_odd=is_odd, span=90.0)
    return message(address, f"{7:05b}{movement:07b}1{track:07b}0{int(is_odd)}" + where)


def velocity(address: str, east_kn: int, north_kn: int, *, climb_fpm: int = 0, subtype: int = 1) -> bytes:
    step = 4 if subtype == 2 else 1
    east, north = abs(east_kn) // step + 1, abs(north_kn) // step + 1
    ground = f"{int(east_kn < 0)}{east:010b}{int(north_kn < 0)}{north:010b}"
    rate = f"0{int(climb_fpm < 0)}{abs(climb_fpm) // 64 + 1:09b}"
    return message(address, f"{19:05b}{subtype:03b}00000" + ground + rate + "0" * 10)


def framed(said: bytes, at_s: float = 0.0, *, kind: int = 0x33, signal: int = 0x40) -> bytes:
    """A Beast frame, its counter at *at_s*."""
    content = round(at_s * 12_000_000).to_bytes(6) + bytes([signal]) + said
    return bytes([0x1A, kind]) + content.replace(b"\x1a", b"\x1a\x1a")
