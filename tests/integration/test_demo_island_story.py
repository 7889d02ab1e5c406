"""The story of the simulated Jeju on the real bus: each thing is seen in a topic or at the gateway, and soon."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from deploy.demo.story_island import island_chapters
from deploy.settings import Endpoints

pytestmark = pytest.mark.cluster

WITHIN_S = 120
PLACE = re.compile(r"\[(jeju\.[a-z.]+ \d+:\d+|(GET|POST) /v1/jeju/.+)\]$")


def demo(cluster: Endpoints, tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **cluster.as_environment(), "BONGSU_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "deploy.cli", "demo", "--city", "jeju", "--story", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=280)


@pytest.mark.long
def test_each_chapter_of_the_island_is_told_once_with_its_place_within_two_minutes(
    cluster: Endpoints, tmp_path: Path
) -> None:
    begun = monotonic()
    told = demo(cluster, tmp_path)
    took_s = monotonic() - begun
    lines = told.stdout.splitlines()
    assert told.returncode == 0, told.stderr[-2_000:]
    assert len(lines) == len(island_chapters())
    assert [one for one in lines if not PLACE.search(one)] == []
    assert "did not take" not in told.stderr and "refused" not in told.stderr
    print(f"told after {took_s:.0f} s")  # noqa: T201 - the figure of its page
    assert took_s <= WITHIN_S


@pytest.mark.long
def test_a_story_that_ends_too_soon_names_what_was_not_seen(cluster: Endpoints, tmp_path: Path) -> None:
    told = demo(cluster, tmp_path, "--minutes", "0.6")
    assert told.returncode != 0
    assert "not seen: a warning by CAP (civil.incident)" in told.stderr
    assert "of the story's lines did not come in time" in told.stderr
