"""All faults of a city's file in one error: the line, the value there, and what to write instead. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from deploy.city.toml_lines import line_of
from deploy.faults import UsageFault

Where = tuple[str | int, ...]
SHOWN_MAX = 60
SECRET_WORDS = ("key", "secret", "token", "password", "header", "url")
"""Settings whose values are not printed."""


@dataclass(frozen=True, slots=True)
class Found:
    """One fault: its place as keys and numbers, the fault, and what to write."""

    where: Where
    what: str
    hint: str
    value: str | None = None
    """The text in a list at that place, by which its own line is found."""


def fault_of(path: Path, text: str, found: Sequence[Found]) -> UsageFault:
    """One error with everything found in *text*, the content of *path*, ordered by line."""
    told = sorted(((line_of(text, one.where, one.value), one) for one in found), key=lambda pair: pair[0])
    lines = [f"{path}, line {line}: {one.what}" for line, one in told]
    if len(told) == 1:
        return UsageFault(lines[0], hint=told[0][1].hint)
    listed = "\n".join(f"  {line}\n    {one.hint}" for line, (_, one) in zip(lines, told, strict=True))
    return UsageFault(
        f"{len(told)} things are wrong:\n{listed}", hint=f"then look again: bongsu city check {path}"
    )


def of_validation(
    error: ValidationError, raw: Any, model: type[BaseModel], prefix: Where = (), also: Iterable[str] = ()
) -> list[Found]:
    """All that pydantic found in *raw*, read at *prefix* as *model*; *also*: more known keys."""
    found = []
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        where, message = one["loc"], one["msg"].removeprefix("Value error, ")
        if one["type"] == "value_error" and isinstance(table := value_at(raw, where), Mapping):
            first = message.split(" ", 1)[
                0
            ]  # our validators of a whole table begin their message with the key at fault
            where = (*where, first) if first in table else where
        found.append(_found(one["type"], message, raw, where, prefix, [*names_at(model, where), *also]))
    return found


def _found(kind: str, message: str, raw: Any, where: Where, prefix: Where, names: Sequence[str]) -> Found:
    name = ".".join(str(part) for part in (*prefix, *where))
    key = str(where[-1]) if where else ""
    match kind:
        case "missing":
            return Found((*prefix, *where), f"{name}: {message}", f"add {key} = …")
        case "extra_forbidden":
            return Found((*prefix, *where), f"{name}: no such setting", near(key, names))
        case _:
            stands = shown(value_at(raw, where), key)
            return Found((*prefix, *where), f"{name}{stands}: {message}", "write what the message asks for")


def near(word: str, known: Iterable[str]) -> str:
    """A hint for a wrong *word*: the known word that looks like it, or all of them."""
    words = sorted(set(known))
    alike = difflib.get_close_matches(word.casefold(), words, n=1, cutoff=0.6)
    if alike:
        return f"write {alike[0]}"
    if not words:
        return "take it out"
    return f"take it out, or write one of: {', '.join(words)}" if len(words) <= 40 else "take it out"


def shown(value: Any, key: str = "") -> str:
    """`` = value`` for a value that is short and no secret, else an empty text."""
    if (
        isinstance(value, Mapping | list)
        or value is None
        or any(word in key.lower() for word in SECRET_WORDS)
    ):
        return ""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return f" = {text}" if len(text) <= SHOWN_MAX else ""


def value_at(raw: Any, where: Sequence[str | int]) -> Any:
    """The value at *where* in *raw*; ``None`` when there is none."""
    for part in where:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def names_at(model: type[BaseModel], where: Where) -> list[str]:
    """The keys that the table around the last part of *where* may have."""
    for part in where[:-1]:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        inner = next(_models_in(field.annotation), None) if field is not None else None
        model = inner or model
    return list(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for one in get_args(annotation):
        yield from _models_in(one)
