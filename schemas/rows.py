"""Rows: an event's value to Avro and back, one at a time, by fastavro with stricter checks.

fastavro by itself takes trailing bytes, an enum or union index of -1 and whole numbers beyond their 32 bits. So values are
checked before it writes them (`schemas.misfit`), and payloads traced before it reads them (`schemas.tracing`).
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

from schemas.catalogue import MAX_BYTES, Schema
from schemas.dangers import dangers
from schemas.errors import BongsuError, Fatal, Invalid
from schemas.misfit import check_of
from schemas.model import Record, Type, model_of, nullable
from schemas.tracing import tracer_of


class RowCodec:
    """Encodes values of one schema; decodes payloads of that schema, or of another version, into its shape.

    Times are whole milliseconds. Raises ``Fatal`` for a schema that is no Avro schema, or is dangerous to decode with.
    """

    def __init__(self, schema: Schema, *, max_bytes: int = MAX_BYTES) -> None:
        self._form = _Form(schema, Fatal)
        self._check = check_of(self._form.model)
        self._max_bytes = max_bytes
        self._writers: dict[int, tuple[Schema, _Form]] = {}

    def encode(self, value: Mapping[str, Any]) -> bytes:
        """The Avro payload of *value*. ``Invalid`` names the field that does not fit, never its value."""
        self.check(value)
        return self.encode_checked(value)

    def encode_checked(self, value: Mapping[str, Any]) -> bytes:
        """The Avro payload of a *value* that ``check`` has let pass. ``Invalid`` where it is too long."""
        payload = self._form.written(value)
        self._check_size(payload)
        return payload

    def check(self, value: Mapping[str, Any]) -> None:
        """Raise ``Invalid`` where ``encode`` would, except for the size."""
        found = self._check(value)
        if found is not None:
            field = found.field or "value"
            raise Invalid(f"{field} does not fit its schema", field=field, expected=found.expected)

    def decode(self, payload: bytes, *, writer: Schema | None = None) -> dict[str, Any]:
        """*payload*, written by *writer* (this schema when not given), in this schema's shape.

        ``Invalid`` names the field at fault, as far as that can be known. A *writer* that is dangerous to decode with is
        ``Invalid`` too: the fault is the record's, not ours.
        """
        self._check_size(payload)
        form = self._form if writer is None else self._form_of(writer)
        value = form.read(payload)
        return value if form is self._form else form.read_as(payload, self._form)

    def _check_size(self, payload: bytes) -> None:
        if len(payload) > self._max_bytes:
            raise Invalid(f"{len(payload)} bytes", field="value", expected=f"at most {self._max_bytes} bytes")

    def _form_of(self, schema: Schema) -> _Form:
        """The form of *schema*, cached by the object's identity: the registry's client returns one object for each id."""
        known = self._writers.get(id(schema))
        if known is None:
            form = _Form(schema, Invalid)
            same = form.model == self._form.model
            known = self._writers[id(schema)] = (schema, self._form if same else form)
        return known[1]


class _Form:
    """A schema parsed for fastavro and compiled for our own checks. *fault* is raised when it is dangerous."""

    def __init__(self, schema: Schema, fault: type[Fatal] | type[Invalid]) -> None:
        self.model = _safe(schema, fault)
        self._trace = tracer_of(self.model)
        self._branches = _record_branches(self.model)
        try:
            self.parsed: Any = fastavro.parse_schema(json.loads(json.dumps(plain(schema))))
        except (SchemaParseException, UnknownType, ValueError) as error:
            raise fault(f"schema {schema.get('name')} is no Avro schema: {error}") from error

    def written(self, value: Mapping[str, Any]) -> bytes:
        """Encode *value*, which must fit. Naming the branch of a union spares fastavro the search: a quarter of its time."""
        told = dict(value)
        for name, branch in self._branches:
            if (inner := told[name]) is not None:
                told[name] = (branch, inner)
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self.parsed, told)
        return out.getvalue()

    def read(self, payload: bytes) -> dict[str, Any]:
        """The value of *payload*, every byte of it accounted for."""
        self._trace(payload)
        return _record(fastavro.schemaless_reader(io.BytesIO(payload), self.parsed))

    def read_as(self, payload: bytes, reader: _Form) -> dict[str, Any]:
        """The value of *payload*, which ``read`` has accepted, in the shape of *reader*."""
        try:
            value = fastavro.schemaless_reader(io.BytesIO(payload), self.parsed, reader.parsed)
        except Exception as error:  # SchemaResolutionError, or any error of fastavro's C code before it
            raise Invalid(
                "written with a version that cannot be read as the newest",
                field="value",
                expected="a version that 'bongsu schemas check' finds compatible",
            ) from error
        return _record(value)


def _record_branches(model: Type) -> list[tuple[str, str]]:
    """The fields that are null or a record, and the record's name."""
    fields = model.fields if isinstance(model, Record) else ()
    found = [(field.name, nullable(field.type)) for field in fields]
    return [(name, branch.name) for name, branch in found if isinstance(branch, Record)]


def _record(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid("no record", field="value", expected="a record")
    return value


def _safe(schema: Schema, fault: type[Fatal] | type[Invalid]) -> Type:
    try:
        model = model_of(schema)
    except BongsuError as error:
        raise fault(error.what) from error
    if found := dangers(model):
        path, what = found[0]
        raise fault(
            f"schema {schema.get('name')}: {path or 'the whole'} is {what}", hint="'bongsu schemas check'"
        )
    return model


def plain(schema: Any) -> Any:
    """*schema* without logical types and docs: times stay whole numbers."""
    match schema:
        case dict():
            left = {key: plain(value) for key, value in schema.items() if key not in ("logicalType", "doc")}
            return left["type"] if set(left) == {"type"} else left
        case list():
            return [plain(one) for one in schema]
        case _:
            return schema
