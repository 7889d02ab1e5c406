"""Keys of chargers, derived from the city's secret: nothing is kept, and a renewed serial ends the key before it. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

KEY_BYTES = 20
"""Forty hex digits: the most that AuthorizationKey of OCPP 1.6 holds."""
SECRET_LETTERS_MIN = 16


def charger_key(secret: str, city: str, charger_id: str, *, serial: int = 0) -> str:
    """The key of a charger as 40 hex digits. *secret*: the city's, 16 letters or more."""
    told = "\x1f".join(("charger", city, charger_id, str(serial)))
    return hmac.new(secret.encode(), told.encode(), hashlib.sha256).digest()[:KEY_BYTES].hex()


def session_secret(secret: str, city: str) -> bytes:
    """The bytes under which a city's sessions of OCPP 1.6 are numbered: no key of a charger tells them."""
    return hmac.new(secret.encode(), f"sessions\x1f{city}".encode(), hashlib.sha256).digest()


def is_key(header: str | None, charger_id: str, key: str) -> bool:
    """Whether *header* (HTTP's Authorization) is Basic with the charger's id and its key, in whichever case."""
    kind, _, packed = (header or "").partition(" ")
    if kind.lower() != "basic" or len(packed) > 1_024:
        return False
    try:
        user, _, said = base64.b64decode(packed.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    is_user = hmac.compare_digest(user, charger_id.encode())
    return hmac.compare_digest(said.lower(), key.encode()) and is_user
