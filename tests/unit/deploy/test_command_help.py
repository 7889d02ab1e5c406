"""The help of every command: quick, whole, and with an example that is one."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from deploy.cli import bongsu
from deploy.cli.group import Group
from tests.command_examples import commands, examples_of

COMMANDS = dict(commands())
GROUPS = [name for name, command in COMMANDS.items() if isinstance(command, click.Group)]
HEAVY = (
    "confluent_kafka",
    "faust",
    "pyarrow",
    "numba",
    "pydantic",
    "fastapi",
    "httpx",
    "numpy",
    "rich.console",
)
"""Modules that take a tenth of a second or more, each or with what they bring."""
ALL_HELP_AND_TABS = """
import json, os, sys
from click.shell_completion import BashComplete
from deploy.cli import bongsu

heavy, names = json.loads(sys.argv[1])
found = {}
for name in names:
    try:
        bongsu.main([*name.split(), "--help"], prog_name="bongsu", standalone_mode=False)
    finally:
        words = f"bongsu {name} --"
    os.environ |= {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    assert "--help" in BashComplete(bongsu, {}, "bongsu", "_BONGSU_COMPLETE").complete()
    loaded = [module for module in heavy if module in sys.modules and module not in found]
    found |= dict.fromkeys(loaded, name)
print(json.dumps(found), file=sys.stderr)
"""


def loaded_by_help(heavy: tuple[str, ...]) -> dict[str, str]:
    """Each of *heavy* that help or a TAB of a command loads, with the first command that does."""
    done = subprocess.run(
        [sys.executable, "-c", ALL_HELP_AND_TABS, json.dumps([heavy, list(COMMANDS)])],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, str] = json.loads(done.stderr)
    return found


def test_neither_help_nor_a_tab_loads_what_only_running_needs() -> None:
    assert loaded_by_help(HEAVY) == {}


def test_that_check_can_fail() -> None:
    assert loaded_by_help(("click", "orjson")).keys() == {"click", "orjson"}


def lines_of(group: click.Group, width: int) -> list[str]:
    """The lines under ``Commands:`` in a group's help on a terminal so wide."""
    result = CliRunner().invoke(group, ["--help"], terminal_width=width)
    assert result.exit_code == 0
    return result.output.partition("Commands:\n")[2].splitlines()


def test_the_whole_command_has_one_line_for_each_of_its_commands() -> None:
    output = CliRunner().invoke(bongsu, ["--help"]).output
    lines = output.partition("Local cluster:")[2].splitlines()
    listed = [line.split()[0] for line in lines if line and not line.endswith(":")]
    assert sorted(listed) == sorted(name for name in COMMANDS if " " not in name)
    assert "..." not in "".join(lines)


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_has_one_line_for_each_of_its_commands(name: str) -> None:
    group = COMMANDS[name]
    assert isinstance(group, click.Group)
    assert [line.split()[0] for line in lines_of(group, 80)] == sorted(group.commands)


@pytest.mark.parametrize("name", GROUPS)
def test_no_line_is_cut_on_a_narrow_terminal(name: str) -> None:
    group = COMMANDS[name]
    assert isinstance(group, click.Group)
    assert "..." not in "".join(lines_of(group, 40))


def test_that_check_can_fail_too() -> None:
    long = click.Command(
        "long", help="Says so much that no terminal of forty columns has room for it.", callback=print
    )
    cut, whole = click.Group("cut", {"long": long}), Group("whole", {"long": long})
    assert ["..." in "".join(lines_of(one, 40)) for one in (cut, whole)] == [True, False]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example_of_the_command(name: str) -> None:
    found = examples_of(COMMANDS[name])
    assert found
    assert all(one.startswith(name) for one in found)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_is_printed_on_one_line(name: str) -> None:
    output = CliRunner().invoke(bongsu, [*name.split(), "--help"]).output
    assert all(f"Example:  bongsu {one}\n" in output for one in examples_of(COMMANDS[name]))
