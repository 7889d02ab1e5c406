"""The routes of subscriptions: make one, list, show, test, pause, resume, retry, rotate its secret, remove it.

An account with the permission ``subscribe`` makes subscriptions for itself: its audience and purposes may be narrowed, never
widened. It sees and changes its own. ``supervise`` sees all; ``administer`` sees and changes all. One that an account may
not see is 404, as one that is not there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

import orjson
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway import subscription_documents as documents
from connectors.gateway.accounts import Account
from connectors.gateway.agreed_checks import check_wish
from connectors.gateway.idempotency import idempotency_key_of
from connectors.gateway.limits import Rates
from connectors.gateway.parameters import arguments_of
from connectors.gateway.problems import Problem
from connectors.gateway.remembered import Remembered
from connectors.gateway.service import Gateway
from connectors.gateway.subscription_desk import Change, Issued, KnownSubscription, SubscriptionDesk
from connectors.subscribers import too_wide
from schemas.errors import BongsuError, Fatal, Invalid, Retriable
from schemas.validation import faults_of

BODY_BYTES_MAX = 65_536
AGAIN_S = 2
COSTLY_PER_S = 0.5
"""Test events and rotations of an account: a request to a host that a subscriber chose, or a file."""
NAME = r"^[a-z0-9][a-z0-9-]{0,63}$"
CORNERS_MAX = 1_000
WORDS_MAX = 100
Corner = tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[tuple[Word, ...], Field(max_length=WORDS_MAX)]
T = TypeVar("T")


class Wanted(BaseModel):
    """The body of a request for a subscription."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    name: str = Field(pattern=NAME, description="its name in the city: a-z, 0-9 and -")

    sink: str = Field(
        "webhook", max_length=64, description="the type of its sink, of those open to subscribers"
    )
    settings: dict[str, Any] = Field(
        default_factory=dict, description="the sink's settings without secrets: `url` for a webhook"
    )
    audience: Word | None = Field(
        None,
        description="the rows it gets; absent: as the account; null: public alerts only. No more than the account's",
    )
    purposes: Words = Field((), description="of the account's purposes; absent: all of them")
    contracts: Words = Field((), description="of core.situation, core.alert, core.grant; absent: all")
    kinds: Words = Field((), description="kinds of the tree, each with all below it; absent: all")
    area: tuple[Corner, ...] = Field(
        (), max_length=CORNERS_MAX, description="a polygon: corners [lat, lon]; absent: everywhere"
    )
    severity_from: Word | None = Field(None, description="the least severity; absent: any")
    language: str = Field("en", max_length=35, description="the language of its texts, as a BCP 47 tag")
    format: Literal["json", "cap"] = Field(
        "json", description="CloudEvents as JSON, or alerts alone as CAP 1.2"
    )
    begin: Literal["end", "beginning"] = Field(
        "end", description="with what comes, or with all that the log has"
    )

    @field_validator("settings")
    @classmethod
    def _can_be_kept(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            orjson.dumps(value)
        except (TypeError, ValueError):
            raise ValueError("a value that cannot be kept, such as a number of more than 64 bits") from None
        return value


STATUSES = {"name": 404, "state": 409, "count": 409, "exists": 409}
"""The field that cannot be → the status that says so; 422 for all others."""


def add(app: FastAPI, gateway: Gateway, desk: SubscriptionDesk) -> None:
    """Add the routes to *app*."""
    routes = _Routes(gateway, desk, Remembered(gateway.now_s))
    every, one = "/v1/{city}/subscriptions", "/v1/{city}/subscriptions/{name}"
    app.post(every, **documents.described_create(Wanted))(routes.create)
    app.get(every, **documents.described_list())(routes.every)
    app.get(one, **documents.described_one())(routes.one)
    app.delete(one, **documents.described_remove())(routes.remove)
    app.post(f"{one}/test", **documents.described_test())(routes.test)
    app.post(f"{one}/rotate", **documents.described_rotate())(routes.rotate)
    for change in documents.CHANGES:
        app.post(f"{one}/{change}", **documents.described_change(change))(routes.changer(change))


@dataclass(frozen=True, slots=True)
class _Routes:
    gateway: Gateway
    desk: SubscriptionDesk
    remembered: Remembered
    costly: Rates = field(default_factory=lambda: Rates(COSTLY_PER_S))

    async def create(self, city: str, request: Request) -> Response:
        async def work(account: Account) -> Response:
            body = await self.gateway.body(request, account, bytes_max=BODY_BYTES_MAX)
            return await self._once(request, account, body, partial(self._create, account, body))

        return await self._answer(request, city, "create", work)

    async def every(self, city: str, request: Request) -> Response:
        async def work(account: Account) -> Response:
            arguments_of((), request.query_params.multi_items())
            found = await run_in_threadpool(self.desk.all)
            shown = [dict(one.shown) for one in found if _may_see(account, one)]
            return _json(200, {"subscriptions": shown})

        return await self._answer(request, city, "list", work)

    async def one(self, city: str, name: str, request: Request) -> Response:
        async def work(account: Account) -> Response:
            arguments_of((), request.query_params.multi_items())
            return _json(200, (await self._known(account, name)).shown)

        return await self._answer(request, city, "show", work)

    async def remove(self, city: str, name: str, request: Request) -> Response:
        async def work(account: Account) -> Response:
            known = await self._to_change(account, name)
            await _done(self.desk.remove, known)
            return Response(status_code=204)

        return await self._answer(request, city, "remove", work)

    async def test(self, city: str, name: str, request: Request) -> Response:
        async def work(account: Account) -> Response:
            known = await self._to_change(account, name)
            return await self._once(request, account, b"", partial(self._probe, account, known))

        return await self._answer(request, city, "test", work)

    async def rotate(self, city: str, name: str, request: Request) -> Response:
        async def work(account: Account) -> Response:
            known = await self._to_change(account, name)

            async def rotated() -> Response:
                self._check_rate(account)
                return _json(200, _issued(await _done(self.desk.rotate, known)))

            return await self._once(request, account, b"", rotated)

        return await self._answer(request, city, "rotate", work)

    def changer(self, change: Change) -> Callable[..., Awaitable[Response]]:
        async def changed(city: str, name: str, request: Request) -> Response:
            async def work(account: Account) -> Response:
                known = await self._to_change(account, name)

                async def done() -> Response:
                    return _json(200, (await _done(self.desk.change, known, change)).shown)

                return await self._once(request, account, b"", done)

            return await self._answer(request, city, change, work)

        return changed

    async def _answer(
        self, request: Request, city: str, action: str, work: Callable[[Account], Awaitable[Response]]
    ) -> Response:
        """Check the account and the city, then answer with what *work* gives."""
        try:
            account = self.gateway.account_of(request)
            if not account.may_oversee:
                self.gateway.subscriber_of(account)
            self.gateway.check_city(city)
            if (why := self.desk.trouble) is not None:
                raise Problem(503, f"the subscriptions are not known yet: {why}", retry_after_s=AGAIN_S)
            response = await work(account)
        except Problem as problem:
            response = problem.answer()
        metrics.subscriptions.labels(action, response.status_code).inc()
        return response

    async def _once(
        self, request: Request, account: Account, body: bytes, work: Callable[[], Awaitable[Response]]
    ) -> Response:
        route = f"{request.method} {request.url.path}"
        key = idempotency_key_of(request)
        return await self.remembered.once(account.account_id, route, key, body, work)

    async def _create(self, account: Account, body: bytes) -> Response:
        self.gateway.subscriber_of(account)  # one that only oversees makes none for itself
        wish = _wish(body)
        asked = wish.model_dump()
        for name, usual in (("audience", account.audience), ("purposes", tuple(sorted(account.purposes)))):
            if name not in wish.model_fields_set:
                asked[name] = usual
        wide = too_wide(
            asked["audience"],
            asked["purposes"],
            of_audience=account.audience,
            of_purposes=account.purposes,
        )
        if wide is not None:
            raise Problem(
                403,
                f"{wide}: a subscription may have no more than its account",
                more={"field": wide, "expected": _most(account, wide)},
            )
        check_wish(self.gateway.agreed(account), asked)
        issued = await _done(self.desk.create, account, asked)
        place = f"/v1/{self.gateway.city}/subscriptions/{issued.known.name}"
        return _json(201, _issued(issued), {"Location": place})

    async def _probe(self, account: Account, known: KnownSubscription) -> Response:
        self._check_rate(account)
        try:
            probe = await self.desk.probe(known)
        except BongsuError as error:
            raise _problem(error) from error
        return _json(200, {"event_id": probe.event_id, "is_delivered": probe.why is None, "why": probe.why})

    def _check_rate(self, account: Account) -> None:
        if (wait_s := self.costly.wait_s(account.account_id, None, self.gateway.now_s())) > 0:
            raise Problem(429, "too many test events and rotations of this account", retry_after_s=wait_s)

    async def _known(self, account: Account, name: str) -> KnownSubscription:
        found = await run_in_threadpool(self.desk.one, name)
        if found is None or not _may_see(account, found):
            raise Problem(404, f"no subscription {name[:64]!r} that you may see")
        return found

    async def _to_change(self, account: Account, name: str) -> KnownSubscription:
        found = await self._known(account, name)
        if not (_is_own(account, found) or account.may_administer):
            raise Problem(403, f"subscription {name[:64]!r} is another's: an administrator may change it")
        return found


def _is_own(account: Account, one: KnownSubscription) -> bool:
    return account.may_subscribe and one.account_id == account.account_id


def _may_see(account: Account, one: KnownSubscription) -> bool:
    return account.may_oversee or _is_own(account, one)


def _most(account: Account, field: str) -> str:
    if field == "purposes":
        return "of: " + (", ".join(sorted(account.purposes)) or "none")
    return "null" if account.audience is None else f"{account.audience!r} or null"


def _wish(body: bytes) -> Wanted:
    try:
        return Wanted.model_validate_json(body)
    except ValidationError as error:
        first = faults_of(error)[0]
    name = first.name or "the body"
    about = Wanted.model_fields.get(str(first.where[0])) if first.where else None
    expected = (about and about.description) or "an object with: " + ", ".join(Wanted.model_fields)
    raise Problem(422, f"{name}: {first.what}", more={"field": name, "expected": expected})


async def _done(work: Callable[..., T], *about: Any) -> T:
    """The result of *work*, done in a thread; ``Problem`` for what it refuses."""
    try:
        return await run_in_threadpool(work, *about)
    except (Invalid, Retriable, Fatal) as error:
        raise _problem(error) from error


def _problem(error: BongsuError) -> Problem:
    if not isinstance(error, Invalid):
        return Problem(503, f"nothing is known to be done: {error.what}", retry_after_s=AGAIN_S)
    field = "name" if error.field == "exists" else error.field
    more = {"field": field, "expected": error.expected}
    return Problem(STATUSES.get(error.field, 422), error.what, more=more)


def _issued(issued: Issued) -> dict[str, Any]:
    return {"subscription": dict(issued.known.shown), "secret": issued.secret}


def _json(status: int, content: Any, headers: dict[str, str] | None = None) -> Response:
    sent = {"Cache-Control": "no-store", **(headers or {})}
    return Response(orjson.dumps(content), status_code=status, headers=sent, media_type="application/json")
