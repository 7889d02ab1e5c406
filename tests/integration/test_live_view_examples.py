"""The programs of the live view's page run as they stand and print what the view holds and what changes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_redis_view import LIFE, a_redis, a_situation, tell

PAGE = Path(__file__).resolve().parents[2] / "deploy" / "examples" / "redis.md"
INSTALL_S = 300
BEFORE = ["near: s3 s5", "s1 2 fire.building open", "s3 2 fire open", "s4 1 fire open", "s5 1 crash open"]
"""The view after nine revisions: s2 is closed."""
AFTER = ["s5 2 crash closed", "s1 3 fire.building open", "s2 3 crash open", "s3 3 fire closed"]


def program(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return str(found)


@contextmanager
def running(command: Sequence[str], url: str, folder: Path) -> Iterator[Any]:
    """The lines that *command* prints."""
    process = subprocess.Popen(
        [*command, "moie", "127.0", "37.5"],
        env={**os.environ, "REDIS_URL": url},
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    try:
        assert process.stdout is not None
        yield (line.strip() for line in process.stdout)
    finally:
        process.kill()
        process.communicate()


def check(command: Sequence[str], url: str, folder: Path) -> None:
    tell(url, LIFE[:8])
    with running(command, url, folder) as lines:
        assert [next(lines) for _ in BEFORE] == BEFORE
        tell(url, [a_situation("s1", revision=1)])  # an old one, told again: nothing is printed
        tell(url, LIFE[8:])
        assert [next(lines) for _ in AFTER] == AFTER


@pytest.mark.timeout(60)
def test_the_program_in_python_prints_what_is_open_and_what_changes(tmp_path: Path) -> None:
    (tmp_path / "view.py").write_text(program("python"), encoding="utf-8")
    with a_redis() as url:
        check([sys.executable, "view.py"], url, tmp_path)


@pytest.mark.long
def test_the_program_in_javascript_prints_the_same(tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("no Node here")
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
    subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "redis@5"],
        cwd=tmp_path,
        check=True,
        timeout=INSTALL_S,
        capture_output=True,
    )
    (tmp_path / "view.js").write_text(program("js"), encoding="utf-8")
    with a_redis(has_port=True) as url:
        check([node, "view.js"], url, tmp_path)
