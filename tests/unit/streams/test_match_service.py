"""A match that no longer turns ends its worker, so that it is started again."""

from __future__ import annotations

import asyncio

import pytest

from schemas.errors import Fatal
from schemas.registry import Registry
from schemas.wire import Wire
from streams.match.config import MatchConfig
from streams.matching.loop import MatchLoop
from streams.matching.reader import Reader
from streams.matching.service import MatchService

NOBODY = "127.0.0.1:9"


def nothing_to_open(_group: str) -> Reader:
    raise AssertionError("Kafka answered")


def test_a_loop_that_waits_for_kafka_beyond_all_measure_is_given_up() -> None:
    loop = MatchLoop(
        "town",
        MatchConfig.model_validate({}),
        bootstrap=NOBODY,
        wire=Wire(Registry(f"http://{NOBODY}")),
        name="town.match.test",
        open_reader=nothing_to_open,
    )
    with pytest.raises(Fatal, match="stuck"):
        asyncio.run(MatchService(loop, stuck_s=0.2).run())
    loop.stop()
