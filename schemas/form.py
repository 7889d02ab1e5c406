"""Check the form of a contract's newest schema: the common fields, the names, the docs and the types it may use."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.catalogue import Contract
from schemas.misfit import check_of
from schemas.model import (
    Enum,
    Field,
    Fixed,
    Map,
    Primitive,
    Record,
    Type,
    Union,
    inner_types,
    nullable,
    paths,
)
from schemas.personal import misclassed

LOWER_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
TIMES = re.compile(r".*(_at|_time)")

_TIME = Primitive("long", "timestamp-millis")
_NULL = Primitive("null")
_TEXT = Primitive("string")
_FLOAT_OR_NULL = Field("accuracy_m", Union((_NULL, Primitive("float"))), True)
POSITION = Record(
    "bongsu.Position", (Field("lat", Primitive("double")), Field("lon", Primitive("double")), _FLOAT_OR_NULL)
)
COMMON = (
    Field("event_id", _TEXT),
    Field("city", _TEXT),
    Field("source", _TEXT),
    Field("event_time", _TIME),
    Field("event_time_accuracy_s", Union((_NULL, Primitive("float"))), True),
    Field("received_time", _TIME),
    Field("position", Union((_NULL, POSITION)), True),
)
"""The first fields of every event, in this order."""


def form(record: Record, contract: Contract) -> Iterator[tuple[str, str]]:
    """(path, what is wrong and how to mend it) for the newest version of *contract*, whose model is *record*."""
    yield from _common(record)
    yield from _key(record, contract)
    yield from _fields(record, "")
    held = [path for path, kind in paths(record) if isinstance(kind, Fixed) or kind == Primitive("bytes")]
    for path in held:
        if path not in contract.bytes_fields:
            yield (
                path,
                "bytes: frames never travel on the bus; bytes_fields in topic.toml names the few exceptions",
            )
    for path in contract.bytes_fields:
        if path not in held:
            yield path, "bytes_fields in topic.toml names it, and it is no field of bytes"
    yield from misclassed(record, contract.personal)


def _common(record: Record) -> Iterator[tuple[str, str]]:
    for index, wanted in enumerate(COMMON):
        there = record.fields[index] if index < len(record.fields) else None
        if there is None or there.name != wanted.name:
            yield (
                wanted.name,
                f"every event begins with {', '.join(one.name for one in COMMON)}, in this order",
            )
            return
        if there != wanted:
            yield wanted.name, "a common field: its type and default must be those of every other event"


def _key(record: Record, contract: Contract) -> Iterator[tuple[str, str]]:
    if " " in contract.key:  # words for a key that is no field of the value
        return
    found = next((one for one in record.fields if one.name == contract.key), None)
    if found is None:
        yield contract.key, "key in topic.toml names it, and there is no such field"
    elif found.type != _TEXT:
        yield contract.key, "a key must be a string that is never null"


def _fields(record: Record, path: str) -> Iterator[tuple[str, str]]:
    for one in record.fields:
        where = f"{path}.{one.name}" if path else one.name
        if not LOWER_SNAKE.fullmatch(one.name):
            yield where, "a field's name is lower_snake"
        if not one.doc.strip():
            yield where, "it has no doc: say what it means, and its unit"
        yield from _default(one, where)
        yield from _time(one, where)
        yield from _types(one.type, where)


def _default(one: Field, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(one.type, Union):
        if one.type.branches[:1] != (_NULL,) or nullable(one.type) is None:
            yield where, 'a union is ["null", type] and nothing else: every decoder reads that alike'
        elif not one.has_default or one.default is not None:
            yield where, "a field that may be null has default null"
    elif one.has_default and check_of(one.type)(one.default) is not None:
        yield where, "its default does not fit its type"


def _time(one: Field, where: str) -> Iterator[tuple[str, str]]:
    if TIMES.fullmatch(one.name) and (nullable(one.type) or one.type) != _TIME:
        yield where, "a time is a long with logicalType timestamp-millis"


def _types(kind: Type, where: str) -> Iterator[tuple[str, str]]:
    match kind:
        case Record():
            yield from _type_name(kind.name, where)
            yield from _fields(kind, where)
        case Enum():
            yield from _type_name(kind.name, where)
            if not all(LOWER_SNAKE.fullmatch(symbol) for symbol in kind.symbols):
                yield where, "an enum's symbols are lower_snake"
        case Map():
            yield where, "a map: its keys are no part of the contract; use an array of records"
        case _:
            for _, inner in inner_types(kind):
                yield from _types(inner, where)


def _type_name(name: str, where: str) -> Iterator[tuple[str, str]]:
    if not TYPE_NAME.fullmatch(name.rpartition(".")[2]) or not name.startswith("bongsu."):
        yield where, f"type {name}: a type is named in CamelCase, in a namespace under bongsu"
