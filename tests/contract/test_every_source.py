"""The contract of every source: one test body, run over every source that exists."""

from __future__ import annotations

import asyncio
import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Heard
from connectors.discovery import config_model, is_polled, source_module, source_types
from schemas.catalogue import load_catalogue
from schemas.errors import Fatal, Retriable
from schemas.event import Event
from schemas.kinds import load_kinds
from schemas.rows import RowCodec
from tests.contract.a_web_server import a_web_server
from tests.contract.an_example import Example, example_of, read_all

BROKEN = {
    "empty": b"",
    "blank": b"  \n",
    "html": b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>",
    "a number": b"42",
    "an empty list": b" [ ]\n",
    "null": b"null",
    "an error with status 200": b'{"error": {"code": 499, "message": "Token Required"}}',
    "bytes of nothing": b"\xff\xfe\x00\x80" * 50,
}
ASKS_THE_WEB = [name for name in source_types() if "url" in config_model(name).model_fields]


@pytest.fixture(params=source_types())
def example(request: pytest.FixtureRequest) -> Example:
    return example_of(request.param)


@pytest.fixture(params=ASKS_THE_WEB)
def web_example(request: pytest.FixtureRequest) -> Example:
    return example_of(request.param)


def closed(events: list[Any]) -> list[Any]:
    return [event for event in events if event.value and event.value.get("status") in {"closed", "retired"}]


def test_every_setting_is_described_and_nothing_else_is_taken(example: Example) -> None:
    model = config_model(example.type)
    assert all(field.description for field in model.model_fields.values())
    with pytest.raises(Fatal, match="misspelt"):
        example.source(misspelt=1)


def test_the_example_says_something_and_all_of_it_is_understood(example: Example) -> None:
    kinds = load_kinds()
    events, readings, _ = read_all(example.source(), example.heard())
    assert events
    assert not [aside for reading in readings for aside in reading.aside]
    for event in events:
        assert event.value is not None
        assert event.value["city"] == example.context.city
        assert event.value["source"] == example.context.source
        if event.topic.endswith(".incident"):  # a hub's kind is no kind of incident
            assert event.value["kind"] in kinds


def test_every_event_keeps_its_contract(example: Example) -> None:
    catalogue = load_catalogue()
    events, _, _ = read_all(example.source(), example.heard())
    for event in events:
        contract = catalogue[event.topic]
        codec = RowCodec(contract.newest)
        assert event.value is not None
        assert codec.decode(codec.encode(event.value)) == event.value
        assert event.value[contract.key] == event.key


def test_the_same_heard_again_has_the_same_ids(example: Example) -> None:
    once, _, _ = read_all(example.source(), example.heard())
    again, _, _ = read_all(example.source(), example.heard())
    assert once == again
    ids = [event.value["event_id"] for event in once if event.value is not None]
    assert len(set(ids)) == len(ids) == len(once)


def test_reading_is_pure(example: Example) -> None:
    source, place = example.source(), dict[str, Any]()
    for heard in example.heard():
        before = copy.deepcopy(place)
        assert source.read(heard, place) == source.read(heard, place)
        assert place == before
        place = dict(source.read(heard, place).place)


def test_a_place_survives_being_written_down(example: Example) -> None:
    plain, _, plain_place = read_all(example.source(), example.heard())
    written, place = list[Event](), dict[str, Any]()
    for heard in example.heard():
        reading = example.source().read(heard, place)  # a new source each time: only the place is kept
        written += reading.events
        place = json.loads(json.dumps(reading.place))
    assert written == plain
    assert place == json.loads(json.dumps(plain_place))


