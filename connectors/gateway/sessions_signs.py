"""Sign-outs and used links, the same at every replica: each is an act of ``core.access``, which all replicas follow.

A sign-out holds here at once, and elsewhere when it was read there. A link is used by whoever's record of it is the first in
the log; before, its use here is on disk. Where the log cannot be reached, people are answered all the same, by what is known
here; the act is written as soon as the log can be.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool

from connectors.gateway import metrics
from connectors.gateway.access import AccessLog
from connectors.gateway.accounts import Account
from connectors.gateway.sessions import Session, Sessions
from connectors.gateway.sessions_link import LIFE_MS, UsedLinks
from schemas.errors import Retriable

SIGNED_OUT, SIGNED_IN = "signed_out", "signed_in"
WALL = "wall"
"""The reason of a wall's sign-out, which counts for ever; others are forgotten with their sessions."""
SAFE_S = 2.0
"""For so long an answer waits for the log."""
LOOK_S = 0.02
AGAIN_S = 5.0
WAITING_MAX = 1_000
"""So many acts may wait for the log; those beyond hold here alone."""


@dataclass(slots=True)
class Signs:
    """*links*: those used here; *log*: where acts go (``None``: all holds here alone); *writer*: our name in the log."""

    sessions: Sessions
    links: UsedLinks
    log: AccessLog | None = None
    writer: str = ""
    safe_s: float = SAFE_S
    again_s: float = AGAIN_S
    _first: OrderedDict[str, tuple[str, int]] = field(default_factory=OrderedDict)
    """Link → who wrote the first record of its use, and when. Bounded by the time in which a link is good."""
    _waiting: set[asyncio.Task[None]] = field(default_factory=set)

    def put(self, row: Mapping[str, Any], *, now_ms: int) -> None:
        """Take the next record of the log."""
        if row["act"] == SIGNED_OUT:
            self.sessions.end_hashed(
                row["ticket_hash"], at_ms=row["at"], is_wall=row["reason"] == WALL, now_ms=now_ms
            )
        elif row["act"] == SIGNED_IN and row["at"] > now_ms - 2 * LIFE_MS:
            self._first.setdefault(row["ticket_hash"], (row["writer"], row["at"]))
            while next(iter(self._first.values()))[1] < now_ms - 2 * LIFE_MS:
                self._first.popitem(last=False)

    async def sign_out(self, session: Session, address: str | None, *, now_ms: int) -> None:
        """End *session* here now, and everywhere once it is in the log."""
        self.sessions.end(session, now_ms=now_ms)
        act = {
            "act": SIGNED_OUT,
            "account_id": session.account_id,
            "address": address,
            "ticket_hash": session.hash,
            "reason": WALL if session.until_ms is None else None,
        }
        await self._written(act)

    async def use_link(self, account: Account, address: str | None, *, now_ms: int) -> bool:
        """Whether the link of *account* was not used before, here or at another replica."""
        if account.link_hash is None or account.link_expires_at is None:
            return False
        link = hashlib.sha256(account.link_hash.encode()).hexdigest()
        is_first = await run_in_threadpool(
            self.links.use, account.link_hash, account.link_expires_at, now_ms=now_ms
        )
        if not is_first or link in self._first:
            return False
        act = {"act": SIGNED_IN, "account_id": account.account_id, "address": address, "ticket_hash": link}
        return not await self._written(act) or await self._is_ours(link)

    async def _is_ours(self, link: str) -> bool:
        """Whether our record of *link* is the first; true where the log is not read within ``safe_s``."""
        try:
            async with asyncio.timeout(self.safe_s):
                while link not in self._first:  # noqa: ASYNC110 (a thread reads the log)
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            return True
        return self._first[link][0] == self.writer

    async def _written(self, act: Mapping[str, Any]) -> bool:
        """Whether *act* is in the log. If not it is written later, until this process ends."""
        if self.log is None:
            return False
        if await self._is_safe(self.log, act):
            return True
        metrics.unrecorded_signs.labels(act["act"]).inc()
        if len(self._waiting) < WAITING_MAX:
            task = asyncio.create_task(self._later(self.log, act))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        return False

    async def _is_safe(self, log: AccessLog, act: Mapping[str, Any]) -> bool:
        try:
            async with asyncio.timeout(self.safe_s):
                await asyncio.wrap_future(log.write(act))
        except (Retriable, TimeoutError):
            return False
        return True

    async def _later(self, log: AccessLog, act: Mapping[str, Any]) -> None:
        while True:
            await asyncio.sleep(self.again_s)
            if await self._is_safe(log, act):
                return
