"""Parameters that name a city or a source, completed at TAB. Only names of files and TOML are read for that."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from connectors.locations import locate
from deploy.city.names import city_names, file_of


class CityName(click.ParamType):
    """A city's name, or the path of a city file."""

    name = "city"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        if "/" in incomplete or incomplete.startswith((".", "~")):
            return [CompletionItem(incomplete, type="file")]
        return _beginning(city_names(), incomplete)


class SourceName(click.ParamType):
    """A source of the city that the command names beside it."""

    name = "text"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return _beginning(_sources_of(str(ctx.params.get("city_name") or "")), incomplete)


class TypeOrSource(click.ParamType):
    """A type of source, ``CITY/SOURCE``, or the file of a source."""

    name = "text"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        city, slash, _ = incomplete.rpartition("/")
        if incomplete.startswith((".", "/", "~")):
            return [CompletionItem(incomplete, type="file")]
        if slash:
            return _beginning([f"{city}/{one}" for one in _sources_of(city)], incomplete)
        return _beginning([*_types(), *(f"{one}/" for one in city_names())], incomplete)


CITY = CityName()
SOURCE = SourceName()
TYPE_OR_SOURCE = TypeOrSource()


def _beginning(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _types() -> list[str]:
    """The types that ship and those of installed packages. None is imported."""
    return sorted(locate("source").found)


def _sources_of(city: str) -> list[str]:
    """The names of the city's sources; none for a file that cannot be read: TAB says no errors."""
    path = Path(city) if city.endswith(".toml") else file_of(city)
    try:
        raw: Any = tomllib.loads(path.read_text(encoding="utf-8-sig")) if path else {}
        return [one["name"] for one in raw.get("source", ())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


READS_AS = click.option(
    "--audience", metavar="AGENCY", help="whose rows it reads, as alerts and grants name it; * for all"
)
READS_FOR = click.option(
    "--purpose",
    "purposes",
    multiple=True,
    help="a purpose of the city's law: it sees fields that identify somebody (again for more)",
)
