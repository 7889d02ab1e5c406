"""The room's ground imports nobody else of the room, and nothing in the room imports in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import streams.situations

ROOM = "streams.situations"
GROUND = {"model", "config", "law", "terms", "entry", "sections"}
LEAVES = {"languages", "operators.model", "words"}
"""Texts, and values that a situation carries: they import nobody of the room themselves."""
Sources = Mapping[str, str]


def room() -> Sources:
    """The text of each module of the room, by its name within it."""
    root = Path(streams.situations.__file__).parent
    found = {path.relative_to(root).with_suffix("").parts: path.read_text() for path in root.rglob("*.py")}
    return {".".join(parts).removesuffix("__init__").rstrip("."): text for parts, text in found.items()}


@cache
def named(text: str) -> tuple[tuple[str, str], ...]:
    """Each import of *text*, under ``TYPE_CHECKING`` and inside functions, too: (module, name or nothing)."""
    found: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(one.name, "") for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            found += [(node.module or "", one.name) for one in node.names]
    return tuple(found)


def imported(text: str, modules: Sources) -> Iterator[str]:
    """The modules of the room that *text* imports, by their names within it."""
    for module, name in named(text):
        whole = f"{module}.{name}".removeprefix(f"{ROOM}.")
        if module == ROOM or module.startswith(f"{ROOM}."):
            yield whole if whole in modules else module.removeprefix(ROOM).removeprefix(".")


def graph_of(modules: Sources) -> dict[str, set[str]]:
    return {name: set(imported(text, modules)) - {name} for name, text in modules.items()}


def circle_in(graph: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def strangers(graph: Mapping[str, set[str]]) -> set[tuple[str, str]]:
    """(who, whom) of each import of the ground that leaves it."""
    return {
        (one, other) for one in GROUND | LEAVES for other in graph[one] if other not in GROUND | LEAVES
    } | {(one, other) for one in LEAVES for other in graph[one]}


def test_nothing_in_the_room_imports_in_a_circle() -> None:
    assert circle_in(graph_of(room())) == []


def test_the_ground_imports_nobody_else_of_the_room() -> None:
    assert strangers(graph_of(room())) == set()


@pytest.mark.parametrize(
    "planted",
    [
        "from streams.situations.rules.in_force import rule_names",
        "from streams.situations.rules import in_force",
        "import streams.situations.rules.in_force",
        "if TYPE_CHECKING:\n    from streams.situations.rules.in_force import CityRules",
        "def _late():\n    from streams.situations.rules.in_force import CityRules",
    ],
)
def test_a_circle_by_way_of_the_rules_is_found(planted: str) -> None:
    modules = dict(room())
    modules["config"] += f"\n{planted}\n"
    graph = graph_of(modules)
    assert {"config", "rules.in_force"} <= set(circle_in(graph))
    assert strangers(graph) == {("config", "rules.in_force")}
