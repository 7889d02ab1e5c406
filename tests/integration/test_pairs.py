"""Two processes of one role: the second ends before it uses Kafka; in two homes, the fenced one ends."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from tests.a_gateway import PushedCity, reports
from tests.contract.a_web_server import Told, a_web_server
from tests.living_city import LivingCity, end, wait_until

pytestmark = pytest.mark.cluster

SOON_S = 40.0
HEARD = """
name = "{name}"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 36.0
west = 127.0
north = 37.0
east = 128.0
[[source]]
name = "calls"
type = "mapped_rows"
url = "{url}"
reference = true
every_s = {every_s}
domain = "police"
agency = "112"
format = "json"
time_format = "iso"
columns = {{ case_no = "no", time = "at", kind_text = "type" }}
[[source]]
name = "played"
type = "city_events"
contract = "fire.incident"
live = false
[[rule]]
name = "joint-incident"
"""


def pushed(cluster: Endpoints, folder: Path, name: str, **about: Any) -> PushedCity:
    folder.mkdir(exist_ok=True)
    return PushedCity(LivingCity(name, folder, cluster), **about)


@pytest.fixture
def first(cluster: Endpoints, tmp_path: Path) -> Iterator[PushedCity]:
    made = pushed(cluster, tmp_path / "one", f"pair-{free_port()}")
    yield made
    made.stop()
    made.city.remove()


def published(city: LivingCity) -> list[str]:
    return [one["agency_case_no"] for one in city.values("police.incident")]


def says(process: subprocess.Popen[bytes], *, code: int = 1) -> str:
    """The last output of a process that ends by itself."""
    _, said = process.communicate(timeout=SOON_S)
    assert process.returncode == code, said
    return said.decode()


def start(city: LivingCity, *words: str) -> subprocess.Popen[bytes]:
    return city.start(*words, stderr=subprocess.PIPE)


def test_a_second_gateway_ends_or_waits_and_the_first_publishes_all_that_it_takes(first: PushedCity) -> None:
    city, key = first.city, first.key()
    first.start()
    assert first.process is not None
    assert first.push(key, "reports", reports("a", 1))[0] == 202
    wait_until(lambda: published(city) == ["a-0"], SOON_S)
    said = says(start(city, "run", str(city.file), "--stage", "gateway"))
    assert f"the gateway stage is run by process {first.process.pid} since 20" in said
    for number in range(57):
        assert first.push(key, "reports", reports(f"b{number}", 1))[0] == 202
    wait_until(lambda: len(published(city)) == 58, SOON_S)
    status, told = first.readiness()
    assert (status, told["ready"], told["publishing"], first.waiting()) == (200, True, True, 0)
    waits = start(city, "run", str(city.file), "--stage", "gateway", "--wait", "--quiet")
    try:
        assert waits.stderr is not None
        assert b"waiting:" in waits.stderr.readline()
        first.kill()
        wait_until(lambda: first.status("GET", "/readyz") == 200, SOON_S)
        assert first.push(key, "reports", reports("c", 1))[0] == 202
        wait_until(lambda: published(city)[58:] == ["c-0"], SOON_S)
    finally:
        end(waits)
        waits.communicate()


@pytest.mark.long
def test_of_gateways_of_two_homes_the_fenced_one_says_so_and_ends(first: PushedCity, tmp_path: Path) -> None:
    key, log = first.key(), tmp_path / "first.log"
    first.start(log)
    same_port = pushed(first.city.places, tmp_path / "same", first.city.name, port=first.port)
    said = says(start(same_port.city, "run", str(same_port.city.file), "--stage", "gateway"))
    assert f"cannot listen at 127.0.0.1:{first.port}: Address already in use" in said
    assert first.push(key, "reports", reports("a", 1))[0] == 202, "who has no address fences nobody"
    wait_until(lambda: published(first.city) == ["a-0"], SOON_S)
    other = pushed(first.city.places, tmp_path / "other", first.city.name)
    other.start()
    try:  # the first is idle: it publishes nothing, so no produce call fails
        wait_until(lambda: first.status("GET", "/readyz") != 200, SOON_S, every_s=0.1)
        status, told = first.readiness()
        assert (status, told["ready"], "fenced" in told["trouble"]) == (503, False, True)
        assert first.process is not None
        assert first.process.wait(SOON_S) == 1
        said = log.read_text()
        assert "fenced, another worker has taken over" in said
        assert "how to mend it: only one process may publish for a source" in said
        assert other.push(key, "reports", reports("c", 1))[0] == 202
        wait_until(lambda: published(first.city) == ["a-0", "c-0"], SOON_S)
    finally:
        other.stop()


def test_a_gateway_whose_idle_source_a_retry_borrows_goes_on(first: PushedCity, tmp_path: Path) -> None:
    key, log = first.key(), tmp_path / "first.log"
    first.start(log)
    bad = {**reports("a", 1)[0], "agency_case_no": "a-bad", "event_time": "yesterday"}
    assert first.push(key, "reports", [*reports("a", 1), bad])[0] == 202
    wait_until(lambda: len(first.city.values("source.dlq")) == 1, SOON_S)
    first.city.bongsu("dlq", "retry", "--all", "--city", str(first.city.file), code=1)  # it is still bad
    wait_until(
        lambda: "taken back after a retry" in log.read_text(), SOON_S
    )  # it is idle, and checks whether it is fenced
    assert first.push(key, "reports", reports("b", 1))[0] == 202
    wait_until(lambda: published(first.city) == ["a-0", "b-0"], SOON_S)
    assert first.readiness()[1]["publishing"]


# -- cities with polled sources ----------------------------------------------------------------------------------


@pytest.fixture
def list_of_calls() -> Iterator[Told]:
    with a_web_server() as told:
        say(told, 0)
        yield told


def say(told: Told, *numbers: int) -> None:
    told.body = orjson.dumps(
        [{"no": str(one), "at": "2026-06-01T12:00:00+09:00", "type": "불"} for one in numbers]
    )


@pytest.fixture
def heard(cluster: Endpoints, tmp_path: Path, list_of_calls: Told) -> Iterator[LivingCity]:
    made = a_city(cluster, tmp_path / "one", f"pair-{free_port()}", list_of_calls)
    ensure_topics(cluster.kafka, [made.name])
    yield made
    made.remove()


def a_city(cluster: Endpoints, folder: Path, name: str, told: Told, *, every_s: float = 0.3) -> LivingCity:
    folder.mkdir(exist_ok=True)
    made = LivingCity(name, folder, cluster)
    made.file.write_text(HEARD.format(name=name, url=told.url, every_s=every_s), encoding="utf-8")
    return made


def to_play(folder: Path) -> Path:
    file = folder / "fire.json"
    file.write_bytes(orjson.dumps([{**reports("f", 1)[0], "agency": "119", "kind": "fire"}]))
    return file


def test_the_second_of_two_alike_or_a_part_of_the_first_ends(heard: LivingCity, list_of_calls: Told) -> None:
    second: list[tuple[str, ...]] = [(), ("--only-stages",)]
    second += [("--stage", one) for one in ("ingest", "situations", "deliver")]
    with heard.running() as one:
        for process in [start(heard, "run", str(heard.file), *words) for words in second]:
            said = says(process)
            assert f"by process {one.pid} since 20" in said
            assert "--wait" in said
        say(list_of_calls, 0, 1)
        wait_until(lambda: published(heard) == ["0", "1"], SOON_S)
        assert one.poll() is None


def test_a_play_beside_the_ingest_ends_and_the_live_list_is_heard_on(
    heard: LivingCity, list_of_calls: Told, tmp_path: Path
) -> None:
    words = ("play", str(heard.file), "--source", "played", str(to_play(tmp_path)), "--ingest-only")
    with heard.running("--stage", "ingest") as ingest:
        said = says(start(heard, *words))
        assert f"source 'calls' is read or played by process {ingest.pid} since 20" in said
        say(list_of_calls, 0, 1)
        wait_until(lambda: published(heard) == ["0", "1"], SOON_S)
        waits = start(heard, *words, "--wait")
        assert waits.stderr is not None
        assert any(b"waiting:" in line for line in waits.stderr), "it ended"
        assert waits.poll() is None
    says(waits, code=0)
    assert [one["agency_case_no"] for one in heard.values("fire.incident")] == ["f-0"]


@contextmanager
def hearing(city: LivingCity, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as errors:
        worker = city.start("run", str(city.file), "--quiet", "--stage", "ingest", stderr=errors)
    try:
        yield worker
    finally:
        end(worker)


@pytest.mark.long
def test_an_ingest_that_a_play_of_another_home_fenced_says_so_and_ends(
    heard: LivingCity, list_of_calls: Told, tmp_path: Path
) -> None:
    """The list is polled once an hour: it publishes nothing, so no produce call fails."""
    slow = a_city(heard.places, tmp_path / "slow", heard.name, list_of_calls, every_s=3600)
    log = tmp_path / "ingest.log"
    with hearing(slow, log) as worker:
        wait_until(lambda: published(heard) == ["0"], SOON_S)
        heard.bongsu("play", str(heard.file), "--source", "played", str(to_play(tmp_path)), "--ingest-only")
        begun = monotonic()
        assert worker.wait(SOON_S) == 1
        assert monotonic() - begun < 20
    said = log.read_text()
    assert "source calls:" in said
    assert "fenced, another worker has taken over" in said
    assert "how to mend it: only one process may publish for a source" in said
