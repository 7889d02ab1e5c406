"""The story of the simulated Bucheon on the real bus: each thing is seen in a topic or at the gateway."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from deploy.demo.story_search import search_chapters
from deploy.settings import Endpoints

pytestmark = pytest.mark.cluster

WITHIN_S = 180
PLACE = re.compile(r"\[(bucheon\.[a-z.]+ \d+:\d+|(GET|POST) /v1/bucheon/.+)\]$")


def demo(cluster: Endpoints, tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **cluster.as_environment(), "BONGSU_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "deploy.cli", "demo", "--city", "bucheon", "--story", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=280)


@pytest.mark.long
def test_a_child_is_found_and_each_chapter_is_told_once_with_its_place_within_three_minutes(
    cluster: Endpoints, tmp_path: Path
) -> None:
    begun = monotonic()
    told = demo(cluster, tmp_path)
    took_s = monotonic() - begun
    lines = told.stdout.splitlines()
    assert told.returncode == 0, told.stderr[-2_000:]
    assert len(lines) == len(search_chapters())
    assert [one for one in lines if not PLACE.search(one)] == []
    assert "did not take" not in told.stderr
    print(f"told after {took_s:.0f} s")  # noqa: T201 - the figure of its page
    assert took_s <= WITHIN_S


@pytest.mark.long
def test_a_search_that_ends_too_soon_names_what_was_not_seen(cluster: Endpoints, tmp_path: Path) -> None:
    told = demo(cluster, tmp_path, "--minutes", "0.6")
    assert told.returncode != 0
    assert "not seen: the child that is found (POST close)" in told.stderr
    assert "of the story's lines did not come in time" in told.stderr
