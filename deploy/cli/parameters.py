"""Parameters that name a city, a source or a port, completed at TAB. Only names of files and TOML are read for that."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from connectors.locations import locate
from deploy.city.names import city_names, file_of
from deploy.local.broker_metrics import PORT as OF_METRICS
from deploy.settings import COMPONENTS

PORT_MAX = 65_535
PORTS = (*COMPONENTS, OF_METRICS)


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


class Port(click.ParamType):
    """``NAME=NUMBER``: the port of a component of the local cluster."""

    name = "name=number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        name, _, number = str(value).partition("=")
        if name not in PORTS:
            self.fail(f"{name!r} has no port: write {', '.join(PORTS)} before the =", param, ctx)
        if not number.isascii() or not number.isdigit() or not 0 < int(number) <= PORT_MAX:
            self.fail(f"{number!r} is no port: write {name}= and a number from 1 to {PORT_MAX}", param, ctx)
        return name, int(number)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return _beginning([f"{name}=" for name in PORTS], incomplete)


CITY = CityName()
PORT = Port()
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
