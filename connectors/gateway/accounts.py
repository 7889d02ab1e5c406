"""Keys of agencies, subscribers and users: create, hash and verify them. Pure.

A key is ``bongsu_<account id>_<secret>``. Its secret is 256 random bits, so one SHA-256 protects it as well as a slow
hash would. A password is chosen by a person and has a slow hash of its own (``passwords``).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.gateway.account_hashes import SHA256, hash_or_none, hashed, one_set
from connectors.gateway.roles import ADMINISTER, AUDIT, SUBSCRIBE, SUPERVISE, acting, roles_as
from connectors.subscribers import ALL
from schemas.event import Event, derived_id, event_fields
from schemas.name_form import folded

PREFIX = "bongsu"
SECRET_BYTES = 32
ID_BYTES = 6
PUBLISH = "publish"
ALL_SOURCES = "*"
KEY, USER = "key", "user"
NO_LINK: Mapping[str, Any] = {"link_hash": None, "link_expires_at": None}
NO_OLD: Mapping[str, Any] = {"old_secret_hash": None, "old_until": None}


@dataclass(frozen=True, slots=True)
class Account:
    """An account and its permissions; times in ms."""

    account_id: str
    name: str
    roles: frozenset[str]
    sources: frozenset[str]
    secret_hash: bytes
    requests_per_s: float | None = None
    expires_at: int | None = None
    revoked_at: int | None = None
    audience: str | None = None
    purposes: frozenset[str] = frozenset()
    kind: str = KEY
    password_hash: str | None = None
    link_hash: str | None = None
    link_expires_at: int | None = None
    is_wall: bool = False
    oidc_subject: str | None = None
    """Who they are at the city's issuer of OpenID Connect, as ``subject_of`` writes it."""
    old_secret_hash: bytes | None = None
    old_until: int | None = None

    def by_secret(self, secret_hash: bytes) -> Account | None:
        """This account as the secret of that hash opens it: the old one until its end; ``None`` for another secret."""
        if hmac.compare_digest(self.secret_hash, secret_hash):
            return self
        old, until = self.old_secret_hash, self.old_until
        if old is None or until is None or not hmac.compare_digest(old, secret_hash):
            return None
        ends = until if self.expires_at is None else min(until, self.expires_at)
        return replace(self, secret_hash=old, expires_at=ends, old_secret_hash=None, old_until=None)

    def may_publish(self, source: str, agencies: Collection[str] = ()) -> bool:
        """Whether it may push to *source*, which speaks for *agencies*. A key that names no source may push to the sources
        of its own agency, and to sources without an agency."""
        if PUBLISH not in self.roles:
            return False
        is_its_own = not agencies or self.name in agencies
        return source in self.sources or (ALL_SOURCES in self.sources and is_its_own)

    @property
    def secrets(self) -> tuple[bytes, str | None, bool, str | None]:
        """All that its sessions rest on: when it changes, they are over."""
        return self.secret_hash, self.password_hash, self.is_wall, self.oidc_subject

    @property
    def may_subscribe(self) -> bool:
        """Whether it may read situations, alerts and grants."""
        return SUBSCRIBE in self.roles

    @property
    def may_administer(self) -> bool:
        """Whether it may change what others have made."""
        return ADMINISTER in self.roles

    @property
    def may_oversee(self) -> bool:
        """Whether it may see what others have made."""
        return not self.roles.isdisjoint((ADMINISTER, AUDIT, SUPERVISE))

    @property
    def may_audit(self) -> bool:
        """Whether it may read who looked at what. Such an account reads, and changes nothing."""
        return AUDIT in self.roles

    @property
    def acts_as(self) -> tuple[str, ...]:
        """The roles in which it may act on a situation, the lowest first; empty: it may not."""
        return acting(self.roles)

    def is_good(self, now_ms: int) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now_ms < self.expires_at)


