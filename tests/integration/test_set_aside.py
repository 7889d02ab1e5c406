"""A record set aside is retried once it can be read: nothing is lost, nothing published twice."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer

from deploy.settings import Endpoints
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

SOURCES = """
name = "{name}"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 36.2
west = 127.2
north = {north}
east = 127.6
[[source]]
name = "reports"
type = "mapped_rows"
path = "{path}"
every_s = 0.5
domain = "police"
agency = "112"
format = "jsonl"
time_format = "iso"
columns = {{ case_no = "no", time = "at", kind_text = "type", lat = "lat", lon = "lon" }}
"""


class Reports(LivingCity):
    """A city with one source: a file of reports to which a person may add."""

    def __post_init__(self) -> None:
        LivingCity.__post_init__(self)
        self.path.write_bytes(b"")
        self.set_bounds()

    @property
    def path(self) -> Path:
        return self.folder / "reports.jsonl"

    def set_bounds(self, north: float = 36.5) -> None:
        text = SOURCES.format(name=self.name, path=self.path, north=north)
        self.file.write_text(text, encoding="utf-8")

    def say(self, *rows: dict[str, Any]) -> None:
        self.path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))

    def retry(self, *words: str, code: int = 0) -> str:
        return self.bongsu("dlq", "retry", "--city", str(self.file), *words, code=code).stderr

    def listed(self) -> list[dict[str, Any]]:
        lines = self.bongsu("dlq", "list", "--city", self.name, "--json").stdout.splitlines()
        return [orjson.loads(line)["value"] for line in lines]

    def cases(self) -> list[str]:
        return sorted(one["agency_case_no"] for one in self.values("police.incident"))

    def source(self) -> dict[str, Any]:
        rows = self.values("core.source")
        return rows[-1] if rows else {"state": None}


BEYOND, WIDER = 36.7, 36.8
"""A latitude outside the city's bounds, and bounds that hold it."""


def a_report(number: int, lat: float = 36.3) -> dict[str, Any]:
    return {
        "no": f"R{number}",
        "at": f"2026-06-01T12:{number % 60:02}:00+09:00",
        "type": "불",
        "lat": lat,
        "lon": 127.4,
    }


@pytest.fixture
def city(cluster: Endpoints, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reports]:
    made = Reports(f"aside-{abs(hash(request.node.name)) % 10_000}", tmp_path, cluster)
    yield made
    made.remove()


def play(city: Reports, code: int = 0) -> str:
    words = ("play", str(city.file), "--source", "reports", str(city.path), "--ingest-only")
    return city.bongsu(*words, code=code).stderr


def test_what_a_source_could_not_read_goes_through_it_again_once(city: Reports) -> None:
    city.say(a_report(1), a_report(2, BEYOND), a_report(3))
    play(city)
    assert city.cases() == ["R1", "R3"]

    assert "1 still bad" in city.retry("--all", code=1)
    (waiting,) = city.listed()
    assert (waiting["attempts"], waiting["retried_at"]) == (2, None)
    assert waiting["first_at"] < waiting["last_at"]

    city.set_bounds(WIDER)
    assert "1 fed again, 1 events" in city.retry(waiting["event_id"][:8])
    assert city.cases() == ["R1", "R2", "R3"]
    (done,) = city.listed()
    assert (done["attempts"], done["original"]) == (3, waiting["original"])
    assert done["retried_at"]

    assert "1 fed again before" in city.retry("--all")
    assert city.cases() == ["R1", "R2", "R3"]
    assert "played 0 events" in play(city)


def test_two_who_retry_at_once_feed_each_record_once(city: Reports) -> None:
    city.say(*(a_report(number, BEYOND) for number in range(40)))
    play(city)
    assert city.cases() == []
    city.set_bounds(WIDER)
    command, environment = city.command("dlq", "retry", "--all", "--city", str(city.file))
    both = [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) for _ in range(2)]
    codes = [one.wait(60) for one in both]
    assert 0 in codes
    assert len(city.cases()) == 40
    city.retry("--all")
    assert len(city.cases()) == len(set(city.cases())) == 40


