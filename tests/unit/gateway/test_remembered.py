"""Repeats of a request with an Idempotency-Key: done once, whatever comes meanwhile."""

from __future__ import annotations

import asyncio

import pytest
from starlette.responses import Response

from connectors.gateway.problems import Problem
from connectors.gateway.remembered import Remembered


def test_a_repeat_of_one_under_way_is_refused_and_then_gets_its_answer() -> None:
    async def go() -> None:
        done, count = asyncio.Event(), 0
        remembered = Remembered(lambda: 0.0)

        async def work() -> Response:
            nonlocal count
            count += 1
            await done.wait()
            return Response(b"made")

        first = asyncio.create_task(remembered.once("a", "POST /x", "k", b"1", work))
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await remembered.once("a", "POST /x", "k", b"1", work)
        assert refused.value.status == 503
        done.set()
        answer = await first
        assert await remembered.once("a", "POST /x", "k", b"1", work) is answer
        assert await remembered.once("b", "POST /x", "k", b"1", work) is not answer
        assert count == 2

    asyncio.run(go())


def test_what_failed_may_be_tried_again_and_answers_are_bounded() -> None:
    async def go() -> None:
        remembered = Remembered(lambda: 0.0, answers_max=2)

        async def fails() -> Response:
            raise Problem(503, "away")

        async def works() -> Response:
            return Response(b"made")

        with pytest.raises(Problem):
            await remembered.once("a", "r", "k", b"", fails)
        first = await remembered.once("a", "r", "k", b"", works)
        assert await remembered.once("a", "r", "k", b"", works) is first
        await remembered.once("a", "r", "k2", b"", works)
        await remembered.once("a", "r", "k3", b"", works)
        assert await remembered.once("a", "r", "k", b"", works) is not first

    asyncio.run(go())
