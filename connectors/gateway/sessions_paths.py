"""``/console/api/session``: people sign in, see who they are, and sign out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
from fastapi import FastAPI, Request
from pydantic import ValidationError
from starlette.responses import Response

from connectors.gateway.accounts import Account
from connectors.gateway.media_types import media_type_of
from connectors.gateway.problems import Problem
from connectors.gateway.roles import role_of
from connectors.gateway.service import Gateway
from connectors.gateway.sessions import Session, Sessions
from connectors.gateway.sessions_documents import DELETED, PATH, POSTED, SHOWN
from connectors.gateway.sessions_limits import Attempts, network_of
from connectors.gateway.sessions_request import (
    Renewal,
    has_cookie,
    remove_cookie,
    set_cookie,
    used,
)
from connectors.gateway.sessions_ways import WAYS, KeyWay, Way
from schemas.iso_time import EPOCH

BODY_BYTES_MAX = 4_096
OF_ADDRESS = (20, 3.0)
"""Attempts of an address: so many at once, then one each so many seconds. All of a control room may have one address."""
WRONG = "the sign-in is wrong, or no longer good"
NO_SESSION = "nobody is signed in, or the session is over"
NO_STORE = {"Cache-Control": "no-store"}


@dataclass(slots=True)
class SignIns:
    """What the paths need beside the gateway."""

    gateway: Gateway
    sessions: Sessions
    of_address: Attempts = field(default_factory=lambda: Attempts(*OF_ADDRESS))

    async def account(self, request: Request) -> Account:
        """The account of the request's body. ``Problem`` 401 with one text for every wrong sign-in."""
        address = network_of(request.client.host if request.client else "")
        now_s = self.gateway.now_s()
        if (wait_s := self.of_address.wait_s(address, now_s)) > 0:
            raise Problem(429, "too many attempts to sign in from this address", retry_after_s=wait_s)
        way = await self._way(request, address)
        self.gateway.check_accounts()
        account = self._by_key(way)
        if account is None:
            raise Problem(401, WRONG, headers={"WWW-Authenticate": "Bearer"})
        if not account.may_oversee:
            self.gateway.subscriber_of(account)
        self.of_address.give_back(address, now_s)
        return account

    async def _way(self, request: Request, address: str) -> Way:
        # a page of another site can send a form, but no JSON without this server's leave
        if (given := media_type_of(request.headers.getlist("content-type"))) not in ("", "application/json"):
            raise Problem(415, f"{given[:60]!r} is not taken: send application/json")
        body = await self.gateway.body_of(request, address, bytes_max=BODY_BYTES_MAX)
        if not given:
            raise Problem(415, "the request has no Content-Type: send application/json")
        try:
            return WAYS.validate_json(body)
        except ValidationError:
            # its text may hold the password
            raise Problem(
                422,
                "the body is no sign-in",
                more={"field": "the body", "expected": 'an object: {"key": …}'},
            ) from None

    def _by_key(self, way: KeyWay) -> Account | None:
        return self.gateway.accounts.of_key(way.key, now_ms=self.gateway.now_ms())

    def told(self, account: Account, session: Session) -> dict[str, Any]:
        """The body of a response: who signed in, what they may do, and until when."""
        desk = self.gateway.desk
        acts = [] if desk is None or not account.acts_as else list(desk.may(account.acts_as))
        until = session.until_ms
        return {
            "account": {
                "account_id": account.account_id,
                "name": account.name,
                "kind": account.kind,
                "role": role_of(account.roles),
                "audience": account.audience,
                "purposes": sorted(account.purposes),
                "may": {"act": acts, "administer": account.may_administer, "oversee": account.may_oversee},
            },
            "csrf": self.sessions.csrf(session),
            "until": None if until is None else (EPOCH + timedelta(milliseconds=until)).isoformat(),
        }

    def signed_in(self, request: Request) -> tuple[Account, Session]:
        """The account and the session of the request. ``Problem`` 401 where nobody is signed in, and beside a key."""
        account = self.gateway.account_of(request)
        session = used(request).session
        if session is None:
            raise Problem(401, NO_SESSION, headers={"WWW-Authenticate": "Bearer"})
        return account, session


def add(app: FastAPI, gateway: Gateway, sessions: Sessions) -> None:
    """Add the paths, and the renewal of sessions that are used on any path."""
    signs = SignIns(gateway, sessions)
    # the gateway's clock may be replaced later
    app.add_middleware(Renewal, sessions=sessions, now_ms=lambda: gateway.now_ms())  # noqa: PLW0108

    @app.post(PATH, **POSTED)
    async def sign_in(request: Request) -> Response:
        try:
            account = await signs.account(request)
        except Problem as problem:
            return problem.answer()
        now_ms = gateway.now_ms()
        session = sessions.begin(account, now_ms=now_ms)
        response = _json(signs.told(account, session))
        set_cookie(response, sessions, session, now_ms=now_ms, is_https=_is_https(request))
        return response

    @app.get(PATH, **SHOWN)
    async def show(request: Request) -> Response:
        try:
            account, session = signs.signed_in(request)
        except Problem as problem:
            return _over(problem, request)
        session = sessions.renewed(session, account, now_ms=gateway.now_ms()) or session
        return _json(signs.told(account, session))

    @app.delete(PATH, **DELETED)
    async def sign_out(request: Request) -> Response:
        try:
            _, session = signs.signed_in(request)
        except Problem as problem:
            return _over(problem, request)
        sessions.end(session, now_ms=gateway.now_ms())
        used(request).session = None
        response = Response(status_code=204, headers=NO_STORE)
        remove_cookie(response, is_https=_is_https(request))
        return response


def _over(problem: Problem, request: Request) -> Response:
    """The problem; a cookie that is no longer good is removed."""
    response = problem.answer()
    if problem.status == 401 and has_cookie(request):
        remove_cookie(response, is_https=_is_https(request))
    return response


def _json(told: dict[str, Any]) -> Response:
    return Response(orjson.dumps(told), media_type="application/json", headers=NO_STORE)


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https"
