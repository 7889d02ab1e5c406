"""Hashes of accounts' secrets, and how a person is named at an issuer. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from schemas.errors import Invalid

SHA256 = "sha256"


@lru_cache(1_000)
def one_set(names: tuple[str, ...]) -> frozenset[str]:
    """Share one set between all accounts that have the same names: there may be 100,000 accounts."""
    return frozenset(names)


def check_account(_account_id: str, row: Mapping[str, Any]) -> None:
    """Raise ``Invalid`` for a row without a valid hash."""
    for field in ("secret_hash", "old_secret_hash"):
        try:
            hash_or_none(row.get(field))
        except ValueError:
            raise Invalid("a hash that is none", field=field, expected="hexadecimal digits") from None


def hash_or_none(text: str | None) -> bytes | None:
    """The bytes of a hash in hexadecimal. ``ValueError`` for what is none."""
    return None if text is None else bytes.fromhex(text)


def hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def subject_of(issuer: str, subject: str) -> str:
    """A person at an issuer, as one text: the same *subject* of another issuer is somebody else."""
    return f"{issuer} {subject}"
