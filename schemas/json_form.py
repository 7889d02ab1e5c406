"""The one JSON form of an event's value: times as ISO 8601 with offset, bytes as base64."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from schemas.catalogue import Schema
from schemas.errors import Invalid
from schemas.iso_time import EPOCH, iso_time

Leaf = Callable[[Any, str], Any]
PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "string")


def to_json_value(schema: Schema, value: Mapping[str, Any]) -> dict[str, Any]:
    """*value* as JSON may hold it, field by field of *schema*. ``Invalid`` for a time beyond the year 9999."""
    shown: dict[str, Any] = _walk(schema, value, "", {}, {"time": _iso, "bytes": _base64})
    return shown


def from_json_value(schema: Schema, shown: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse. ``Invalid`` names the field that cannot be read."""
    value: dict[str, Any] = _walk(schema, shown, "", {}, {"time": _milliseconds, "bytes": _unbase64})
    return value


def shown_otherwise(schema: Schema) -> Schema:
    """*schema* with only the fields that have another form in JSON. Enough for both directions, and quicker."""
    return {**schema, "fields": [field for field in schema["fields"] if _is_shown_otherwise(field["type"])]}


def _is_shown_otherwise(kind: Any) -> bool:
    """Whether *kind* holds a time or bytes. A named type counts as one that does."""
    if isinstance(kind, list):
        return any(_is_shown_otherwise(branch) for branch in kind)
    if isinstance(kind, str):
        return kind == "bytes" or kind not in PRIMITIVES
    if "logicalType" in kind:
        return True
    inner = [field["type"] for field in kind.get("fields", ())]
    inner += [kind[name] for name in ("items", "values") if name in kind]
    return any(_is_shown_otherwise(one) for one in inner)


def _walk(schema: Any, value: Any, path: str, named: dict[str, Any], leaves: Mapping[str, Leaf]) -> Any:  # noqa: PLR0911 (a return a case)
    if value is None:
        return None
    if isinstance(schema, list):
        (branch,) = [one for one in schema if one != "null"] or ["null"]
        return _walk(branch, value, path, named, leaves)
    if isinstance(schema, str):
        if schema in named:
            return _walk(named[schema], value, path, named, leaves)
        return leaves["bytes"](value, path) if schema == "bytes" else value
    if schema.get("logicalType") == "timestamp-millis":
        return leaves["time"](value, path)
    match schema["type"]:
        case "record":
            for name in (schema["name"], f"{schema.get('namespace', '')}.{schema['name']}"):
                named[name] = schema
            return _walk_record(schema, value, path, named, leaves)
        case "array":
            return [_walk(schema["items"], one, f"{path}[{i}]", named, leaves) for i, one in enumerate(value)]
        case "map":
            return {
                key: _walk(schema["values"], one, f"{path}.{key}", named, leaves)
                for key, one in value.items()
            }
        case "enum":
            return value
        case other:
            return _walk(other, value, path, named, leaves)


def _walk_record(
    schema: Any, value: Any, path: str, named: dict[str, Any], leaves: Mapping[str, Leaf]
) -> Any:
    if not isinstance(value, Mapping):
        raise Invalid(f"{path or 'value'} is no object", field=path, expected="an object")
    known = {field["name"]: field["type"] for field in schema["fields"]}
    walked = {name: value[name] for name in value if name not in known}
    for name, kind in known.items():
        if name in value:
            walked[name] = _walk(kind, value[name], f"{path}.{name}" if path else name, named, leaves)
        else:
            _walk(kind, None, path, named, leaves)
    return walked


def _iso(value: Any, path: str) -> str:
    try:
        return (EPOCH + timedelta(milliseconds=value)).isoformat(timespec="milliseconds")
    except OverflowError:
        raise Invalid(f"{path} is no time", field=path, expected="a time in the years 1 to 9999") from None


def _milliseconds(value: Any, path: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        moment = iso_time(value)
    except ValueError:
        raise Invalid(f"{path} is no time", field=path, expected="ISO 8601 with offset") from None
    if not moment.has_offset:
        raise Invalid(f"{path} has no offset", field=path, expected="ISO 8601 with offset")
    return moment.utc_ms()


def _base64(value: Any, _path: str) -> str:
    return base64.b64encode(value).decode()


def _unbase64(value: Any, path: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError):
        raise Invalid(f"{path} is no base64", field=path, expected="base64") from None
