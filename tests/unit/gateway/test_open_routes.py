"""Access without a key: one list, held against all routes that the application has and all that its OpenAPI names."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from connectors.gateway import subscriptions
from connectors.gateway.app import app_of
from tests.unit.gateway.a_reading_city import Reader, a_reading_city

OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/v1/{city}/tickets/check"),
    ("GET", "/v1/{city}/cap"),
    ("GET", "/v1/{city}/cap/{identifier}.xml"),
    ("POST", "/console/api/session"),
    ("GET", "/console/oidc/login"),
    ("GET", "/console/oidc/callback"),
}
"""All that is answered without a key. Each of these shows only what is public, checks a ticket of its own, or signs in."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SAMPLES = {"city": "springfield"}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with a_reading_city(tmp_path) as made:
        subscriptions.add(made.here.app, made.here.gateway, None)  # type: ignore[arg-type]  # no key comes so far
        yield made


def operations(app: FastAPI) -> set[tuple[str, str]]:
    """(method, path) of every route, every route under a mount, and every operation that OpenAPI names."""
    named = {
        (method.upper(), path)
        for path, item in app.openapi()["paths"].items()
        for method in item
        if method.upper() in METHODS
    }
    return named | set(_of_routes(app.routes, ""))


def _of_routes(routes: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for one in routes:
        if isinstance(one, Mount):
            if not one.routes:  # an application of its own: nothing of it can be listed
                yield from ((method, f"{prefix}{one.path}/anything") for method in METHODS)
            yield from _of_routes(one.routes or (), prefix + one.path)
        elif isinstance(one, Route | APIRoute):
            methods = METHODS if one.methods is None else sorted(one.methods - {"HEAD", "OPTIONS"})
            yield from ((method, prefix + re.sub(r":\w+}", "}", one.path)) for method in methods)
        else:
            pytest.fail(f"a route of a kind that this test does not know: {one!r}")


def answered_without_a_key(reader: Reader) -> dict[tuple[str, str], int]:
    """(method, path) → status, of every route that is not on the list and does not answer 401."""
    found = {}
    for method, path in sorted(operations(reader.here.app) - OPEN):
        asked = re.sub(r"{(\w+)}", lambda it: SAMPLES.get(it[1], "x"), path)
        answer = asyncio.run(reader.ask(method, asked, {"x-forwarded-for": "203.0.113.7"}))
        if answer.status_code != 401:
            found[method, path] = answer.status_code
    return found


def test_without_a_key_nothing_is_answered_but_what_is_on_the_list(reader: Reader) -> None:
    assert answered_without_a_key(reader) == {}
    assert ("GET", "/v1/{city}/situations/{situation_id}") in operations(reader.here.app)
    assert ("POST", "/v1/{city}/subscriptions/{name}/rotate") in operations(reader.here.app)


def test_a_new_open_route_is_found_wherever_it_stands(reader: Reader) -> None:
    def hello(_request: Any = None) -> Response:
        return Response("hello")

    reader.here.app = app = app_of(reader.here.gateway)
    app.add_api_route("/v1/{city}/extra", hello, include_in_schema=False)
    app.router.routes.append(Mount("/inner", routes=[Route("/page", hello, methods=["POST"])]))
    app.router.routes.append(Mount("/whole", app=Response("all")))
    found = answered_without_a_key(reader)
    assert found[("GET", "/v1/{city}/extra")] == 200
    assert found[("POST", "/inner/page")] == 200
    assert found[("GET", "/whole/anything")] == 200
    app.router.routes.append(BaseRoute())
    with pytest.raises(pytest.fail.Exception, match="does not know"):
        operations(app)


def test_an_open_route_answers_without_a_key(reader: Reader) -> None:
    for method, path in sorted(operations(reader.here.app) & OPEN):
        asked = re.sub(r"{(\w+)}", lambda it: SAMPLES.get(it[1], "x"), path)
        answer = asyncio.run(reader.ask(method, asked, {}))
        is_the_tickets = path.endswith("/tickets/check")  # it refuses for want of a ticket
        assert answer.status_code != 401 or is_the_tickets, path
