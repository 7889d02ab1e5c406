"""Checks of sources that ask a web server: its errors, its ``ETag``, and the end of a poll. They ask one on loopback."""

from __future__ import annotations

import asyncio
from typing import Any

from connectors.base import Heard
from connectors.contract_suite.example import Example
from connectors.contract_suite.reading import held
from connectors.contract_suite.web_server import a_web_server
from schemas.errors import BongsuError, Fatal, Retriable

NOBODY = "http://127.0.0.1:1/nobody"


async def _ask_once(source: Any) -> Heard:
    try:
        heard: Heard = await source.poll({})
        return heard
    finally:
        await source.close()


def _answer(example: Example, url: str) -> BongsuError | None:
    """The error of one poll of *url*; ``None`` where it raises none. Any other exception is the source's fault."""
    try:
        asyncio.run(_ask_once(example.source(url=url)))
    except BongsuError as error:
        return error
    return None


def a_server_error_may_heal(example: Example) -> None:
    with a_web_server() as server:
        for status in (500, 502, 503, 429, 404):
            server.status, server.headers = status, {"Retry-After": "17"}
            error = _answer(example, server.url)
            held(isinstance(error, Retriable), f"status {status} raises no Retriable")
            waits = getattr(error, "retry_after_s", None)
            held(waits == 17, f"status {status}: Retry-After: 17 is not in its retry_after_s")


def being_refused_is_fatal(example: Example) -> None:
    with a_web_server() as server:
        for status in (401, 403):
            server.status = status
            for _ in range(2):
                error = _answer(example, f"{server.url}?key=secret")
                held(isinstance(error, Fatal), f"status {status} raises no Fatal")
                held("secret" not in str(error), "the error repeats the key in the address")


def nobody_there_may_heal(example: Example) -> None:
    held(isinstance(_answer(example, NOBODY), Retriable), "no server there raises no Retriable")


def an_unchanged_list_is_heard_whole(example: Example) -> None:
    body = example.heard()[0].body

    async def twice() -> tuple[Heard, Heard]:
        source = example.source(url=server.url)
        try:
            first = await source.poll({})
            server.status = 304
            return first, await source.poll({})
        finally:
            await source.close()

    with a_web_server() as server:
        server.body, server.headers = body, {"ETag": '"abc"'}
        first, second = asyncio.run(twice())
        held(len(server.requests) > 1, "the second poll asks nobody")
        held(server.requests[1].get("If-None-Match") == '"abc"', "the second poll does not send the ETag")
    held(first.body == body, "the body is not heard as it was sent")
    held(second.body == body, "after 304 the body is not the one that was heard before")


def cancelling_hangs_up(example: Example) -> None:
    async def cancel() -> None:
        source = example.source(url=server.url)
        poll = asyncio.create_task(source.poll({}))
        held(await asyncio.to_thread(server.asked.wait, 5), "the poll asks nobody")
        poll.cancel()
        try:
            await poll
        except asyncio.CancelledError:
            pass
        else:
            held(False, "a cancelled poll ends as if nothing had happened")
        held(await asyncio.to_thread(server.left.wait, 5), "the connection stays open")
        await source.close()

    with a_web_server() as server:
        server.hangs = True
        asyncio.run(cancel())