def test_the_first_half_then_the_rest_is_all_of_it(example: Example) -> None:
    heard = example.heard()
    whole, _, _ = read_all(example.source(), heard)
    first, _, place = read_all(example.source(), heard[: len(heard) // 2])
    rest, _, _ = read_all(example.source(), heard[len(heard) // 2 :], place)
    assert first + rest == whole


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_body_closes_nothing_and_is_kept_whole(example: Example, body: bytes) -> None:
    heard = example.heard()
    begun = heard[: max(1, len(heard) // 2)]
    _, _, place = read_all(example.source(), begun)
    at_ms = begun[-1].at_ms
    for minute in range(1, 6):
        at = None if at_ms is None else at_ms + minute * 1000
        reading = example.source().read(Heard(body, at), place)
        assert not reading.events
        assert reading.place == place
        kept = getattr(source_module(example.type), "masked", bytes)(body)  # personal data is masked
        assert [aside.original for aside in reading.aside] == (
            [] if body.split() in ([], [b"[", b"]"]) else [kept]
        )
        assert all(aside.reason for aside in reading.aside)


def test_a_failed_poll_closes_nothing_and_sets_nothing_aside(example: Example) -> None:
    heard = example.heard()
    _, _, place = read_all(example.source(), heard[:1])
    failed = replace(heard[-1], error="timed out")
    reading = example.source().read(failed, place)
    assert (list(reading.events), list(reading.aside), reading.place) == ([], [], place)


def test_half_a_body_closes_nothing(example: Example) -> None:
    heard = example.heard()
    _, _, place = read_all(example.source(), heard[:1])
    for share in (0.1, 0.5, 0.9, 0.99):
        half = replace(heard[-1], body=heard[-1].body[: int(len(heard[-1].body) * share)])
        for _ in range(3):
            reading = example.source().read(half, place)
            assert not closed(list(reading.events))
            place = reading.place


def test_no_position_is_made_of_unknown(example: Example) -> None:
    events, _, _ = read_all(example.source(), example.heard())
    for event in events:
        assert event.value is not None
        at = event.value["position"]
        assert at is None or example.context.bounds.holds(at["lat"], at["lon"])
        assert at is None or (at["lat"], at["lon"]) != (0, 0)


def test_a_polled_source_says_what_its_reader_reads(example: Example) -> None:
    source = example.source()
    if not is_polled(source) or example.type in ASKS_THE_WEB:
        return
    heard = asyncio.run(source.poll({}))
    reading = source.read(heard, {})
    assert reading.events
    assert not reading.aside
    assert not source.read(heard, reading.place).events, "the same again is nothing new"


def test_a_server_error_may_heal_and_its_wish_to_wait_is_heard(web_example: Example) -> None:
    with a_web_server() as server:
        for status in (500, 502, 503, 429, 404):
            server.status, server.headers = status, {"Retry-After": "17"}
            with pytest.raises(Retriable) as caught:
                asyncio.run(_ask_once(web_example.source(url=server.url)))
            assert caught.value.retry_after_s == 17


def test_being_refused_is_fatal(web_example: Example) -> None:
    with a_web_server() as server:
        for status in (401, 403):
            server.status = status
            with pytest.raises(Fatal):
                asyncio.run(_ask_once(web_example.source(url=f"{server.url}?key=secret")))
            with pytest.raises(Fatal) as caught:
                asyncio.run(_ask_once(web_example.source(url=f"{server.url}?key=secret")))
            assert "secret" not in str(caught.value)


def test_nobody_there_may_heal(web_example: Example) -> None:
    with pytest.raises(Retriable):
        asyncio.run(_ask_once(web_example.source(url="http://127.0.0.1:1/nobody")))


def test_an_unchanged_list_is_asked_for_by_etag_and_heard_whole(web_example: Example) -> None:
    body = web_example.heard()[0].body

    async def twice() -> tuple[Heard, Heard]:
        source = web_example.source(url=server.url)
        try:
            first = await source.poll({})
            server.status = 304
            return first, await source.poll({})
        finally:
            await source.close()

    with a_web_server() as server:
        server.body, server.headers = body, {"ETag": '"abc"'}
        first, second = asyncio.run(twice())
        assert server.requests[1]["If-None-Match"] == '"abc"'
    assert first.body == second.body == body


def test_cancelling_hangs_up(web_example: Example) -> None:
    async def cancel() -> None:
        source = web_example.source(url=server.url)
        poll = asyncio.create_task(source.poll({}))
        assert await asyncio.to_thread(server.asked.wait, 5)
        poll.cancel()
        with pytest.raises(asyncio.CancelledError):
            await poll
        assert await asyncio.to_thread(server.left.wait, 5), "the connection stayed open"
        await source.close()

    with a_web_server() as server:
        server.hangs = True
        asyncio.run(cancel())


async def _ask_once(source: Any) -> Heard:
    try:
        heard: Heard = await source.poll({})
        return heard
    finally:
        await source.close()
