"""Sources of one city are polled independently: one that hangs, fails or refuses us delays no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from tests.contract.a_web_server import Told, a_web_server
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

HEAD = """
name = "{name}"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 36.2
west = 127.2
north = 36.5
east = 127.6
"""
SOURCE = """
[[source]]
name = "{name}"
type = "mapped_rows"
url = "{url}"
every_s = 0.2
timeout_s = 600
domain = "police"
agency = "112"
format = "json"
time_format = "iso"
columns = {{ case_no = "no", time = "at", kind_text = "type" }}
"""
NAMES = ("hangs", "fails", "waits", "refuses", "speaks")


@pytest.fixture
def servers() -> Iterator[dict[str, Told]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(a_web_server()) for name in NAMES}


@pytest.fixture
def city(cluster: Endpoints, tmp_path: Path, servers: dict[str, Told]) -> Iterator[LivingCity]:
    made = LivingCity("heard-apart", tmp_path, cluster)
    sources = "".join(SOURCE.format(name=name, url=told.url) for name, told in servers.items())
    made.file.write_text(HEAD.format(name=made.name) + sources, encoding="utf-8")
    ensure_topics(cluster.kafka, [made.name])
    yield made
    made.remove()


def say(told: Told, *numbers: int) -> None:
    told.body = orjson.dumps(
        [{"no": str(number), "at": "2026-06-01T12:00:00+09:00", "type": "불"} for number in numbers]
    )


def test_one_that_hangs_fails_or_refuses_delays_no_other(city: LivingCity, servers: dict[str, Told]) -> None:
    servers["hangs"].hangs = True
    servers["fails"].status = 500
    servers["waits"].status, servers["waits"].headers = 503, {"Retry-After": "600"}
    servers["refuses"].status = 401
    say(servers["speaks"], 0)
    heard: list[float] = []
    # a worker is ready when all its sources are: here they never are
    worker = city.start("run", str(city.file), "--quiet", "--stage", "ingest")
    try:
        wait_until(lambda: len(city.values("police.incident")) == 1, 30)
        for number in range(1, 6):
            say(servers["speaks"], *range(number + 1))
            wanted = number + 1
            heard.append(wait_until(lambda: len(city.values("police.incident")) == wanted, 10))  # noqa: B023 (called at once)
        wait_until(lambda: len(states(city)) == 4, 20)
        assert states(city) == {
            "fails": "failing",
            "waits": "failing",
            "refuses": "refused",
            "speaks": "hearing",
        }
        assert len(servers["hangs"].requests) == 1
        assert len(servers["waits"].requests) == 1, "its wish to wait is heard"
        assert len(servers["refuses"].requests) == 1
        assert 1 < len(servers["fails"].requests) < 10
        assert max(heard) < 3
    finally:
        worker.terminate()
        worker.wait(15)


def states(city: LivingCity) -> dict[str, str]:
    return {one["source"]: one["state"] for one in city.values("core.source")}
