"""Operators' actions over HTTP: check the account, the body and the law; write to the log; then answer.

``POST /v1/{city}/situations/{id}/actions`` is answered with 202 when the action is committed in ``core.action``. It never
waits in the spool: an operator decides about the situation as it is now. So while Kafka is unavailable the answer is 503,
and the operator knows that nothing was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.accounts import Account
from connectors.gateway.body_documents import body_problems
from connectors.gateway.desk import Desk, Done
from connectors.gateway.idempotency import KEY_MAX, idempotency_key_of
from connectors.gateway.log_actions import action_id_of, check_may_act, decided
from connectors.gateway.problems import Problem
from connectors.gateway.security_documents import BY_EITHER
from connectors.gateway.service import Gateway
from schemas.validation import faults_of

BODY_BYTES_MAX = 16_384


class Wish(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: str = Field(description="what to do")
    reason: str = Field(description="why, in a sentence: it is kept with the action")
    other_situation_id: str | None = Field(None, description="for join: the one that is the same happening")
    incident_ids: tuple[str, ...] = Field(
        (), max_length=50, description="for separate: the reports that leave"
    )
    ground: str | None = Field(None, description="for override: the law's ground")
    to_domain: str | None = Field(None, description="for file: to whom, fire, police or civil")


STATUSES = {"situation_id": 404, "role": 403, "action": 409}
"""The field that cannot be → the status that says so; 422 for all others."""


async def perform(gateway: Gateway, desk: Desk, request: Request, city: str, situation_id: str) -> Response:
    """Check the account and the body, then act once; the response is 202, or the problem."""
    word = "unknown"
    try:
        account = gateway.account_of(request)
        gateway.check_city(city)
        wish = await _wish(gateway, request, account, desk)
        word = wish.action
        done = await _act(desk, account, wish, situation_id, idempotency_key_of(request))
    except Problem as problem:
        metrics.actions.labels(word, problem.status).inc()
        return problem.answer()
    metrics.actions.labels(word, 202).inc()
    told = {
        "action_id": done.action_id,
        "action": word,
        "situation_id": done.situation_id,
        "account_id": account.account_id,
        "role": done.role,
        "repeated": done.is_repeat,
    }
    return Response(orjson.dumps(told), status_code=202, media_type="application/json")


async def _wish(gateway: Gateway, request: Request, account: Account, desk: Desk) -> Wish:
    body = await gateway.body(request, account, bytes_max=BODY_BYTES_MAX)
    try:
        wish = Wish.model_validate_json(body)
    except ValidationError as error:
        first = faults_of(error)[0]
        field = first.name or "the body"
        expected = _expected(field, desk)
        raise Problem(
            422, f"{field}: {first.what}", code="wrong-field", more={"field": field, "expected": expected}
        ) from error
    word = "_".join(wish.action.replace("-", " ").replace("_", " ").lower().split())
    if word not in desk.actions:
        raise Problem(
            422,
            f"no action {wish.action[:40]!r}",
            code="unknown-action",
            more={"field": "action", "expected": " or ".join(desk.actions)},
        )
    return wish.model_copy(update={"action": word})


def _expected(field: str, desk: Desk) -> str:
    known = {"action": " or ".join(desk.actions), "reason": "why, in a sentence"}
    return known.get(field, "an object with: " + ", ".join(Wish.model_fields))


async def _act(
    desk: Desk, account: Account, wish: Wish, situation_id: str, idempotency_key: str | None
) -> Done:
    check_may_act(account, "act on situations")
    action = {
        **wish.model_dump(mode="json"),
        "action_id": action_id_of("action", account, idempotency_key),
        "situation_id": situation_id,
        "account_id": account.account_id,
    }
    return await decided(
        lambda: desk.act(action, account.acts_as),
        statuses=STATUSES,
        more={"situation_id": situation_id[:80]},
    )


def described(actions: Sequence[str]) -> dict[str, Any]:
    schema = Wish.model_json_schema()
    schema["properties"]["action"]["enum"] = list(actions)
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "security": BY_EITHER,
        "parameters": [
            {
                "in": "header",
                "name": "Idempotency-Key",
                "schema": {"type": "string", "maxLength": KEY_MAX},
                "description": "The same key of the same account is the same action.",
            }
        ],
    }


_PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "Committed in `core.action`; what comes of it is the situation's next revision.",
        "content": {"application/json": {}},
    },
    **body_problems(),
    401: {"description": "No key, or none that is known.", **_PROBLEM},
    403: {"description": "The account's role may not do this, here or by law.", **_PROBLEM},
    404: {"description": "No such city or situation.", **_PROBLEM},
    409: {"description": "Not with the situation as it stands.", **_PROBLEM},
    422: {"description": "The body cannot be; its field is named.", **_PROBLEM},
    429: {"description": "Too many requests; see Retry-After.", **_PROBLEM},
    503: {"description": "The log cannot be reached: nothing is known to be done.", **_PROBLEM},
}
