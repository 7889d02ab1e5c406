"""The commands that a reader can copy: the example of every help, and those of every README and of the pages beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from deploy.cli import bongsu
from tests.structure.tree import pages

PLACEHOLDER = re.compile(r"\b[A-Z][A-Z]+\b|\||…")
"""A word to be replaced by the reader, as CITY; a choice; something left out."""
RECORDS = ("CHANGELOG.md", "DECISIONS.md", "HISTORY.md")
"""Pages that keep the past; their commands may be gone."""
_BLOCK = re.compile(r"^```(?:sh)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(bongsu [^`]+)`")


def commands(group: click.Group = bongsu, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with its whole name, groups too."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{before}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")


def examples_of(command: click.Command) -> list[str]:
    """The examples of a help, each without ``bongsu`` before it."""
    return re.findall(r"^ *Example:  bongsu (.+)$", command.help or "", re.MULTILINE)


def readmes() -> list[Path]:
    return [path for path in pages() if path.name not in RECORDS]


def readme_commands(text: str) -> list[str]:
    """The bongsu commands of a README: those of code blocks and those in backticks, without ``bongsu`` before them."""
    found = [
        part.strip()
        for block in _BLOCK.findall(text)
        for line in block.splitlines()
        for part in line.partition("  #")[0].split("&&")
        if part.strip().startswith("bongsu ")
    ]
    found += [re.sub(r"\s+", " ", one) for one in _INLINE.findall(_BLOCK.sub("", text))]
    return [one.removeprefix("bongsu ") for one in found]
