"""The gateway's paths, and their description at ``/openapi.json``. ``service`` and ``actions`` do what they ask for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.responses import Response

from connectors.gateway import (
    actions,
    cap,
    docs_page,
    live,
    metrics,
    read_documents,
    reads,
    sessions_paths,
    state_pages,
)
from connectors.gateway.body_documents import body_problems
from connectors.gateway.desk import Desk
from connectors.gateway.media_types import TAKEN
from connectors.gateway.methods import allowed
from connectors.gateway.problems import Problem
from connectors.gateway.security_documents import BY_KEY, SCHEMES
from connectors.gateway.service import Gateway

METHOD_NOT_ALLOWED = 405
Part = Callable[[FastAPI, Gateway], object]
"""Adds its paths to the application."""
NO_TELEMETRY = TelemetryConfig(
    tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False
)
"""FastAPI's own spans would hold paths, addresses and the texts of errors."""


def app_of(gateway: Gateway, cap_part: cap.CapPart | None = None, parts: Sequence[Part] = ()) -> FastAPI:
    """The application. *cap_part*: the alerts in CAP. It is described at ``/openapi.json``, and for people at ``/docs``."""
    app = FastAPI(
        title="Bongsu gateway",
        summary=f"Agencies of {gateway.city} publish here, operators act on situations, subscribers read.",
        description=read_documents.ABOUT,
        version="1",
        telemetry=NO_TELEMETRY,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )

    if gateway.takes_pushes:
        _add_sources(app, gateway)
    if gateway.desk is not None:
        _add_actions(app, gateway, gateway.desk)
    if cap_part is not None:
        cap.add(app, gateway, cap_part)
    if gateway.readings is not None:
        reads.add(app, gateway, gateway.readings)
    if gateway.sessions is not None:
        sessions_paths.add(app, gateway, gateway.sessions)
    for part in parts:  # the console's files last of all that lies under /console
        part(app, gateway)
    if gateway.live is not None:
        live.add(app, gateway, gateway.live)
    docs_page.add(app)
    state_pages.add(app, gateway)

    @app.exception_handler(HTTPException)
    async def known(request: Request, error: HTTPException) -> Response:
        headers = error.headers
        if error.status_code == METHOD_NOT_ALLOWED:
            headers = {**(headers or {}), "Allow": allowed(app.routes, dict(request.scope))}
        return Problem(error.status_code, str(error.detail), headers=headers).answer()

    described = app.openapi()
    components = described.setdefault("components", {})
    components["securitySchemes"] = SCHEMES
    components.setdefault("schemas", {}).update(read_documents.components())
    return app


def _add_sources(app: FastAPI, gateway: Gateway) -> None:
    @app.post(
        "/v1/{city}/sources/{source}",
        status_code=202,
        summary="Publish: one record or many, in the source's own form, or as CloudEvents",
        openapi_extra=_BODY,
        responses=_RESPONSES,
    )
    async def publish(city: str, source: str, request: Request) -> Response:
        started = time.perf_counter()
        label = source if source in gateway.sources else "unknown"
        try:
            account = gateway.account_of(request, takes_session=False)
            told = await gateway.push(request, account, gateway.source_for(account, city, source))
        except Problem as problem:
            metrics.requests.labels(label, problem.status).inc()
            return problem.answer()
        metrics.requests.labels(label, 202).inc()
        metrics.answering.labels(label).observe(time.perf_counter() - started)
        return Response(orjson.dumps(told), status_code=202, media_type="application/json")


def _add_actions(app: FastAPI, gateway: Gateway, desk: Desk) -> None:
    @app.post(
        "/v1/{city}/situations/{situation_id}/actions",
        status_code=202,
        summary="Act on a situation: " + ", ".join(desk.actions),
        openapi_extra=actions.described(desk.actions),
        responses=actions.RESPONSES,
    )
    async def act(city: str, situation_id: str, request: Request) -> Response:
        return await actions.perform(gateway, desk, request, city, situation_id)


_BODY = {
    "requestBody": {
        "required": True,
        "description": "What the source says, in its own form; CloudEvents 1.0 in binary, structured or batched mode.",
        "content": {media_type: {} for media_type in TAKEN},
    },
    "security": BY_KEY,
    "parameters": [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "schema": {"type": "string"},
            "description": "The same key with the same body within an hour is the same push; with another, 422.",
        },
        {
            "in": "query",
            "name": "object",
            "schema": {"type": "string"},
            "description": "Of a source of type ocpi_locations: the address of the one object that the body is or changes, "
            "locations/BE/BEC/LOC1/3256.",
        },
        {
            "in": "query",
            "name": "method",
            "schema": {"type": "string", "enum": ["PUT", "PATCH"]},
            "description": "With object: PUT, the whole of it (the default), or PATCH, what changed.",
        },
    ],
}
_PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "Safe on disk. Bad records are named in `refused`, and set aside.",
        "content": {"application/json": {}},
    },
    401: {"description": "No key, or none that is known.", **_PROBLEM},
    403: {"description": "The key is for other sources.", **_PROBLEM},
    404: {"description": "No such city or pushed source here.", **_PROBLEM},
    **body_problems(),
    415: {
        "description": "The body is compressed, or CloudEvents of another format; `taken` names what is taken.",
        **_PROBLEM,
    },
    422: {"description": "Nothing in it could be read; each record is named.", **_PROBLEM},
    429: {"description": "Too many requests; see Retry-After.", **_PROBLEM},
    503: {"description": "The spool is full, or the source is stopped; see Retry-After.", **_PROBLEM},
}
