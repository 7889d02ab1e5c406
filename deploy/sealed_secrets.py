"""Secrets of webhooks, sealed for a row of the log: only a process with the city's ``BONGSU_SHARED_KEY`` opens them. Pure.

Each replica of a gateway has a home of its own, and ``deliver`` another one: a file of one is in no other. AES-256-GCM with
a key derived by HKDF (RFC 5869) binds a sealed secret to its city, subscription and number, so no other row can use it.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.errors import Fatal

SEALED = re.compile(r"\$\{SEALED:([0-9]{1,19})\.([A-Za-z0-9_-]+)\}")
NONCE_BYTES = 12
KEY_BYTES = 32


def sealed(secret: str, shared_key: bytes, city: str, name: str, number: int, *, nonce: bytes) -> str:
    """The setting that holds *secret* sealed, number *number* of subscription *name*. *nonce*: 12 bytes, never twice."""
    box = _cipher(shared_key, city).encrypt(nonce, secret.encode(), _bound_to(city, name, str(number)))
    return f"${{SEALED:{number}.{urlsafe_b64encode(nonce + box).decode().rstrip('=')}}}"


def opened(setting: str, shared_key: bytes | None, city: str, name: str) -> str:
    """The secret in *setting*, which was made by ``sealed``. ``Fatal``, with no part of it, where it cannot be opened."""
    if shared_key is None:
        raise Fatal(
            f"subscription '{name}': its secret is sealed, and there is no BONGSU_SHARED_KEY here",
            hint="give this process the BONGSU_SHARED_KEY of the city's gateways",
        )
    if (found := SEALED.fullmatch(setting)) is not None:
        try:
            box = urlsafe_b64decode(found[2] + "=" * (-len(found[2]) % 4))
            nonce, rest = box[:NONCE_BYTES], box[NONCE_BYTES:]
            return _cipher(shared_key, city).decrypt(nonce, rest, _bound_to(city, name, found[1])).decode()
        except (InvalidTag, ValueError):
            pass
    raise Fatal(
        f"subscription '{name}': its sealed secret does not open with the BONGSU_SHARED_KEY here",
        hint="give this process the key of the city's gateways; after a change of it make the secret again: "
        "bongsu subscription rotate CITY NAME",
    )


def _cipher(shared_key: bytes, city: str) -> AESGCM:
    about = f"bongsu/webhook-secrets/{city}".encode()
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=about).derive(shared_key))


def _bound_to(city: str, name: str, number: str) -> bytes:
    return f"{city}/{name}/{number}".encode()
