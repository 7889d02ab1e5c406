"""The session of a request: read from its cookie, with the CSRF value where something is changed; renewed by use."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from connectors.gateway.accounts import Account, Accounts
from connectors.gateway.problems import Problem
from connectors.gateway.sessions import Session, Sessions

COOKIE = "bongsu-session"
CSRF = "X-Bongsu-CSRF"
READING = frozenset(("GET", "HEAD", "OPTIONS"))
USED = "bongsu.session"
"""The key of ``Used`` in the ASGI scope."""
COOKIE_S_MAX = 400 * 24 * 3_600
"""The longest life that browsers give a cookie (RFC 6265bis)."""


@dataclass(slots=True)
class Used:
    """The session that a request used, and its account; ``None`` for a request with a key."""

    session: Session | None = None
    account: Account | None = None


def used(request: Request) -> Used:
    found: Used = request.scope.setdefault(USED, Used())
    return found


def has_cookie(request: Request) -> bool:
    return COOKIE in request.cookies


def account_of_session(
    sessions: Sessions, accounts: Accounts, request: Request, *, now_ms: int
) -> Account | None:
    """The account that signed in; ``None`` where the cookie is missing or no longer good.

    ``Problem`` 403 for a request that changes something and does not carry the session's CSRF value.
    """
    session = sessions.read(request.cookies.get(COOKIE, ""), now_ms=now_ms)
    account = None if session is None else accounts.good(session.account_id, now_ms=now_ms)
    if session is None or account is None or not sessions.is_of(session, account, now_ms=now_ms):
        return None
    if request.method not in READING:
        sent = request.headers.get(CSRF, "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(sent, sessions.csrf(session).encode()):
            raise Problem(
                403,
                f"the header {CSRF} does not hold this session's value",
                code="wrong-csrf",
                more={"how": f"send 'csrf' of GET /console/api/session as {CSRF}"},
            )
    its = used(request)
    its.session, its.account = session, account
    return account


def set_cookie(
    response: Response, sessions: Sessions, session: Session, *, now_ms: int, is_https: bool
) -> None:
    left_s = COOKIE_S_MAX if session.until_ms is None else max(0, session.until_ms - now_ms) // 1000
    response.set_cookie(
        COOKIE,
        sessions.token(session),
        max_age=min(left_s, COOKIE_S_MAX),
        path="/",
        secure=is_https,
        httponly=True,
        samesite="strict",
    )


def remove_cookie(response: Response, *, is_https: bool) -> None:
    response.delete_cookie(COOKIE, path="/", secure=is_https, httponly=True, samesite="strict")


class Renewal:
    """ASGI middleware: a request that used an ageing session gets a new token with its response."""

    def __init__(self, app: Any, sessions: Sessions, now_ms: Callable[[], int]) -> None:
        self._app = app
        self._sessions = sessions
        self._now_ms = now_ms

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or all(name != b"cookie" for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return
        its = scope[USED] = Used()

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start" and its.session and its.account:
                self._renew(message, its.session, its.account, is_https=scope.get("scheme") == "https")
            await send(message)

        await self._app(scope, receive, sent)

    def _renew(self, message: Any, session: Session, account: Account, *, is_https: bool) -> None:
        now_ms = self._now_ms()
        fresh = self._sessions.renewed(session, account, now_ms=now_ms)
        if fresh is None:
            return
        response = Response()
        set_cookie(response, self._sessions, fresh, now_ms=now_ms, is_https=is_https)
        message["headers"] = list(message.get("headers", ()))
        MutableHeaders(raw=message["headers"]).append("set-cookie", response.headers["set-cookie"])
