"""Schemathesis against the gateway's own description, with a key of each role: no undocumented status, form or header."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

from tests.fuzzed_gateway import fuzz, serving
from tests.unit.gateway.a_reading_city import ROLES, Reader
from tests.unit.gateway.a_whole_city import a_whole_city

READS = "/(situations|alerts|grants|cameras)"
ALL_PHASES = "examples,coverage,fuzzing,stateful"
SEED = random.randrange(2**31)


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "home"))
    with a_whole_city(tmp_path) as made:
        for contract in ("core.situation", "core.alert", "core.grant"):
            made.city.put(contract, agencies=["119"], audience="119", granted_to="119")
        yield made


def test_few_examples_of_each_reading_operation_are_answered_as_described(
    reader: Reader, tmp_path: Path
) -> None:
    with serving(reader) as url:
        done = fuzz(
            url,
            reader,
            "with-purpose",
            seed=SEED,
            examples=1,
            folder=tmp_path,
            phases="fuzzing",
            only=READS,
        )
    assert done.returncode == 0, f"seed {SEED}\n{done.stdout}\n{done.stderr}"


def test_a_planted_wrong_status_is_found(reader: Reader, tmp_path: Path) -> None:
    @reader.here.app.middleware("http")
    async def teapot(request: Request, call_next: RequestResponseEndpoint) -> Response:
        if "/grants" in request.url.path:
            return Response("short and stout", 418)
        return await call_next(request)

    with serving(reader) as url:
        done = fuzz(
            url, reader, "with-purpose", seed=1, examples=1, folder=tmp_path, phases="fuzzing", only="/grants"
        )
    assert done.returncode == 1, done.stdout
    assert "418" in done.stdout


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
def test_200_examples_of_every_operation_in_all_phases(reader: Reader, tmp_path: Path, role: str) -> None:
    print(f"seed {SEED}")  # noqa: T201 - to run it again
    with serving(reader) as url:
        done = fuzz(url, reader, role, seed=SEED, examples=200, folder=tmp_path, phases=ALL_PHASES)
    assert done.returncode == 0, f"seed {SEED}\n{done.stdout}\n{done.stderr}"
