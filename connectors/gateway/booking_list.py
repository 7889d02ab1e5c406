"""``GET /v1/{city}/bookings`` and ``/{booking_id}``: rides on demand as they stand by the log, for dispatchers.

An account reads the rides of the operator that is its audience; ``*`` reads all. Places and vehicles are personal: without a
purpose of the law they are null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.booking_desk import BookingDesk, RideRow
from connectors.gateway.limits import Turns
from connectors.gateway.paging import after_of, cursor_of, digest_of
from connectors.gateway.parameters import CURSOR, LIMITED, SINCE, Parameter, arguments_of, one_of
from connectors.gateway.problems import Problem
from connectors.gateway.read_documents import described_list, example_of, extra, ref, responses
from connectors.gateway.reads import AGAIN_S, answered, iso_of, links
from connectors.gateway.service import Gateway
from connectors.subscribers import ALL, Subscriber
from schemas.masking import masked

CONTRACT = "mobility.booking"
STATES = ("requested", "assigned", "picked_up", "dropped", "cancelled")
STATE = Parameter(
    "state",
    "Where the ride stands; may come several times. Without it: all.",
    {"type": "string", "enum": list(STATES)},
    one_of(STATES),
    default=STATES,
    is_several=True,
    example=["requested"],
)
PARAMETERS = (STATE, SINCE, LIMITED, CURSOR)


def add(app: FastAPI, gateway: Gateway, desk: BookingDesk) -> None:
    """Add the routes to *app*."""
    rides = _Rides(gateway, desk)
    app.get("/v1/{city}/bookings", **described_list("bookings", CONTRACT, PARAMETERS))(rides.listed)
    app.get("/v1/{city}/bookings/{booking_id}", **described_ride())(rides.one)


@dataclass(frozen=True, slots=True)
class _Rides:
    gateway: Gateway
    desk: BookingDesk
    turns: Turns = field(default_factory=Turns)
    """One reading at a time: a filter may look at all rides of a month."""

    async def listed(self, city: str, request: Request) -> Response:
        given = request.query_params.multi_items()
        try:
            account_id, reader = self._reader(city, request)
            async with self.turns.turn(account_id):
                body, cursor = await run_in_threadpool(self._page, reader, given)
        except Problem as problem:
            metrics.reads.labels("bookings", problem.status).inc()
            return problem.answer()
        return answered(request, "bookings", body, links(request, cursor))

    async def one(self, city: str, booking_id: str, request: Request) -> Response:
        try:
            _, reader = self._reader(city, request)
            arguments_of((), request.query_params.multi_items())
            row = self.desk.ride(booking_id)
            if row is None or not _may_read(reader, row):
                raise Problem(404, f"no ride {booking_id[:80]!r} that you may read", code="no-booking")
        except Problem as problem:
            metrics.reads.labels("booking", problem.status).inc()
            return problem.answer()
        told = {"booking": _shown(reader, row), "changed": iso_of(row.changed_ms)}
        return answered(request, "booking", orjson.dumps(told))

    def _reader(self, city: str, request: Request) -> tuple[str, Subscriber]:
        """The account's id, and what it may see. ``Problem`` where that is nothing."""
        account = self.gateway.account_of(request)
        subscriber = self.gateway.subscriber_of(account)
        self.gateway.check_city(city)
        if subscriber.audience is None:
            raise Problem(403, "this account reads public alerts alone, no rides", code="public-only")
        if (why := self.desk.trouble) is not None:
            raise Problem(
                503, f"the log is not read to its end: {why}", code="not-ready", retry_after_s=AGAIN_S
            )
        return account.account_id, subscriber

    def _page(self, reader: Subscriber, given: Sequence[tuple[str, str]]) -> tuple[bytes, str | None]:
        wanted, digest = arguments_of(PARAMETERS, given), digest_of(given)
        after = after_of(wanted["cursor"], digest)
        found: list[RideRow] = []
        cursor = None
        for row in self._chosen(reader, wanted, after):
            if len(found) == wanted["limit"]:
                cursor = cursor_of((found[-1].place, found[-1].booking_id), digest)
                break
            found.append(row)
        newest_ms = max((row.changed_ms for row in found), default=None)
        told = {
            "bookings": [_shown(reader, row) for row in found],
            "newest_change": None if newest_ms is None else iso_of(newest_ms),
            "next": cursor,
        }
        return orjson.dumps(told), cursor

    def _chosen(
        self, reader: Subscriber, wanted: Mapping[str, Any], after: tuple[float, str] | None
    ) -> Iterator[RideRow]:
        since_ms = wanted["since"] or 0
        for row in self.desk.rides():
            is_later = after is None or (row.place, row.booking_id) < after
            is_wanted = row.state in wanted["state"] and row.changed_ms >= since_ms
            if is_later and is_wanted and _may_read(reader, row):
                yield row


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
