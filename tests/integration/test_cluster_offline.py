"""A machine without a network: files fetched elsewhere are enough for a cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.settings import VARIABLES

pytestmark = pytest.mark.cluster

# In a new network namespace, loopback is down: set its UP flag (SIOCSIFFLAGS), then run the command.
LOOPBACK_THEN = """
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x1))
os.execv("/bin/sh", ["sh", "-c", sys.argv[1]])
"""
BONGSU = f"{sys.executable} -m deploy.cli"
CUT_OFF = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bongsu-") as name:
        yield Path(name)


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """The environment of a new user: no cache, no home, no addresses."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES.values()}
    return kept | {"XDG_CACHE_HOME": str(folder / "cache"), "BONGSU_HOME": str(folder / "home")}


def run(words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)


def cut_off(words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run *words* in a network namespace with loopback only."""
    command = [*CUT_OFF, sys.executable, "-c", LOOPBACK_THEN, words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)


def demand_namespaces() -> None:
    try:
        subprocess.run([*CUT_OFF, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("unshare: this machine lets nobody make a network of their own")


@pytest.mark.usefixtures("cluster")  # the shared cluster has filled the user's cache: fetch copies from there
def test_a_cluster_starts_with_the_network_cut_from_a_folder_that_was_brought(
    folder: Path, environment: dict[str, str]
) -> None:
    demand_namespaces()
    fetched = run(f"{BONGSU} fetch -o {folder}/parts", dict(os.environ))
    assert fetched.returncode == 0, fetched.stderr

    without = cut_off(f"{BONGSU} up", environment)
    assert without.returncode == 3, without.stderr
    assert "bongsu fetch -o DIR" in without.stderr

    try:
        done = cut_off(f"{BONGSU} up --from {folder}/parts && {BONGSU} status --json", environment)
        assert done.returncode == 0, done.stderr
        assert all(part["up"] for part in json.loads(done.stdout.splitlines()[-1]).values())
    finally:
        ended = run(f"{BONGSU} down --erase", environment)
    assert ended.returncode == 0, ended.stderr
    assert not (folder / "home").exists()
