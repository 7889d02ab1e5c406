"""Another method than a path takes: 405, with all that it takes in ``Allow``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.unit.gateway.a_whole_city import a_whole_city


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("subscriptions", "GET, POST"),
        ("subscriptions/desk", "DELETE, GET"),
        ("subscriptions/desk/pause", "POST"),
        ("situations", "GET"),
        ("grants/g-1/access", "POST"),
    ],
)
def test_the_answer_names_every_method_of_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, allowed: str
) -> None:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "home"))
    with a_whole_city(tmp_path) as city:
        answer = asyncio.run(city.ask("PATCH", f"/v1/springfield/{path}", {}))
    assert (answer.status_code, answer.headers.get_list("allow")) == (405, [allowed])
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_path_that_is_not_there_is_404_and_allows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "home"))
    with a_whole_city(tmp_path) as city:
        answer = asyncio.run(city.ask("PATCH", "/v1/springfield/nowhere", {}))
    assert (answer.status_code, "allow" in answer.headers) == (404, False)
