"""``POST /v1/{city}/closures`` and ``…/{closure_id}/end``: an operator closes an area, and opens it again.

The log decides: of two that end a closure the first has ended it, and the other gets 409. Like an operator's action neither
waits in the spool: while Kafka is unavailable the answer is 503.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.accounts import Account
from connectors.gateway.body_documents import body_problems
from connectors.gateway.closure_desk import ClosureAnswer, ClosureDesk, ClosureWish, EndWish
from connectors.gateway.idempotency import KEY_MAX, idempotency_key_of
from connectors.gateway.log_actions import action_id_of, check_may_act, decided, read_body
from connectors.gateway.problems import Problem
from connectors.gateway.read_documents import problems
from connectors.gateway.said_times import SaidTime
from connectors.gateway.security_documents import BY_EITHER
from connectors.gateway.service import Gateway

BODY_BYTES_MAX = 160_000
REASON_MAX, ID_MAX = 200, 200
CLOSE, END = "close", "end_closure"
REFUSED = {"closure-over": "the closure is over already"}
"""The word for a refusal of the log → what it says."""


class CloseBody(BaseModel):
    """The body of a request to close an area."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    geometry: dict[str, Any] = Field(
        description="a GeoJSON Polygon or MultiPolygon: rings of [lon, lat], holes among them"
    )
    reason: str = Field(
        min_length=1, max_length=REASON_MAX, pattern=r"\S", description="why, in words for the public"
    )
    starts_at: SaidTime | None = Field(None, description="from when, with its offset; none: now")
    ends_at: SaidTime | None = Field(None, description="until when, with its offset; none: until it is ended")
    situation_id: str | None = Field(
        None, min_length=1, max_length=ID_MAX, description="the situation that it belongs to"
    )


def add(app: FastAPI, gateway: Gateway, desk: ClosureDesk) -> None:
    """Add the routes to *app*."""
    closings = _Closings(gateway, desk)
    app.post("/v1/{city}/closures", **described_close())(closings.close)
    app.post("/v1/{city}/closures/{closure_id}/end", **described_end())(closings.end)


@dataclass(frozen=True, slots=True)
class _Closings:
    gateway: Gateway
    desk: ClosureDesk

    async def close(self, city: str, request: Request) -> Response:
        async def act(account: Account) -> ClosureAnswer:
            raw = await self.gateway.body(request, account, bytes_max=BODY_BYTES_MAX)
            wish = _wish(account, read_body(CloseBody, raw), idempotency_key_of(request))
            return await _decided(lambda: self.desk.open(wish))

        return await self._answer(CLOSE, city, request, act)

    async def end(self, city: str, closure_id: str, request: Request) -> Response:
        async def act(account: Account) -> ClosureAnswer:
            action_id = action_id_of(END, account, idempotency_key_of(request), closure_id)
            wish = EndWish(action_id, account.account_id, closure_id)
            return await _decided(lambda: self.desk.end(wish))

        return await self._answer(END, city, request, act)

    async def _answer(
        self, word: str, city: str, request: Request, act: Callable[[Account], Awaitable[ClosureAnswer]]
    ) -> Response:
        """Check the account, then act once."""
        try:
            account = self.gateway.account_of(request)
            self.gateway.check_city(city)
            check_may_act(account, "close areas")
            answer = await act(account)
        except Problem as problem:
            metrics.actions.labels(word, problem.status).inc()
            return problem.answer()
        metrics.actions.labels(word, 200).inc()
        told = {**answer.row.told(), "account_id": account.account_id, "repeated": answer.is_repeat}
        return Response(orjson.dumps(told), media_type="application/json")


async def _decided(act: Callable[[], ClosureAnswer]) -> ClosureAnswer:
    """Return what the log decided; a ``Problem`` where it refused, or could not be asked."""
    answer = await decided(act, statuses={"closure_id": 404}, usual_code="wrong-field")
    if answer.refused is not None:
        raise Problem(409, REFUSED[answer.refused], code=answer.refused, more=answer.row.told())
    return answer


def _wish(account: Account, body: CloseBody, key: str | None) -> ClosureWish:
    return ClosureWish(
        action_id_of(CLOSE, account, key),
        account.account_id,
        _geometry(body.geometry),
        _ms(body.starts_at),
        _ms(body.ends_at),
        body.reason,
        body.situation_id,
    )


def _geometry(said: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(said).decode()
    except TypeError:  # a number of more than 64 bits, which no degree has
        more = {"field": "geometry", "expected": "numbers of degrees"}
        raise Problem(
            422, "geometry: it has a number that cannot be", code="wrong-field", more=more
        ) from None


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)


_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": KEY_MAX},
    "description": "The same key of the same account gets the same answer: the area is closed, or opened, once.",
}
_REFUSALS = {
    401: "No key, or none that is known.",
    403: "The account may not close areas.",
    404: "No such city or closure.",
    422: "The body cannot be, or the key was used otherwise; its field is named.",
    429: "Too many requests; see Retry-After.",
    503: "The log cannot be reached: nothing is known to be decided.",
}


def described_close() -> dict[str, Any]:
    """The keyword arguments of the route that closes."""
    body = {"required": True, "content": {"application/json": {"schema": CloseBody.model_json_schema()}}}
    return {
        "summary": "Close an area: its hubs, vehicles and chargers, until a time or until it is ended",
        "operation_id": "open_closure",
        "tags": ["closures"],
        "openapi_extra": {"requestBody": body, "security": BY_EITHER, "parameters": [_KEY]},
        "responses": {
            200: {
                "description": "It is closed: `closure_id` ends it.",
                "content": {"application/json": {}},
            },
            **body_problems(),
            **problems(_REFUSALS),
        },
    }


def described_end() -> dict[str, Any]:
    """The keyword arguments of the route that ends a closure."""
    over = {
        409: "It is over already: `ended_by` is the action, or the alert, that ended it; `time` for its time."
    }
    return {
        "summary": "End a closure: what it closed is open again",
        "operation_id": "end_closure",
        "tags": ["closures"],
        "openapi_extra": {"security": BY_EITHER, "parameters": [_KEY]},
        "responses": {
            200: {"description": "It is over.", "content": {"application/json": {}}},
            **problems(_REFUSALS | over),
        },
    }
