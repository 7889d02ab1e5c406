"""Ways out of a city: a command, a path or a socket that the law of missing persons was not tried on is found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.responses import Response
from starlette.routing import WebSocketRoute

from tests.law_ways import KNOWN_PATHS, LONG, SHOW_NO_EVENT, TRIED, UNDESCRIBED, commands
from tests.unit.gateway.a_reading_city import Reader
from tests.unit.gateway.a_whole_city import a_whole_city
from tests.unit.gateway.test_open_routes import operations


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with a_whole_city(tmp_path_factory.mktemp("ways")) as made:
        yield made


def unknown(whole: Reader) -> set[str]:
    """The paths on which nobody tried the law."""
    return {path for _, path in operations(whole.here.app)} - KNOWN_PATHS - {*UNDESCRIBED}


def test_a_command_that_nobody_looked_at_is_found() -> None:
    assert set(commands()) == {*TRIED, *SHOW_NO_EVENT}


def test_every_path_is_known_and_none_is_a_socket(whole: Reader) -> None:
    assert unknown(whole) == set()
    known = {path for _, path in operations(whole.here.app)}
    assert KNOWN_PATHS - known == {LONG}, (
        "the stream of events is the one path that a whole city has not in memory"
    )
    assert not [one for one in whole.here.app.routes if isinstance(one, WebSocketRoute)]


def test_a_new_path_is_found(whole: Reader) -> None:
    @whole.here.app.get("/v1/{city}/people-seen")
    async def seen(city: str) -> Response:
        return Response(city)

    assert unknown(whole) == {"/v1/{city}/people-seen"}
