"""Strategies: any value that fits a schema."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from schemas.model import Array, Enum, Fixed, Map, Primitive, Record, Type, Union

PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "bytes": st.binary(max_size=20),
    "string": st.text(max_size=20),
}


def values_of(kind: Type) -> st.SearchStrategy[Any]:  # noqa: PLR0911 (a return a case)
    """Any value of *kind*; lists are short, the edges of numbers are in."""
    match kind:
        case Primitive():
            return PRIMITIVES[kind.name]
        case Record():
            return st.fixed_dictionaries({one.name: values_of(one.type) for one in kind.fields})
        case Enum():
            return st.sampled_from(kind.symbols)
        case Union():
            return st.one_of(*map(values_of, kind.branches))
        case Array():
            return st.lists(values_of(kind.items), max_size=3)
        case Map():
            return st.dictionaries(st.text(max_size=5), values_of(kind.values), max_size=3)
        case Fixed():
            return st.binary(min_size=kind.size, max_size=kind.size)
        case _:
            raise ValueError(kind)
