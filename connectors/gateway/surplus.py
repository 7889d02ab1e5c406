"""``POST /v1/{city}/surplus``: an operator plans or withdraws a window of surplus energy.

The answer is 200 once the window is in the log. It never waits in the spool: while Kafka is unavailable the answer is 503,
and the operator knows that it may or may not be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.accounts import Account
from connectors.gateway.body_documents import body_problems
from connectors.gateway.idempotency import KEY_MAX, idempotency_key_of
from connectors.gateway.log_actions import action_id_of, check_may_act, decided, read_body, wrong_field
from connectors.gateway.problems import Problem
from connectors.gateway.read_documents import problems
from connectors.gateway.said_times import SaidTime
from connectors.gateway.security_documents import BY_EITHER
from connectors.gateway.service import Gateway
from connectors.gateway.surplus_desk import PLANNED, SurplusDesk, SurplusRow, SurplusWish

BODY_BYTES_MAX = 4_096
ACTION = "surplus"
LIMIT_MAX_W = 10**7
TEXT_MAX = 100
DECIMAL = r"^[0-9]{1,24}(\.[0-9]{1,12})?$"
STATUSES = {"no-window": 404, "window-withdrawn": 409, "window-over": 409}
"""The code of a refusal → its status; 422 for all others."""


class SurplusBody(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    area: str = Field(min_length=1, max_length=TEXT_MAX, description="the area; * is the whole city")
    window_id: str | None = Field(
        None,
        pattern=r"^\S[^\x00-\x1f]*$",
        max_length=TEXT_MAX,
        description="the window; without it this one is new, and the answer names it",
    )
    state: Literal["planned", "withdrawn"] = Field("planned", description="planned, or withdrawn")
    begins_at: SaidTime | None = Field(None, description="a time with its offset from UTC")
    ends_at: SaidTime | None = Field(None, description="a time with its offset, after begins_at, to come")
    kwh: str | None = Field(None, pattern=DECIMAL, description="surplus that is forecast, a decimal")
    price: str | None = Field(
        None, pattern=DECIMAL, description="reward for a kWh, a decimal; without it the city's usual"
    )
    limit_w: int | None = Field(
        None, ge=0, le=LIMIT_MAX_W, description="power to which chargers are held, watts"
    )


def add(app: FastAPI, gateway: Gateway, desk: SurplusDesk) -> None:
    """Add the route to *app*."""
    app.post("/v1/{city}/surplus", **described())(_Announcements(gateway, desk).announce)


@dataclass(frozen=True, slots=True)
class _Announcements:
    gateway: Gateway
    desk: SurplusDesk

    async def announce(self, city: str, request: Request) -> Response:
        """Check the account and the body, then write to the log."""
        try:
            account = self.gateway.account_of(request)
            self.gateway.check_city(city)
            body = await self.gateway.body(request, account, bytes_max=BODY_BYTES_MAX)
            wish = _wish(account, _read(body), idempotency_key_of(request))
            row, is_repeat = await self._told(wish)
        except Problem as problem:
            metrics.actions.labels(ACTION, problem.status).inc()
            return problem.answer()
        metrics.actions.labels(ACTION, 200).inc()
        told = {"window": row.value(), "command_id": wish.command_id, "repeated": is_repeat}
        return Response(orjson.dumps(told), media_type="application/json")

    async def _told(self, wish: SurplusWish) -> tuple[SurplusRow, bool]:
        return await decided(
            lambda: self.desk.announce(wish), statuses=STATUSES, usual_code="wrong-field", done="told"
        )


def _read(body: bytes) -> SurplusBody:
    read = read_body(SurplusBody, body)
    for name in ("begins_at", "ends_at"):
        if read.state == PLANNED and getattr(read, name) is None:
            raise wrong_field(SurplusBody, name, "is missing")
    if read.state != PLANNED and read.window_id is None:
        raise wrong_field(SurplusBody, "window_id", "is missing")
    return read


def _wish(account: Account, body: SurplusBody, key: str | None) -> SurplusWish:
    """The same key of the same account is the same wish; without one each request is another."""
    check_may_act(account, "announce surplus energy")
    command_id = action_id_of(ACTION, account, key)
    return SurplusWish(
        command_id,
        account.account_id,
        body.area,
        body.window_id or command_id,
        body.state,
        _ms(body.begins_at),
        _ms(body.ends_at),
        body.kwh,
        body.price,
        body.limit_w,
    )


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)


def described() -> dict[str, Any]:
    """The keyword arguments of the route."""
    return {
        "summary": "Plan or withdraw a window of surplus energy: chargers and people are told of it",
        "operation_id": "announce_surplus",
        "tags": ["surplus"],
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": SurplusBody.model_json_schema()}},
            },
            "security": BY_EITHER,
            "parameters": [
                {
                    "in": "header",
                    "name": "Idempotency-Key",
                    "schema": {"type": "string", "maxLength": KEY_MAX},
                    "description": "The same key of the same account gets the same answer.",
                }
            ],
        },
        "responses": {
            200: {
                "description": "It is in the log: `window`, and whether the request was `repeated`.",
                "content": {"application/json": {}},
            },
            **body_problems(),
            **problems(
                {
                    401: "No key, or none that is known.",
                    403: "The account may not announce surplus energy.",
                    404: "No such city, or no such window to withdraw.",
                    409: "The window is over, or withdrawn already.",
                    422: "The body cannot be, or the key was used otherwise; its field is named.",
                    429: "Too many requests; see Retry-After.",
                    503: "The log cannot be reached: it may or may not be told.",
                }
            ),
        },
    }
