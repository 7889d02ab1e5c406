"""Sign-in: the account that a key, password or link shows, within limits, and with one answer for all that is wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from fastapi import Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from connectors.gateway.accounts import Account
from connectors.gateway.media_types import media_type_of
from connectors.gateway.networks import address_of, caller_of
from connectors.gateway.passwords import is_right
from connectors.gateway.problems import Problem
from connectors.gateway.service import Gateway
from connectors.gateway.sessions_limits import Attempts
from connectors.gateway.sessions_link import account_of_link
from connectors.gateway.sessions_ways import WAYS, KeyWay, LinkWay, PasswordWay, Way
from schemas.name_form import folded

BODY_BYTES_MAX = 8_192
OF_ADDRESS = (20, 3.0)
"""Attempts of an address: so many at once, then one each so many seconds. All of a control room may have one address."""
OF_NAME = (5, 12.0)
"""The same of a name, whatever the address. Who is locked out by a stranger signs in by key or link."""
CHECKS_AT_ONCE = 2
"""Each check of a password takes 64 MiB and most of a core."""
CHECKS_WAITING_MAX = 20
WRONG = "the sign-in is wrong, or no longer good"


@dataclass(slots=True)
class SignIn:
    """Finds the account of a request to sign in."""

    gateway: Gateway
    of_address: Attempts = field(default_factory=lambda: Attempts(*OF_ADDRESS))
    of_name: Attempts = field(default_factory=lambda: Attempts(*OF_NAME))
    _checks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CHECKS_AT_ONCE))
    _waiting: int = 0

    async def account(self, request: Request) -> Account:
        """The account of the request's body. ``Problem`` 401 with one text for every wrong sign-in."""
        address, now_s = caller_of(request), self.gateway.now_s()
        _wait(self.of_address.wait_s(address, now_s), "from this address")
        way = await self._way(request, address)
        self.gateway.check_accounts()
        account = await self._account_of(request, way, now_s)
        if account is None:
            raise Problem(401, WRONG, code="wrong-sign-in", headers={"WWW-Authenticate": "Bearer"})
        if not account.may_oversee:
            self.gateway.subscriber_of(account)
        self.of_address.give_back(address, now_s)
        return account

    async def _way(self, request: Request, address: str) -> Way:
        # a page of another site can send a form, but no JSON without this server's leave
        given = media_type_of(request.headers.getlist("content-type"))
        body = await self.gateway.body_of(request, address, bytes_max=BODY_BYTES_MAX)
        if given != "application/json":
            raise Problem(415, f"the body is {given[:60]!r}: send application/json", code="wrong-field")
        try:
            return WAYS.validate_json(body)
        except ValidationError:  # its text may hold the password
            expected = '{"key": …}, {"name": …, "password": …} or {"link": …}'
            more = {"field": "the body", "expected": expected}
            raise Problem(422, "the body is no sign-in", code="wrong-field", more=more) from None

    async def _account_of(self, request: Request, way: Way, now_s: float) -> Account | None:
        match way:
            case KeyWay():
                return self.gateway.accounts.of_key(way.key, now_ms=self.gateway.now_ms())
            case LinkWay():
                return await self._by_link(way, request)
            case PasswordWay():
                return await self._by_password(way, now_s)

    async def _by_link(self, way: LinkWay, request: Request) -> Account | None:
        now_ms, signs = self.gateway.now_ms(), self.gateway.signs
        account = account_of_link(self.gateway.accounts, way.link, now_ms=now_ms)
        if signs is None or account is None:
            return None
        is_first = await signs.use_link(account, address_of(request), now_ms=now_ms)
        # it may have ended while the log was asked
        return self.gateway.accounts.current(account, now_ms=self.gateway.now_ms()) if is_first else None

    async def _by_password(self, way: PasswordWay, now_s: float) -> Account | None:
        name = folded(way.name)
        _wait(self.of_name.wait_s(name, now_s), "with this name")
        account = self.gateway.accounts.of_user(way.name, now_ms=self.gateway.now_ms())
        if not await self._check(None if account is None else account.password_hash, way.password):
            return None
        self.of_name.give_back(name, now_s)
        # it may have ended, or got another password, while this one was checked
        return account and self.gateway.accounts.current(account, now_ms=self.gateway.now_ms())

    async def _check(self, password_hash: str | None, password: str) -> bool:
        """Off the event loop, a few at a time."""
        if self._waiting >= CHECKS_WAITING_MAX:
            raise Problem(503, "too many people are signing in at once", code="busy", retry_after_s=2)
        self._waiting += 1
        try:
            async with self._checks:
                return await run_in_threadpool(is_right, password_hash, password)
        finally:
            self._waiting -= 1


def _wait(wait_s: float, whose: str) -> None:
    if wait_s > 0:
        raise Problem(
            429, f"too many attempts to sign in {whose}", code="too-many-sign-ins", retry_after_s=wait_s
        )
