"""Passwords of people: hash and verify them by Argon2id (RFC 9106). Each check takes some 50 ms and 64 MiB."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from connectors.gateway.accounts import NO_LINK, told
from schemas.event import Event

LETTERS_MIN = 12
LETTERS_MAX = 256
_HASHER = PasswordHasher()


def spelt(password: str) -> str:
    """*password* in NFC, as keyboards differ. ``ValueError`` says why it is none."""
    one = unicodedata.normalize("NFC", password)
    if not LETTERS_MIN <= len(one) <= LETTERS_MAX:
        raise ValueError(f"it has {len(one)} letters: {LETTERS_MIN} to {LETTERS_MAX} are needed")
    return one


def hash_of(password: str) -> str:
    """The hash of a password as ``spelt`` gives it, with salt and parameters (PHC string)."""
    return _HASHER.hash(password)


@cache
def hash_of_nobody() -> str:
    """The hash of a password that nobody has: an unknown name takes as long as a wrong password."""
    return hash_of("no password of anybody")


def is_right(password_hash: str | None, password: str) -> bool:
    """Whether *password* is the one of *password_hash*. It takes as long where there is no hash."""
    one = unicodedata.normalize("NFC", password)
    try:
        _HASHER.verify(password_hash or hash_of_nobody(), one)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def with_password(city: str, row: Mapping[str, Any], password: str, *, now_ms: int) -> Event:
    """The ``core.account`` event that gives the account *row* a password as ``spelt`` gives it. An unused link ends."""
    return told(city, {**row, **NO_LINK, "password_hash": hash_of(password)}, now_ms=now_ms)
