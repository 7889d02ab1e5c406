"""Columns: many payloads of one schema to one Arrow batch, by pyruhvro, held to the same answers as the rows.

pyruhvro by itself takes trailing bytes, whole numbers beyond 32 bits and text that is not UTF-8, and panics (a
``BaseException``, with a page on standard error) on bytes and decimals. So what was decoded is encoded again and
compared, a whole batch at a time; a batch that is refused is halved until the bad records stand alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyruhvro

from schemas.catalogue import MAX_BYTES, Schema
from schemas.errors import Fatal, Invalid
from schemas.model import Array, Enum, Field, Primitive, Record, Type, Union, inner_types, model_of, nullable
from schemas.rows import RowCodec, plain

ROWS_MAX = 32
"""A refused batch of so few is read row by row."""
ARROW = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """*batch* holds the good ones: its row i is payload ``indices[i]``. *aside*: (index, why) of each other one."""

    batch: pa.RecordBatch
    indices: Sequence[int]
    aside: tuple[tuple[int, Invalid], ...]


class ColumnCodec:
    """Decodes payloads of *schema*, or of another version *writer*, into columns in the shape of *schema*.

    Times are int64 milliseconds, enums strings, records structs. ``Fatal`` for a dangerous schema.
    """

    def __init__(self, schema: Schema, *, writer: Schema | None = None, max_bytes: int = MAX_BYTES) -> None:
        self._writer = writer
        self._max_bytes = max_bytes
        self._rows = RowCodec(schema, max_bytes=max_bytes)
        written_model = model_of(writer or schema)
        self._fields = _fields(model_of(schema))
        self._text = json.dumps(plain(writer or schema))
        self._filled = _filled(written_model, self._fields)
        self._is_columnar = self._filled is not None and all(
            map(is_columnar, (written_model, model_of(schema)))
        )
        self.schema = pa.schema([_arrow_field(one) for one in self._fields])
        self._repeated: dict[str, pa.Array] = {}

    def decode(self, payloads: Sequence[bytes]) -> Columns:
        """Never raises for bad payloads: they are in ``aside``, and leave their neighbours untouched."""
        if self._is_columnar and payloads and max(map(len, payloads)) <= self._max_bytes:
            batch = self._by_columns(payloads)
            if batch is not None:
                return Columns(batch, range(len(payloads)), ())
        good: list[pa.RecordBatch] = []
        indices: list[int] = []
        aside: list[tuple[int, Invalid]] = []
        for first, part in self._parts(payloads, 0):
            good.append(part.batch)
            indices += [first + index for index in part.indices]
            aside += [(first + index, error) for index, error in part.aside]
        batch = pa.concat_batches(good) if good else self._batch_of([])
        return Columns(batch, indices, tuple(aside))

    def _parts(self, payloads: Sequence[bytes], first: int) -> Iterator[tuple[int, Columns]]:
        """*payloads* in parts, each decoded, with the index at which it begins."""
        if len(payloads) <= ROWS_MAX or not self._is_columnar:
            yield first, self._by_rows(payloads)
            return
        half = len(payloads) // 2
        for begin, part in ((0, payloads[:half]), (half, payloads[half:])):
            batch = self._by_columns(part) if max(map(len, part)) <= self._max_bytes else None
            if batch is not None:
                yield first + begin, Columns(batch, range(len(part)), ())
            else:
                yield from self._parts(part, first + begin)

    def _by_columns(self, payloads: Sequence[bytes]) -> pa.RecordBatch | None:
        """``None`` when anything about them is suspicious."""
        try:
            batch = pyruhvro.deserialize_array(list(payloads), self._text)
            batch.validate(full=True)
            (again,) = pyruhvro.serialize_record_batch(batch, self._text, 1)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            return None
        if not again.equals(pa.array(payloads, pa.binary())):
            return None
        return self._shaped(batch)

    def _shaped(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A batch of the writer's columns in the shape of *schema*: what it added is filled with its default."""
        filled = self._filled or {}
        columns = [
            self._default(one.name, filled[one.name], batch.num_rows)
            if one.name in filled
            else batch.column(one.name)
            for one in self._fields
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _default(self, name: str, value: pa.Scalar, count: int) -> pa.Array:
        """*value*, *count* times; a part of what was made before, as Arrow repeats nested values one by one."""
        known = self._repeated.get(name)
        if known is None or len(known) < count:
            known = self._repeated[name] = pa.repeat(value, count)
        return known[:count]

    def _by_rows(self, payloads: Sequence[bytes]) -> Columns:
        rows, indices, aside = [], [], []
        for index, payload in enumerate(payloads):
            try:
                rows.append(self._rows.decode(payload, writer=self._writer))
                indices.append(index)
            except Invalid as error:
                aside.append((index, error.with_traceback(None)))  # which holds all payloads
        return Columns(self._batch_of(rows), indices, tuple(aside))

    def _batch_of(self, rows: list[dict[str, Any]]) -> pa.RecordBatch:
        return pa.RecordBatch.from_pylist(rows, schema=self.schema)


def is_columnar(kind: Type) -> bool:
    """Whether pyruhvro and Arrow hold every value of *kind* just as the rows do."""
    match kind:
        case Primitive():
            return kind.name not in ("bytes", "null")
        case Union():
            return nullable(kind) is not None and all(
                is_columnar(one) for one in kind.branches if not _is_null(one)
            )
        case Record() | Array():
            return all(is_columnar(inner) for _, inner in inner_types(kind))
        case other:
            return isinstance(other, Enum)


def _is_null(kind: Type) -> bool:
    return isinstance(kind, Primitive) and kind.name == "null"


def _fields(kind: Type) -> tuple[Field, ...]:
    if not isinstance(kind, Record):
        raise Fatal("columns need a record", hint="make the schema's outermost type a record")
    return kind.fields


def _filled(written: Type, fields: Sequence[Field]) -> dict[str, pa.Scalar] | None:
    """The default of each field that *written* lacks; ``None`` when a field changed otherwise: rows know how."""
    there = {one.name: one.type for one in _fields(written)}
    if any(there[one.name] != one.type for one in fields if one.name in there):
        return None
    added = [one for one in fields if one.name not in there]
    if any(one.aliases or not one.has_default for one in added):
        return None
    return {one.name: pa.scalar(one.default, _arrow(one.type)) for one in added}


def _arrow_field(one: Field) -> pa.Field:
    return pa.field(one.name, _arrow(one.type), nullable=isinstance(one.type, Union) or _is_null(one.type))


def _arrow(kind: Type) -> pa.DataType:
    match kind:
        case Primitive():
            return ARROW[kind.name]
        case Record():
            return pa.struct([pa.field(one.name, _arrow(one.type)) for one in kind.fields])
        case Array():
            return pa.list_(_arrow(kind.items))
        case Enum():
            return pa.string()
        case Union() if (inner := nullable(kind)) is not None:
            return _arrow(inner)
        case _:
            raise Fatal(
                "no column can hold this type", hint="'bongsu schemas check' says which types may stand"
            )
