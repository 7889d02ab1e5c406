"""Check a city's file for faults that its models do not find by themselves. Pure, but for the law's file.

`check` finds all of it at once. `surroundings` finds faults of this machine: a path or a secret that is not here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from connectors.discovery import BadConfig, config_model, read_config, source_types
from connectors.imports import BrokenConnector
from connectors.locations import Folders
from deploy.city.findings import Found, Where, near, of_faults, shown
from schemas.kinds import load_kinds
from streams.situations.languages import languages
from streams.situations.rules.in_force import rule_names

SECRET = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
PEM = "-----BEGIN"
"""The beginning of a key or certificate that is given as it is, not as a file."""
KIND_KEYS = ("kind", "kinds", "carries", "attention", "candidate_kind")
"""The settings of a ``[[rule]]`` that hold kinds of the tree."""


def of_sources(raw: Mapping[str, Any], own: Mapping[str, Any], folders: Folders = ()) -> list[Found]:
    """All faults of ``[[source]]``. *own* are the settings that every type has. A source whose connector is broken has none
    here: the city goes on without it."""
    found: list[Found] = []
    lines: dict[str, int] = {}
    for number, source in enumerate(_tables(raw, "source")):
        name, kind = source.get("name"), source.get("type")
        if isinstance(name, str) and name in lines:
            what = f"source.{number}.name = {name!r}: a source of that name is there already"
            found.append(Found(("source", number, "name"), what, "give each source a name of its own"))
        if isinstance(name, str):
            lines.setdefault(name, number)
        if isinstance(kind, str):
            settings = {key: value for key, value in source.items() if key not in own}
            found += _of_settings(number, kind, settings, own, folders)
        found += _of_secrets(("source", number), source)
    return found


def _of_settings(
    number: int, kind: str, settings: Mapping[str, Any], own: Mapping[str, Any], folders: Folders
) -> Iterator[Found]:
    try:
        read_config(kind, settings, folders=folders)
    except BrokenConnector:
        return
    except BadConfig as error:
        if "type" not in settings and any(one.where == ("type",) for one in error.problems):
            what = f"source.{number}.type = {kind!r}: no source is of that type"
            yield Found(("source", number, "type"), what, near(kind.replace("-", "_"), source_types(folders)))
            return
        model = config_model(kind, folders, settings)
        yield from of_faults(error.problems, settings, model, ("source", number), own)


def _of_secrets(where: Where, value: Any) -> Iterator[Found]:
    """Find each ``${…}`` that names no variable: it would be sent to the other system as it is."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _of_secrets((*where, key), one)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _of_secrets((*where, number), one)
    elif isinstance(value, str) and "${" in SECRET.sub("", value):
        name = ".".join(map(str, where))
        hint = "write ${NAME}: capital letters, digits and '_'"
        yield Found(where, f"{name}: '${{' without the name of an environment variable and '}}'", hint)


def of_rules(raw: Mapping[str, Any]) -> list[Found]:
    """The faults of ``[[rule]]`` beside its settings' values: unknown or repeated names, and unknown kinds."""
    found: list[Found] = []
    seen: set[tuple[str, bool]] = set()
    for number, rule in enumerate(_tables(raw, "rule")):
        name, shadow = rule.get("name"), rule.get("shadow", False)
        at: Where = ("rule", number, "name")
        if not isinstance(shadow, bool):
            what = f"rule.{number}.shadow{shown(shadow)}: neither true nor false"
            found.append(Found(("rule", number, "shadow"), what, "write shadow = true, or take it out"))
        if not isinstance(name, str) or name not in rule_names():
            known = near(name, rule_names()) if isinstance(name, str) else "write a name"
            said = f"no rule {name!r}" if isinstance(name, str) else f"rule.{number}: a rule without a name"
            found.append(Found(at, said, known))
        elif (name, bool(shadow)) in seen:
            found.append(Found(at, f"a second rule '{name}'", "keep one of them"))
        else:
            seen.add((name, bool(shadow)))
        found += _of_kinds(("rule", number), rule)
        found += _of_language(number, rule)
    return found


