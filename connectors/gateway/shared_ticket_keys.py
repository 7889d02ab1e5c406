"""Keys that sign tickets, derived from a secret that all replicas of a gateway have: each publishes the same JWK set.

Time is cut into spans of ``SIGNS_MS`` since 1970. Each has one key for each city, computed from the secret by HKDF
(RFC 5869); nothing is kept on disk. The key of the current span signs, and the one before it verifies what it signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connectors.gateway.ticket_keys import SIGNS_MS, VERIFIES_MS, SigningKey, jwks_of, thumbprint

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256 (FIPS 186-5, SEC 2): a private key is a number from 1 to one less."""
DRAWN_BYTES = 48
"""64 bits more than the order has, so that the remainder is even (FIPS 186-5, A.2.1)."""


class SharedTicketKeys:
    """The keys of one city's tickets (``TicketKeys`` without a folder)."""

    def __init__(self, secret: bytes, city: str) -> None:
        self._secret = secret
        self._city = city
        # two spans are in use at a time; a process that runs for years drops the older ones below
        self._keys: dict[int, SigningKey] = {}

    def signing(self, now_ms: int) -> SigningKey:
        """The key that signs now."""
        return self._of_span(now_ms // SIGNS_MS)

    def verifying(self, now_ms: int) -> Mapping[str, SigningKey]:
        """kid → key, of those whose signatures count now."""
        span = now_ms // SIGNS_MS
        keys = [self._of_span(one) for one in (span - 1, span) if now_ms < one * SIGNS_MS + VERIFIES_MS]
        return {one.kid: one for one in keys}

    def jwks(self, now_ms: int) -> dict[str, Any]:
        """The public halves, as RFC 7517 has it."""
        return jwks_of(self.verifying(now_ms).values())

    def _of_span(self, span: int) -> SigningKey:
        found = self._keys.get(span)
        if found is None:
            found = derived_key(self._secret, self._city, span)
            self._keys = {one: key for one, key in self._keys.items() if one >= span - 1} | {span: found}
        return found


def derived_key(secret: bytes, city: str, span: int) -> SigningKey:
    """The key of *city* in the span of that number."""
    about = f"bongsu/tickets/{city}/{span}".encode()
    drawn = HKDF(SHA256(), DRAWN_BYTES, salt=None, info=about).derive(secret)
    private = derive_private_key(int.from_bytes(drawn, "big") % (ORDER - 1) + 1, SECP256R1())
    return SigningKey(thumbprint(private.public_key()), span * SIGNS_MS, private)
