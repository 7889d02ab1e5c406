"""No module imports itself by way of others: whoever reads one need not read all of a circle."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from tests.structure.tree import Module, imports_of, product


def circle_among(modules: Iterable[Module]) -> list[str]:
    """One circle of imports, as names in their order; empty when there is none."""
    known = {one.name: one for one in modules}
    graph = {
        name: {one for one in imports_of(module, known) if one != name} for name, module in known.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circle_among(product()) == []


def test_a_circle_is_found_at_the_top_in_a_function_and_under_type_checking() -> None:
    first = Module("a.one", "a/one.py", "from a import two\n")
    for text in (
        "import a.one\n",
        "def late():\n    from a.one import x\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a.one import x\n",
    ):
        assert set(circle_among([first, Module("a.two", "a/two.py", text)])) == {"a.one", "a.two"}
    assert circle_among([first, Module("a.two", "a/two.py", "import json\n")]) == []
