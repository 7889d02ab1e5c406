"""Docstrings begin with a verb or a noun; every ignore has its reason; no link of a README leads nowhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.structure.tree import Module, everything, pages

RIDDLES = ("What", "Whose", "Those", "How", "Which", "Whoever")
IGNORE = re.compile(r"#\s*(?:noqa|type:\s*ignore)[^\n]*")
REASON = re.compile(r"#\s*(?:noqa(?::\s*[A-Z0-9, ]+)?|type:\s*ignore(?:\[[\w, -]+\])?)\s*(?:\(|-|#)\s*\S+")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")


def riddles(modules: Iterable[Module]) -> Iterator[str]:
    """Docstrings, of modules, classes, functions and fields, whose first word is none of a plain sentence."""
    for one in modules:
        for node in ast.walk(one.syntax):
            if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
                continue
            text = node.value.value
            if isinstance(text, str) and re.split(r"\W", text.strip(), maxsplit=1)[0] in RIDDLES:
                yield f"{one.path}:{node.lineno} {text.strip().splitlines()[0][:60]}"


def bare_ignores(modules: Iterable[Module]) -> Iterator[str]:
    """Ignores that do not say why."""
    for one in modules:
        for number, line in enumerate(one.text.splitlines(), 1):
            found = IGNORE.search(line)
            if found is not None and REASON.match(found.group()) is None and '"' not in line[found.start() :]:
                yield f"{one.path}:{number} {line.strip()[-80:]}"


def dead_links(path: Path) -> list[str]:
    """Links of a page to files that are not there."""
    text = path.read_text(encoding="utf-8")
    targets = (found.group(1) for found in LINK.finditer(text))
    return [one for one in targets if "://" not in one and not (path.parent / one).exists()]


def test_a_docstring_begins_with_a_verb_or_a_noun() -> None:
    assert list(riddles(everything())) == []


def test_every_ignore_says_why() -> None:
    assert list(bare_ignores(everything())) == []


def test_no_link_of_a_page_leads_nowhere() -> None:
    assert {str(page): dead for page in pages() if (dead := dead_links(page))} == {}


def test_these_checks_can_fail(tmp_path: Path) -> None:
    assert list(riddles([Module("a", "a.py", '"""What it is."""\n')])) == ["a.py:1 What it is."]
    assert list(riddles([Module("a", "a.py", '"""Whatever it is."""\n')])) == []
    bare = "import x  # " + "noqa: F401\n"
    assert list(bare_ignores([Module("a", "a.py", bare)]))
    assert list(bare_ignores([Module("a", "a.py", bare.rstrip() + " (it registers itself)\n")])) == []
    page = tmp_path / "README.md"
    page.write_text("[a](b.md) [c](https://example.org) [d](README.md)", encoding="utf-8")
    assert dead_links(page) == ["b.md"]
