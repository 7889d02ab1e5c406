"""The examples of the sources that ship."""

from __future__ import annotations

from pathlib import Path

from connectors.contract_suite.example import Example, read_all, read_example

__all__ = ["EXAMPLES", "Example", "example_of", "read_all", "variants"]

EXAMPLES = Path(__file__).parent / "examples"


def variants() -> list[str]:
    """Further examples, of types whose records become different things: ``mapped_rows+observation``."""
    return sorted(file.stem for file in EXAMPLES.glob("*+*.toml"))


def example_of(name: str) -> Example:
    """The example of a type, or a further one of it; every source must have one."""
    type_name, file = name.partition("+")[0], EXAMPLES / f"{name}.toml"
    assert file.is_file(), f"source {type_name} brings no example: write {file.name} and its recording"
    return read_example(type_name, file)
