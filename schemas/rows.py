"""Rows: an event's value to Avro and back, one at a time, by fastavro, strictly.

fastavro by itself takes trailing bytes and an enum index of -1, and builds millions of items from a few bytes; so
sizes are bounded before decoding, what is decoded is checked, and what is left over is refused.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException

from schemas.catalogue import MAX_BYTES, Schema
from schemas.errors import Fatal, Invalid

WORDS = {
    "string": "text",
    "bytes": "bytes",
    "int": "a whole number of 32 bits",
    "long": "a whole number of 64 bits",
    "float": "a number",
    "double": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


class RowCodec:
    """Encodes values of one schema; decodes payloads of that schema or of an older one into its shape."""

    def __init__(self, schema: Schema, *, max_bytes: int = MAX_BYTES) -> None:
        self._plain = plain(schema)
        self._max_bytes = max_bytes
        try:
            self._parsed = fastavro.parse_schema(json.loads(json.dumps(self._plain)), _write_hint=False)
        except SchemaParseException as error:
            raise Fatal(f"schema {schema.get('name')}: {error}") from error
        self._writers: dict[int, tuple[Schema, Any]] = {}

    def encode(self, value: Mapping[str, Any]) -> bytes:
        """``Invalid`` names the field that does not fit, never its value."""
        out = io.BytesIO()
        try:
            fastavro.schemaless_writer(out, self._parsed, value, strict=True)
        except Exception as error:  # fastavro raises whatever its C code met
            raise self._misfit(value) from error
        payload = out.getvalue()
        if len(payload) > self._max_bytes:
            raise Invalid(f"{len(payload)} bytes", field="value", expected=f"at most {self._max_bytes} bytes")
        return payload

    def decode(self, payload: bytes, *, writer: Schema | None = None) -> dict[str, Any]:
        """*payload*, written by *writer* (this schema when not given), in this schema's shape. ``Invalid`` if it is not."""
        if len(payload) > self._max_bytes:
            raise Invalid(f"{len(payload)} bytes", field="value", expected=f"at most {self._max_bytes} bytes")
        source = io.BytesIO(payload)
        written = self._parsed if writer is None else self._writer(writer)
        reader = None if written is self._parsed else self._parsed
        try:
            value = fastavro.schemaless_reader(source, written, reader, handle_unicode_errors="strict")
        except Exception as error:  # as above: EOFError, IndexError, UnicodeDecodeError, MemoryError …
            raise Invalid(f"not Avro of this schema ({type(error).__name__})", field="value", expected="a whole record") from error
        if source.tell() != len(payload):
            raise Invalid("bytes left over", field="value", expected="one record and nothing behind it")
        if not isinstance(value, dict):
            raise Invalid("no record", field="value", expected="a record")
        return value

    def _writer(self, schema: Schema) -> Any:
        """The parsed form of *schema*, remembered by the object itself: a registry hands out one object an id."""
        known = self._writers.get(id(schema))
        if known is None:
            bare = plain(schema)
            same = bare == self._plain
            parsed = self._parsed if same else fastavro.parse_schema(json.loads(json.dumps(bare)), _write_hint=False)
            known = self._writers[id(schema)] = (schema, parsed)
        return known[1]

    def _misfit(self, value: Mapping[str, Any]) -> Invalid:
        found = misfit(self._plain, value, {})
        if found is None:
            return Invalid("does not fit its schema", field="value", expected="a value of this schema")
        field, expected = found
        return Invalid(f"{field} does not fit its schema", field=field, expected=expected)


def plain(schema: Any) -> Any:
    """*schema* without logical types and words for people: times stay whole numbers."""
    match schema:
        case dict():
            left = {key: plain(value) for key, value in schema.items() if key not in ("logicalType", "doc")}
            return left["type"] if set(left) == {"type"} else left
        case list():
            return [plain(one) for one in schema]
        case _:
            return schema


def misfit(schema: Any, value: Any, named: dict[str, Any], path: str = "") -> tuple[str, str] | None:
    """The first (field, what was expected there) at which *value* is not of *schema*; ``None`` when it is."""
    if isinstance(schema, list):
        return _misfit_union(schema, value, named, path)
    if isinstance(schema, str):
        if schema in named:
            return misfit(named[schema], value, named, path)
        return None if _is_primitive(schema, value) else (path or "value", WORDS.get(schema, schema))
    match schema["type"]:
        case "record":
            return _misfit_record(schema, value, named, path)
        case "enum":
            _remember(schema, named)
            return None if value in schema["symbols"] else (path, "one of " + ", ".join(schema["symbols"]))
        case "array":
            if not isinstance(value, list | tuple):
                return path, "a list"
            found = (misfit(schema["items"], one, named, f"{path}[{i}]") for i, one in enumerate(value))
            return next((one for one in found if one), None)
        case other:
            return misfit(other, value, named, path)


def _misfit_record(schema: Any, value: Any, named: dict[str, Any], path: str) -> tuple[str, str] | None:
    _remember(schema, named)
    if not isinstance(value, Mapping):
        return path or "value", "a record"
    for field in schema["fields"]:
        where = f"{path}.{field['name']}" if path else field["name"]
        if field["name"] not in value and "default" not in field:
            return where, "it to be there"
        if field["name"] in value and (found := misfit(field["type"], value[field["name"]], named, where)):
            return found
    extra = sorted(set(value) - {field["name"] for field in schema["fields"]})
    return (f"{path}.{extra[0]}" if path else extra[0], "no such field") if extra else None


def _misfit_union(branches: list[Any], value: Any, named: dict[str, Any], path: str) -> tuple[str, str] | None:
    found = [misfit(branch, value, named, path) for branch in branches]
    if None in found:
        return None
    deepest = max((one for one in found if one is not None), key=lambda one: len(one[0]))
    return deepest if deepest[0] != path else (path, " or ".join(one[1] for one in found if one is not None))


def _remember(schema: Any, named: dict[str, Any]) -> None:
    for name in (schema["name"], f"{schema.get('namespace', '')}.{schema['name']}"):
        named[name] = schema


def _is_primitive(name: str, value: Any) -> bool:
    match name:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "bytes":
            return isinstance(value, bytes)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31
        case "long":
            return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
        case "float" | "double":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return False
