"""``GET /v1/{city}/access``: who looked at what, when, why, and what was refused; for auditors and administrators alone.

To read it is an act of access, too, and is on record before it is answered: once a minute for each account and its filters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.access import AccessLog
from connectors.gateway.access_documents import PARAMETERS, described
from connectors.gateway.access_shelf import FIELDS, AccessShelf, Seen
from connectors.gateway.accounts import Account
from connectors.gateway.networks import address_of
from connectors.gateway.paging import after_of, cursor_of, digest_of
from connectors.gateway.parameters import arguments_of
from connectors.gateway.problems import Problem, check_read
from connectors.gateway.reads import answered, iso_of, links
from connectors.gateway.recorded_acts import RecordedActs
from connectors.gateway.service import Gateway
from connectors.subscribers import ALL, is_cleared
from schemas.masking import masked

CONTRACT = "core.access"
AUDITED = "audited"
AUDITED_MAX = 1_000
BY = ("account_id", "grant_id", "camera_id", "situation_id")
"""The filters that compare a field."""


def add(app: FastAPI, gateway: Gateway, shelf: AccessShelf, log: AccessLog) -> None:
    """Add the route to *app*."""
    acts = RecordedActs(log, "who reads it", AUDITED_MAX)
    app.get("/v1/{city}/access", **described())(_Accesses(gateway, shelf, acts).answer)


@dataclass(frozen=True, slots=True)
class _Auditor:
    """Who asks. *is_cleared*: sees whose acts they are; *audience*: of whose accounts, ``*`` for all."""

    account: Account
    is_cleared: bool
    audience: str


@dataclass(frozen=True, slots=True)
class _Accesses:
    gateway: Gateway
    shelf: AccessShelf
    acts: RecordedActs
    """Readings, by account and filters."""

    async def answer(self, city: str, request: Request) -> Response:
        try:
            auditor = self._auditor(self.gateway.account_of(request))
            self.gateway.check_city(city)
            given = request.query_params.multi_items()
            wanted, digest = arguments_of(PARAMETERS, given), digest_of(given)
            after = after_of(wanted["cursor"], digest)
            check_read(self.shelf.trouble)
            await self._record(auditor.account, given, address_of(request))
            body, cursor = await run_in_threadpool(self._page, auditor, wanted, after, digest)
        except Problem as problem:
            metrics.reads.labels("access", problem.status).inc()
            return problem.answer()
        return answered(request, "access", body, links(request, cursor))

    def _auditor(self, account: Account) -> _Auditor:
        if not (account.may_audit or account.may_administer):
            raise Problem(
                403,
                "this account may not read who looked at what",
                code="may-not-audit",
                more={"field": "role"},
            )
        cleared = is_cleared(account.purposes, self.gateway.purposes())
        audience = ALL if account.may_administer else account.audience
        if audience is None:
            raise Problem(
                403, "this account is for no audience", code="public-only", more={"field": "audience"}
            )
        return _Auditor(account, cleared, audience)

    async def _record(self, account: Account, given: Sequence[tuple[str, str]], address: str | None) -> None:
        """Put the reading on record. ``Problem`` 503 where the log does not take it."""
        filters = {name: text for name, text in sorted(given) if name not in {"cursor", "limit"}}
        act = {
            "act": AUDITED,
            "account_id": account.account_id,
            "address": address,
            "reason": "&".join(f"{name}={text}" for name, text in filters.items()) or None,
        }
        kind = (account.account_id, digest_of(given))
        await self.acts.put(kind, act, now_ms=self.gateway.now_ms())

    def _page(
        self, auditor: _Auditor, wanted: Mapping[str, Any], after: tuple[float, str] | None, digest: str
    ) -> tuple[bytes, str | None]:
        found: list[dict[str, Any]] = []
        last, cursor = 0, None
        for one in self.shelf.newest(None if after is None else int(after[0])):
            shown = self._shown(auditor, one)
            if shown is None or not _passes(one, shown, wanted):
                continue
            if len(found) == wanted["limit"]:
                cursor = cursor_of((last, ""), digest)
                break
            last = one.place
            found.append(shown)
        oldest_ms = None if self.shelf.is_whole else self.shelf.oldest_ms()
        told = {
            "accesses": found,
            "chain": {
                "holds": self.shelf.faulty == 0,
                "records": self.shelf.records,
                "writers": self.shelf.writers,
                "faulty": self.shelf.faulty,
                "faults": list(self.shelf.faults),
            },
            "kept_from": None if oldest_ms is None else iso_of(oldest_ms),
            "next": cursor,
        }
        return orjson.dumps(told), cursor

    def _shown(self, auditor: _Auditor, one: Seen) -> dict[str, Any] | None:
        """The act without what *auditor* may not see; ``None`` for one of another audience's account."""
        whose = None if one.account_id is None else self.gateway.accounts.of_id(one.account_id)
        if auditor.audience != ALL and (whose is None or whose.audience != auditor.audience):
            return None
        row = {name: getattr(one, name) for name in FIELDS}
        shown = masked(CONTRACT, row, identifying=auditor.is_cleared, located=True)
        name = whose.name if whose is not None and auditor.is_cleared else None
        return {**shown, "at": iso_of(one.at), "account_name": name}


def _passes(one: Seen, shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    if wanted["act"] is not None and one.act not in wanted["act"]:
        return False
    if wanted["from"] is not None and one.at < wanted["from"]:
        return False
    if wanted["to"] is not None and one.at >= wanted["to"]:
        return False
    return all(wanted[name] is None or shown[name] == wanted[name] for name in BY)
