"""The examples of the sources that ship."""

from __future__ import annotations

from pathlib import Path

from connectors.contract_suite.example import Example, read_all, read_example

__all__ = ["EXAMPLES", "Example", "example_of", "read_all"]

EXAMPLES = Path(__file__).parent / "examples"


def example_of(type_name: str) -> Example:
    """The example of a type; every source must have one."""
    file = EXAMPLES / f"{type_name}.toml"
    assert file.is_file(), f"source {type_name} brings no example: write {file.name} and its recording"
    return read_example(type_name, file)