class Accounts:
    """The accounts of one city, from ``core.account``."""

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        self._known: dict[str, Account] = {}
        self._users: dict[str, str] = {}
        self._subjects: dict[str, str] = {}
        for row in rows:
            self.put(row)

    def __len__(self) -> int:
        return len(self._known)

    def put(self, row: Mapping[str, Any]) -> None:
        """Add or replace this account. A key hashed by an unknown method is never accepted."""
        if row["kind"] not in (KEY, USER) or row["hash_method"] != SHA256:
            self.forget(row["account_id"])
            return
        self.forget(row["account_id"])
        if row["kind"] == USER:
            self._users[folded(row["name"])] = row["account_id"]
            if (subject := row.get("oidc_subject")) is not None:
                self._subjects[subject] = row["account_id"]
        self._known[row["account_id"]] = Account(
            row["account_id"],
            row["name"],
            one_set(tuple(row["roles"])),
            one_set(tuple(row["sources"])),
            bytes.fromhex(row["secret_hash"]),
            row["requests_per_s"],
            row["expires_at"],
            row["revoked_at"],
            row.get("audience"),  # rows kept beside a spool may be of the version before
            one_set(tuple(row.get("purposes", ()))),
            row["kind"],
            row.get("password_hash"),
            row.get("link_hash"),
            row.get("link_expires_at"),
            row.get("is_wall", False),
            row.get("oidc_subject"),
            hash_or_none(row.get("old_secret_hash")),
            row.get("old_until"),
        )

    def of_id(self, account_id: str) -> Account | None:
        """The account of that id, good or not."""
        return self._known.get(account_id)

    def of_user(self, name: str, *, now_ms: int) -> Account | None:
        """The person's account of that name, however it is spelt; ``None`` for one that is unknown, disabled or expired."""
        return self.good(self._users.get(folded(name), ""), now_ms=now_ms)

    def has_user(self, name: str) -> bool:
        """Whether a person's account has that name, however it is spelt, good or not."""
        return folded(name) in self._users

    def of_subject(self, subject: str) -> Account | None:
        """The person's account with that ``oidc_subject``, good or not."""
        return self._known.get(self._subjects.get(subject, ""))

    def people(self) -> dict[str, str]:
        """Account id → name of each person, also of those who may not sign in any more."""
        return {one: self._known[one].name for one in self._users.values()}

    def forget(self, account_id: str) -> None:
        known = self._known.pop(account_id, None)
        if known is None:
            return
        if self._users.get(folded(known.name)) == account_id:
            del self._users[folded(known.name)]
        if self._subjects.get(known.oidc_subject or "") == account_id:
            del self._subjects[known.oidc_subject or ""]

    def good(self, account_id: str, *, now_ms: int) -> Account | None:
        """The account of that id; ``None`` for one that is unknown, revoked or expired."""
        account = self._known.get(account_id)
        return account if account is not None and account.is_good(now_ms) else None

    def of_key(self, key: str, *, now_ms: int) -> Account | None:
        """The account of *key*; ``None`` for a key that is unknown, wrong, revoked or expired."""
        parts = key.split("_", 2)
        account = self._known.get(parts[1]) if len(parts) == 3 and parts[0] == PREFIX else None
        shown = None if account is None else account.by_secret(hashed(parts[2]))
        return shown if shown is not None and shown.is_good(now_ms) else None

    def current(self, account: Account, *, now_ms: int) -> Account | None:
        """*account*, which showed who it is before, as it is now; ``None`` when its key or its password is another."""
        known = self._known.get(account.account_id)
        shown = None if known is None else known.by_secret(account.secret_hash)
        if shown is None or shown.secrets != account.secrets:
            return None
        return shown if shown.is_good(now_ms) else None


def new_key(
    city: str,
    name: str,
    sources: Iterable[str],
    *,
    now_ms: int,
    requests_per_s: float | None = None,
    expires_at: int | None = None,
    subscribes: bool = False,
    audience: str | None = None,
    purposes: Iterable[str] = (),
) -> tuple[str, Event]:
    """A new key, to be shown once, and the ``core.account`` event that verifies it.

    *sources*: those to which it may push; with none it may not publish. *subscribes*: it may read, as *audience* and for
    *purposes*.
    """
    sources = sorted(sources)
    row = {
        **_blank(KEY, name, now_ms),
        "roles": [*([PUBLISH] if sources else []), *([SUBSCRIBE] if subscribes else [])],
        "sources": sources,
        "audience": audience,
        "purposes": sorted(purposes),
        "requests_per_s": requests_per_s,
        "expires_at": expires_at,
    }
    return with_new_secret(city, row, now_ms=now_ms)


def new_user(
    city: str,
    name: str,
    role: str,
    *,
    now_ms: int,
    expires_at: int | None = None,
    audience: str | None = ALL,
    purposes: Iterable[str] = (),
    is_wall: bool = False,
    oidc_subject: str | None = None,
) -> tuple[str, Event]:
    """A person's new key, to be shown once, and the ``core.account`` event that verifies it. *role* is one of ``ROLES``;
    *is_wall*: its sessions do not expire."""
    row = {
        **_blank(USER, name, now_ms),
        "roles": roles_as(role),
        "is_wall": is_wall,
        "oidc_subject": oidc_subject,
        "expires_at": expires_at,
        "audience": audience,
        "purposes": sorted(purposes),
    }
    return with_new_secret(city, row, now_ms=now_ms)


def with_new_secret(
    city: str, row: Mapping[str, Any], *, now_ms: int, old_until: int | None = None
) -> tuple[str, Event]:
    """A new key for the account *row*, to be shown once. An unused link is no longer accepted, nor is the old key, or it
    is until *old_until*; one older than that is not."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    old: Mapping[str, Any] = NO_OLD
    if old_until is not None:
        old = {"old_secret_hash": row["secret_hash"], "old_until": old_until}
    made = {"secret_hash": hashed(secret).hex(), "hash_method": SHA256, "secret_made_at": now_ms}
    known = {**row, **NO_LINK, **old, **made}
    return f"{PREFIX}_{row['account_id']}_{secret}", told(city, known, now_ms=now_ms)


def _blank(kind: str, name: str, now_ms: int) -> dict[str, Any]:
    return {
        "account_id": secrets.token_hex(ID_BYTES),
        "kind": kind,
        "name": name,
        "sources": [],
        "requests_per_s": None,
        "created_at": now_ms,
        "expires_at": None,
        "revoked_at": None,
        "audience": None,
        "purposes": [],
        "password_hash": None,
        **NO_LINK,
        "is_wall": False,
        "oidc_subject": None,
        "secret_made_at": None,
        **NO_OLD,
    }


def told(city: str, row: Mapping[str, Any], *, now_ms: int) -> Event:
    """The ``core.account`` event of *row* as of now."""
    its_id = derived_id("account", city, row["account_id"], now_ms)
    common = event_fields(city, "accounts", event_id=its_id, event_time_ms=now_ms, received_ms=now_ms)
    return Event("core.account", str(row["account_id"]), {**row, **common})
