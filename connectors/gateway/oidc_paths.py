"""``/console/oidc/login`` and ``/console/oidc/callback``: people sign in at the city's own issuer (OpenID Connect).

The code flow with PKCE, state and nonce. The cookie of a sign-in that is under way holds the state alone, signed; nonce and
verifier are derived from it, so any replica can end what another began, and nothing is kept.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from connectors.gateway.accounts import Account
from connectors.gateway.networks import network_of
from connectors.gateway.oidc_accounts import Admission
from connectors.gateway.oidc_issuer import Issuer
from connectors.gateway.oidc_tokens import OidcRefused
from connectors.gateway.problems import Problem
from connectors.gateway.service import Gateway
from connectors.gateway.sessions import Sessions
from connectors.gateway.sessions_limits import Attempts
from connectors.gateway.sessions_request import set_cookie
from schemas.errors import BongsuError
from schemas.event import Event

FOLDER = "/console/oidc"
LOGIN, CALLBACK = f"{FOLDER}/login", f"{FOLDER}/callback"
PAGES = "/console/"
COOKIE = "bongsu-oidc"
LIFE_MS = 600_000
"""A sign-in at the issuer may take so long."""
OF_ADDRESS = (20, 3.0)
"""Sign-ins of an address: so many at once, then one each so many seconds."""
LETTERS_MAX = 4_000
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@dataclass(slots=True)
class Oidc:
    """Sign-in by *issuer*. *publish*: puts an account that a group gives into the log; it may block."""

    gateway: Gateway
    sessions: Sessions
    issuer: Issuer
    admission: Admission
    publish: Callable[[Event], None]
    refused: Callable[[str], object] = lambda _reason: None
    of_address: Attempts = field(default_factory=lambda: Attempts(*OF_ADDRESS))

    async def begin(self, request: Request) -> Response:
        """Send the browser to the issuer."""
        self._wait(request)
        state = secrets.token_urlsafe(24)
        uri = await self.issuer.address(
            state=state, nonce=self._of("nonce", state), verifier=self._of("pkce", state)
        )
        response = RedirectResponse(uri, 303, HEADERS)
        until_ms = self.gateway.now_ms() + LIFE_MS
        response.set_cookie(
            COOKIE,
            f"{state}.{until_ms}.{self._of('state', f'{state}.{until_ms}')}",
            max_age=LIFE_MS // 1_000,
            path=FOLDER,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",  # the browser comes back from another site
        )
        return response

    async def end(self, request: Request) -> Response:
        """Sign in whoever came back, with a session as by any other way."""
        self._wait(request)
        now_ms, asked = self.gateway.now_ms(), request.query_params
        state = self._state(request, now_ms)
        if "error" in asked and "state" not in asked:  # some issuers forget it; a refusal opens nothing
            raise OidcRefused("denied")
        if not hmac.compare_digest(state.encode(), asked.get("state", "").encode("utf-8", "surrogatepass")):
            raise OidcRefused("state")
        code = asked.get("code", "")
        if "error" in asked or not 0 < len(code) <= LETTERS_MAX:
            raise OidcRefused("denied")
        claims = await self.issuer.claims(
            code, nonce=self._of("nonce", state), verifier=self._of("pkce", state), at_s=now_ms // 1_000
        )
        account = await self._account(claims, now_ms)
        session = self.sessions.begin(account, now_ms=now_ms)
        response = RedirectResponse(PAGES, 303, HEADERS)
        set_cookie(response, self.sessions, session, now_ms=now_ms, is_https=request.url.scheme == "https")
        self.of_address.give_back(_address(request), self.gateway.now_s())
        return response

    async def _account(self, claims: dict[str, object], now_ms: int) -> Account:
        try:
            self.gateway.check_accounts()
        except Problem:
            raise OidcRefused("away") from None
        account, event = self.admission.account_of(claims, self.gateway.accounts, now_ms=now_ms)
        if event is not None and event.value is not None:
            try:
                await run_in_threadpool(self.publish, event)
            except BongsuError:
                raise OidcRefused("away") from None
            self.gateway.accounts.put(event.value)
        if not (account.may_oversee or account.may_subscribe):
            raise OidcRefused("reads")
        return account

    def _state(self, request: Request, now_ms: int) -> str:
        """The state of the sign-in that this browser began."""
        state, _, rest = request.cookies.get(COOKIE, "").partition(".")
        until, _, signature = rest.partition(".")
        right = self._of("state", f"{state}.{until}")
        if not hmac.compare_digest(right.encode(), signature.encode("utf-8", "surrogatepass")):
            raise OidcRefused("state")
        if int(until) <= now_ms:
            raise OidcRefused("state")
        return state

    def _of(self, use: str, text: str) -> str:
        return self.sessions.derived(f"oidc-{use}", text)

    def _wait(self, request: Request) -> None:
        if self.of_address.wait_s(_address(request), self.gateway.now_s()) > 0:
            raise OidcRefused("busy")


def add(app: FastAPI, oidc: Oidc) -> None:
    """Add the two paths. Each answers a browser with a redirect: to the issuer, or to the pages with the reason."""

    @app.get(LOGIN, include_in_schema=False)
    async def login(request: Request) -> Response:
        try:
            return await oidc.begin(request)
        except OidcRefused as refused:
            return _back(oidc, refused)

    @app.get(CALLBACK, include_in_schema=False)
    async def callback(request: Request) -> Response:
        try:
            response = await oidc.end(request)
        except OidcRefused as refused:
            response = _back(oidc, refused)
        response.delete_cookie(COOKIE, path=FOLDER)
        return response


def _back(oidc: Oidc, refused: OidcRefused) -> Response:
    oidc.refused(refused.reason)
    return RedirectResponse(f"{PAGES}#refused={refused.reason}", 303, HEADERS)


def _address(request: Request) -> str:
    return network_of(request.client.host if request.client else "")
