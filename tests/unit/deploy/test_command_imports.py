"""The commands import the rest of deploy, never the other way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tests.structure.tree import Module, imports_of, product

CLI = "deploy.cli"
SAYS_CLI = re.compile(r"\bcli\b")
"""A word in the text of each import of a command. Most modules lack it, and need not be parsed."""


def imports_of_commands(modules: Iterable[Module], known: Mapping[str, Module]) -> list[str]:
    """The imports of commands by *modules* that are none, anywhere in their text."""
    return [
        f"{one.name} -> {found}"
        for one in modules
        if not one.name.startswith(CLI) and SAYS_CLI.search(one.text)
        for found in imports_of(one, known)
        if found.startswith(CLI)
    ]


def test_nothing_but_a_command_imports_a_command() -> None:
    known = {one.name: one for one in product()}
    assert imports_of_commands(known.values(), known) == []


def test_that_check_can_fail() -> None:
    known = {one.name: one for one in product()}
    text = "def f():\n    from deploy.cli.progress import Progress\n"
    planted = Module("deploy.assembly.planted", "deploy/assembly/planted.py", text)
    assert imports_of_commands([planted], known) == ["deploy.assembly.planted -> deploy.cli.progress"]
