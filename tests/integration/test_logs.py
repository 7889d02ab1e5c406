"""The logs of ``bongsu run``: a file for each process, a line that says what was done, and nobody's name in any of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from tests.contract.a_web_server import Told, a_web_server
from tests.living_city import LivingCity, end, wait_until

pytestmark = pytest.mark.cluster

CITY = """
name = "{name}"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 36.2
west = 127.2
north = 36.5
east = 127.6
[match]
[[source]]
name = "reports"
type = "mapped_rows"
url = "{url}?token=planted-token"
every_s = 0.3
domain = "police"
agency = "112"
format = "json"
time_format = "iso"
statuses = {{ open = "open" }}
[source.columns]
case_no = "no"
time = "at"
kind_text = "type"
lat = "lat"
lon = "lon"
address = ["where"]
status = "how"
"""
PERSONS = ("Nakamura-Alvarez", "010-5550-1234", "17 Plantedname Lane", "98허7654", "김피해", "planted-token")
GOOD = {
    "no": "1",
    "at": "2026-06-01T12:00:00+09:00",
    "type": "fire",
    "lat": 36.35,
    "lon": 127.38,
    "how": "open",
}


def body() -> bytes:
    """Six rows that are published or set aside, each with somebody in another field."""
    name, phone, address, plate, victim, _ = PERSONS
    rows = [
        {**GOOD, "where": address},
        {**GOOD, "no": "2", "type": f"fight, {name}", "how": victim, "where": phone},
        {**GOOD, "no": "3", "at": name},
        {**GOOD, "no": "4", "lat": plate},
        {**GOOD, "no": {"who": victim}},
        {**GOOD, "no": "5", "lat": None, "lon": None, "where": f"{name} {plate}"},
        *({**GOOD, "no": f"good-{number}", "where": address} for number in range(10)),
    ]
    return orjson.dumps(rows)


@pytest.fixture
def page() -> Iterator[Told]:
    with a_web_server() as told:
        yield told


@pytest.fixture
def city(cluster: Endpoints, tmp_path: Path, page: Told) -> Iterator[LivingCity]:
    made = LivingCity(f"logs-{free_port()}", tmp_path, cluster)
    made.file.write_text(CITY.format(name=made.name, url=page.url), encoding="utf-8")
    yield made
    made.remove()


def facts(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def test_each_process_logs_to_its_own_file_what_it_did_and_about_nobody(
    city: LivingCity, page: Told, tmp_path: Path
) -> None:
    page.body = body()
    log, of_match = tmp_path / "logs" / "run.log", tmp_path / "logs" / "run-match.log"
    options = ("--log-file", str(log), "--log-json", "--line-every", "1", "--web-port", str(free_port()))
    with (tmp_path / "stderr").open("wb") as stderr:
        worker = city.start("run", str(city.file), *options, stderr=stderr)
        try:
            wait_until(log.exists, 40, every_s=0.1)
            second = city.start("run", str(city.file), "--log-file", str(log), stderr=subprocess.PIPE)
            wait_until(
                lambda: any(one.get("put_situations") for one in facts(log)) or worker.poll() is not None,
                40,
                every_s=0.1,
            )
            assert worker.poll() is None, log.read_text("utf-8")
            _, told = second.communicate(
                timeout=40
            )  # it came up beside the first one: each takes seconds to start
            assert second.returncode == 1, told
            assert b"another process logs to" in told and b"a file of its own" in told
            page.body = f"no JSON: {' '.join(PERSONS)}".encode()
            wait_until(
                lambda: (
                    any(one["event"] == "running" for one in facts(of_match)) and len(city.set_aside()) >= 4
                ),
                30,
                every_s=0.1,
            )
            page.status = 500
            wait_until(
                lambda: any(one.get("not_hearing") == "reports" for one in facts(log)), 20, every_s=0.1
            )
        finally:
            end(worker)
    running = [one for one in facts(log) if one["event"] == "running"]
    assert running[-1]["name"] == f"{city.name}.all" and str(running[-1]["web_port"]) == options[-1]
    assert {one["name"] for one in facts(of_match) if one["event"] == "running"} == {f"{city.name}.match"}
    assert sum(int(str(one.get("put_ingest", 0))) for one in running) >= 12
    assert "17 Plantedname Lane" in str(city.values("police.incident")), "it was there to be logged"
    written = "".join(one.read_text("utf-8") for one in (log, of_match, tmp_path / "stderr"))
    assert [one for one in PERSONS if one in written] == []
