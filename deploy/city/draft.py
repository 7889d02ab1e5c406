"""The text of a new city's file, from answers. Pure.

A setting is a dotted key and its value as TOML; a value that is no TOML, or a number where a text belongs, is put in quotes.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.discovery import BadConfig, config_model, read_config, source_module
from deploy.city.findings import value_at

Bounds = tuple[float, float, float, float]
"""South, west, north, east, in degrees."""
OWN_KEYS = ("every_s", "age_objective_s", "reference", "live", "push", "speaks_for", "bounds")
"""Keys of a ``[[source]]`` that are none of its type's settings."""


@dataclass(frozen=True, slots=True)
class SourceDraft:
    """A source to be: *settings* are dotted keys with their values in TOML."""

    name: str
    type: str
    settings: Mapping[str, str] = field(default_factory=dict)

    def with_setting(self, key: str, value: str) -> SourceDraft:
        return replace(self, settings={**self.settings, key: as_toml(value)})

    def tables(self) -> dict[str, Any]:
        """The settings as they will be read, its own keys too."""
        return tomllib.loads("\n".join(f"{key} = {value}" for key, value in self.settings.items()))

    def quoted(self) -> SourceDraft:
        """The same with quotes around each number or word that its type reads as text: an agency ``119``."""
        settings = dict(self.settings)
        tables = {key: value for key, value in self.tables().items() if key not in OWN_KEYS}
        try:
            read_config(self.type, tables)
        except BadConfig as error:
            for one in error.problems:
                value = settings.get(one.name)
                if one.kind == "string_type" and value is not None and _is_plain(value_at(tables, one.where)):
                    settings[one.name] = _text(value)
        return replace(self, settings=settings)


@dataclass(frozen=True, slots=True)
class CityDraft:
    """A city to be."""

    name: str
    title: str
    timezone: str
    law: str
    bounds: Bounds
    sources: tuple[SourceDraft, ...] = ()


def as_toml(value: str) -> str:
    """*value* where it is one value of TOML, else as a text of TOML."""
    try:
        tables = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return _text(value)
    return value.strip() if list(tables) == ["value"] and "\n" not in value else _text(value)


def text_of(city: CityDraft) -> str:
    """The text of *city*'s file."""
    south, west, north, east = city.bounds
    lines = [
        f"# A city of your own. This file is checked by: bongsu city check {city.name}",
        f"name = {_text(city.name)}",
        *([f"title = {_text(city.title)}"] if city.title else []),
        f"timezone = {_text(city.timezone)}",
        f"law = {_text(city.law)}",
        "",
        "[bounds] # degrees; records outside are set aside",
        f"south = {south!r}",
        f"west = {west!r}",
        f"north = {north!r}",
        f"east = {east!r}",
    ]
    for source in city.sources:
        lines += ["", *_source_lines(source.quoted())]
    lines += [
        "",
        "# Reports of different agencies within this distance and time are one situation: 'bongsu kinds' names the kinds.",
        "[[rule]]",
        'name = "joint-incident"',
        "# radius_m = 200",
        "# window_s = 900",
    ]
    return "\n".join(lines) + "\n"


def _source_lines(source: SourceDraft) -> Iterable[str]:
    yield f"# Its settings: bongsu source show {source.type}"
    yield "[[source]]"
    yield f"name = {_text(source.name)}"
    yield f"type = {_text(source.type)}"
    tables = source.tables()
    yield from _way(source.type, tables)
    for key, value in source.settings.items():
        yield f"{key} = {value}"


def _way(type_name: str, tables: Mapping[str, Any]) -> Iterable[str]:
    """The lines that say when a source is read, where its answers did not."""
    if {"live", "push"} & set(tables):
        return
    fields = set(config_model(type_name).model_fields)
    if getattr(source_module(type_name), "PUSHED_ONLY", False):
        yield "push = true # its agency pushes it to the gateway"
    elif (ways := fields & {"url", "path", "mqtt"}) and not ways & set(tables):
        yield f"live = false # played from recordings; to hear it live, set {' or '.join(sorted(ways))} and live = true"
    if type_name == "generated_cameras" and "reference" not in tables:
        yield "reference = true"


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float)


def _text(value: str) -> str:
    """*value* as a text of TOML, whose escapes are JSON's. JSON leaves U+007F as it is, TOML does not."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
