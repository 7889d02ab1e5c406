"""A match whose loop hangs ends its worker, so that it is started again."""

from __future__ import annotations

import asyncio
import socket

import pytest

from schemas.errors import Fatal
from schemas.registry import Registry
from schemas.wire import Wire
from streams.match.core.config import MatchConfig
from streams.match.worker.loop import MatchLoop
from streams.match.worker.reader import Reader
from streams.match.worker.service import MatchService


@pytest.fixture
def mute_kafka() -> str:
    """A port that accepts connections and never responds, until the process ends. The client outlives the test by its
    own timeout, and a closed port would fill the output with errors."""
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    listener.detach()
    return f"{host}:{port}"


def nothing_to_open(_group: str) -> Reader:
    raise AssertionError("Kafka answered")


def test_a_loop_that_waits_for_kafka_beyond_all_measure_is_given_up(mute_kafka: str) -> None:
    loop = MatchLoop(
        "town",
        MatchConfig.model_validate({}),
        bootstrap=mute_kafka,
        wire=Wire(Registry(f"http://{mute_kafka}")),
        name="town.match.test",
        open_reader=nothing_to_open,
    )
    with pytest.raises(Fatal, match="stuck"):
        asyncio.run(MatchService(loop, stuck_s=0.2).run())
    loop.stop()
