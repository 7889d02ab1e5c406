"""The figures of a city: times of help and loads of alerts, for whoever may read more than public alerts.

They are counts and times of many situations, and name no person, place or case; so each audience sees those of the city.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Protocol

import orjson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.figures_documents import DAYS, DAYS_MAX, PARAMETERS, described_figures
from connectors.gateway.limits import Turns
from connectors.gateway.parameters import arguments_of, wrong
from connectors.gateway.problems import Problem, check_read
from connectors.gateway.reads import answered
from connectors.gateway.service import Gateway
from schemas.iso_time import EPOCH


class Figures(Protocol):
    """The city's figures as the log tells them. *zone*: that of its days."""

    @property
    def zone(self) -> tzinfo: ...

    @property
    def trouble(self) -> str | None:
        """Why not all of the log is read; ``None`` once it is."""

    def told(self, first: date, last: date, *, now_ms: int) -> Mapping[str, Any]:
        """The figures of the local days *first* to *last*; ``as_of``: up to which time, in ms."""


def add(app: FastAPI, gateway: Gateway, figures: Figures) -> None:
    """Add the route to *app*."""
    app.get("/v1/{city}/figures", **described_figures())(_Route(gateway, figures).answer)


@dataclass(frozen=True, slots=True)
class _Route:
    gateway: Gateway
    figures: Figures
    turns: Turns = field(default_factory=Turns)

    async def answer(self, city: str, request: Request) -> Response:
        try:
            account = self.gateway.account_of(request)
            subscriber = self.gateway.subscriber_of(account)
            self.gateway.check_city(city)
            if subscriber.audience is None:
                raise Problem(
                    403, "this account reads public alerts alone, not the city's figures", code="public-only"
                )
            check_read(self.figures.trouble)
            now_ms = self.gateway.now_ms()
            first, last = span_of(request.query_params.multi_items(), self._today(now_ms))
            async with self.turns.turn(account.account_id):
                body = await run_in_threadpool(self._body, first, last, now_ms)
        except Problem as problem:
            metrics.reads.labels("figures", problem.status).inc()
            return problem.answer()
        return answered(request, "figures", body)

    def _today(self, now_ms: int) -> date:
        return datetime.fromtimestamp(now_ms / 1000, self.figures.zone).date()

    def _body(self, first: date, last: date, now_ms: int) -> bytes:
        told = dict(self.figures.told(first, last, now_ms=now_ms))
        as_of = EPOCH + timedelta(milliseconds=told.pop("as_of"))
        about = {"timezone": str(self.figures.zone), "as_of": as_of.isoformat(timespec="milliseconds")}
        return orjson.dumps({**about, **told})


def span_of(given: Sequence[tuple[str, str]], today: date) -> tuple[date, date]:
    """The first and the last day that are wanted. ``Problem`` 422 for a span that is none, or too long."""
    wanted = arguments_of(PARAMETERS, given)
    first, last = wanted["from"], wanted["to"]
    if last is None:
        last = today if first is None else first + timedelta(days=DAYS - 1)
    if first is None:
        first = last - timedelta(days=DAYS - 1)
    if first > last:
        raise wrong("from", f"{first} is after {last}", "a day not after `to`")
    if (last - first).days >= DAYS_MAX:
        raise wrong("from", f"more than {DAYS_MAX} days", f"at most {DAYS_MAX} days up to `to`")
    return first, last
