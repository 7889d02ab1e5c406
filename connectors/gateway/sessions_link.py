"""Links with which somebody signs in once: make one, verify it, and remember that it was used.

The account's row holds the hash of its last link. That it was used is kept in a file of the gateway, so a restart does not
open it again.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from connectors.gateway.account_hashes import hashed
from connectors.gateway.accounts import Account, Accounts, told
from connectors.transport.private_files import FILE_MODE, private_folder
from schemas.event import Event

LIFE_MS = 600_000
SECRET_BYTES = 32


def with_link(city: str, row: Mapping[str, Any], *, now_ms: int) -> tuple[str, Event]:
    """A link's token, to be shown once, and the ``core.account`` event that verifies it. An older link is refused."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    about = {"link_hash": hashed(secret).hex(), "link_expires_at": now_ms + LIFE_MS}
    return f"{row['account_id']}.{secret}", told(city, {**row, **about}, now_ms=now_ms)


def account_of_link(accounts: Accounts, token: str, *, now_ms: int) -> Account | None:
    """The account of the link with *token*; ``None`` for one that is unknown, replaced or too old."""
    account_id, _, secret = token.partition(".")
    account = accounts.good(account_id, now_ms=now_ms)
    if account is None or account.link_hash is None or account.link_expires_at is None:
        return None
    is_right = hmac.compare_digest(account.link_hash.encode(), hashed(secret).hex().encode())
    return account if is_right and now_ms < account.link_expires_at else None


class UsedLinks:
    """The links that were used at this gateway and have not expired, kept in *file*."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = Lock()
        self._used: dict[str, int] | None = None

    def use(self, link_hash: str, expires_at: int, *, now_ms: int) -> bool:
        """Whether this is the first use. It is on disk when this returns."""
        with self._lock:
            known = self._read() if self._used is None else self._used
            if link_hash in known:
                return False
            known = {one: end for one, end in known.items() if end > now_ms} | {link_hash: expires_at}
            self._write(known)
            self._used = known
            return True

    def _read(self) -> dict[str, int]:
        try:
            lines = self._file.read_text("ascii").split("\n")
        except FileNotFoundError:
            return {}
        return {link: int(end) for link, _, end in (one.partition(" ") for one in lines if one)}

    def _write(self, known: Mapping[str, int]) -> None:
        private_folder(self._file.parent)
        part = self._file.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "w") as out:
            out.writelines(f"{link} {end}\n" for link, end in known.items())
            out.flush()
            os.fsync(out.fileno())
        part.rename(self._file)
