"""Tickets for video over HTTP: a grant is redeemed for one, and a proxy before the video asks about each request.

Nothing is answered before it is on record: the ticket leaves after its record ``redeemed`` is committed, and the cookie of
a viewing after ``first_use``. So a process that is killed in between leaves a record without a ticket or a cookie that
anybody has, which opens nothing; never the other way round.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.access import AccessLog, Grants, Written, forbidden
from connectors.gateway.accounts import Account
from connectors.gateway.connections import VISITOR
from connectors.gateway.networks import address_of
from connectors.gateway.problems import Problem
from connectors.gateway.security_documents import BY_EITHER
from connectors.gateway.service import Gateway
from connectors.gateway.ticket_documents import CHECK_PARAMETERS, CHECKED, REDEEMED
from connectors.gateway.ticket_form import (
    TICKET,
    VIEWING,
    Asked,
    BadTicket,
    Ticket,
    asked_of,
    cookie_of,
    hash_of_id,
    is_plain_loopback,
    new_ticket,
    new_viewing,
    read,
    token_of,
)
from connectors.gateway.ticket_keys import Keys
from connectors.gateway.ticket_refusals import LOG_AWAY, NOT_FOUND, STATUSES, WORDS
from connectors.gateway.viewings import Refusals
from schemas.errors import Retriable

SAFE_S = 5.0
COOKIE = "bongsu_viewing"
LIFE_S = 60
OF_GRANT = ("grant_id", "camera_id", "situation_id", "purpose", "legal_ground")


@dataclass(slots=True)
class Tickets:
    """The state behind the paths."""

    grants: Grants
    log: AccessLog
    keys: Keys
    refusals: Refusals
    life_s: int = LIFE_S
    replica: str | None = None
    """The name of this gateway among the city's replicas. A ticket opens at the one that issued it and nowhere else, as
    only there it is known whether it was used."""

    async def written(self, act: Mapping[str, Any]) -> Written:
        """Return when *act* is on record. ``Retriable`` when it may or may not be."""
        try:
            async with asyncio.timeout(SAFE_S):
                return await asyncio.wrap_future(self.log.write(act))
        except TimeoutError:
            raise Retriable("the log does not answer") from None

    async def refused(self, reason: str, now_ms: int, **about: Any) -> None:
        """Put a refusal on record, or count it. It stands also where the log cannot be reached."""
        metrics.refused_tickets.labels(reason).inc()
        act = self.refusals.told({"act": "refused", "reason": reason, **about}, now_ms)
        if act is not None:
            try:
                await self.written(act)
            except Retriable:
                metrics.unrecorded_refusals.inc()


def add(app: FastAPI, gateway: Gateway, tickets: Tickets) -> None:
    """Add the three paths."""

    @app.post(
        "/v1/{city}/grants/{grant_id}/access",
        status_code=201,
        summary="Redeem a grant for a ticket that opens its camera's video once",
        openapi_extra={"security": BY_EITHER},
        responses=REDEEMED,
    )
    async def redeem(city: str, grant_id: str, request: Request) -> Response:
        try:
            account = gateway.account_of(request)
            gateway.check_city(city)
            told = await _redeemed(gateway, tickets, account, grant_id, address_of(request))
        except Problem as problem:
            return problem.answer()
        return Response(
            orjson.dumps(told), 201, media_type="application/json", headers={"Cache-Control": "no-store"}
        )

    @app.get(
        "/v1/{city}/tickets/check",
        status_code=204,
        summary="For a proxy before the video (auth_request of nginx): may this request pass?",
        openapi_extra={"security": [], "parameters": CHECK_PARAMETERS},
        responses=CHECKED,
    )
    async def check(city: str, request: Request) -> Response:
        if city != gateway.city:
            return Problem(403, WORDS["forged"]).answer()
        return await _Check(gateway, tickets, request).answer()

    @app.get(
        "/.well-known/jwks.json",
        summary="The keys that verify tickets, as a JWK set",
        openapi_extra={"security": []},
        responses={200: {"description": "RFC 7517.", "content": {"application/json": {}}}},
    )
    async def jwks() -> Response:
        told = await run_in_threadpool(tickets.keys.jwks, gateway.now_ms())
        return Response(
            orjson.dumps(told), media_type="application/json", headers={"Cache-Control": "max-age=300"}
        )


async def _redeemed(
    gateway: Gateway, tickets: Tickets, account: Account, grant_id: str, address: str | None
) -> dict[str, Any]:
    now_ms = gateway.now_ms()
    grant = tickets.grants.of(grant_id)
    if grant is None and tickets.grants.trouble is not None:
        raise Problem(
            503, f"the grants are not known yet: {tickets.grants.trouble}", code="not-ready", retry_after_s=2
        )
    reason = tickets.grants.ending(grant_id, now_ms=now_ms)
    reason = forbidden(account, grant) or reason
    about = {"account_id": account.account_id, "address": address, **_of_grant(grant)}
    if reason is not None or grant is None:
        why = reason or "unknown_grant"
        await tickets.refused(why, now_ms, **about)
        raise Problem(STATUSES.get(why, 403), WORDS[why], code=why.replace("_", "-"), more={"reason": why})
    jti = secrets.token_urlsafe(24)
    key = await run_in_threadpool(tickets.keys.signing, now_ms)
    ticket = new_ticket(
        gateway.city,
        grant,
        account.account_id,
        key,
        jti=jti,
        now_s=now_ms // 1000,
        life_s=tickets.life_s,
        replica=tickets.replica,
    )
    try:
        await tickets.written({"act": "redeemed", **about, "ticket_hash": hash_of_id(jti)})
    except Retriable as error:
        raise Problem(503, f"no ticket: {error.what}", code="log-away", retry_after_s=2) from error
    metrics.redeemed.inc()
    return {
        "ticket": ticket,
        "camera_id": grant["camera_id"],
        "grant_id": grant_id,
        "expires_in_s": min(tickets.life_s, (grant["expires_at"] - now_ms) // 1000),
        "viewing_until_ms": grant["expires_at"],
        "replica": tickets.replica,
    }


class _Check:
    """One question of the proxy. The cookie of a viewing comes first; what it cannot open, a ticket may."""

    def __init__(self, gateway: Gateway, tickets: Tickets, request: Request) -> None:
        self._gateway = gateway
        self._tickets = tickets
        self._request = request
        self._now_ms = gateway.now_ms()

    async def answer(self) -> Response:
        asked = asked_of(self._request.headers.get("x-original-uri", ""))
        token = self._token(asked)
        sent = self._request.cookies.get(COOKIE)
        cookie = None if sent is None else token_of(sent)
        if token is None and cookie is None:
            return Problem(401, WORDS[NOT_FOUND], headers={"WWW-Authenticate": "Bearer"}).answer()
        viewing, why = self._judged(cookie, VIEWING, asked)
        if viewing is not None and why is None:
            return self._open(viewing)
        ticket, its_why = self._judged(token, TICKET, asked)
        is_same = viewing is not None and ticket is not None and viewing.ticket_hash == ticket.ticket_hash
        if ticket is not None and its_why is None and not is_same:
            return await self._first(ticket, asked)
        told = (viewing, why) if token is None or is_same else (ticket, its_why)
        return await self._refuse(*told)

    def _token(self, asked: Asked | None) -> str | None:
        scheme, _, token = self._request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return token.strip()
        return None if asked is None else asked.ticket

    def _judged(self, token: str | None, kind: str, asked: Asked | None) -> tuple[Ticket | None, str | None]:
        """The token's claims, as far as they can be believed, and why it does not open what was asked for."""
        if token is None:
            return None, NOT_FOUND
        keys = self._tickets.keys.verifying(self._now_ms)
        try:
            found = read(token, self._gateway.city, kind, keys, now_s=self._now_ms / 1000)
        except BadTicket as error:
            over = "expired_grant" if kind == VIEWING and error.reason == "expired" else error.reason
            ended = error.ticket and self._ending(error.ticket)
            return error.ticket, ended if kind == VIEWING and ended == "revoked" else over
        if found.replica != self._tickets.replica:
            return found, "other_replica"
        if asked is None or asked.camera_id != found.camera_id:
            return found, "other_camera"
        return found, self._unfit(found) or self._ending(found)

    def _unfit(self, ticket: Ticket) -> str | None:
        """Why the account that redeemed the grant may not look on: it may have other rights now than it had then."""
        account = self._gateway.accounts.good(ticket.account_id, now_ms=self._now_ms)
        if account is None:
            return "account_ended"
        return forbidden(account, self._tickets.grants.of(ticket.grant_id))

    def _ending(self, ticket: Ticket) -> str | None:
        return self._tickets.grants.ending(ticket.grant_id, now_ms=self._now_ms)

    def _open(self, viewing: Ticket) -> Response:
        visitor = self._request.scope.get("state", {}).get(VISITOR)
        if visitor is not None:
            visitor.know(viewing.account_id)  # whoever views is no stranger, whose connections are few
        return Response(status_code=204)

    async def _first(self, ticket: Ticket, asked: Asked | None) -> Response:
        """Bind the ticket to a viewing, once it is on record."""
        grant = self._tickets.grants.of(ticket.grant_id)
        if grant is None or asked is None:
            return await self._refuse(ticket, "unknown_grant")
        act = {"act": "first_use", **self._about(ticket)}
        try:
            written = await self._tickets.written(act)
        except Retriable:
            return Problem(403, WORDS[LOG_AWAY], more={"reason": LOG_AWAY}).answer()
        if written.is_used:
            return await self._refuse(ticket, "used")
        if written.is_first_video:
            metrics.first_video.observe(max(0, self._now_ms - grant["opened_at"]) / 1000)
        expires_s = grant["expires_at"] // 1000
        key = self._tickets.keys.signing(self._now_ms)
        token = new_viewing(self._gateway.city, ticket, key, now_s=self._now_ms // 1000, expires_s=expires_s)
        answer = self._open(ticket)
        answer.set_cookie(
            COOKIE,
            cookie_of(token, ticket.replica),
            max_age=max(1, expires_s - self._now_ms // 1000),
            path=asked.folder,
            secure=not is_plain_loopback(self._request.headers),
            httponly=True,
            samesite="strict",
        )
        return answer

    async def _refuse(self, ticket: Ticket | None, why: str | None) -> Response:
        reason = why or "forged"
        if self._tickets.grants.trouble is None or reason != "unknown_grant":
            await self._tickets.refused(reason, self._now_ms, **self._about(ticket))
        return Problem(403, WORDS[reason], more={"reason": reason}).answer()

    def _about(self, ticket: Ticket | None) -> dict[str, Any]:
        if ticket is None:
            return {"address": address_of(self._request)}
        grant = self._tickets.grants.of(ticket.grant_id)
        known = _of_grant(grant) or {"grant_id": ticket.grant_id, "camera_id": ticket.camera_id}
        return {
            **known,
            "account_id": ticket.account_id,
            "address": address_of(self._request),
            "ticket_hash": ticket.ticket_hash,
        }


def _of_grant(grant: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields of an act that its grant gives; a grant's id that is not known is not repeated."""
    if grant is None:
        return {}
    return {name: grant[name] for name in OF_GRANT}
