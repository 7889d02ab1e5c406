"""A city's rules change while it runs, and a replay of its journal switches at the same place."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from tests.a_gateway import PushedCity
from tests.integration.test_actions import FILE, SEEN_S
from tests.living_city import LivingCity, answers, end, live, wait_until

pytestmark = pytest.mark.cluster

NARROW, WRONG = "\nradius_m = 20\nmatrix = []\n", "\nradius_m = -1\n"


class Changing:
    """A running city whose file changes."""

    def __init__(self, cluster: Endpoints, folder: Path) -> None:
        self.gateway = PushedCity(LivingCity("changing", folder, cluster), form=FILE)
        self.city = self.gateway.city
        self.first = self.city.file.read_text(encoding="utf-8")
        self.key = self.gateway.key("--source", "police-reports", "--source", "fire-reports")
        self.log = folder / "run.log"
        port = free_port()
        with self.log.open("wb") as errors:
            self.worker = self.city.start("run", str(self.city.file), "--web-port", str(port), stderr=errors)
        wait_until(lambda: answers(port) and self.gateway.status("GET", "/readyz") == 200, 60)

    def numbers(self) -> list[dict[str, Any]]:
        """The ``rules`` entries of the journal, in order."""
        return [
            orjson.loads(one["body"]) for one in self.city.values("core.journal") if one["entry"] == "rules"
        ]

    def write(self, more: str) -> None:
        self.city.file.write_text(self.first.replace('"joint-incident"\n', f'"joint-incident"{more}'))

    def report(self, domain: str, case: str, lon: float) -> None:
        value = {
            "agency": {"police": "112", "fire": "119"}[domain],
            "agency_case_no": case,
            "kind": "crash.vehicle",
            "kind_text": "교통사고",
            "status": "open",
            "units": [],
            "revision": 1,
            "event_time": int(time.time() * 1000) - 5_000,
            "position": {"lat": 36.5, "lon": lon},
        }
        assert self.gateway.push(self.key, f"{domain}-reports", value)[0] == 202

    def sizes(self) -> list[int]:
        return sorted(len(one["incidents"]) for one in live(self.city.situations()))

    def told(self, word: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if word in line]


@pytest.fixture
def changing(cluster: Endpoints, tmp_path: Path) -> Iterator[Changing]:
    made = Changing(cluster, tmp_path)
    try:
        yield made
    finally:
        end(made.worker)
        made.city.remove()


def test_rules_that_change_mid_stream_hold_from_there_on_in_a_replay_too(changing: Changing) -> None:
    changing.report("police", "P-1", 127.5)
    changing.report("fire", "F-1", 127.5)
    wait_until(lambda: changing.sizes() == [2], SEEN_S, every_s=0.2)

    changing.write(WRONG)
    wait_until(lambda: changing.told("rules refused"), SEEN_S)
    (refused,) = changing.told("rules refused")
    line = changing.city.file.read_text(encoding="utf-8").splitlines().index("radius_m = -1") + 1
    assert f"line {line}: rule.0.radius_m" in refused
    assert len(changing.numbers()) == 1

    changing.write(NARROW)
    wait_until(lambda: len(changing.numbers()) == 2, SEEN_S, every_s=0.2)
    assert [one["radius_m"] for one in changing.numbers()] == [200.0, 20.0]
    assert len(changing.told("rules changed")) == 1
    changing.report("police", "P-2", 127.6)
    changing.report("fire", "F-2", 127.6)
    wait_until(lambda: changing.sizes() == [1, 1, 2], SEEN_S, every_s=0.2)

    versions = {tuple(one["agencies"]): one["rule_version"] for one in live(changing.city.situations())}
    assert versions["112", "119"] != versions["112",] == versions["119",]
    changing.worker.terminate()
    assert changing.worker.wait(20) == 0
    assert "byte-identical" in changing.city.bongsu("replay", str(changing.city.file), "--verify").stdout

    candidate = changing.city.folder / "wide.toml"
    candidate.write_text('[[rule]]\nname = "joint-incident"\nradius_m = 200\n', encoding="utf-8")
    compared = changing.city.bongsu("replay", str(changing.city.file), "--rules", str(candidate)).stdout
    first, second = sorted(
        line for line in compared.splitlines() if line.startswith("would be one situation")
    )
    assert "F-1" in first and "P-1" in first and "F-2" in second and "P-2" in second
    assert "would no longer be one" not in compared

    whole = replayed(changing.city)
    at, later, *_ = sorted({orjson.loads(one)["value"]["received_time"] for one in whole})
    until, since = replayed(changing.city, "--to", at), replayed(changing.city, "--from", later)
    assert until and since and until + since == whole
    assert replayed(changing.city, "--speed", "1000000") == whole


def replayed(city: LivingCity, *options: str) -> list[str]:
    return city.bongsu("replay", str(city.file), "--json", *options).stdout.splitlines()
