"""ID tokens of OpenID Connect: whose they are, or the reason why one is refused. Pure.

Authlib's rules of claims and joserfc's signatures do the work; here stands which of them a token must pass, and the one
word that the sign-in page has for each fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import errors, jwt
from joserfc.jwk import JWKRegistry, KeySet

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key that the issuer alone has: neither ``none`` nor those by a shared secret."""
LEEWAY_S = 60
"""So far the clocks of the issuer and of the gateway may be apart."""
KEYS_MAX = 100
OF_CLAIM = {"iss": "issuer", "aud": "audience", "azp": "audience", "nonce": "nonce", "exp": "expired"}
"""The claim that cannot be → the reason; ``token`` for all others."""
REASONS = (
    "busy",
    "denied",
    "state",
    "away",
    "code",
    "token",
    "algorithm",
    "key",
    "signature",
    *dict.fromkeys(OF_CLAIM.values()),
    "unknown",
    "ended",
    "name",
    "reads",
)
"""Every reason for which a sign-in is refused; the pages have words for each (``oidc.<reason>``)."""


class OidcRefused(Exception):
    """A sign-in that is not accepted. *reason*: one of ``REASONS``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class OidcClient:
    """The gateway as the issuer knows it. *redirect_uri*: the one address to which a browser may come back."""

    issuer: str
    client_id: str
    redirect_uri: str
    client_secret: str | None = field(default=None, repr=False)
    scopes: Sequence[str] = ("openid", "profile")


def keys_of(document: Any) -> KeySet:
    """The issuer's keys for signatures; those of kinds that are not known here are left out."""
    listed = document.get("keys") if isinstance(document, Mapping) else None
    found = []
    for one in (listed if isinstance(listed, list) else [])[:KEYS_MAX]:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig" or one.get("kty") == "oct":
            continue
        try:
            found.append(JWKRegistry.import_key(one))
        except (errors.JoseError, ValueError, TypeError, KeyError):
            continue
    return KeySet(found)


def claims_of(
    token: Any, keys: KeySet, client: OidcClient, *, nonce: str, access_token: Any, now_s: int
) -> dict[str, Any]:
    """The claims of *token*, which the issuer signed for this sign-in. ``OidcRefused`` for every other one."""
    if not isinstance(token, str):
        raise OidcRefused("token")
    try:
        read = jwt.decode(token, keys, algorithms=ALGORITHMS)
    except errors.UnsupportedAlgorithmError:
        raise OidcRefused("algorithm") from None
    except errors.BadSignatureError:
        raise OidcRefused("signature") from None
    except (errors.InvalidKeyIdError, errors.KeyParameterError, errors.MissingKeyError):
        raise OidcRefused("key") from None
    except (errors.JoseError, ValueError, TypeError, KeyError):
        raise OidcRefused("token") from None
    return _checked(read, client, nonce=nonce, access_token=access_token, now_s=now_s)


def _checked(
    read: jwt.Token, client: OidcClient, *, nonce: str, access_token: Any, now_s: int
) -> dict[str, Any]:
    options = {
        "iss": {"essential": True, "value": client.issuer},
        "aud": {"essential": True, "value": client.client_id},
        "sub": {"essential": True},
    }
    about = {"nonce": nonce, "client_id": client.client_id}
    if isinstance(access_token, str):
        about["access_token"] = access_token
    claims = CodeIDToken(read.claims, read.header, options, about)
    try:
        claims.validate(now=now_s, leeway=LEEWAY_S)
    except errors.ExpiredTokenError:
        raise OidcRefused("expired") from None
    except errors.ClaimError as error:
        raise OidcRefused(OF_CLAIM.get(error.claim, "token")) from None
    except (errors.JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise OidcRefused("token") from None
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise OidcRefused("token")
    return dict(claims)
