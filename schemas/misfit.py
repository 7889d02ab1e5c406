"""Where a value does not fit its schema, in words: the field and what was expected, never what stood there."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.model import Array, Enum, Fixed, Map, Primitive, Record, Type, Union

FLOAT = struct.Struct("<f")


class Misfit(NamedTuple):
    field: str
    expected: str


WORDS = {
    "string": "text",
    "bytes": "bytes",
    "int": "a whole number of 32 bits",
    "long": "a whole number of 64 bits",
    "float": "a number of 32 bits",
    "double": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
TIME = "whole milliseconds since 1970-01-01 UTC"


def misfit(kind: Type, value: Any, path: str = "") -> Misfit | None:  # noqa: PLR0911 (one return a case)
    """The first place at which *value* is not of *kind*; ``None`` when it fits."""
    match kind:
        case Primitive():
            return None if _is_primitive(kind.name, value) else Misfit(path, _words(kind))
        case Record():
            return _of_record(kind, value, path)
        case Enum():
            return None if value in kind.symbols else Misfit(path, "one of " + ", ".join(kind.symbols))
        case Union():
            return _of_union(kind, value, path)
        case Array():
            if isinstance(value, str | bytes) or not isinstance(value, Sequence):
                return Misfit(path, "a list")
            return _first(misfit(kind.items, one, f"{path}[{i}]") for i, one in enumerate(value))
        case Map():
            if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
                return Misfit(path, "an object with text for keys")
            return _first(misfit(kind.values, one, f"{path}{{}}") for one in value.values())
        case Fixed():
            return (
                None
                if isinstance(value, bytes) and len(value) == kind.size
                else Misfit(path, f"{kind.size} bytes")
            )
        case _:
            return Misfit(path, "no recursion")


def _of_record(kind: Record, value: Any, path: str) -> Misfit | None:
    if not isinstance(value, Mapping):
        return Misfit(path, "an object")
    for one in kind.fields:
        where = f"{path}.{one.name}" if path else one.name
        if one.name in value:
            if found := misfit(one.type, value[one.name], where):
                return found
        elif not one.has_default:
            return Misfit(where, f"{_words(one.type)} (it is missing)")
    known = {one.name for one in kind.fields}
    extra = sum(name not in known for name in value)  # a name from outside may itself be personal data
    return Misfit(path, f"only its {len(known)} fields ({extra} more are there)") if extra else None


def _of_union(kind: Union, value: Any, path: str) -> Misfit | None:
    found = [misfit(branch, value, path) for branch in kind.branches]
    if None in found:
        return None
    known = [one for one in found if one is not None]
    deepest = max(known, key=lambda one: len(one.field))
    return deepest if deepest.field != path else Misfit(path, " or ".join(one.expected for one in known))


def _first(found: Iterable[Misfit | None]) -> Misfit | None:
    return next((one for one in found if one is not None), None)


def _words(kind: Type) -> str:
    match kind:
        case Primitive():
            return TIME if kind.logical == "timestamp-millis" else WORDS[kind.name]
        case Enum():
            return "one of " + ", ".join(kind.symbols)
        case Array():
            return "a list"
        case Union():
            return " or ".join(_words(branch) for branch in kind.branches)
        case _:
            return "an object"


def _is_primitive(name: str, value: Any) -> bool:  # noqa: PLR0911 (one return a case)
    match name:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str) and _is_encodable(value)
        case "bytes":
            return isinstance(value, bytes | bytearray)
        case "int":
            return _is_whole(value) and -(2**31) <= value < 2**31
        case "long":
            return _is_whole(value) and -(2**63) <= value < 2**63
        case _:
            return _is_number(value, of_32_bits=name == "float")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any, *, of_32_bits: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        number = float(value)
        return not of_32_bits or not math.isfinite(number) or FLOAT.pack(number) is not None
    except OverflowError:
        return False


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as broken JSON brings it
        return False
    return True
