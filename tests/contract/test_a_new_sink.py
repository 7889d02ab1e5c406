"""A new sink is one file: that of ``connectors/OWN.md`` is found by existing, and its page's own test runs as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("schemas", "connectors", "streams", "deploy", "tests", "pyproject.toml")


@pytest.mark.long
def test_it_is_held_to_the_contract_among_those_that_ship_and_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    page = (ROOT / "connectors" / "OWN.md").read_text(encoding="utf-8")
    (sink,), (test,) = (re.findall(rf"```{mark}\n(.*?)```", page, re.DOTALL) for mark in ("python", "py"))
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    for name, text in {
        "connectors/sinks/our_box.py": sink,
        "own/sinks/our_hook.py": sink,
        "own/tests/test_our_hook.py": test,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    suites = ("tests/contract/test_every_sink.py", "own/tests/test_our_hook.py")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-v",
            "-p",
            "no:cacheprovider",
            "-k",
            "our_box or our_hook",
            *suites,
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert len(re.findall(r"our_box.* PASSED", done.stdout)) == 9
    assert len(re.findall(r"test_our_hook.* PASSED", done.stdout)) == 8
