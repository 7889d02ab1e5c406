"""Names are met once, and nothing is too large to be held in mind."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable

from tests.structure.tree import ROOT, Module, pages, product

SHARED = {
    "__init__",
    "__main__",
    "cells",
    "config",
    "fold",
    "limits",
    "loop",
    "metrics",
    "model",
    "publish",
    "rows",
    "transaction",
    "watches",
    "worker",
}
"""Stems that name the same part of several rooms."""
ENTRANCES = ("streams/stages/", "deploy/cli/")
"""Folders in which a module may bear the name of the room that it runs."""
LINES_MAX, LINES_USUAL, LARGE_MAX, FUNCTION_MAX, README_WORDS_MAX = 400, 300, 5, 70, 900


def twins(modules: Iterable[Module]) -> dict[str, list[str]]:
    """Stems that more than one module of a top folder has, with their paths."""
    found = defaultdict(list)
    for one in modules:
        if one.stem not in SHARED and not one.path.startswith(ENTRANCES):
            found[f"{one.top}: {one.stem}"].append(one.path)
    return {stem: paths for stem, paths in found.items() if len(paths) > 1}


def long_functions(modules: Iterable[Module]) -> list[str]:
    return [
        f"{one.path}:{node.lineno} {node.name}"
        for one in modules
        for node in ast.walk(one.syntax)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_MAX
    ]


def words_outside_tables(text: str) -> int:
    return sum(len(line.split()) for line in text.splitlines() if not line.lstrip().startswith("|"))


def test_no_two_modules_of_one_top_folder_share_a_stem() -> None:
    assert twins(product()) == {}


def test_no_two_classes_of_one_top_folder_share_a_name_unless_it_is_a_pattern() -> None:
    found = defaultdict(list)
    for one in product():
        for node in one.syntax.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[f"{one.top}: {node.name}"].append(one.path)
    shared = {name for name, paths in found.items() if len(paths) > 1}
    assert {name.partition(": ")[2] for name in shared} <= CLASSES_SHARED, shared


CLASSES_SHARED = {"Columns", "Config", "Numbers", "Words"}
"""Each rule has its numbers and words, each source its settings and the columns that a city maps."""


def test_no_module_is_too_long_and_few_are_long() -> None:
    lengths = {one.path: one.lines for one in product()}
    assert {path: lines for path, lines in lengths.items() if lines > LINES_MAX} == {}
    large = sorted(path for path, lines in lengths.items() if lines > LINES_USUAL)
    assert len(large) <= LARGE_MAX, large


def test_no_function_is_too_long() -> None:
    assert long_functions(product()) == []


def test_a_readme_is_a_page() -> None:
    counts = {
        path.relative_to(ROOT).as_posix(): words_outside_tables(path.read_text(encoding="utf-8"))
        for path in pages()
        if path.name == "README.md"
    }
    long = {path: words for path, words in counts.items() if words > README_WORDS_MAX}
    assert long == {}


def test_these_checks_can_fail() -> None:
    one, other = (Module(f"a.{room}.thing", f"a/{room}/thing.py", "") for room in ("x", "y"))
    assert twins([one, other]) == {"a: thing": ["a/x/thing.py", "a/y/thing.py"]}
    assert twins([one]) == {}
    body = "def f():\n" + "    x = 1\n" * FUNCTION_MAX
    assert long_functions([Module("a", "a.py", body)]) == ["a.py:1 f"]
    assert words_outside_tables("one two\n| three |\n") == 2
