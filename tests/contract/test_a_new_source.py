"""A new source is one file: the skeleton of ``bongsu source new`` passes every contract test unchanged."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.faults import UsageFault
from deploy.skeleton import lay, skeleton

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("schemas", "connectors", "streams", "deploy", "tests", "pyproject.toml")
SUITE = ("tests/contract/test_every_source.py", "tests/unit/connectors/test_our_calls.py")


@pytest.fixture(scope="module")
def working_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code with a new source in it."""
    root = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, root / name)
    lay("our_calls", root)
    return root


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def suite(root: Path) -> subprocess.CompletedProcess[str]:
    return run(root, "pytest", "-q", "-p", "no:cacheprovider", "-k", "our_calls", *SUITE)


def test_the_contract_suite_picks_it_up_by_itself(working_copy: Path) -> None:
    done = suite(working_copy)
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= 20


def test_a_skeleton_that_breaks_a_promise_is_caught(working_copy: Path) -> None:
    file = working_copy / "connectors" / "sources" / "our_calls.py"
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace("aside=[set_aside(heard.body, error)]", "aside=[]"), encoding="utf-8")
    try:
        assert suite(working_copy).returncode == 1
    finally:
        file.write_text(good, encoding="utf-8")


def test_it_is_listed_shown_and_tried_without_kafka(working_copy: Path) -> None:
    assert "our_calls" in run(working_copy, "deploy.cli", "source", "list").stdout
    assert "url  (text; needed)  the address of the list of calls" in (
        run(working_copy, "deploy.cli", "source", "show", "our_calls").stdout
    )
    example = "tests/contract/examples/our_calls.jsonl"
    tried = run(working_copy, "deploy.cli", "source", "try", "our_calls", example, "--set", 'url="http://c/"')
    assert tried.returncode == 0, tried.stderr
    assert len(tried.stdout.splitlines()) == 2
    assert "2 events to fire.incident" in tried.stderr


def test_the_readme_shows_the_skeleton_itself() -> None:
    text = (ROOT / "connectors" / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert shown == skeleton("our_calls")["connectors/sources/our_calls.py"]


def test_nothing_is_overwritten(working_copy: Path) -> None:
    with pytest.raises(UsageFault, match="exists"):
        lay("our_calls", working_copy)


@pytest.mark.parametrize("name", ["Our-Calls", "../calls", "_calls", "4calls", ""])
def test_a_name_that_names_no_module_is_refused(name: str) -> None:
    with pytest.raises(UsageFault):
        skeleton(name)
