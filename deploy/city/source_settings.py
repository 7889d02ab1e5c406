"""The settings of a source, in words: a line for each field of its model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    NoneType: "none",
}


def settings_of(model: type[BaseModel], indent: str = "  ") -> Iterator[str]:
    """A line for each setting: name, type, default, description; those of a table below it."""
    for name, field in model.model_fields.items():
        default = "needed" if field.is_required() else f"default {_default(field)}"
        yield f"{indent}{name}  ({_type(field.annotation)}; {default})  {field.description or ''}"
        for inner in _models_in(field.annotation):
            yield from settings_of(inner, indent + "    ")


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    return "none" if value is None else repr(value)


def _type(annotation: Any) -> str:
    """As a person would write it: ``text, list of text or none``."""
    inner = [one for one in get_args(annotation) if one is not Ellipsis]
    origin = get_origin(annotation)
    if origin is Annotated:
        inner = inner[:1]
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if origin in (Annotated, Union, UnionType):
        return " or ".join(_type(one) for one in inner)
    if origin in (tuple, list, set, frozenset):
        return f"list of {', '.join(dict.fromkeys(map(_type, inner)))}"
    if origin is dict:
        return f"table of {_type(inner[0])} → {_type(inner[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The tables that a setting holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models_in(inner)
