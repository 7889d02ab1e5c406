"""``GET /v1/{city}/bookings`` and ``/{booking_id}``: rides on demand as they stand by the log, for dispatchers.

An account reads the rides of the operator that is its audience; ``*`` reads all. Places and vehicles are personal: without a
purpose of the law they are null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.booking_desk import BookingDesk, RideRow
from connectors.gateway.log_lists import LogList, log_list, state_among
from connectors.gateway.parameters import arguments_of
from connectors.gateway.problems import Problem
from connectors.gateway.read_documents import example_of, extra, ref, responses
from connectors.gateway.reads import LogReads, answered, iso_of
from connectors.gateway.service import Gateway
from connectors.subscribers import ALL, Subscriber
from schemas.masking import masked

CONTRACT = "mobility.booking"
STATES = ("requested", "assigned", "picked_up", "dropped", "cancelled")
STATE = state_among(
    STATES,
    "Where the ride stands; may come several times. Without it: all.",
    usual=STATES,
    example=["requested"],
)
NOT_PUBLIC = "this account reads public alerts alone, no rides"


def add(app: FastAPI, gateway: Gateway, desk: BookingDesk) -> None:
    """Add the routes to *app*."""
    reads = LogReads(gateway, desk, not_public=NOT_PUBLIC)
    rides = LogList("bookings", CONTRACT, STATE, desk.rides, lambda row: row.booking_id, _shown, _may_read)
    log_list(app, reads, rides)
    app.get("/v1/{city}/bookings/{booking_id}", **described_ride())(_Ride(reads, desk).one)


@dataclass(frozen=True, slots=True)
class _Ride:
    reads: LogReads
    desk: BookingDesk

    async def one(self, city: str, booking_id: str, request: Request) -> Response:
        try:
            _, reader = self.reads.reader_of(request, city)
            arguments_of((), request.query_params.multi_items())
            row = self.desk.ride(booking_id)
            if row is None or not _may_read(reader, row):
                raise Problem(404, f"no ride {booking_id[:80]!r} that you may read", code="no-booking")
        except Problem as problem:
            metrics.reads.labels("booking", problem.status).inc()
            return problem.answer()
        told = {"booking": _shown(reader, row), "changed": iso_of(row.changed_ms)}
        return answered(request, "booking", orjson.dumps(told))


def _may_read(reader: Subscriber, row: RideRow) -> bool:
    return reader.audience in (ALL, row.operator)


def _shown(reader: Subscriber, row: RideRow) -> dict[str, Any]:
    """The ride without passengers' places, vehicle and dispatcher, unless *reader* has a purpose of the law."""
    return masked(CONTRACT, row.value(), identifying=reader.is_cleared, located=reader.is_cleared)


def described_ride() -> dict[str, Any]:
    """The keyword arguments of the route of one ride."""
    schema = {
        "type": "object",
        "required": ["booking", "changed"],
        "properties": {
            "booking": ref(CONTRACT),
            "changed": {"type": "string", "format": "date-time", "description": "When it changed last."},
        },
    }
    example = {"booking": example_of(CONTRACT), "changed": "2026-03-08T09:00:00.000+00:00"}
    return {
        "summary": "Show one ride on demand as it stands; `revision` is what an assignment must name",
        "operation_id": "show_booking",
        "tags": ["bookings"],
        "responses": responses(schema, example),
        "openapi_extra": extra(()),
    }
