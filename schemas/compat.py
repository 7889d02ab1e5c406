"""Whether a new version can read what every older one wrote (BACKWARD), without a registry.

The rules are Avro's schema resolution (specification 1.12, "Schema Resolution"), read strictly: names count in full,
and a change of a logical type is a change of meaning, so it counts too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schemas.catalogue import Schema
from schemas.model import Array, Enum, Field, Fixed, Map, Primitive, Record, Type, Union, model_of

PROMOTIONS = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}


class Breach(NamedTuple):
    """An incompatibility: *path* is the field that cannot be read, *what* says why."""

    path: str
    what: str


def breaches(written: Schema, reading: Schema) -> list[Breach]:
    """Why a reader of *reading* cannot read what was written with *written*; empty when it can."""
    return list(_types(model_of(written), model_of(reading), ""))


def breaches_of_versions(versions: Sequence[Schema]) -> Iterator[tuple[int, int, Breach]]:
    """(older, newer, breach) for every version against every one before it, not only the last."""
    for newer in range(1, len(versions)):
        for older in range(newer):
            for breach in breaches(versions[older], versions[newer]):
                yield older + 1, newer + 1, breach


def _types(written: Type, reading: Type, path: str) -> Iterator[Breach]:
    match written, reading:
        case Union(), _:
            for branch in written.branches:
                yield from _types(branch, reading, path)
        case _, Union():
            if all(list(_types(written, branch, path)) for branch in reading.branches):
                yield Breach(path, f"{words(written)} was written, and no branch of the union reads it")
        case Primitive(), Primitive():
            yield from _primitives(written, reading, path)
        case Record(), Record():
            yield from _names(written, reading, path)
            yield from _records(written, reading, path)
        case Enum(), Enum():
            yield from _names(written, reading, path)
            yield from _enums(written, reading, path)
        case Fixed(), Fixed():
            yield from _names(written, reading, path)
            if written.size != reading.size:
                yield Breach(path, f"{written.size} bytes were written, {reading.size} are read")
        case Array(), Array():
            yield from _types(written.items, reading.items, f"{path}[]")
        case Map(), Map():
            yield from _types(written.values, reading.values, f"{path}{{}}")
        case _:
            yield Breach(path, f"{words(written)} was written, {words(reading)} is read")


def _primitives(written: Primitive, reading: Primitive, path: str) -> Iterator[Breach]:
    if written.name != reading.name and reading.name not in PROMOTIONS.get(written.name, ()):
        yield Breach(path, f"{words(written)} was written, {words(reading)} is read")
    elif written.logical != reading.logical:
        yield Breach(path, f"its meaning changes from {words(written)} to {words(reading)}")


def _names(written: Record | Enum | Fixed, reading: Record | Enum | Fixed, path: str) -> Iterator[Breach]:
    if written.name != reading.name and written.name not in reading.aliases:
        yield Breach(path, f"{written.name} is renamed {reading.name} without the alias {written.name}")


def _records(written: Record, reading: Record, path: str) -> Iterator[Breach]:
    there = {one.name: one for one in written.fields}
    for field in reading.fields:
        where = f"{path}.{field.name}" if path else field.name
        old = _written_as(field, there)
        if old is not None:
            yield from _types(old.type, field.type, where)
        elif not field.has_default:
            yield Breach(where, "it is new and has no default")


def _written_as(field: Field, there: dict[str, Field]) -> Field | None:
    return next((there[name] for name in (field.name, *field.aliases) if name in there), None)


def _enums(written: Enum, reading: Enum, path: str) -> Iterator[Breach]:
    gone = [symbol for symbol in written.symbols if symbol not in reading.symbols]
    if gone and reading.default is None:
        yield Breach(path, f"symbols {', '.join(gone)} are gone, and no default stands for them")


def words(kind: Type) -> str:
    """A type as a person names it."""
    match kind:
        case Primitive():
            return f"{kind.name} ({kind.logical})" if kind.logical else kind.name
        case Record() | Enum() | Fixed():
            return f"{type(kind).__name__.lower()} {kind.name}"
        case Union():
            return " or ".join(words(branch) for branch in kind.branches)
        case _:
            return type(kind).__name__.lower()
