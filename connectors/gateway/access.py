"""The contract between the gateway's tickets and the log: grants in force, and acts that are safe in ``core.access``."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.gateway.accounts import Account
from connectors.subscribers import Subscriber

FORGOTTEN_MS = 3_600_000
"""A grant that ended is remembered for so long, so that a late request is told why."""


@dataclass(frozen=True, slots=True)
class Written:
    """An act that is safe. *is_used*: nothing was written, as the ticket had its first use before."""

    is_used: bool = False
    is_first_video: bool = False


class AccessLog(Protocol):
    """Where acts of access go."""

    def write(self, act: Mapping[str, Any]) -> Future[Written]:
        """Done once the act is committed. ``Retriable``, there or here, when it may or may not be."""


@dataclass(slots=True)
class Grants:
    """The grants of one city, from ``core.grant``. *trouble*: why they are not all known."""

    trouble: str | None = None
    _known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._known)

    def clear(self) -> None:
        self._known.clear()

    def put(self, row: Mapping[str, Any], *, now_ms: int) -> None:
        """Take the newest revision of a grant."""
        its_id = row["grant_id"]
        if end_of(row) < now_ms - FORGOTTEN_MS:
            self._known.pop(its_id, None)
        else:
            self._known[its_id] = {name: row[name] for name in KEPT}

    def forget(self, *, now_ms: int) -> None:
        """Drop those that ended long ago."""
        for its_id in [one for one, row in self._known.items() if end_of(row) < now_ms - FORGOTTEN_MS]:
            del self._known[its_id]

    def of(self, grant_id: str) -> Mapping[str, Any] | None:
        return self._known.get(grant_id)

    def ending(self, grant_id: str, *, now_ms: int) -> str | None:
        """Why the grant is not in force: revoked, expired or unknown; ``None`` while it is."""
        row = self._known.get(grant_id)
        if row is None:
            return "unknown_grant"
        if row["revoked_at"] is not None:
            return "revoked"
        return "expired_grant" if now_ms >= row["expires_at"] else None


KEPT = (
    "grant_id",
    "camera_id",
    "situation_id",
    "granted_to",
    "purpose",
    "legal_ground",
    "opened_at",
    "expires_at",
    "revoked_at",
)


def forbidden(account: Account, grant: Mapping[str, Any] | None) -> str | None:
    """Why *account* may not use *grant*; ``None`` when it may."""
    if not account.may_subscribe:
        return "may_not_read"
    if account.may_audit:
        return "only_audits"
    if grant is not None and not Subscriber(account.audience).may_read("core.grant", grant):
        return "other_audience"
    return None


def end_of(row: Mapping[str, Any]) -> int:
    revoked: int | None = row["revoked_at"]
    expires: int = row["expires_at"]
    return expires if revoked is None else min(expires, revoked)
