"""JSON Schema (2020-12, as OpenAPI 3.1 has it) of a contract's JSON form, from its Avro schema. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from schemas.catalogue import Contract

NUMBERS: Mapping[str, Mapping[str, Any]] = {
    "null": {"type": "null"},
    "boolean": {"type": "boolean"},
    "int": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number"},
    "double": {"type": "number"},
    "string": {"type": "string"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
}


def json_schema(contract: Contract) -> dict[str, Any]:
    """The schema of what ``to_json_value`` makes of the newest version; personal fields may be null, as they are masked.

    A later version may add fields, so others than those named are allowed.
    """
    personal = contract.personal
    masked = frozenset([*personal.identifying, *personal.located])
    found = _of(contract.newest, "", {}, masked)
    return {**found, "description": f"{contract.description} {found.get('description', '')}".strip()}


def _of(
    schema: Any, path: str, named: dict[str, Mapping[str, Any]], masked: Collection[str]
) -> dict[str, Any]:
    if isinstance(schema, list):
        (branch,) = [one for one in schema if one != "null"]
        return _nullable(_of(branch, path, named, masked))
    if isinstance(schema, str):
        return dict(NUMBERS[schema]) if schema in NUMBERS else _of(named[schema], path, named, masked)
    if schema.get("logicalType") == "timestamp-millis":
        return {"type": "string", "format": "date-time"}
    return _of_complex(schema, path, named, masked)


def _of_complex(
    schema: Any, path: str, named: dict[str, Mapping[str, Any]], masked: Collection[str]
) -> dict[str, Any]:
    match schema["type"]:
        case "record":
            return _of_record(schema, path, named, masked)
        case "array":
            return {"type": "array", "items": _of(schema["items"], path, named, masked)}
        case "map":
            return {"type": "object", "additionalProperties": _of(schema["values"], path, named, masked)}
        case "enum":
            return {"type": "string", "enum": list(schema["symbols"])}
        case other:
            return _of(other, path, named, masked)


def _of_record(
    schema: Any, path: str, named: dict[str, Mapping[str, Any]], masked: Collection[str]
) -> dict[str, Any]:
    for name in (schema["name"], f"{schema.get('namespace', '')}.{schema['name']}"):
        named[name] = schema
    properties = {}
    for one in schema["fields"]:
        where = f"{path}.{one['name']}" if path else one["name"]
        found = _of(one["type"], where, named, masked)
        about = {"description": one["doc"]} if one.get("doc") else {}
        properties[one["name"]] = {**(_nullable(found) if where in masked else found), **about}
    return {
        "type": "object",
        "description": schema.get("doc", ""),
        "required": [one["name"] for one in schema["fields"]],
        "properties": properties,
    }


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if isinstance(kind, list):
        return schema
    found = {**schema, "type": [kind, "null"]}
    return {**found, "enum": [*found["enum"], None]} if "enum" in found else found
