"""The pages about the tests are true: marks, time limits, what is left out, and a result for each long test."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from typing import Any

from tests.conftest import TIMEOUTS_S
from tests.structure.tree import ROOT, everything

RESULTS = {"tests/chaos/": ROOT / "tests" / "chaos" / "RESULTS.md", "tests/": ROOT / "tests" / "RESULTS.md"}
"""The page that has a test's result, by the first folder here that it is in."""
NAMED = re.compile(r"`(tests/[\w/]+\.py::\w+)`")
MARK = re.compile(r"^\| `?(\w+)`? \| .* \| ([\d,]+) s, in `([\w.]+)` \|$", re.MULTILINE)


def long_ones(path: str, text: str) -> set[str]:
    """The tests of a module that are marked long, as pytest names them."""
    if "mark.long" not in text:
        return set()
    return {
        f"{path}::{node.name}"
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if any(ast.unparse(one) == "pytest.mark.long" for one in node.decorator_list)
    }


def named_in(page: str) -> set[str]:
    """The tests in the first column of the tables of *page*."""
    rows = [row.split("|")[1] for row in page.splitlines() if row.startswith("| ")]
    return {one for row in rows for one in NAMED.findall(row)}


def page_of(test: str) -> str:
    return next(folder for folder in RESULTS if test.startswith(folder))


def settings() -> dict[str, Any]:
    read = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]
    return dict(read)


def test_each_long_test_has_a_line_on_its_page_and_no_line_is_of_another() -> None:
    marked = {one for module in everything() for one in long_ones(module.path, module.text)}
    assert len(marked) >= 10
    for folder, page in RESULTS.items():
        assert named_in(page.read_text("utf-8")) == {one for one in marked if page_of(one) == folder}, page


def test_that_check_can_fail() -> None:
    text = "import pytest\n\n@pytest.mark.long\ndef test_a() -> None: ...\n\ndef test_b() -> None: ...\n"
    assert long_ones("tests/chaos/test_x.py", text) == {"tests/chaos/test_x.py::test_a"}
    assert named_in("| `tests/a.py::test_a`, twice | `tests/b.py::test_b` |\n`tests/c.py::test_c`") == {
        "tests/a.py::test_a"
    }
    assert page_of("tests/chaos/test_x.py::test_a") == "tests/chaos/"
    assert page_of("tests/unit/test_x.py::test_a") == "tests/"


def test_the_page_of_marks_has_each_mark_with_its_limit() -> None:
    told = {
        mark: (int(seconds.replace(",", "")), where)
        for mark, seconds, where in MARK.findall((ROOT / "tests" / "README.md").read_text("utf-8"))
    }
    limits = {mark: (at_most_s, "conftest.py") for mark, at_most_s in TIMEOUTS_S.items()}
    assert told == {"none": (settings()["timeout"], "pyproject.toml"), **limits}
    assert {one.partition(":")[0] for one in settings()["markers"]} == set(TIMEOUTS_S)


def test_plain_pytest_leaves_out_the_long_ones_and_refuses_an_unknown_mark() -> None:
    options = shlex.split(settings()["addopts"])
    assert options[options.index("-m") + 1] == "not long"
    assert "--strict-markers" in options