def _of_kinds(where: Where, value: Any, *, are_kinds: bool = False) -> Iterator[Found]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _of_kinds((*where, key), one, are_kinds=key in KIND_KEYS)
        return
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from _of_kinds((*where, number), one, are_kinds=are_kinds)
        return
    if are_kinds and isinstance(value, str) and value not in load_kinds():
        name = ".".join(map(str, where))
        hint = near(value, load_kinds().names) + "; schemas/kinds.toml has all"
        yield Found(where, f"{name} = {value!r}: no such kind", hint)


def _of_language(number: int, rule: Mapping[str, Any]) -> Iterator[Found]:
    language, own = rule.get("language"), rule.get("headlines")
    known = {*languages(), *(own if isinstance(own, Mapping) else ())}
    if isinstance(language, str) and language not in known:
        what = f"rule.{number}.language = {language!r}: there are no texts for alerts in it"
        yield Found(("rule", number, "language"), what, near(language, known))


def _tables(raw: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The ``[[name]]`` of a file that are tables; the model refuses the others."""
    its = raw.get(name)
    return [one if isinstance(one, Mapping) else {} for one in its] if isinstance(its, list) else []


def surroundings(
    raw: Mapping[str, Any], environment: Mapping[str, str], folders: Folders = ()
) -> tuple[list[Found], list[str]]:
    """(what live sources lack here, what sources that are only played lack): a file, a secret, an address."""
    found = list(_of_cap(raw.get("cap"), environment))
    notes: list[str] = []
    for number, source in enumerate(_tables(raw, "source")):
        lacks = [*_of_missing_secrets(number, source, environment), *_of_places(number, source, folders)]
        if source.get("live", True) or source.get("push", False):
            found += lacks
        else:
            notes += [f"to be played, {one.what}: {one.hint}" for one in lacks]
    return found, notes


def _of_missing_secrets(
    number: int, source: Mapping[str, Any], environment: Mapping[str, str]
) -> Iterator[Found]:
    for key, value in source.items():
        for name in dict.fromkeys(SECRET.findall(str(value))):
            if name not in environment:
                what = f"source {source.get('name')!r} needs the secret {name}"
                yield Found(("source", number, key), what, f"set the environment variable {name}")


def _of_cap(about: Any, environment: Mapping[str, str]) -> Iterator[Found]:
    """The key and the certificate of ``[cap]`` that are not here. Their values are not told: one may be the key itself."""
    for name in ("key", "certificate"):
        said = about.get(name) if isinstance(about, Mapping) else None
        if not isinstance(said, str):
            continue
        lacking = [one for one in SECRET.findall(said) if one not in environment]
        filled = SECRET.sub(lambda match: environment.get(match[1], ""), said)
        if lacking:
            what = f"cap.{name} needs the secret {lacking[0]}"
            yield Found(("cap", name), what, f"set the environment variable {lacking[0]}")
        elif not filled.lstrip().startswith(PEM) and not Path(filled).expanduser().is_file():
            hint = "write the path of a PEM file; it counts from the folder in which the command runs"
            yield Found(("cap", name), f"cap.{name}: there is no such file", hint)


def _of_places(number: int, source: Mapping[str, Any], folders: Folders) -> Iterator[Found]:
    try:
        fields = config_model(str(source["type"]), folders).model_fields
    except BrokenConnector:
        return
    for key, value in source.items():
        if key in fields and Path in _types_in(fields[key].annotation) and not SECRET.search(str(value)):
            place = Path(str(value)).expanduser()
            if not place.exists():
                what = f"source.{number}.{key} = {str(value)!r}: nothing is at {place.absolute()}"
                yield Found(
                    ("source", number, key),
                    what,
                    "correct the path; it counts from the folder in which the command runs",
                )
    needs = {"url", "path"}.intersection(fields)
    is_heard = source.get("live", True) and not source.get("push", False)
    if "path" in fields and is_heard and not needs.intersection(source):
        what = f"source {source.get('name')!r} is to be heard and has no {' and no '.join(sorted(needs, reverse=True))}"
        hint = (
            "set one under its [[source]]; or live = false if it is only played, push = true if it is pushed"
        )
        yield Found(("source", number), what, hint)


def _types_in(annotation: Any) -> set[Any]:
    return {annotation}.union(*(_types_in(one) for one in get_args(annotation)))
