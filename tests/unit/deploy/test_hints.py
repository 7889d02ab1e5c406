"""Commands in errors, hints and help: each exists, with valid options and arguments."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import deploy
from deploy.cli import bongsu
from tests.command_examples import readme_commands, readmes

TREE = Path(deploy.__file__).resolve().parent.parent
PARTS = ("deploy", "streams", "connectors", "schemas")
HOLE = "HOLE"
COMMAND = re.compile(r"(?<![\w./-])(?<!``)bongsu ((?:[a-z]+)(?: [^'\"`;,()\n]*)?)")
PROSE = re.compile(r"[:.…]$")
NO_COMMANDS = re.compile(
    r"another bongsu command|first bongsu up|made by bongsu fetch|bongsu down and up|^bongsu journal$"
)
"""Texts with ``bongsu`` in the middle of a sentence."""


def texts_of(source: str) -> Iterator[str]:
    """Every text of a module, with ``HOLE`` for each value filled in; neighbouring parts are one text."""
    texts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr | ast.Constant)]
    inner = {id(part) for node in texts if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in texts:
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
        elif isinstance(node.value, str) and id(node) not in inner:
            yield node.value


def commands_in(text: str) -> list[str]:
    text = re.sub(r"'([\w.*]+)'(?= --)", r"\1", NO_COMMANDS.sub("", text))  # a word of a command, quoted
    return [found.strip() for found in COMMAND.findall(text)]


def trouble_with(words: str) -> str | None:
    """The reason why no beginning of *words* is a complete command; ``None`` where one is. Prose may follow it."""
    tokens = shlex.split(words.partition(" > ")[0].partition(" && ")[0].partition("     ")[0])
    trouble = None
    for end in range(len(tokens), 0, -1):
        if any(token.startswith("--") for token in tokens[end:]):
            break
        trouble = _refusal([PROSE.sub("", token) for token in tokens[:end]]) or ""
        if not trouble:
            return None
    return trouble or "an option that it does not have"


def _refusal(tokens: list[str]) -> str | None:
    command: click.Command = bongsu
    context = click.Context(bongsu, info_name="bongsu")
    while isinstance(command, click.Group):
        if not tokens:
            return "no subcommand is named"
        found = command.get_command(context, tokens[0])
        if found is None:
            return f"no command {tokens[0]}"
        command, tokens = found, tokens[1:]
    try:
        command.make_context("x", list(tokens), resilient_parsing=False)
    except click.BadParameter as error:
        return None if _is_of_a_hole(error) else error.format_message()
    except click.UsageError as error:
        return error.format_message()
    except click.exceptions.Exit:
        return None
    return None


def _is_of_a_hole(error: click.BadParameter) -> bool:
    """Whether the error is about a filled-in value: such a file need not exist."""
    return not isinstance(error, click.MissingParameter) and (
        "does not exist" in error.message or HOLE in error.message
    )


NAMED = sorted(
    {
        (str(file.relative_to(TREE)), command)
        for part in PARTS
        for file in (TREE / part).rglob("*.py")
        if "bongsu" in (source := file.read_text(encoding="utf-8"))  # the others need not be parsed
        for text in texts_of(source)
        for command in commands_in(text)
    }
)


IN_READMES = sorted(
    {
        (str(file.relative_to(TREE)), command)
        for file in readmes()
        for command in readme_commands(file.read_text(encoding="utf-8"))
    }
)


def of_readme(command: str) -> str:
    """*command* with each choice and each ``…`` replaced by one word: ``viewer|operator`` is ``viewer``."""
    return re.sub(r"(\w+)(\|\w+)+", r"\1", command).replace("…", "HOLE")


@pytest.mark.parametrize(("file", "command"), IN_READMES)
def test_each_of_a_readme_is_one(file: str, command: str) -> None:
    assert trouble_with(of_readme(command)) is None, (
        f"{file}: bongsu {command}: {trouble_with(of_readme(command))}"
    )


def test_many_are_found() -> None:
    assert len(IN_READMES) > 40
    assert len(NAMED) > 60
    assert any("source try" in command for _file, command in NAMED)


@pytest.mark.parametrize(("file", "command"), NAMED)
def test_each_is_a_command_with_what_it_needs(file: str, command: str) -> None:
    assert trouble_with(command) is None, f"{file}: bongsu {command}: {trouble_with(command)}"


@pytest.mark.parametrize(
    "wrong",
    ["nothing", "source", "source tell x", "dlq show", "key list", "situation show 1", "up --form x",
     "dlq retry --every"],
)  # fmt: skip
def test_that_check_can_fail(wrong: str) -> None:
    assert trouble_with(wrong) is not None
