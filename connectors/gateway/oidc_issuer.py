"""The issuer of OpenID Connect over HTTP: metadata, keys, tokens for a code. Each call is bounded in time and size."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import orjson
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import get_well_known_url
from joserfc.jwk import KeySet

from connectors.gateway.oidc_tokens import OidcClient, OidcRefused, claims_of, keys_of

CALL_S_MAX = 8.0
BODY_BYTES_MAX = 512 * 1024
KEPT_S = 3_600.0
"""Metadata and keys are asked for again after so long."""
KEYS_AGAIN_S = 30.0
"""A token with a key that is not known asks for the keys anew, no sooner than so long after the last time."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def is_safe(url: object) -> bool:
    """Whether *url* is https, or on this machine."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


@dataclass(slots=True)
class Issuer:
    """Asks the issuer of *client*. *now_s*: a clock that never goes back."""

    client: OidcClient
    now_s: Callable[[], float]
    _metadata: tuple[float, Mapping[str, Any]] | None = None
    _keys: tuple[float, KeySet] | None = None
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """The address at the issuer to which a browser is sent to sign in."""
        about = await self.metadata()
        uri: str = prepare_grant_uri(
            about["authorization_endpoint"],
            self.client.client_id,
            "code",
            redirect_uri=self.client.redirect_uri,
            scope=" ".join(self.client.scopes),
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return uri

    async def claims(self, code: str, *, nonce: str, verifier: str, at_s: int) -> dict[str, Any]:
        """The claims about whoever came back with *code*; ``OidcRefused`` with the reason otherwise. *at_s*: since 1970."""
        told = await self._tokens(code, verifier)
        check = partial(
            claims_of,
            told.get("id_token"),
            client=self.client,
            nonce=nonce,
            access_token=told.get("access_token"),
            now_s=at_s,
        )
        keys = await self.keys()
        try:
            return check(keys=keys)
        except OidcRefused as refused:
            if refused.reason != "key":
                raise
        return check(keys=await self.keys(is_new=True))

    async def metadata(self) -> Mapping[str, Any]:
        async with self._asking:
            if self._metadata is None or self.now_s() - self._metadata[0] > KEPT_S:
                found = await self._document(get_well_known_url(self.client.issuer, external=True))
                # of another issuer: whoever can change one answer could have people sign in at a place of theirs
                if found.get("issuer") != self.client.issuer:
                    raise OidcRefused("issuer")
                if not all(is_safe(found.get(name)) for name in ENDPOINTS):
                    raise OidcRefused("away")
                self._metadata = self.now_s(), found
            return self._metadata[1]

    async def keys(self, *, is_new: bool = False) -> KeySet:
        """The issuer's keys; where *is_new*, asked for anew: it may have others now."""
        uri = (await self.metadata())["jwks_uri"]
        async with self._asking:
            age_s = None if self._keys is None else self.now_s() - self._keys[0]
            if self._keys is None or age_s is None or age_s > (KEYS_AGAIN_S if is_new else KEPT_S):
                self._keys = self.now_s(), keys_of(await self._document(uri))
            return self._keys[1]

    async def _tokens(self, code: str, verifier: str) -> Mapping[str, Any]:
        about, client = await self.metadata(), self.client
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": verifier,
        }
        ways = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        auth = None
        if client.client_secret is None:
            sent["client_id"] = client.client_id
        elif "client_secret_basic" in ways:  # RFC 6749, 2.3.1: both are form-encoded first
            auth = httpx.BasicAuth(quote(client.client_id, safe=""), quote(client.client_secret, safe=""))
        else:
            sent |= {"client_id": client.client_id, "client_secret": client.client_secret}
        status, body = await self._asked("POST", about["token_endpoint"], data=sent, auth=auth)
        told = _object(body)
        if status != httpx.codes.OK or told is None:
            raise OidcRefused("code" if 400 <= status < 500 else "away")
        return told

    async def _document(self, uri: str) -> Mapping[str, Any]:
        status, body = await self._asked("GET", uri)
        told = _object(body)
        if status != httpx.codes.OK or told is None:
            raise OidcRefused("away")
        return told

    async def _asked(self, method: str, uri: str, **sent: Any) -> tuple[int, bytes]:
        """Status and body. No redirect is followed, no proxy of the environment used."""
        headers = {"Accept": "application/json"}
        body = bytearray()
        try:
            async with (
                asyncio.timeout(CALL_S_MAX),
                httpx.AsyncClient(verify=_trust(), trust_env=False, timeout=CALL_S_MAX) as http,
                http.stream(method, uri, headers=headers, **sent) as answer,
            ):
                async for part in answer.aiter_bytes(16_384):
                    body += part
                    if len(body) > BODY_BYTES_MAX:
                        raise OidcRefused("away")
                return answer.status_code, bytes(body)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError):
            raise OidcRefused("away") from None


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return told if isinstance(told, dict) else None
