"""The account of whoever signed in at the issuer: one that names them, or one that their group gives. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.gateway.account_hashes import subject_of
from connectors.gateway.accounts import Account, Accounts, new_user, told
from connectors.gateway.oidc_tokens import OidcRefused
from connectors.gateway.roles import roles_as
from connectors.subscribers import ALL
from schemas.event import Event
from schemas.names import account_name

ID_LETTERS = 12
NAMES = ("preferred_username", "email", "name")
"""The claims of which the first that is a name names an account of a group."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Leave to enter. *groups*: group at the issuer → role, the first that somebody is in holds; empty: only who is
    named by an account. *purposes*: of the accounts that a group gives."""

    city: str
    issuer: str
    groups: Mapping[str, str] = field(default_factory=dict)
    groups_claim: str = "groups"
    purposes: Sequence[str] = ()

    def account_of(
        self, claims: Mapping[str, Any], accounts: Accounts, *, now_ms: int
    ) -> tuple[Account, Event | None]:
        """The account of *claims*, and the ``core.account`` event that makes or changes it. ``OidcRefused`` for none."""
        subject = subject_of(self.issuer, claims["sub"])
        known = accounts.of_subject(subject)
        if known is not None and not known.is_good(now_ms):
            raise OidcRefused("ended")
        if known is not None and known.account_id != id_of_group(subject):
            return known, None
        role = self._role(claims)
        if role is None:
            raise OidcRefused("unknown")
        row = self._row(subject, role, claims, accounts, known, now_ms)
        if known is not None and known.roles == set(row["roles"]) and known.purposes == set(self.purposes):
            return known, None
        event = told(self.city, row, now_ms=now_ms)
        accounts_after = Accounts([event.value or {}])
        made = accounts_after.good(str(row["account_id"]), now_ms=now_ms)
        if made is None:
            raise OidcRefused("ended")
        return made, event

    def _role(self, claims: Mapping[str, Any]) -> str | None:
        listed = claims.get(self.groups_claim)
        has = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
        return next((role for group, role in self.groups.items() if group in has), None)

    def _row(
        self,
        subject: str,
        role: str,
        claims: Mapping[str, Any],
        accounts: Accounts,
        known: Account | None,
        now_ms: int,
    ) -> dict[str, Any]:
        name = known.name if known is not None else _name(claims)
        if known is None and accounts.has_user(name):
            raise OidcRefused("name")
        _, event = new_user(self.city, name, role, now_ms=now_ms, audience=ALL, purposes=self.purposes)
        row = {**(event.value or {}), "account_id": id_of_group(subject), "oidc_subject": subject}
        if known is not None:  # the same secrets: only its rights are others
            row["secret_hash"] = known.secret_hash.hex()
        return {**row, "roles": roles_as(role)}


def id_of_group(subject: str) -> str:
    """The account id of *subject* where a group gives the account: the same at every replica."""
    return hashlib.sha256(f"bongsu/oidc/{subject}".encode()).hexdigest()[:ID_LETTERS]


def _name(claims: Mapping[str, Any]) -> str:
    for claim in NAMES:
        if isinstance(name := claims.get(claim), str):
            try:
                return account_name(name)
            except ValueError:
                continue
    raise OidcRefused("name")
