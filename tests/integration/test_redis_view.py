"""The live view's four structures in Redis equal the fold of what it was told, whatever it was told and in what order."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NotThere

from connectors.sinks.redis_view import RedisView
from deploy.assembly.stages import free_port
from deploy.local.redis import find_redis
from schemas.catalogue import load_catalogue
from schemas.errors import Retriable
from schemas.event import Event
from schemas.json_form import from_json_value, to_json_value

SITUATION = load_catalogue()["core.situation"]
SEOUL, BUSAN = (37.5, 127.0), (35.1, 129.0)
STARTS_S = 10.0


@contextmanager
def a_redis(*, has_port: bool = False) -> Iterator[str]:
    """A Redis of our own, without a disk; its URL. It has a socket, or a port of loopback."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        socket, port = Path(folder) / "s", free_port() if has_port else 0
        url = f"redis://127.0.0.1:{port}" if has_port else f"unix://{socket}"
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        options += [] if has_port else ["--unixsocket", str(socket)]
        process = subprocess.Popen([find_redis(), *options, "--dir", folder], stdout=subprocess.DEVNULL)
        try:
            _wait_for(url)
            yield url
        finally:
            process.terminate()
            process.wait(STARTS_S)


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with a_redis() as url:
        yield url


def _wait_for(url: str) -> None:
    until = time.monotonic() + STARTS_S
    while True:
        try:
            with Redis.from_url(url) as one:
                one.ping()
        except NotThere:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


@pytest.fixture
def redis(redis_url: str) -> Iterator[Any]:
    with Redis.from_url(redis_url, decode_responses=True) as one:
        one.flushall()
        yield one


def a_situation(
    its_id: str,
    *,
    kind: str = "fire",
    status: str = "open",
    at: tuple[float, float] | None = SEOUL,
    revision: int = 1,
) -> Event:
    shown = json.loads((SITUATION.folder / "examples" / "typical.json").read_text(encoding="utf-8"))
    position = None if at is None else {"lat": at[0], "lon": at[1], "accuracy_m": None}
    value = from_json_value(SITUATION.newest, shown)
    more = {
        "situation_id": its_id,
        "kind": kind,
        "status": status,
        "position": position,
        "revision": revision,
    }
    return Event("core.situation", its_id, value | more)


def tell(url: str, *batches: list[Event]) -> None:
    async def told() -> None:
        view = RedisView(url, "moie")
        for batch in batches:
            await view.deliver(batch)
        await view.close()

    asyncio.run(told())


def shown(redis: Any) -> dict[str, Any]:
    """The view's contents: values, kinds, and places to three decimals."""
    keys = sorted(redis.keys("bongsu:moie:*"))
    values = {key.rpartition(":")[2]: json.loads(redis.get(key)) for key in keys if ":situation:" in key}
    kinds = {key.rpartition(":")[2]: redis.smembers(key) for key in keys if ":kind:" in key}
    placed = redis.zrange("bongsu:moie:open", 0, -1)
    places = {one: redis.geopos("bongsu:moie:open", one)[0] for one in placed}
    return {
        "values": values,
        "kinds": kinds,
        "places": {one: (round(lat, 3), round(lon, 3)) for one, (lon, lat) in places.items()},
    }


IDENTIFYING = ("acknowledged_by", "taken_by", "reason")
IDENTIFYING_OF_ACTIONS = ("account_id", "reason")
"""Fields of a situation that identify somebody, written apart from the catalogue."""


def without_persons(value: dict[str, Any]) -> dict[str, Any]:
    """*value*, a situation as JSON, as the view has it."""
    actions = [{**one, **dict.fromkeys(IDENTIFYING_OF_ACTIONS)} for one in value["actions"]]
    incidents = [{**one, "address": None} for one in value["incidents"]]
    return {**value, **dict.fromkeys(IDENTIFYING), "actions": actions, "incidents": incidents}


def fold(events: list[Event]) -> dict[str, Any]:
    """The same, of the log alone."""
    newest = {event.key: event.value for event in events if event.value is not None}
    is_open = {one: value for one, value in newest.items() if value["status"] != "closed"}
    kinds: dict[str, set[str]] = {}
    for one, value in is_open.items():
        kinds.setdefault(value["kind"], set()).add(one)
    at = {one: value["position"] for one, value in is_open.items() if value["position"] is not None}
    return {
        "values": {one: without_persons(to_json_value(SITUATION.newest, v)) for one, v in is_open.items()},
        "kinds": kinds,
        "places": {
            one: (round(p["lat"], 3), round(p["lon"], 3)) for one, p in at.items() if abs(p["lat"]) < 85
        },
    }


