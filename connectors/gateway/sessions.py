"""Sessions of people who signed in: signed tokens, which no store keeps. Pure.

A token names its account, holds a stamp of the account's key and password, and says until when it counts. It is signed with
a key of the city's own. So every replica that has the key reads it, and a new key or password of the account ends it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import orjson
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connectors.gateway.accounts import Account

LIFE_MS = 12 * 3_600_000
"""A session counts for so long after its last renewal."""
RENEWED_AFTER_MS = 600_000
"""A session that is used is renewed when its token is older than that."""
ENDED_MAX = 100_000
KEY_BYTES = 32
TOKEN_BYTES_MAX = 1_000
VERSION = 1


@dataclass(frozen=True, slots=True)
class Session:
    """The claims of a token. *stamp*: of the account's secrets; *until_ms*: ``None`` for a wall's, which does not expire."""

    account_id: str
    session_id: str
    stamp: str
    issued_ms: int
    until_ms: int | None

    @property
    def hash(self) -> str:
        """The hash of its id, which names it in the log and opens nothing."""
        return hashlib.sha256(self.session_id.encode()).hexdigest()


@dataclass(slots=True)
class Sessions:
    """Signs and reads the sessions of one city. *secret*: 32 random bytes or more, which all replicas have."""

    secret: bytes = field(repr=False)
    city: str
    _key: bytes = field(init=False, repr=False)
    _ended: dict[str, int | None] = field(default_factory=dict)
    """Hash of a session → until when it would count. Bounded by ``ENDED_MAX``; the oldest goes first."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        about = f"bongsu/sessions/{self.city}".encode()
        self._key = HKDF(SHA256(), KEY_BYTES, salt=None, info=about).derive(self.secret)

    def begin(self, account: Account, *, now_ms: int) -> Session:
        """A new session of *account*, which has just shown who it is."""
        return Session(
            account.account_id,
            secrets.token_urlsafe(16),
            stamp_of(account),
            now_ms,
            until_of(account, now_ms),
        )

    def token(self, session: Session) -> str:
        """The text of the cookie."""
        claims = [
            VERSION,
            session.account_id,
            session.session_id,
            session.stamp,
            session.issued_ms,
            session.until_ms,
        ]
        body = _b64(orjson.dumps(claims))
        return f"{body}.{self._signature('token', body)}"

    def read(self, token: str, *, now_ms: int) -> Session | None:
        """The session of *token*; ``None`` for one that is not of this city, was changed, has expired or was ended."""
        body, _, signature = token.partition(".")
        if len(token) > TOKEN_BYTES_MAX or not hmac.compare_digest(
            self._signature("token", body).encode(), signature.encode("utf-8", "surrogatepass")
        ):
            return None
        version, *claims = _claims(body)
        if version != VERSION:
            return None
        session = Session(*claims)
        is_over = session.until_ms is not None and now_ms >= session.until_ms
        return None if is_over or session.hash in self._ended else session

    def derived(self, use: str, text: str) -> str:
        """A text that only this city's gateways can make of *text*, for *use*."""
        return self._signature(use, text)

    def csrf(self, session: Session) -> str:
        """The value of ``X-Bongsu-CSRF``; it stays the same when the session is renewed."""
        return self._signature("csrf", session.session_id)

    def renewed(self, session: Session, account: Account, *, now_ms: int) -> Session | None:
        """*session* with a new life; ``None`` while its token is young, and for an account of the issuer's: whoever leaves
        there is out when the session ends."""
        if account.oidc_subject is not None and not account.is_wall:
            return None
        if now_ms - session.issued_ms < RENEWED_AFTER_MS:
            return None
        return replace(session, issued_ms=now_ms, until_ms=until_of(account, now_ms))

    def end(self, session: Session, *, now_ms: int) -> None:
        """Refuse *session* in this process from now on."""
        # renewals of other replicas may be under way: their tokens count a life longer than the one shown here
        self._end(session.hash, None if session.until_ms is None else now_ms + LIFE_MS, now_ms)

    def end_hashed(self, session_hash: str, *, at_ms: int, is_wall: bool, now_ms: int) -> None:
        """Refuse the session with that hash, which was ended at *at_ms*, maybe at another replica."""
        # one that hears of it late may have renewed it meanwhile
        until = at_ms + 2 * LIFE_MS
        if is_wall or until > now_ms:
            self._end(session_hash, None if is_wall else until, now_ms)

    def _end(self, session_hash: str, until_ms: int | None, now_ms: int) -> None:
        with self._lock:  # the log's thread ends sessions, too
            for one in [one for one, until in self._ended.items() if until is not None and until <= now_ms]:
                del self._ended[one]
            if len(self._ended) >= ENDED_MAX:
                del self._ended[next(iter(self._ended))]
            self._ended[session_hash] = until_ms

    def is_of(self, session: Session, account: Account, *, now_ms: int) -> bool:
        """Whether *session* still counts, and *account* has the secrets with which it was begun."""
        is_over = session.until_ms is not None and now_ms >= session.until_ms
        is_ended = session.hash in self._ended
        return not is_over and not is_ended and hmac.compare_digest(session.stamp, stamp_of(account))

    def _signature(self, use: str, text: str) -> str:
        told = f"{use}\x1f{text}".encode("utf-8", "surrogatepass")
        return _b64(hmac.digest(self._key, told, hashlib.sha256))


def until_of(account: Account, now_ms: int) -> int | None:
    """The end of a session that is begun or renewed now; ``None`` for a wall's."""
    return None if account.is_wall else now_ms + LIFE_MS


def stamp_of(account: Account) -> str:
    """A short hash of the secrets of *account*, so that a new key or password ends its sessions."""
    key, password, is_wall = account.secrets[:3]
    told = b"\x1f".join((key.hex().encode(), (password or "").encode(), str(is_wall).encode()))
    if account.oidc_subject is not None:
        told += f"\x1f{account.oidc_subject}".encode()
    return hashlib.sha256(told).hexdigest()[:32]


def _claims(body: str) -> list[Any]:
    """The claims of a token whose signature is good."""
    try:
        claims: list[Any] = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValueError) as error:
        raise AssertionError("a signed token that is none of ours") from error
    return claims


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
