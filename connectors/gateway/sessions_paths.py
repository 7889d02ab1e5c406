"""``/console/api/session``: people sign in, see who they are, and sign out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response

from connectors.gateway.accounts import Account
from connectors.gateway.networks import address_of
from connectors.gateway.problems import Problem
from connectors.gateway.roles import role_of
from connectors.gateway.service import Gateway
from connectors.gateway.sessions import Session, Sessions
from connectors.gateway.sessions_documents import DELETED, PATH, POSTED, SHOWN
from connectors.gateway.sessions_request import (
    Renewal,
    has_cookie,
    remove_cookie,
    set_cookie,
    used,
)
from connectors.gateway.sessions_sign_in import SignIn
from schemas.iso_time import EPOCH

NO_SESSION = "nobody is signed in, or the session is over"
NO_STORE = {"Cache-Control": "no-store"}


@dataclass(slots=True)
class SignedIn:
    """Responses about who is signed in."""

    gateway: Gateway
    sessions: Sessions

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
                "may": {
                    "act": acts,
                    "administer": account.may_administer,
                    "audit": account.may_audit,
                    "oversee": account.may_oversee,
                    "read": account.may_subscribe,
                },
            },
            "csrf": self.sessions.csrf(session),
            "until": None if until is None else (EPOCH + timedelta(milliseconds=until)).isoformat(),
        }

    def signed_in(self, request: Request) -> tuple[Account, Session]:
        """The account and the session of the request. ``Problem`` 401 where nobody is signed in, and beside a key."""
        account = self.gateway.account_of(request, ends=True)
        session = used(request).session
        if session is None:
            raise Problem(401, NO_SESSION, code="signed-out", headers={"WWW-Authenticate": "Bearer"})
        return account, session


def add(app: FastAPI, gateway: Gateway, sessions: Sessions) -> None:
    """Add the paths, and the renewal of sessions that are used on any path."""
    signs, sign = SignedIn(gateway, sessions), SignIn(gateway)
    app.add_middleware(Renewal, sessions=sessions, now_ms=lambda: gateway.now_ms())  # noqa: PLW0108 (the clock may be replaced)

    @app.post(PATH, **POSTED)
    async def sign_in(request: Request) -> Response:
        try:
            account = await sign.account(request)
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
        if gateway.signs is None:
            sessions.end(session, now_ms=gateway.now_ms())
        else:
            await gateway.signs.sign_out(session, address_of(request), now_ms=gateway.now_ms())
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
