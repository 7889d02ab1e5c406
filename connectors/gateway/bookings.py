"""``POST /v1/{city}/bookings/{booking_id}/assign``: a dispatcher gives a ride on demand to a vehicle.

The log decides: the answer is 200 when this assignment is the first, and 409 with the ride's vehicle and revision when it is
not. Like an operator's action it never waits in the spool: while Kafka is unavailable the answer is 503.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.accounts import Account
from connectors.gateway.body_documents import body_problems
from connectors.gateway.booking_desk import BookingDesk, RideAnswer, RideWish
from connectors.gateway.idempotency import KEY_MAX, idempotency_key_of
from connectors.gateway.log_actions import action_id_of, check_may_act, decided, read_body
from connectors.gateway.problems import Problem
from connectors.gateway.read_documents import problems
from connectors.gateway.security_documents import BY_EITHER
from connectors.gateway.service import Gateway
from connectors.subscribers import ALL

BODY_BYTES_MAX = 4_096
REVISION_MAX = 2**31 - 1
TEXT_MAX = 200
ACTION = "assign"
REFUSED = {
    "booking-taken": "the ride is assigned to a vehicle already",
    "booking-cancelled": "the ride is cancelled",
    "booking-under-way": "the passengers were picked up already",
    "booking-changed": "the ride has another revision: look at it again",
}
"""The word for a refusal of the log → what it says."""


class AssignBody(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    vehicle_id: str = Field(min_length=1, max_length=TEXT_MAX, description="the vehicle that is to serve it")
    revision: int = Field(ge=1, le=REVISION_MAX, description="the ride's revision that the dispatcher saw")


def add(app: FastAPI, gateway: Gateway, desk: BookingDesk) -> None:
    """Add the route to *app*."""
    app.post("/v1/{city}/bookings/{booking_id}/assign", **described())(_Assignments(gateway, desk).assign)


@dataclass(frozen=True, slots=True)
class _Assignments:
    gateway: Gateway
    desk: BookingDesk

    async def assign(self, city: str, booking_id: str, request: Request) -> Response:
        """Check the account and the body, then let the log decide."""
        try:
            account = self.gateway.account_of(request)
            self.gateway.check_city(city)
            body = await self.gateway.body(request, account, bytes_max=BODY_BYTES_MAX)
            wish = _wish(account, booking_id, read_body(AssignBody, body), idempotency_key_of(request))
            self._check_operator(account, booking_id)
            answer = await self._decided(wish)
        except Problem as problem:
            metrics.actions.labels(ACTION, problem.status).inc()
            return problem.answer()
        metrics.actions.labels(ACTION, 200).inc()
        told = {
            **_ride(wish.booking_id, answer),
            "assigned_by": account.account_id,
            "command_id": wish.command_id,
            "repeated": answer.is_repeat,
        }
        return Response(orjson.dumps(told), media_type="application/json")

    def _check_operator(self, account: Account, booking_id: str) -> None:
        """``Problem`` where the ride is another operator's: as for one that is not known, as the list shows neither."""
        if account.audience == ALL:
            return
        ride = self.desk.ride(booking_id)
        if ride is None or ride.operator != account.audience:
            more = {"field": "booking_id", "expected": "a ride of your operator"}
            raise Problem(404, "no such ride", code="no-booking", more=more)

    async def _decided(self, wish: RideWish) -> RideAnswer:
        answer = await decided(lambda: self.desk.assign(wish), statuses={"booking_id": 404}, done="decided")
        if answer.refused is not None:
            raise Problem(
                409, REFUSED[answer.refused], code=answer.refused, more=_ride(wish.booking_id, answer)
            )
        return answer


def _wish(account: Account, booking_id: str, body: AssignBody, key: str | None) -> RideWish:
    """The same key of the same account for the same ride is the same wish; without one each request is another."""
    check_may_act(account, "assign rides")
    command_id = action_id_of(ACTION, account, key, booking_id)
    return RideWish(command_id, booking_id, body.revision, body.vehicle_id, account.account_id)


def _ride(booking_id: str, answer: RideAnswer) -> dict[str, Any]:
    return {
        "booking_id": booking_id,
        "state": answer.state,
        "vehicle_id": answer.vehicle_id,
        "revision": answer.revision,
    }


def described() -> dict[str, Any]:
    """The keyword arguments of the route."""
    return {
        "summary": "Assign a ride on demand to a vehicle: the first in the log has it",
        "operation_id": "assign_booking",
        "tags": ["bookings"],
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": AssignBody.model_json_schema()}},
            },
            "security": BY_EITHER,
            "parameters": [
                {
                    "in": "header",
                    "name": "Idempotency-Key",
                    "schema": {"type": "string", "maxLength": KEY_MAX},
                    "description": "The same key of the same account for the same ride gets the same answer.",
                }
            ],
        },
        "responses": {
            200: {
                "description": "It is assigned: `vehicle_id`, and `revision`, which the ride has now.",
                "content": {"application/json": {}},
            },
            **body_problems(),
            **problems(
                {
                    401: "No key, or none that is known.",
                    403: "The account may not assign rides.",
                    404: "No such city or ride.",
                    409: "Not assigned: `code` says why; `vehicle_id` and `revision` are the ride's.",
                    422: "The body cannot be, or the key was used otherwise; its field is named.",
                    429: "Too many requests; see Retry-After.",
                    503: "The log cannot be reached: nothing is known to be decided.",
                }
            ),
        },
    }
