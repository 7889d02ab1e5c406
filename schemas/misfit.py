"""Find where a value does not fit its schema: the field and what was expected, never the value itself.

A schema is compiled into nested checks once. fastavro's own validation accepts unknown fields and floats beyond 32 bits,
and its messages show the value.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.model import Array, Enum, Fixed, Map, Primitive, Record, Type, Union


class Misfit(NamedTuple):
    field: str
    expected: str


Check = Callable[[Any], Misfit | None]

FLOAT_MAX = 3.4028235e38
GLANCES: tuple[tuple[str, type, float], ...] = (
    ("double", float, sys.float_info.max),
    ("float", float, FLOAT_MAX),
    ("long", int, 2**63 - 1),
    ("int", int, 2**31 - 1),
)
WORDS = {
    "string": "text",
    "bytes": "bytes",
    "int": "a whole number of 32 bits",
    "long": "a whole number of 64 bits",
    "float": "a finite number of 32 bits",
    "double": "a finite number",
    "boolean": "true or false",
    "null": "nothing",
}
TIME = "whole milliseconds since 1970-01-01 UTC"


def check_of(kind: Type, path: str = "") -> Check:  # noqa: PLR0911 (a return a case)
    """A check that gives the first place at which a value is not of *kind*, ``None`` when it fits."""
    misfit = Misfit(path, words_of(kind))
    match kind:
        case Primitive():
            return _simple(IS[kind.name], misfit)
        case Record():
            return _record(kind, misfit)
        case Enum():
            symbols = frozenset(kind.symbols)
            return _simple(lambda value: isinstance(value, str) and value in symbols, misfit)
        case Union():
            return _union(kind, misfit)
        case Array():
            return _array(check_of(kind.items, f"{path}[]"), misfit)
        case Map():
            return _map(check_of(kind.values, f"{path}{{}}"), misfit)
        case Fixed():
            size = kind.size
            return _simple(lambda value: isinstance(value, bytes) and len(value) == size, misfit)
        case _:
            return lambda _value: misfit


def words_of(kind: Type) -> str:  # noqa: PLR0911 (a return a case)
    """Describe the values of *kind*, for a person."""
    match kind:
        case Primitive(logical="timestamp-millis"):
            return TIME
        case Primitive():
            return WORDS[kind.name]
        case Enum():
            return "one of " + ", ".join(kind.symbols)
        case Array():
            return "a list"
        case Union():
            return " or ".join(words_of(branch) for branch in kind.branches)
        case Fixed():
            return f"{kind.size} bytes"
        case _:
            return "an object"


def _simple(fits: Callable[[Any], bool], misfit: Misfit) -> Check:
    return lambda value: None if fits(value) else misfit


def _record(kind: Record, misfit: Misfit) -> Check:
    fields = []
    for one in kind.fields:
        where = f"{misfit.field}.{one.name}" if misfit.field else one.name
        missing = None if one.has_default else Misfit(where, f"{words_of(one.type)} (it is missing)")
        fields.append((one.name, *_at_a_glance(one.type), check_of(one.type, where), missing))
    only = f"its {len(fields)} fields and no others"  # a name from outside may itself be personal data

    def check(value: Any) -> Misfit | None:
        if not isinstance(value, dict | Mapping):
            return misfit
        seen = 0
        for name, sure, number, least, most, is_text, check_field, missing in fields:
            if name in value:
                seen += 1
                inner = value[name]
                exact = type(inner)
                if (
                    exact in sure
                    or (exact is number and least <= inner <= most)
                    or (is_text and exact is str and inner.isascii())
                ):
                    continue
                found = check_field(inner)
                if found is not None:
                    return found
            elif missing is not None:
                return missing
        return None if seen == len(value) else Misfit(misfit.field, only)

    return check


def _at_a_glance(kind: Type) -> tuple[frozenset[type], type | None, float, float, bool]:
    """The terms of a quick test by type: (types that always fit, a number type, its least and most, may be ASCII text).

    Nine of ten values pass this test; the others go through the full check.
    """
    branches = kind.branches if isinstance(kind, Union) else (kind,)
    names = {branch.name for branch in branches if isinstance(branch, Primitive)}
    sure = frozenset(known for name, known in (("null", type(None)), ("boolean", bool)) if name in names)
    for name, exact, most in GLANCES:
        if name in names:
            return sure, exact, -most, most, "string" in names
    return sure, None, 0, 0, "string" in names


def _union(kind: Union, misfit: Misfit) -> Check:
    checks = [check_of(branch, misfit.field) for branch in kind.branches]

    def check(value: Any) -> Misfit | None:
        deepest = misfit
        for check_branch in checks:
            found = check_branch(value)
            if found is None:
                return None
            if len(found.field) > len(deepest.field):
                deepest = found
        return deepest

    return check


def _array(check_item: Check, misfit: Misfit) -> Check:
    def check(value: Any) -> Misfit | None:
        if isinstance(value, str | bytes) or not isinstance(value, list | Sequence):
            return misfit
        return next((found for found in map(check_item, value) if found is not None), None)

    return check


def _map(check_value: Check, misfit: Misfit) -> Check:
    def check(value: Any) -> Misfit | None:
        if not isinstance(value, Mapping) or not all(map(_is_text, value)):
            return misfit
        return next((found for found in map(check_value, value.values()) if found is not None), None)

    return check


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as broken JSON brings it
        return False
    return True


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


IS: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": _is_text,
    "bytes": lambda value: isinstance(value, bytes | bytearray),
    "int": lambda value: _is_whole(value) and -(2**31) <= value < 2**31,
    "long": lambda value: _is_whole(value) and -(2**63) <= value < 2**63,
    "float": lambda value: _is_number(value) and abs(value) <= FLOAT_MAX,
    "double": _is_number,
}
