"""One feed of a system that fails silences itself alone: the others are heard, and it is tried again."""

from __future__ import annotations

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, SourceContext
from connectors.discovery import load_source
from connectors.transport import feeds
from connectors.transport.feeds import BACK_OFF_FIRST_S, BACK_OFF_MAX_S, Feeds, after
from connectors.transport.web_page import WebPage
from schemas.errors import Fatal, Retriable
from tests.contract.a_web_server import Told, a_web_server

CITY = SourceContext("springfield", "bikes", ZoneInfo("America/Chicago"), Bounds(29.4, -95.95, 30.2, -94.95))
NOON_S = 1_772_971_200
STATION = {"station_id": "h1", "name": "Harbor", "lat": 29.75, "lon": -95.36}
STATUS = {"station_id": "h1", "num_bikes_available": 2, "num_docks_available": 3, "is_installed": 1,
          "is_renting": 1, "is_returning": 1, "last_reported": NOON_S}  # fmt: skip
BIKE = {"bike_id": "b1", "lat": 29.76, "lon": -95.37, "is_reserved": 0, "is_disabled": 0}


def a_feed(**data: Any) -> bytes:
    return orjson.dumps({"last_updated": NOON_S, "ttl": 60, "data": data})


def a_system(server: Told, **elsewhere: str) -> str:
    """A discovery file and three feeds; *elsewhere*: feed → its address."""
    root = server.url.removesuffix("/list")
    names = ("station_information", "station_status", "free_bike_status")
    named = [{"name": name, "url": elsewhere.get(name, f"{root}/{name}")} for name in names]
    server.pages = {
        "/gbfs.json": a_feed(en={"feeds": named}),
        "/station_information": a_feed(stations=[STATION]),
        "/station_status": a_feed(stations=[STATUS]),
        "/free_bike_status": a_feed(bikes=[BIKE]),
    }
    return f"{root}/gbfs.json"


async def poll(url: str, **settings: Any) -> tuple[Any, Heard]:
    source: Any = load_source("gbfs", CITY, {"url": url, **settings})
    try:
        return source, await source.poll({})
    finally:
        await source.close()


@pytest.mark.parametrize("status", [403, 401, 404, 429, 500, 503])
def test_a_feed_that_fails_is_noted_and_the_others_are_heard(status: int) -> None:
    with a_web_server() as server:
        url = a_system(server)
        server.statuses["/free_bike_status"] = status
        source, heard = asyncio.run(poll(url))
    reading = source.read(heard, {})
    assert [event.topic for event in reading.events] == ["mobility.hub"]
    (noted,) = reading.noted
    assert noted.startswith("not heard: free_bike_status: ")
    assert str(status) in noted
    assert reading.aside == []


def test_a_feed_that_hangs_or_has_no_address_is_noted_and_the_others_are_heard() -> None:
    with a_web_server() as server, a_web_server() as other:
        other.hangs = True
        url = a_system(server, free_bike_status=other.url, station_information="http://[1")
        source, heard = asyncio.run(poll(url, timeout_s=1.5))
    reading = source.read(heard, {})
    assert [event.topic for event in reading.events] == ["mobility.hub"]
    assert [one.partition(":")[0] for one in heard.missing] == ["station_information", "free_bike_status"]


class Dripping:
    """A page that never ends, unless it is the good one."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def get(self) -> Heard:
        if self.url != "good":
            await asyncio.Event().wait()
        return Heard(b"{}", 0)

    async def close(self) -> None:
        """Nothing is open."""


def test_a_feed_that_drips_is_left_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "FEED_S_MAX", 0.05)
    system = Feeds(Dripping)  # type: ignore[arg-type]  # it has what Feeds asks of a page
    bodies, missing = asyncio.run(system.ask({"good": "good", "bad": "bad"}))
    assert bodies == {"good": b"{}"}
    assert missing == ("bad: no whole answer within 0 s",)


def test_a_feed_without_content_is_no_fault() -> None:
    with a_web_server() as server:
        url = a_system(server)
        server.statuses["/free_bike_status"], server.pages["/free_bike_status"] = 204, b""
        source, heard = asyncio.run(poll(url))
    reading = source.read(heard, {})
    assert len(reading.events) == 1
    assert (reading.aside, reading.noted) == ([], {})


@pytest.mark.parametrize(("statuses", "error"), [((500, 403, 404), Retriable), ((403, 403, 403), Fatal)])
def test_where_no_feed_is_heard_the_poll_fails(statuses: tuple[int, ...], error: type[Exception]) -> None:
    with a_web_server() as server:
        url = a_system(server)
        names = ("/station_information", "/station_status", "/free_bike_status")
        server.statuses.update(zip(names, statuses, strict=True))
        with pytest.raises(error):
            asyncio.run(poll(url))


def test_a_feed_that_failed_is_left_alone_for_a_while_and_then_asked_again() -> None:
    now_s = [0.0]
    seen: list[tuple[int, int]] = []

    async def story(root: str) -> None:
        system = Feeds(lambda url: WebPage(url, timeout_s=5), now_s=lambda: now_s[0])
        for at_s in (
            0.0,
            BACK_OFF_FIRST_S - 1,
            BACK_OFF_FIRST_S,
            2 * BACK_OFF_FIRST_S,
            3 * BACK_OFF_FIRST_S,
            46.0,
        ):
            now_s[0] = at_s
            if at_s == 3 * BACK_OFF_FIRST_S:
                server.statuses.clear()
            _, missing = await system.ask({"good": f"{root}/good", "bad": f"{root}/bad"})
            seen.append((server.paths.count("/bad"), len(missing)))
        await system.close()

    with a_web_server() as server:
        server.statuses["/bad"] = 404
        asyncio.run(story(server.url.removesuffix("/list")))
    assert seen == [(1, 1), (1, 1), (2, 1), (2, 1), (3, 0), (4, 0)]
    assert server.paths.count("/good") == 6


def test_the_wait_doubles_up_to_its_bound_and_heeds_retry_after() -> None:
    failure, waits = None, []
    for _ in range(9):
        failure = after(Retriable("it answered 500"), failure, now_s=100.0)
        waits.append(failure.until_s - 100)
    assert waits[:3] == [15, 30, 60]
    assert waits[-1] == BACK_OFF_MAX_S
    assert after(Retriable("429", retry_after_s=40), None, now_s=0.0).until_s == 40
