"""The gateway's state: ``/healthz``, ``/readyz`` and ``/metrics``.

Without a key all may see whether the gateway is ready, and nobody why: reasons and metrics tell of sources and of what
waits. They are for callers on this machine and for those with a key.
"""

from __future__ import annotations

import orjson
from fastapi import FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.connections import VISITOR
from connectors.gateway.problems import Problem
from connectors.gateway.readiness import readiness
from connectors.gateway.service import Gateway
from connectors.transport.callers import is_forwarded, is_loopback


def add(app: FastAPI, gateway: Gateway) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return Response("ok\n", media_type="text/plain")

    @app.get("/readyz", include_in_schema=False)
    async def readyz(request: Request) -> Response:
        status, told = readiness(gateway)
        try:
            is_told_why = is_local(gateway, request) or gateway.is_named(request)
            if is_told_why and not is_local(gateway, request):
                gateway.account_of(request)
        except Problem as problem:
            return problem.answer()
        shown = told if is_told_why else {"ready": told["ready"]}
        return Response(orjson.dumps(shown), status, media_type="application/json")

    @app.get("/metrics", include_in_schema=False)
    async def prometheus(request: Request) -> Response:
        try:
            if not is_local(gateway, request):
                gateway.account_of(request)
        except Problem as problem:
            return problem.answer()
        _show(gateway)
        page = metrics.page(with_process=not gateway.is_beside)
        return Response(page, media_type=CONTENT_TYPE_LATEST)


def _show(gateway: Gateway) -> None:
    """Set the gauges of the spool; a spool that cannot be read shows in ``bongsu_gateway_ready`` alone."""
    status, told = readiness(gateway)
    metrics.is_ready.set(status == 200)
    metrics.spool_bytes_max.set(gateway.spool.bytes_max)
    metrics.spool_room.set(told["room_bytes"])
    for name, waits in told["sources"].items():
        metrics.waiting.labels(name).set(waits["pushes"])
        metrics.waiting_bytes.labels(name).set(waits["bytes"])
        metrics.waiting_age.labels(name).set(waits["age_s"])


def is_local(gateway: Gateway, request: Request) -> bool:
    """Whether the caller is on this machine: by the connection's own address, not by one that a proxy names."""
    visitor = request.scope.get("state", {}).get(VISITOR)
    client = "" if request.client is None else request.client.host
    peer = client if visitor is None else visitor.address
    return is_loopback(peer) and not gateway.is_proxy(peer) and not is_forwarded(request.headers)
