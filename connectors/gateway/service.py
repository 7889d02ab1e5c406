"""The gateway's service: check the account, its rights and its rates; write to the spool; then respond.

A push is answered when all of it is safe on disk. The answer names the records that are bad; they are set aside with
their bytes like those of any source. A push in which nothing is good is refused whole (422) and not kept: its sender has
it, and has been told.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from connectors.gateway import account_refusals, metrics
from connectors.gateway.accounts import KEY, Account, Accounts
from connectors.gateway.agreed import AgreedRights, Agreements, unbound
from connectors.gateway.agreed_checks import check_any, check_push, reader_of
from connectors.gateway.cloud_events import PushedMessage
from connectors.gateway.connections import VISITOR
from connectors.gateway.desk import Desk
from connectors.gateway.examination import Examined, PushedSource, summary
from connectors.gateway.idempotency import idempotency_key_of, used_otherwise
from connectors.gateway.limits import Rates, Room, Turns
from connectors.gateway.live_hub import Hub
from connectors.gateway.media_types import check_coding, media_type_of
from connectors.gateway.networks import caller_of
from connectors.gateway.problems import Problem
from connectors.gateway.push_parts import count, marks_of, messages_of
from connectors.gateway.readings import Readings
from connectors.gateway.sessions import Sessions
from connectors.gateway.sessions_request import READING, account_of_session, has_cookie
from connectors.gateway.sessions_signs import Signs
from connectors.gateway.spool import Spool
from connectors.gateway.spool_values import Differs, Full, Push, Receipt
from connectors.gateway.trouble import Trouble
from connectors.subscribers import Subscriber

BODY_BYTES_MAX = 4 << 20
BODIES_BYTES_MAX = 32 << 20
BODIES_OF_ACCOUNT = 2
"""So many of the longest bodies of one account may be in memory at once; of all accounts four times as many."""
WRONG_KEYS_PER_S = 50.0
"""Requests without a valid key that an address may make; beyond, the gateway closes its connection with each response."""
BODY_S_MAX = 10.0
INLINE_BYTES = 32_768
"""A body up to this size is read at once; a longer one in a thread, so that it delays no other request."""
KEY_BYTES_MAX = 200
PARTS_MAX = 50_000
PARTS = (b"{", b"<", b"\n", b",")
"""The bytes that separate one value from the next. Four million bytes of ``{},`` would be 1.3 million bad records, each to
be named in the response; so a longer push must be divided by its sender."""


@dataclass(slots=True)
class Gateway:
    """The state behind the paths. *trouble*: why no keys may be known yet; *unpublished*: why nothing is published now."""

    city: str
    sources: Mapping[str, PushedSource]
    accounts: Accounts
    spool: Spool
    now_ms: Callable[[], int]
    now_s: Callable[[], float] = time.monotonic
    """The clock of the rates: it never goes back."""
    trouble: Callable[[], str | None] = lambda: None
    unpublished: Callable[[], Trouble | None] = lambda: None
    body_bytes_max: int = BODY_BYTES_MAX
    rates: Rates = field(default_factory=Rates)
    room: Room = field(init=False)
    wrong_keys: Rates = field(default_factory=lambda: Rates(WRONG_KEYS_PER_S))
    turns: Turns = field(default_factory=Turns)
    desk: Desk | None = None
    live: Hub | None = None
    purposes: Callable[[], Collection[str]] = tuple
    """The purposes that the law in force names: a subscriber with one of them sees identifying fields."""
    agreements: Agreements = unbound
    readings: Readings | None = None
    sessions: Sessions | None = None
    signs: Signs | None = None
    is_proxy: Callable[[str], bool] = lambda _address: False
    """Whether a proxy has that address: who comes through it is not on this machine, whatever its address."""
    takes_pushes: bool = True
    is_beside: bool = False
    """Whether a worker in this process shows the metrics of the process on a page of its own."""

    def __post_init__(self) -> None:
        of_account = BODIES_OF_ACCOUNT * self.body_bytes_max
        self.room = Room(max(BODIES_BYTES_MAX, 4 * of_account), of_account)

    def account_of(self, request: Request, *, takes_session: bool = True, ends: bool = False) -> Account:
        """The account of the request's key or, where *takes_session*, of its session; a key wins. A valid key is not limited
        by what others of the same address request. *ends*: only its session ends, an auditor's too."""
        try:
            account = self._account_of(request, takes_session=takes_session)
        except Problem as problem:
            wait_s = self.wrong_keys.wait_s(caller_of(request), None, self.now_s())
            if problem.status != 401 or wait_s == 0:
                raise
            raise account_refusals.too_many_of_strangers(wait_s) from None
        visitor = request.scope.get("state", {}).get(VISITOR)
        if visitor is not None and not visitor.know(account.account_id):
            raise account_refusals.too_many_connections()
        wait_s = self.rates.wait_s(account.account_id, account.requests_per_s, self.now_s())
        if wait_s > 0:
            raise account_refusals.too_many_of_key(wait_s)
        if account.may_audit and request.method not in READING and not ends:
            raise account_refusals.only_audits()
        return account

    def is_named(self, request: Request) -> bool:
        """Whether the request says whose it is: by a header with a key, or by a session that counts."""
        if request.headers.get("authorization"):
            return True
        return self._account_of_session(request) is not None

    def _account_of_session(self, request: Request) -> Account | None:
        if self.sessions is None or not has_cookie(request):
            return None
        self.check_accounts()
        return account_of_session(self.sessions, self.accounts, request, now_ms=self.now_ms())

    def check_accounts(self) -> None:
        """``Problem`` 503 while no account is known."""
        if not len(self.accounts) and (trouble := self.trouble()) is not None:
            raise Problem(503, f"no keys are known yet: {trouble}", code="not-ready", retry_after_s=5)

    def _account_of(self, request: Request, *, takes_session: bool) -> Account:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            if takes_session and (signed_in := self._account_of_session(request)) is not None:
                return signed_in
            raise account_refusals.no_key()
        self.check_accounts()
        account = self.accounts.of_key(key.strip()[:KEY_BYTES_MAX], now_ms=self.now_ms())
        if account is None:
            raise account_refusals.unknown_key()
        check_any(self.agreed(account))
        return account

    def agreed(self, account: Account) -> AgreedRights | None:
        """The rights that agreements give the account now; ``None`` where none has a say, as for a person's account."""
        return self.agreements(account.name, self.now_ms()) if account.kind == KEY else None

    def subscriber_of(self, account: Account) -> Subscriber:
        """The subscriber that *account* is. ``Problem`` 403 for one that may not read."""
        if not account.may_subscribe:
            raise account_refusals.may_not_read()
        return reader_of(account, self.agreed(account), self.purposes())

    def check_city(self, city: str) -> None:
        if city != self.city:
            what = f"no city {city[:40]!r} here: this is the gateway of {self.city}"
            raise Problem(404, what, code="no-city")

    def source_for(self, account: Account, city: str, source: str) -> PushedSource:
        """The source, if this account may speak for it."""
        self.check_city(city)
        pushed = self.sources.get(source)
        agencies = frozenset[str]() if pushed is None else pushed.agencies
        if not account.may_publish(source, agencies):
            raise Problem(
                403,
                f"the key may not push to source {source[:40]!r}",
                more={"may": sorted(account.sources), "speaks_for": sorted(agencies)},
            )
        check_push(self.agreed(account))
        if pushed is None:
            raise Problem(
                404, f"no source {source[:40]!r} of {city} is pushed", more={"pushed": sorted(self.sources)}
            )
        if (over := pushed.over()) is not None:
            raise Problem(
                503, f"nothing of source {source!r} is published from here: {over}", retry_after_s=5
            )
        if pushed.is_stopped():
            raise Problem(
                503,
                f"source {source!r} is stopped: over half of its last records were bad; correct them, then resume it",
                retry_after_s=60,
            )
        return pushed

    async def push(self, request: Request, account: Account, pushed: PushedSource) -> dict[str, Any]:
        """Take the request's body; the content of its response."""
        check_coding(request.headers.getlist("content-encoding"))
        media_type = media_type_of(request.headers.getlist("content-type"))
        self._check_declared(request, self.body_bytes_max)
        with self.room.place(account.account_id) as has_room_for:
            body = await self._whole(request, self.body_bytes_max, has_room_for)
            at_ms = self.now_ms()

            def examine() -> tuple[list[PushedMessage], Examined]:
                messages = messages_of(request, media_type, body, takes_objects=pushed.takes_objects)
                good = [one for one in messages if isinstance(one, PushedMessage)]
                return good, pushed.examine(messages, at_ms)

            messages, examined = await self._examined(account, examine, len(body))
            count(pushed, examined)
            if examined.is_all_bad:
                more = {
                    **summary(examined),
                    "how": f"'bongsu source try {self.city}/{pushed.name} FILE' shows what would be taken; "
                    f"for {self.city} the path of the city's file may stand",
                }
                raise Problem(422, f"nothing of it could be read: {examined.refused[0]['reason']}", more=more)
            receipts = await self._kept(account, pushed, request, body, messages, examined, at_ms)
        pushed.wake()
        return {
            **summary(examined),
            "receipt": f"{self.spool.spool_id[:8]}-{receipts[-1].seq}",
            "repeated": all(one.is_repeat for one in receipts),
        }

    async def _kept(
        self,
        account: Account,
        pushed: PushedSource,
        request: Request,
        body: bytes,
        messages: Sequence[PushedMessage],
        examined: Examined,
        at_ms: int,
    ) -> list[Receipt]:
        key = idempotency_key_of(request)
        marks = marks_of(account, key, examined)
        wish = None if key is None else hashlib.sha256(request.url.query.encode() + body).digest()
        pushes = [
            Push(pushed.name, at_ms, message.body, mark, reading, wish)
            for message, mark, reading in zip(messages, marks, examined.readings, strict=True)
        ]
        try:
            receipts = await asyncio.wrap_future(self.spool.append(pushes))
        except Full as error:
            raise Problem(503, error.what, retry_after_s=error.retry_after_s) from error
        except Differs as error:
            raise used_otherwise() from error
        metrics.repeats.labels(pushed.name).inc(sum(one.is_repeat for one in receipts))
        return receipts

    async def _examined(
        self, account: Account, examine: Callable[[], tuple[list[PushedMessage], Examined]], size: int
    ) -> tuple[list[PushedMessage], Examined]:
        """A long body in a thread, one at a time: what is read takes some ten times as much memory."""
        if size <= INLINE_BYTES:
            return examine()
        async with self.turns.turn(account.account_id):
            return await run_in_threadpool(examine)

    async def body(self, request: Request, account: Account, *, bytes_max: int) -> bytes:
        """The body of the request, of *bytes_max* at most."""
        return await self.body_of(request, account.account_id, bytes_max=bytes_max)

    async def body_of(self, request: Request, caller: str, *, bytes_max: int) -> bytes:
        """The body of the request of *caller*, an account or an address."""
        self._check_declared(request, bytes_max)
        with self.room.place(caller) as has_room_for:
            return await self._whole(request, bytes_max, has_room_for)

    def _check_declared(self, request: Request, bytes_max: int) -> None:
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > bytes_max:
            raise Problem(
                413, f"the body has {declared} bytes: at most {bytes_max} are accepted", code="too-large"
            )

    async def _whole(self, request: Request, bytes_max: int, has_room_for: Callable[[int], bool]) -> bytes:
        parts, size = [], 0
        try:
            async with asyncio.timeout(BODY_S_MAX):
                async for part in request.stream():
                    size += len(part)
                    if size > bytes_max:
                        what = f"the body has more than the {bytes_max} bytes that are accepted"
                        raise Problem(413, what, code="too-large")
                    if not has_room_for(len(part)):
                        raise Problem(
                            503, "too many bodies are being sent at once", code="busy", retry_after_s=1
                        )
                    parts.append(part)
        except TimeoutError:
            raise Problem(
                408, f"the body did not arrive within {BODY_S_MAX:.0f} s", code="too-slow"
            ) from None
        except ClientDisconnect:
            raise Problem(400, "client closed the connection", code="too-slow") from None
        body = b"".join(parts)
        if not body.strip():
            raise Problem(400, "the body is empty", code="wrong-field")
        if max(map(body.count, PARTS)) > PARTS_MAX:
            raise Problem(
                413, f"the body has more than {PARTS_MAX} values: push it in parts", code="too-large"
            )
        return body
