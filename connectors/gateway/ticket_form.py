"""Tickets and viewings as signed tokens (JWT, ES256), and the camera that a request's path names. Pure.

A ticket opens one viewing. The viewing is a second token, in a cookie of the browser that used the ticket first. Each has
its own audience and type, so that neither passes for the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import jwt

from connectors.gateway.ticket_keys import SigningKey

ALGORITHM = "ES256"
TOKEN_MAX = 4_096
TOKEN_DOTS = 2
TICKET, VIEWING = "JWT", "bongsu-viewing+jwt"
"""The type in a token's header."""
CLAIMS = ("iss", "sub", "aud", "iat", "exp", "jti", "camera", "grant")
MARKS_FORBIDDEN = ("\\", "#", "\x00", "/")


class BadTicket(Exception):
    """A token that opens nothing. *reason* is a word for the record."""

    def __init__(self, reason: str, ticket: Ticket | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ticket = ticket


@dataclass(frozen=True, slots=True)
class Ticket:
    """The claims of a token that counts. *ticket_hash* is of the ticket's id, also in the token of its viewing."""

    account_id: str
    grant_id: str
    camera_id: str
    ticket_hash: str
    expires_s: int
    replica: str | None = None
    """The replica of the gateway that issued it, and alone opens by it; ``None``: the city's only gateway."""


def hash_of_id(jti: str) -> str:
    return hashlib.sha256(jti.encode()).hexdigest()


def new_ticket(  # the claims of a ticket
    city: str,
    grant: Mapping[str, Any],
    account_id: str,
    key: SigningKey,
    *,
    jti: str,
    now_s: int,
    life_s: int,
    replica: str | None = None,
) -> str:
    """A ticket for the camera of *grant*, never longer than the grant."""
    claims = {
        "iss": f"bongsu/{city}",
        "aud": f"bongsu:{city}:video",
        "sub": account_id,
        "iat": now_s,
        "exp": min(now_s + life_s, grant["expires_at"] // 1000),
        "jti": jti,
        "camera": grant["camera_id"],
        "grant": grant["grant_id"],
        "situation": grant["situation_id"],
        "purpose": grant["purpose"],
        "mediamtx_permissions": [{"action": "read", "path": grant["camera_id"]}],
        **_issued_by(replica),
    }
    return jwt.encode(claims, key.private, ALGORITHM, {"kid": key.kid, "typ": TICKET})


def new_viewing(city: str, ticket: Ticket, key: SigningKey, *, now_s: int, expires_s: int) -> str:
    """The token of the viewing that *ticket* opened."""
    claims = {
        "iss": f"bongsu/{city}",
        "aud": f"bongsu:{city}:viewing",
        "sub": ticket.account_id,
        "iat": now_s,
        "exp": expires_s,
        "jti": ticket.ticket_hash,
        "camera": ticket.camera_id,
        "grant": ticket.grant_id,
        **_issued_by(ticket.replica),
    }
    return jwt.encode(claims, key.private, ALGORITHM, {"kid": key.kid, "typ": VIEWING})


def _issued_by(replica: str | None) -> dict[str, str]:
    return {} if replica is None else {"replica": replica}


def cookie_of(token: str, replica: str | None) -> str:
    """The value of a viewing's cookie: before the token the replica's name, by which a proxy knows where it belongs."""
    return token if replica is None else f"{replica}.{token}"


def token_of(cookie: str) -> str:
    """The token in a viewing's cookie. The name before it decides nothing: the token is signed and has its own."""
    return cookie if cookie.count(".") != TOKEN_DOTS + 1 else cookie.partition(".")[2]


def read(token: str, city: str, kind: str, keys: Mapping[str, SigningKey], *, now_s: float) -> Ticket:
    """The claims of *token*. ``BadTicket``: forged (any other form, key or algorithm), or expired."""
    if len(token) > TOKEN_MAX:
        raise BadTicket("forged")
    audience = "video" if kind == TICKET else "viewing"
    try:
        head = jwt.get_unverified_header(token)
        key = keys.get(str(head.get("kid")))
        if key is None or head.get("alg") != ALGORITHM or head.get("typ") != kind:
            raise BadTicket("forged")
        claims = jwt.decode(
            token,
            key.public,
            [ALGORITHM],
            # expiry is judged below, against the gateway's clock
            {"require": list(CLAIMS), "verify_exp": False, "verify_iat": False},
            audience=f"bongsu:{city}:{audience}",
            issuer=f"bongsu/{city}",
        )
        its_id = str(claims["jti"])
        ticket = Ticket(
            str(claims["sub"]),
            str(claims["grant"]),
            str(claims["camera"]),
            hash_of_id(its_id) if kind == TICKET else its_id,
            int(claims["exp"]),
            None if claims.get("replica") is None else str(claims["replica"]),
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise BadTicket("forged") from error
    if now_s >= ticket.expires_s:
        raise BadTicket("expired", ticket)
    return ticket


@dataclass(frozen=True, slots=True)
class Asked:
    """The file a viewer asks the video server for. *folder*: the path up to the camera, as it was written."""

    camera_id: str
    folder: str
    ticket: str | None


def asked_of(uri: str) -> Asked | None:
    """The camera is the folder of the file: ``/video/C-7/index.m3u8``. ``None`` for a path that can be read in two ways."""
    path, _, query = uri.partition("?")
    written = path.split("/")
    if len(written) < 3 or written[0]:
        return None
    parts = [unquote(one) for one in written[1:]]
    if any(part in ("", ".", "..") or any(mark in part for mark in MARKS_FORBIDDEN) for part in parts):
        return None
    # written anew: what a cookie's path repeats must not hold a mark that ends it
    folder = "".join(f"/{quote(part)}" for part in parts[:-1])
    found = parse_qs(query, max_num_fields=20).get("ticket", []) if query.count("&") < 20 else []
    return Asked(parts[-2], folder, found[0] if found else None)


def is_plain_loopback(headers: Mapping[str, str]) -> bool:
    """Whether the browser came without TLS to this machine itself, where a secure cookie would not come back."""
    named = headers.get("host", "")
    host = named.rpartition(":")[0] or named
    is_local = host in ("localhost", "[::1]") or host.startswith("127.")
    return is_local and headers.get("x-forwarded-proto", "http") == "http"