LIFE = [
    a_situation("s1"),
    a_situation("s2", kind="crash", at=BUSAN),
    a_situation("s3", at=None),
    a_situation("s1", kind="fire.building", at=BUSAN, revision=2),
    a_situation("s4", at=(86.0, 10.0)),
    a_situation("s2", kind="crash", status="closed", at=BUSAN, revision=2),
    a_situation("s3", at=SEOUL, revision=2),
    a_situation("s5", kind="crash"),
    a_situation("s5", kind="crash", status="closed", revision=2),
    a_situation("s1", kind="fire.building", at=None, revision=3),
    a_situation("s2", kind="crash", at=SEOUL, revision=3),
    a_situation("s3", status="closed", revision=3),
]
"""Two of one kind, changes of kind, a place gained, moved and lost, one beyond Redis' map, closed and opened again."""


@pytest.mark.parametrize("size", [1, 2, 5, len(LIFE)])
def test_values_kinds_and_places_equal_the_fold_after_every_batch(
    redis: Any, redis_url: str, size: int
) -> None:
    for end in range(size, len(LIFE) + size, size):
        tell(redis_url, LIFE[end - size : end])
        assert shown(redis) == fold(LIFE[:end])


def test_one_that_closes_while_the_view_lives_leaves_nothing_behind(redis: Any, redis_url: str) -> None:
    tell(redis_url, [a_situation("s1")])
    assert len(redis.keys("*")) == 3
    tell(redis_url, [a_situation("s1", status="closed", revision=2)])
    assert redis.keys("*") == []


def test_every_revision_is_told_to_who_listens_the_closing_too(redis: Any, redis_url: str) -> None:
    with redis.pubsub() as listener:
        listener.subscribe("bongsu:moie:events")
        assert listener.get_message(timeout=STARTS_S)["type"] == "subscribe"
        tell(redis_url, LIFE[:5], LIFE[5:])
        heard = [json.loads(listener.get_message(timeout=STARTS_S)["data"]) for _ in LIFE]
        assert listener.get_message(timeout=0.05) is None
    assert heard == [without_persons(to_json_value(SITUATION.newest, event.value or {})) for event in LIFE]


def test_nothing_that_identifies_somebody_is_in_it_unless_the_city_says_so(
    redis: Any, redis_url: str
) -> None:
    whole = to_json_value(SITUATION.newest, a_situation("s1").value or {})
    assert whole["actions"]
    assert without_persons(whole) != whole  # the example names somebody
    tell(redis_url, [a_situation("s1")])
    assert json.loads(redis.get("bongsu:moie:situation:s1")) == without_persons(whole)

    async def told_whole() -> None:
        view = RedisView(redis_url, "moie", identifying=True)
        await view.deliver([a_situation("s1")])
        await view.close()

    asyncio.run(told_whole())
    assert json.loads(redis.get("bongsu:moie:situation:s1")) == whole


def test_emptying_takes_one_citys_view_and_no_other(redis: Any, redis_url: str) -> None:
    async def emptied() -> None:
        view = RedisView(redis_url, "moie")
        await view.deliver(LIFE[:3])
        await view.mark(7, anew=True)
        await view.empty()
        assert await view.marked() is None
        await view.mark(8)
        assert await view.marked() is None, "a mark is moved only where one still stands"
        await view.close()

    redis.set("bongsu:moie2:view", 3)
    asyncio.run(emptied())
    assert redis.keys("*") == ["bongsu:moie2:view"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda view: view.deliver(LIFE[:1]),
        lambda view: view.empty(),
        lambda view: view.mark(7),
        lambda view: view.marked(),
    ],
    ids=["deliver", "empty", "mark", "marked"],
)
def test_a_redis_that_is_away_is_tried_again(tmp_path: Path, ask: Any) -> None:
    async def asked() -> None:
        view = RedisView(f"unix://{tmp_path}/nobody", "moie")
        try:
            await ask(view)
        finally:
            await view.close()

    with pytest.raises(Retriable, match="Redis: ConnectionError"):
        asyncio.run(asked())


def test_a_batch_is_seen_whole_or_not_at_all(redis: Any, redis_url: str) -> None:
    """Readers see no revision half applied: what one batch writes is one transaction of Redis."""
    tell(redis_url, [a_situation("s1")])
    before = int(redis.info("commandstats").get("cmdstat_exec", {"calls": 0})["calls"])
    tell(redis_url, [a_situation("s1", kind="crash", revision=2), a_situation("s2")])
    assert int(redis.info("commandstats")["cmdstat_exec"]["calls"]) == before + 1


def test_the_edge_of_the_map_is_on_it(redis: Any, redis_url: str) -> None:
    edge = 85.05112878
    tell(redis_url, [a_situation("s1", at=(edge, 10.0)), a_situation("s2", at=(edge + 1e-6, 10.0))])
    assert redis.zrange("bongsu:moie:open", 0, -1) == ["s1"]