@pytest.mark.parametrize("seed", [1, 2])
def test_a_retry_that_is_killed_again_and_again_loses_and_doubles_nothing(city: Reports, seed: int) -> None:
    chance = Random(seed)
    city.say(*(a_report(number, BEYOND) for number in range(60)))
    play(city)
    assert city.cases() == []
    city.set_bounds(WIDER)
    command, environment = city.command("dlq", "retry", "--all", "--city", str(city.file))
    for _ in range(6):
        victim = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            victim.wait(0.4 + chance.random() * 1.2)
        victim.kill()
        victim.wait()
    city.retry("--all")
    assert len(city.cases()) == len(set(city.cases())) == 60
    assert all(one["retried_at"] for one in city.listed())


def test_a_record_of_a_topic_goes_back_as_it_was_and_its_attempts_are_counted(city: Reports) -> None:
    city.say(a_report(1))
    play(city)
    producer = Producer({"bootstrap.servers": city.places.kafka})
    producer.produce(city.topic("police.incident"), b"no frame at all", key=b"R9")
    assert producer.flush(10) == 0
    with city.running("--only-stages"):
        wait_until(lambda: len(city.values("police.incident.dlq")) == 1, 20)
        assert "1 fed again" in city.retry("--all", "--topic", "police.incident")
        wait_until(lambda: len(city.values("police.incident.dlq")) == 3, 20)
    again = city.records("police.incident")[-1]
    assert (again.key, again.value) == (b"R9", b"no frame at all")
    old, new = sorted(city.listed(), key=lambda one: one["attempts"] + (one["retried_at"] is None))
    assert again.headers["bongsu-retry-of"].decode() == new["retry_of"] == old["event_id"]
    assert old["retried_at"]
    assert (new["attempts"], new["first_at"]) == (2, old["first_at"])


def test_a_worker_goes_on_after_a_retry_borrowed_its_source(city: Reports) -> None:
    city.say(a_report(1), a_report(2, BEYOND))
    with city.running("--stage", "ingest"):
        wait_until(lambda: city.cases() == ["R1"], 20)
        city.set_bounds(WIDER)
        city.retry("--all")
        assert city.cases() == ["R1", "R2"]
        city.say(a_report(1), a_report(2, BEYOND), a_report(3))
        wait_until(lambda: city.cases() == ["R1", "R2", "R3"], 20)


def test_a_changed_format_stops_its_channel_until_somebody_resumes_it(city: Reports) -> None:
    city.say(*(a_report(number) for number in range(5)))
    with city.running("--stage", "ingest"):
        wait_until(lambda: len(city.cases()) == 5, 20)
        city.say(*({"nummer": number} for number in range(500)))
        wait_until(lambda: city.source()["state"] == "stopped", 20)
        assert len(city.listed()) == 20, "samples are kept, not five hundred of the same"
        status = city.bongsu("status")
        assert "reports" in status.stdout
        assert "stopped" in status.stdout
        city.say(*(a_report(number) for number in range(10)))
        city.bongsu("source", "resume", "reports", "--city", str(city.file))
        wait_until(lambda: len(city.cases()) == 10, 30)
        wait_until(lambda: city.source()["state"] == "hearing", 20)
    told = city.bongsu("source", "report", "reports", "--city", str(city.file)).stdout
    assert "hearing" in told
    assert "500  type is missing or no text" in told


def test_a_play_of_a_changed_format_ends_and_says_so(city: Reports) -> None:
    city.say(*({"nummer": number} for number in range(300)))
    assert "over half of its last records are bad" in play(city, code=1)
    city.say(*(a_report(number) for number in range(3)))
    play(city)
    assert len(city.cases()) == 3
    assert city.source()["state"] == "hearing"
