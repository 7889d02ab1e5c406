"""A path that reads a body says in OpenAPI with which statuses a body alone is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.unit.gateway.a_whole_city import a_whole_city

BODIES = {
    "/v1/springfield/sources/reports": "publisher",
    "/v1/springfield/situations/s-1/actions": "operator",
    "/v1/springfield/bookings/r-1/assign": "operator",
    "/v1/springfield/surplus": "operator",
    "/v1/springfield/closures": "operator",
    "/v1/springfield/cases": "operator",
    "/v1/springfield/subscriptions": "no-purpose",
    "/console/api/session": "viewer",
}


def test_an_empty_body_is_refused_with_a_status_that_is_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "home"))
    with a_whole_city(tmp_path) as city:
        described = city.here.app.openapi()["paths"]
        with_body = {path for path, item in described.items() if "requestBody" in item.get("post", {})}
        seen = set()
        for path, role in BODIES.items():
            sent = {"authorization": f"Bearer {city.keys[role]}", "content-type": "application/json"}
            answer = asyncio.run(city.ask("POST", path, sent))
            assert (answer.status_code, answer.json()["detail"]) == (400, "the body is empty"), path
            seen |= {one for one in with_body if one.split("/")[3] == path.split("/")[3]}
    assert seen == with_body
    for path in with_body:
        assert {"400", "408", "413"} <= set(described[path]["post"]["responses"]), path
