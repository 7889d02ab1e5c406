"""All faults of a city's file in one error: the line, the value there, and what to write instead. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from deploy.city.toml_lines import lines_of, nearest_line
from deploy.faults import UsageFault
from schemas.validation import EXTRA, MISSING, Fault, faults_of

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


def fault_of(path: Path, text: str, found: Sequence[Found]) -> UsageFault:
    """One error with everything found in *text*, the content of *path*, ordered by line."""
    places = lines_of(text)
    told = sorted(((nearest_line(places, one.where), one) for one in found), key=lambda pair: pair[0])
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
    return of_faults(faults_of(error, raw), raw, model, prefix, also)


def of_faults(
    faults: Iterable[Fault], raw: Any, model: type[BaseModel], prefix: Where = (), also: Iterable[str] = ()
) -> list[Found]:
    """*faults* with what to write instead. A key that is missing because it is misspelt is one fault, not two."""
    faults, found, meant = list(faults), [], set[Where]()
    for one in faults:
        names = [*names_at(model, one.where), *(also if len(one.where) == 1 else ())]
        if one.kind == EXTRA and (alike := nearest(str(one.where[-1]), names)) is not None:
            meant.add((*one.where[:-1], alike))
    for one in faults:
        if one.kind == MISSING and one.where in meant:
            continue
        names = [*names_at(model, one.where), *(also if len(one.where) == 1 else ())]
        found.append(_found(one, raw, prefix, names))
    return found


def _found(fault: Fault, raw: Any, prefix: Where, names: Sequence[str]) -> Found:
    where = (*prefix, *fault.where)
    name = ".".join(map(str, where)) or "the file"
    key = str(fault.where[-1]) if fault.where else ""
    if fault.kind == MISSING:
        return Found(where, f"{name} is missing", f"add {key} = …")
    if fault.kind == EXTRA:
        return Found(where, f"{name}: no such setting", near(key, names))
    value = value_at(raw, fault.where)
    what = f"{name}{shown(value, key)}: {fault.what}"
    if fault.choices:
        return Found(where, what, near(str(value), fault.choices, otherwise=""))
    named = next((str(one) for one in reversed(fault.where) if isinstance(one, str)), name)
    return Found(
        where, what, f"{'write another value for' if fault.what.startswith('must ') else 'mend'} {named}"
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks like *word*; ``None`` when none does."""
    words = {one.casefold(): one for one in sorted(set(known), reverse=True)}
    alike = difflib.get_close_matches(word.casefold(), sorted(words), n=1, cutoff=0.6)
    return words[alike[0]] if alike else None


def near(word: str, known: Iterable[str], *, otherwise: str = "take it out") -> str:
    """A hint for a wrong *word*: the known word that looks like it, or all of them."""
    words = sorted(set(known))
    if (alike := nearest(word, words)) is not None:
        return f"write {alike}"
    if not words or len(words) > 40:
        return otherwise
    return f"{otherwise}{', or ' if otherwise else ''}write one of: {', '.join(words)}"


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
