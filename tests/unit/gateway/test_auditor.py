"""An auditor reads and changes nothing: every route that changes something refuses, whatever it is for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.gateway import subscriptions
from tests.unit.gateway.a_reading_city import Reader, a_reading_city
from tests.unit.gateway.test_open_routes import OPEN, SAMPLES, operations
from tests.unit.gateway.test_sessions import PATH, ask, sign_in

WORD = "an auditor's account changes nothing"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with a_reading_city(tmp_path) as made:
        subscriptions.add(made.here.app, made.here.gateway, None)  # type: ignore[arg-type]  # nobody gets so far
        yield made


def changing(reader: Reader) -> list[tuple[str, str]]:
    """Every operation that changes something, but those of the session itself."""
    return [
        (method, path)
        for method, path in sorted(operations(reader.here.app) - OPEN)
        if method != "GET" and path != PATH
    ]


def refusals(reader: Reader, role: str) -> set[tuple[str, str]]:
    found = set()
    for method, path in changing(reader):
        asked = re.sub(r"{(\w+)}", lambda it: SAMPLES.get(it[1], "x"), path)
        answer = asyncio.run(reader.ask(method, asked, {"authorization": f"Bearer {reader.keys[role]}"}))
        if answer.status_code == 403 and answer.json()["detail"] == WORD:
            found.add((method, path))
    return found


def test_an_auditor_is_refused_by_every_route_that_changes_something(reader: Reader) -> None:
    assert ("POST", "/v1/{city}/situations/{situation_id}/actions") in changing(reader)
    assert ("POST", "/v1/{city}/subscriptions/{name}/rotate") in changing(reader)
    assert refusals(reader, "auditor") == set(changing(reader))
    reader.here.gateway.accounts.forget(reader.keys["auditor"].split("_")[1])
    assert refusals(reader, "auditor") == set()


def test_an_auditor_reads_what_a_viewer_reads_and_signs_in_and_out(reader: Reader) -> None:
    reader.city.put("core.situation", situation_id="s")
    assert reader.ids("situations", role="auditor") == reader.ids("situations", role="viewer") == ["s"]
    told, cookie = sign_in(reader, "auditor")
    assert (told["account"]["role"], told["account"]["may"]["act"]) == ("auditor", [])
    assert told["account"]["may"]["audit"] is True
    assert ask(reader, "DELETE", PATH, cookie=cookie, x_bongsu_csrf=told["csrf"]).status_code == 204
