"""The units of systemd, judged by ``systemd-analyze``; and the same judge on planted faults."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.city.city import load_city
from deploy.manifests.plan import plan_of
from deploy.manifests.systemd import HARDENING, units_of

CITIES = ("daejeon", "houston")
THRESHOLD = 30
"""Of 100: the exposure that ``systemd-analyze security`` may find at most."""


@pytest.fixture
def analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs systemd-analyze (package systemd)")
    return program


@pytest.fixture(scope="module")
def units() -> dict[str, str]:
    """The units by name. Their program is here, as the judge looks for it."""
    files = units_of(plan_of([load_city(name) for name in CITIES]), program=sys.executable)
    return {path.removeprefix("units/"): text for path, text in files.items() if path.startswith("units/")}


def written(units: Mapping[str, str], folder: Path) -> list[str]:
    for name, text in units.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [str(folder / name) for name in units]


def said(analyze: str, *words: str) -> tuple[int, str]:
    done = subprocess.run([analyze, *words], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_judge_has_nothing_to_say_about_the_units(
    analyze: str, units: dict[str, str], tmp_path: Path
) -> None:
    assert said(analyze, "verify", "--man=no", *written(units, tmp_path)) == (0, "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("NoNewPrivileges=yes", "NoNewPriviledges=yes"),
        (sys.executable, "/nowhere/bongsu"),
        ("Restart=on-failure", "Restart=sometimes"),
        ("[Install]", "[Instal]"),
        ("MemoryMax=1024M", "MemoryMax=much"),
    ],
)
def test_the_judge_finds_a_planted_fault(
    analyze: str, units: dict[str, str], tmp_path: Path, before: str, after: str
) -> None:
    name = "bongsu-houston-situations.service"
    assert before in units[name]
    planted = units | {name: units[name].replace(before, after)}
    assert said(analyze, "verify", "--man=no", *written(planted, tmp_path))[1]


def test_every_unit_is_closed_and_one_without_hardening_is_not(
    analyze: str, units: dict[str, str], tmp_path: Path
) -> None:
    services = {name: text for name, text in units.items() if name.endswith(".service")}
    judge = ("security", "--offline=true", f"--threshold={THRESHOLD}", "--no-pager")
    code, words = said(analyze, *judge, *written(services, tmp_path))
    assert code == 0, words
    name = "bongsu-houston-situations.service"
    open_one = {name: units[name].replace(HARDENING, "")}
    assert said(analyze, *judge, *written(open_one, tmp_path))[0] != 0


def test_only_the_role_that_compiles_may_write_what_it_executes(units: dict[str, str]) -> None:
    services = {name: text for name, text in units.items() if name.endswith(".service")}
    open_ones = [name for name, text in services.items() if "MemoryDenyWriteExecute=yes" not in text]
    assert open_ones == ["bongsu-daejeon-match.service"]


def test_one_target_starts_and_stops_a_city_and_one_all_of_them(units: dict[str, str]) -> None:
    def words(unit: str, key: str) -> set[str]:
        found = re.search(rf"^{key}=(.*)$", units[unit], re.MULTILINE)
        return set(found[1].split()) if found else set()

    assert words("bongsu.target", "Wants") == {f"bongsu-{city}.target" for city in CITIES}
    for city in CITIES:
        services = {name for name in units if name.startswith(f"bongsu-{city}-")}
        assert words(f"bongsu-{city}.target", "Wants") == services
        assert words(f"bongsu-{city}.target", "PartOf") == {"bongsu.target"}
        for name in services:
            assert words(name, "PartOf") == words(name, "WantedBy") == {f"bongsu-{city}.target"}
            assert words(name, "After") <= services | {"network-online.target"}


def test_a_program_in_an_odd_place_is_one_word(analyze: str, tmp_path: Path) -> None:
    folder = tmp_path / "100% ours"
    folder.mkdir()
    program = folder / "bongsu"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    files = units_of(plan_of([load_city("houston")]), program=str(program))
    units = {path.removeprefix("units/"): text for path, text in files.items() if path.startswith("units/")}
    assert said(analyze, "verify", "--man=no", *written(units, tmp_path)) == (0, "")
