"""To whom the alerts of a situation were delivered: each receiver's state, beside the alerts that an account may read.

Who reads for every audience is told of all receivers, an agency's account of its own. A name is masked as in
``core.delivery``. Where a receiver is, and its errors, which may name a host, are told to whom ``/v1/CITY/subscriptions``
tells them: its owner, and who oversees.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import orjson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.accounts import Account
from connectors.gateway.deliveries_documents import described
from connectors.gateway.limits import Turns
from connectors.gateway.parameters import arguments_of
from connectors.gateway.problems import Problem, check_read
from connectors.gateway.readings import Readings
from connectors.gateway.reads import answered, iso_of
from connectors.gateway.service import Gateway
from connectors.gateway.shelf import Value
from connectors.subscribers import ALL, Subscriber

ALERT = "core.alert"
DeliveryState = Literal["received", "waiting", "failed", "paused"]


@dataclass(frozen=True, slots=True)
class WrittenRevision:
    """A revision of an alert: the offset and the time (ms) of its record, and the event in the JSON form."""

    offset: int
    written_ms: int
    value: Value


@dataclass(frozen=True, slots=True)
class AlertReceiver:
    """A receiver of an alert. *revision*: the newest that it is to get; *received*: the newest that is done with, ``None``
    for none. *set_aside*: events of its whole life that were put aside instead; *as_of*: when its state was written, in ms.
    """

    name: str
    account_id: str | None
    sink: str
    state: DeliveryState
    revision: int
    received: int | None
    set_aside: int
    attempts: int
    failing_since: int | None
    why: str | None
    as_of: int | None


class Receivers(Protocol):
    """The receivers of a city."""

    @property
    def trouble(self) -> str | None:
        """Why not all of them are known; ``None`` once they are."""

    def of_alert(
        self, revisions: Sequence[WrittenRevision], purposes_of_law: Collection[str]
    ) -> Sequence[AlertReceiver]:
        """The receivers of the alert with these *revisions*, oldest first, by name."""


def add(app: FastAPI, gateway: Gateway, readings: Readings, receivers: Receivers) -> None:
    """Add the route to *app*."""
    route = _Route(gateway, readings, receivers)
    app.get("/v1/{city}/situations/{situation_id}/deliveries", **described())(route.answer)


@dataclass(frozen=True, slots=True)
class _Route:
    gateway: Gateway
    readings: Readings
    receivers: Receivers
    turns: Turns = field(default_factory=Turns)

    async def answer(self, city: str, situation_id: str, request: Request) -> Response:
        try:
            account = self.gateway.account_of(request)
            subscriber = self.gateway.subscriber_of(account)
            self.gateway.check_city(city)
            if subscriber.audience is None:
                raise Problem(
                    403, "this account reads public alerts alone, not who receives them", code="public-only"
                )
            arguments_of((), request.query_params.multi_items())
            check_read(self.readings.trouble or self.receivers.trouble)
            async with self.turns.turn(account.account_id):
                body = await run_in_threadpool(self._body, account, subscriber, situation_id)
        except Problem as problem:
            metrics.reads.labels("deliveries", problem.status).inc()
            return problem.answer()
        return answered(request, "deliveries", body)

    def _body(self, account: Account, subscriber: Subscriber, situation_id: str) -> bytes:
        now_ms = self.gateway.now_ms()
        row = self.readings.row("core.situation", situation_id, now_ms=now_ms)
        if row is None or not subscriber.may_read("core.situation", row.head):
            raise Problem(404, f"no situation {situation_id[:80]!r} that you may read", code="no-situation")
        alerts = [
            {
                **{name: its.head[name] for name in ("alert_id", "audience")},
                "receivers": self._receivers(account, subscriber, its.written()),
            }
            for its in self.readings.of_situation(ALERT, situation_id, now_ms=now_ms)
            if subscriber.may_read(ALERT, its.head)
        ]
        return orjson.dumps({"alerts": alerts})

    def _receivers(
        self, account: Account, subscriber: Subscriber, written: Sequence[tuple[int, int, Value]]
    ) -> list[dict[str, Any]]:
        revisions = [WrittenRevision(*one) for one in written]
        found = self.receivers.of_alert(revisions, self.gateway.purposes())
        return [
            _shown(one, account, is_cleared=subscriber.is_cleared)
            for one in found
            if account.audience == ALL or _is_own(account, one)
        ]


def _is_own(account: Account, one: AlertReceiver) -> bool:
    return one.account_id is not None and one.account_id == account.account_id


def _shown(one: AlertReceiver, account: Account, *, is_cleared: bool) -> dict[str, Any]:
    """*one* as *account* may see it."""
    may_see = account.may_oversee or _is_own(account, one)
    return {
        "receiver": one.name if is_cleared or may_see else None,
        "sink": one.sink,
        "state": one.state,
        "revision": one.revision,
        "received_revision": one.received,
        "set_aside": one.set_aside,
        "attempts": one.attempts,
        "failing_since": None if one.failing_since is None else iso_of(one.failing_since),
        "why": one.why if may_see else None,
        "as_of": None if one.as_of is None else iso_of(one.as_of),
    }
