"""The route of a city's health: its sources, its stages, and what was set aside. For every account of the city that reads.

One document for all, as the worst comes first across them, and one look at Kafka serves it. It has figures, agencies' words
for kinds and reasons of our own; nothing that identifies somebody, so it is the same for every purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import orjson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.health_documents import described
from connectors.gateway.limits import Turns
from connectors.gateway.parameters import arguments_of
from connectors.gateway.problems import Problem, check_read
from connectors.gateway.service import Gateway

ROUTE = "health"


class Health(Protocol):
    """The city's health as its log shows it."""

    @property
    def trouble(self) -> str | None:
        """Why the reports are not all read; ``None`` once they are."""

    def told(self) -> Mapping[str, Any]:
        """The document of now (``health_documents``). It may wait for Kafka; many who ask share one look."""


def add(app: FastAPI, gateway: Gateway, health: Health) -> None:
    """Add the route to *app*."""
    turns = Turns()

    async def body_of(request: Request, city: str) -> bytes:
        account = gateway.account_of(request)
        subscriber = gateway.subscriber_of(account)
        gateway.check_city(city)
        if subscriber.audience is None:
            raise Problem(
                403,
                "this account reads public alerts alone, not how sources and stages do",
                code="public-only",
            )
        arguments_of((), request.query_params.multi_items())
        check_read(health.trouble)
        async with turns.turn(account.account_id):
            return orjson.dumps(await run_in_threadpool(health.told))

    @app.get("/v1/{city}/health", **described())
    async def told(city: str, request: Request) -> Response:
        try:
            body = await body_of(request, city)
        except Problem as problem:
            metrics.reads.labels(ROUTE, problem.status).inc()
            return problem.answer()
        metrics.reads.labels(ROUTE, 200).inc()
        headers = {"Cache-Control": "private, no-store", "Vary": "Authorization, Cookie"}
        return Response(body, headers=headers, media_type="application/json")
