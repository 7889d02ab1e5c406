"""Keys that sign tickets: made once in a folder of their own, replaced after a while, published as a JWK set.

A key is a file ``<ms>-<kid>.pem`` for its owner alone. The newest signs; older ones verify until what they signed is over.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from connectors.transport.private_files import FILE_MODE, private_folder
from schemas.errors import Fatal

DAY_MS = 24 * 3_600_000
SIGNS_MS = 90 * DAY_MS
"""A key signs for so long; then the next one is made."""
VERIFIES_MS = SIGNS_MS + 30 * DAY_MS
"""A key verifies for so long: no grant lasts longer than 30 days after its ticket."""
KEYS_MAX = 100


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair. *kid*: the thumbprint of its public half (RFC 7638)."""

    kid: str
    made_ms: int
    private: EllipticCurvePrivateKey

    @property
    def public(self) -> EllipticCurvePublicKey:
        return self.private.public_key()


class Keys(Protocol):
    """The keys of one city's tickets."""

    def signing(self, now_ms: int) -> SigningKey: ...

    def verifying(self, now_ms: int) -> Mapping[str, SigningKey]: ...

    def jwks(self, now_ms: int) -> dict[str, Any]: ...


class TicketKeys:
    """The keys in *folder*, for tickets of one city."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._keys: dict[str, SigningKey] | None = None

    def signing(self, now_ms: int) -> SigningKey:
        """The key that signs now; the first and each later one is made when it is asked for."""
        newest = max(self._all().values(), key=lambda one: one.made_ms, default=None)
        if newest is not None and now_ms < newest.made_ms + SIGNS_MS:
            return newest
        return self._make(now_ms)

    def verifying(self, now_ms: int) -> Mapping[str, SigningKey]:
        """kid → key, of those whose signatures count now."""
        return {kid: one for kid, one in self._all().items() if now_ms < one.made_ms + VERIFIES_MS}

    def jwks(self, now_ms: int) -> dict[str, Any]:
        """The public halves, as RFC 7517 has it."""
        self.signing(now_ms)
        return jwks_of(self.verifying(now_ms).values())

    def _all(self) -> dict[str, SigningKey]:
        with self._lock:
            if self._keys is None:
                paths = sorted(private_folder(self._folder).glob("*-*.pem"))[-KEYS_MAX:]
                self._keys = {one.kid: one for one in map(_read, paths)}
            return self._keys

    def _make(self, now_ms: int) -> SigningKey:
        private = generate_private_key(SECP256R1())
        key = SigningKey(thumbprint(private.public_key()), now_ms, private)
        path = private_folder(self._folder) / f"{now_ms}-{key.kid}.pem"
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        part = path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)  # whole or not at all: half a key would end every later start
        with self._lock:
            self._keys = {**(self._keys or {}), key.kid: key}
        return key


def _read(path: Path) -> SigningKey:
    made, _, _ = path.stem.partition("-")
    try:
        private = load_pem_private_key(path.read_bytes(), None)
        if not isinstance(private, EllipticCurvePrivateKey):
            raise ValueError  # noqa: TRY004 (the file's content is wrong, no argument's type)
        return SigningKey(thumbprint(private.public_key()), int(made), private)
    except ValueError as error:
        raise Fatal(
            f"{path} is no key for tickets", hint="move it away: a new one is made, and open tickets end"
        ) from error


def jwks_of(keys: Iterable[SigningKey]) -> dict[str, Any]:
    """The public halves of *keys* as a JWK set."""
    return {"keys": [{**_jwk(one.public), "kid": one.kid, "use": "sig", "alg": "ES256"} for one in keys]}


def _jwk(public: EllipticCurvePublicKey) -> dict[str, str]:
    numbers = public.public_numbers()
    return {"crv": "P-256", "kty": "EC", "x": _b64(numbers.x), "y": _b64(numbers.y)}


def thumbprint(public: EllipticCurvePublicKey) -> str:
    digest = hashlib.sha256(orjson.dumps(_jwk(public), option=orjson.OPT_SORT_KEYS)).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _b64(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")
