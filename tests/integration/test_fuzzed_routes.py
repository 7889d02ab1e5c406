"""The gateway that is fuzzed has the routes of the gateway that cities run: none is left out unnoticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI

from deploy.assembly.gateway import CityGateway
from deploy.platform import Platform
from deploy.settings import Endpoints
from schemas.registry import Registry
from schemas.wire import Wire
from tests.unit.gateway.a_subscribed_city import city_in
from tests.unit.gateway.a_whole_city import a_whole_city

NOT_FUZZED = {("get", "/v1/{city}/events")}
"""A stream never ends, and a fuzzer waits for the end; tests/integration/test_many_streams.py is for it."""


def described(app: FastAPI) -> dict[tuple[str, str], Any]:
    paths: dict[str, dict[str, Any]] = app.openapi()["paths"]
    return {(method, path): about for path, item in paths.items() for method, about in item.items()}


def test_each_route_of_a_citys_gateway_is_fuzzed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "home"))
    nowhere = "127.0.0.1:1"
    platform = Platform(
        Endpoints(kafka=nowhere, registry=f"http://{nowhere}", redis=f"redis://{nowhere}"),
        Wire(Registry(f"http://{nowhere}")),
    )
    run = CityGateway(city_in(tmp_path), platform)
    theirs = described(cast("FastAPI", run._server.config.app))
    (tmp_path / "fuzzed").mkdir()
    with a_whole_city(tmp_path / "fuzzed") as city:
        fuzzed = described(city.here.app)
    assert set(theirs) - set(fuzzed) == NOT_FUZZED
    for operation, about in fuzzed.items():
        assert about.get("parameters") == theirs[operation].get("parameters"), operation
        assert set(about["responses"]) == set(theirs[operation]["responses"]), operation
