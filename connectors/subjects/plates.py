"""Number plates: tokens for them, and masks over whatever might hold one.

A plate's text leaves no connector. What stands for it is a keyed hash of its letters and digits, so that the same plate
has the same token wherever it is seen, and without the key it is impossible to try all plates.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

from schemas.errors import Fatal, Invalid

KEY_BYTES_MIN = 16
TOKEN_DIGITS = 32


def plate_key(secret: str, whose: str) -> bytes:
    """The key that *secret* is. ``Fatal`` when it is too short to be one."""
    key = secret.encode()
    if len(key) < KEY_BYTES_MIN:
        raise Fatal(
            f"{whose}: the key for plates is shorter than {KEY_BYTES_MIN} bytes",
            hint="write ${NAME} of a secret, made by: openssl rand -hex 32",
        )
    return key


def normalised(text: str) -> str:
    """Letters and digits alone, in capitals and in one form. ``Invalid``, without the text, when nothing is left."""
    plain = unicodedata.normalize("NFKC", text).upper()
    letters = "".join(letter for letter in plain if letter.isalnum())
    if not letters:
        raise Invalid("the plate has no letters or digits", field="text", expected="a number plate")
    return letters


def plate_token(key: bytes, text: str) -> str:
    """HMAC-SHA-256 of the plate under *key*, its first 32 hex digits."""
    return hmac.new(key, normalised(text).encode(), hashlib.sha256).hexdigest()[:TOKEN_DIGITS]


_DIGITS = "0123456789"
_LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_KOREAN = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주아바사자하허호배"
"""The letters of Korean plates (Automobile Management Act, notice on registration plates)."""
TWINS = {"0": "ODQ", "1": "IL", "2": "Z", "4": "A", "5": "S", "6": "G", "7": "T", "8": "B"}
"""Digits and the letters that cameras take for them, and the other way round."""


def misread(text: str) -> list[str]:
    """Every plate that *text* is read as with one character wrong: a digit as another digit or as its twin, a letter as
    another letter of its script or as its twin. Some 100 for a Korean plate, 120 for ``ABC1234``."""
    plate, found = normalised(text), set[str]()
    for at, was in enumerate(plate):
        for other in _taken_for(was):
            found.add(plate[:at] + other + plate[at + 1 :])
    return sorted(found - {plate})


def _taken_for(letter: str) -> str:
    if letter in _DIGITS:
        return _DIGITS + TWINS.get(letter, "")
    if letter in _LATIN:
        return _LATIN + "".join(digit for digit, twins in TWINS.items() if letter in twins)
    return _KOREAN


def misread_tokens(key: bytes, text: str) -> list[str]:
    """The tokens of all plates that *text* is read as with one character wrong. Only who has the key can make them, so
    they are made where a wanted plate is entered, and go with it."""
    return sorted(plate_token(key, one) for one in misread(text))


KNOWN = frozenset(
    b"""
    xml version encoding utf tt tns1 tnsaxis wsnt wsa5 xmlns http https www org com onvif axis oasis open docs
    ver10 schema topics wsn event MetadataStream Event NotificationMessage Topic Dialect TopicExpression Simple Concrete
    CameraApplicationPlatform ALPV AllPlates ProducerReference Address Message UtcTime Source Data Key SimpleItem Name
    Value PropertyOperation addressing uri topic timestamp serial message source key data payload
    consumedTime frame_timestamp carMoveDirection carState action capture_timestamp width carID top country left height
    listName text unknown new update lost
    """.split()
)
"""Words of the format. Each has a small letter, so none is a plate as cameras write them."""
_RUN = re.compile(rb"[0-9A-Za-z_\x80-\xff]+")


def masked(original: bytes) -> bytes:
    """*original* with every run of letters or digits that is no word of the format as one ``*``.

    Wherever in broken bytes a plate stands, nothing is left of it.
    """
    return _RUN.sub(lambda run: run[0] if run[0] in KNOWN else b"*", original)


_NAMES = rb"(?:license|licensePlate|PlateNumber|plateText|recognized_license_plate|sub_label)"
_IN_JSON = re.compile(
    rb'(\\*"(?:#text|' + _NAMES + rb')\\*"\s*:\s*\[?\s*\\*")(?:[^"\\]|\\+u[0-9a-fA-F]{4})*',
    re.IGNORECASE,
)
_IN_XML = re.compile(rb"(<(?:\w+:)?PlateNumber\b[^>]*>)[^<]*")
_IN_ITEM = re.compile(
    rb'(<[^>]*Name\s*=\s*["\'](?:PlateNumber|Label|text)["\'][^>]*Value\s*=\s*["\'])[^"\'>]*'
)
_IN_ITEM_TURNED = re.compile(
    rb'(Value\s*=\s*["\'])[^"\'>]*(["\'][^>]*Name\s*=\s*["\'](?:PlateNumber|Label|text)["\'])'
)


def plates_masked(original: bytes) -> bytes:
    """*original* of a source of detections with a plate's or a person's name in it, where it has one, as ``*``."""
    small = original.lower()
    if not any(word in small for word in (b"plate", b"license", b"label")):
        return original
    text = _IN_JSON.sub(rb"\1*", original)
    text = _IN_XML.sub(rb"\1*", text)
    text = _IN_ITEM.sub(rb"\1*", text)
    return _IN_ITEM_TURNED.sub(rb"\1*\2", text)
