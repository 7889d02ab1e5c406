"""Ids of drones: what form they must have, and what stands for a transmitter that sends none. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import NamedTuple

from schemas.errors import Fatal

VALID, INVALID, NONE = "valid", "invalid", "none"
SERIAL, REGISTRATION, UTM, SESSION, FLIGHT = KINDS = ("serial", "registration", "utm", "session", "flight")
"""The most lasting first: of several ids of one drone the first names it."""
KEY_BYTES_MIN = 16
HASH_DIGITS = 32
_MAKER_LETTERS = 4
_SERIAL = re.compile(r"[0-9A-HJ-NP-Z]{4}[1-9A-F][0-9A-HJ-NP-Z]{1,15}")
_REGISTRATION = re.compile(r"[A-Z0-9]{1,4}\.[A-Z0-9][A-Z0-9-]{0,14}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SESSION = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)


class DroneId(NamedTuple):
    """An id as it is said, its kind, and whether it has the form of that kind."""

    text: str
    kind: str | None
    verdict: str


def judged(text: str, kind: str | None, *, is_whole: bool = True) -> DroneId:
    """*text* with its verdict. *is_whole*: its bytes held nothing beside it."""
    return DroneId(text, kind, VALID if is_whole and is_of_kind(text, kind) else INVALID)


def is_of_kind(text: str, kind: str | None) -> bool:
    """Whether *text* has the form of its *kind*; without a kind it has none.

    Serial: ANSI/CTA-2063-A, four letters of the maker, one that says how many follow (1 to F), these; no letter O or I.
    Registration: F3411, the mark of the state, a full stop, the state's own number. UTM: a UUID that is not all zero.
    """
    if kind == SERIAL:
        return bool(_SERIAL.fullmatch(text)) and len(text) == _MAKER_LETTERS + 1 + int(
            text[_MAKER_LETTERS], 16
        )
    if kind == REGISTRATION:
        return bool(_REGISTRATION.fullmatch(text))
    if kind == UTM:
        return bool(_UUID.fullmatch(text)) and any(digit not in "0-" for digit in text)
    if kind == SESSION:
        return bool(_SESSION.fullmatch(text)) and text[:2] != "00"
    return False


def best_of(said: Mapping[str, DroneId]) -> DroneId | None:
    """The id, of those by kind, that names the drone: a valid one before others, then the most lasting."""
    order = [said[kind] for kind in (*KINDS, "") if kind in said]
    return next((one for one in order if one.verdict == VALID), order[0] if order else None)


def transmitter_key(secret: str, whose: str) -> bytes:
    """The key that *secret* is. ``Fatal`` when it is too short to be one."""
    key = secret.encode()
    if len(key) < KEY_BYTES_MIN:
        raise Fatal(
            f"{whose}: the key for transmitters is shorter than {KEY_BYTES_MIN} bytes",
            hint="write ${NAME} of a secret, made by: openssl rand -hex 32",
        )
    return key


def transmitter_hash(key: bytes, day: str, address: bytes) -> str:
    """HMAC-SHA-256 of *day* and *address* under *key*, its first 32 hex digits: another each day, for nobody to follow."""
    said = b"transmitter\x1f" + day.encode() + b"\x1f" + address
    return hmac.new(key, said, hashlib.sha256).hexdigest()[:HASH_DIGITS]
