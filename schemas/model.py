"""An Avro schema as Python objects, every name resolved, for lint, compatibility and the row codec.

Type
├── Primitive   string, bytes, int, long, float, double, boolean, null; perhaps with a logical type
├── Record      fields in order
├── Enum, Fixed
├── Array, Map
├── Union
└── Recursion   a record named inside itself: lint refuses it, and nothing may walk into it
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from schemas.errors import Fatal

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
TYPES_MAX = 2_000
"""The bound on a schema's types, each reference counted in full: nested references could otherwise grow without end."""


@dataclass(frozen=True, slots=True)
class Primitive:
    name: str
    logical: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """*has_default* tells a default of null from no default. *doc* is for people and is not compared."""

    name: str
    type: Type
    has_default: bool = False
    default: Any = None
    aliases: tuple[str, ...] = ()
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Record:
    name: str
    fields: tuple[Field, ...]
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Enum:
    name: str
    symbols: tuple[str, ...]
    default: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fixed:
    name: str
    size: int
    logical: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Array:
    items: Type


@dataclass(frozen=True, slots=True)
class Map:
    values: Type


@dataclass(frozen=True, slots=True)
class Union:
    branches: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Recursion:
    name: str


Type: TypeAlias = Primitive | Record | Enum | Fixed | Array | Map | Union | Recursion


def model_of(schema: Any) -> Type:
    """*schema* (as JSON gives it) with every name in full. ``Fatal`` when it is no Avro schema."""
    try:
        return _Reading().read(schema, "")
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        name = schema.get("name", "?") if isinstance(schema, Mapping) else "?"
        raise Fatal(f"schema {name} is no Avro schema: {_why(error)}") from error


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__} {error}"


def fingerprint(schema: Any) -> str:
    """A hash of *schema* that does not depend on its spelling: order of keys, short or full names, docs."""
    text = json.dumps(_spelled(model_of(schema)), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def paths(kind: Type, path: str = "") -> Iterator[tuple[str, Type]]:
    """Every type within *kind* with its dotted path, as topic.toml names it; arrays and unions add no step."""
    if path:
        yield path, kind
    for step, inner in inner_types(kind):
        yield from paths(inner, path if step in ("", "[]", "{}") else f"{path}.{step}".strip("."))


def nullable(kind: Type) -> Type | None:
    """The type beside null in ``[null, type]``; ``None`` for anything else."""
    match kind:
        case (
            Union(branches=(Primitive(name="null"), other)) | Union(branches=(other, Primitive(name="null")))
        ):
            return other
        case _:
            return None


def inner_types(kind: Type) -> list[tuple[str, Type]]:
    """The types directly within *kind*, each with its step; a union's branches stand where the union does."""
    match kind:
        case Record():
            return [(one.name, one.type) for one in kind.fields]
        case Array():
            return [("[]", kind.items)]
        case Map():
            return [("{}", kind.values)]
        case Union():
            return [("", one) for one in kind.branches]
        case _:
            return []


class _Reading:
    """One schema being read: the names defined so far, and those whose definition is not finished."""

    def __init__(self) -> None:
        self._named: dict[str, tuple[Type, int]] = {}
        self._open: set[str] = set()
        self._count = 0

    def read(self, schema: Any, namespace: str) -> Type:  # noqa: PLR0911 (one return a case)
        self._add(1)
        match schema:
            case str():
                return self._reference(schema, namespace)
            case list():
                return Union(tuple(self.read(one, namespace) for one in schema))
            case {"type": "record" | "error" | "enum" | "fixed"}:
                return self._named_type(schema, namespace)
            case {"type": "array"}:
                return Array(self.read(schema["items"], namespace))
            case {"type": "map"}:
                return Map(self.read(schema["values"], namespace))
            case {"type": str(name)} if name in PRIMITIVES:
                return Primitive(name, schema.get("logicalType"))
            case {"type": inner}:
                return self.read(inner, namespace)
            case _:
                raise ValueError("neither a name, a list nor an object with a type")

    def _reference(self, name: str, namespace: str) -> Type:
        if name in PRIMITIVES:
            return Primitive(name)
        full = _full(name, namespace)
        if full in self._open:
            return Recursion(full)
        if full not in self._named:
            raise ValueError(f"no type is named {full}")
        kind, count = self._named[full]
        self._add(count)
        return kind

    def _add(self, count: int) -> None:
        self._count += count
        if self._count > TYPES_MAX:
            raise ValueError(f"more than {TYPES_MAX} types within it")

    def _named_type(self, schema: Mapping[str, Any], namespace: str) -> Type:
        name = _full(schema["name"], schema.get("namespace", namespace))
        if name in self._named or name in self._open:
            raise ValueError(f"{name} is defined twice")
        inside = name.rpartition(".")[0]
        aliases = tuple(_full(one, inside) for one in schema.get("aliases", ()))
        self._open.add(name)
        before = self._count
        kind: Type
        match schema["type"]:
            case "enum":
                kind = Enum(name, tuple(schema["symbols"]), schema.get("default"), aliases)
            case "fixed":
                kind = Fixed(name, schema["size"], schema.get("logicalType"), aliases)
            case _:
                kind = Record(name, tuple(self._field(one, inside) for one in schema["fields"]), aliases)
        self._open.remove(name)
        self._named[name] = (kind, self._count - before)
        return kind

    def _field(self, said: Mapping[str, Any], namespace: str) -> Field:
        return Field(
            name=said["name"],
            type=self.read(said["type"], namespace),
            has_default="default" in said,
            default=said.get("default"),
            aliases=tuple(said.get("aliases", ())),
            doc=said.get("doc", ""),
        )


def _full(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _spelled(kind: Type) -> Any:  # noqa: PLR0911 (one return a case)
    """*kind* written out in full, every name expanded where it stands."""
    match kind:
        case Primitive():
            return [kind.name, kind.logical]
        case Record():
            fields = [
                [one.name, _spelled(one.type), one.has_default, one.default, one.aliases]
                for one in kind.fields
            ]
            return ["record", kind.name, fields, kind.aliases]
        case Enum():
            return ["enum", kind.name, kind.symbols, kind.default, kind.aliases]
        case Fixed():
            return ["fixed", kind.name, kind.size, kind.logical, kind.aliases]
        case Array():
            return ["array", _spelled(kind.items)]
        case Map():
            return ["map", _spelled(kind.values)]
        case Union():
            return ["union", *(_spelled(one) for one in kind.branches)]
        case Recursion():
            return ["recursion", kind.name]
