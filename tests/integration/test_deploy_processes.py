"""The processes that units and Compose describe, started from the rendered files, do as ``bongsu play`` alone does."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from tests.living_city import DERECHO, LivingCity, cut
from tests.rendered import Described, of_compose, of_units, program_in, started

pytestmark = [pytest.mark.cluster]

POLLS = 6
MORE = "\n[match]\n[speed]\n[gateway]\nport = {port}\n"
"""The parts that Houston lacks: with them the city has every role."""


def whole_city(name: str, folder: Path, cluster: Endpoints) -> LivingCity:
    """Houston with every role. Its list is only played: the real one is elsewhere."""
    folder.mkdir()
    city = LivingCity(f"{name}-{free_port()}", folder, cluster)
    text = city.file.read_text("utf-8").replace("every_s = 60", "live = false", 1)
    city.file.write_text(text + MORE.format(port=free_port()), encoding="utf-8")
    return city


def rendered(city: LivingCity, target: str, program: Path) -> list[Described]:
    out = city.folder / target
    first = str(free_port() // 10 * 10)
    words = ("deploy", "render", str(city.file), "--target", target, "-o", str(out), "--first-port", first)
    city.bongsu(*words, *(("--program", str(program)) if target == "systemd" else ()))
    return of_units(out / "units") if target == "systemd" else of_compose(out / "compose.yaml", str(program))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return program_in(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("target", ["systemd", "compose"])
def test_the_storm_has_the_same_situations_from_the_processes_of_the_files(
    cluster: Endpoints, data_dir: Path, tmp_path: Path, program: Path, target: str
) -> None:
    recording = cut(data_dir / DERECHO, tmp_path / "hours.jsonl", count=POLLS)
    plain = whole_city("plain", tmp_path / "plain", cluster)
    plain.play(recording)
    city = whole_city("units", tmp_path / "units", cluster)
    found = rendered(city, target, program)
    assert {one.role for one in found} == {"deliver", "situations", "speed", "match", "gateway", "ingest"}
    cities = city.folder / target / ("etc/cities" if target == "systemd" else "cities")
    with started([one for one in found if one.role != "ingest"], city.folder, city.places, cities):
        city.play(recording)  # it has the ingest's part: the city's clock is the recording's
        assert city.gist() == plain.gist()
        assert sum(city.gist().values()) > 100
        assert city.incidents() != {} and city.set_aside() == []
        with started([one for one in found if one.role == "ingest"], city.folder, city.places, cities):
            pass
