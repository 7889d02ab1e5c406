"""``bongsu source``: the sources there are, their settings, trying one, how each is doing, and a new one."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from connectors.recordings import read_recording
from deploy.cli.group import Group
from deploy.cli.parameters import CITY, SOURCE, TYPE_OR_SOURCE
from deploy.cli.source_lines import report_lines, summary
from deploy.demo.sample import recording
from deploy.faults import UsageFault
from deploy.platform import reach
from deploy.telling import tell
from schemas.catalogue import load_catalogue
from schemas.json_form import to_json_value
from schemas.printable import printable_line

if TYPE_CHECKING:
    from connectors.base import Reader, SetAside

SHOWN_BYTES = 300


@click.group(cls=Group)
def source() -> None:
    """Show, try, resume or add sources.

    \b
    Example:  bongsu source list
    """


@source.command("list")
def list_() -> None:
    """Name the types of sources, and every city's sources.

    \b
    Example:  bongsu source list
    """
    from connectors.discovery import source_module, source_types
    from deploy.city.city import City, readable_cities

    tell("types:")
    for name in source_types():
        tell(f"  {name:28} {_first_line(source_module(name).__doc__)}")
    for one in readable_cities():
        if not isinstance(one, City):
            tell(f"left out: {one.what}", fg="yellow", err=True)
            continue
        tell(f"{one.name}:")
        for file in one.file.source:
            heard = f"every {file.every_s:g} s" if file.live else "only when played"
            tell(f"  {file.name:28} {file.type}, {heard}")


@source.command()
@click.argument("name", type=TYPE_OR_SOURCE)
def show(name: str) -> None:
    """Say what a source of type NAME is, and its settings.

    NAME may be CITY/SOURCE.

    \b
    Example:  bongsu source show mapped_rows
    """
    from connectors.discovery import config_model
    from deploy.city.city import load_city
    from deploy.city.source_settings import settings_of

    of_city, _, called = name.rpartition("/")
    type_name = load_city(of_city).source_file(called).type if of_city else name
    tell(f"{_module(type_name).__doc__ or ''}\n".lstrip())
    tell("settings (under its [[source]], beside name, type, every_s, live and reference):")
    for line in settings_of(config_model(type_name)):
        tell(line)


@source.command("try")
@click.argument("name", metavar="TYPE|CITY/SOURCE", type=TYPE_OR_SOURCE)
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--city",
    "city_name",
    type=CITY,
    default="demo",
    show_default=True,
    help="whose time zone and extent a TYPE has",
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="a setting of a TYPE, as TOML")
@click.option("--json", "as_json", is_flag=True, help="what is set aside too as a JSON line")
def try_(name: str, file: str, city_name: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Print what would be published of FILE, without Kafka.

    Says too what would be set aside, and why. FILE is a recording, the name of a sample that ships (as in the example), or
    the outside system's own file. Events go to standard output as JSON lines, words to standard error.

    \b
    Example:  bongsu source try demo/calls-119 demo-calls-119.jsonl
    """
    from connectors.base import SetAside
    from deploy.trial import Tried, try_out

    tried = Tried()
    for found in try_out(_source(name, city_name, settings), read_recording(recording(file)), tried):
        if isinstance(found, SetAside):
            _print_aside(found, as_json=as_json)
            continue
        value = to_json_value(load_catalogue()[found.topic].newest, found.value) if found.value else None
        tell(orjson.dumps({"topic": found.topic, "key": found.key, "value": value}).decode())
    for line in summary(tried):
        tell(line, err=True)


@source.command()
@click.argument("name", type=SOURCE)
@click.option("--city", "city_name", type=CITY, required=True, help="a city, or the path of its file")
@click.option("--json", "as_json", is_flag=True, help="as one JSON object")
def report(name: str, city_name: str, as_json: bool) -> None:
    """Say how source NAME is doing.

    Its rate, age, clock, order, duplicates, places, and what is set aside.

    \b
    Example:  bongsu source report calls-119 --city demo
    """
    from deploy.city.city import load_city
    from deploy.source_states import is_here, report_of
    from streams.ingest.report import shares

    city = load_city(city_name)
    city.source_file(name)
    platform = reach()
    told = report_of(platform, city.name, name) if is_here(platform, city.name) else None
    if told is None:
        raise UsageFault(
            f"source '{name}' of {city.name} has reported nothing yet",
            hint=f"run it first: bongsu run {city.spoken}",
        )
    if as_json:
        shown = to_json_value(load_catalogue()["core.source"].newest, told)
        tell(orjson.dumps(shown | {"shares": shares(told)}).decode())
        return
    for line in report_lines(told):
        tell(line)


@source.command()
@click.argument("name", type=SOURCE)
@click.option("--city", "city_name", type=CITY, required=True, help="a city, or the path of its file")
def resume(name: str, city_name: str) -> None:
    """Try source NAME again now, where its channel was stopped.

    A channel stops when over half of its last records were bad.

    \b
    Example:  bongsu source resume calls-119 --city demo
    """
    from deploy.city.city import load_city
    from deploy.source_states import is_here, resume_source

    city = load_city(city_name)
    city.source_file(name)
    platform = reach()
    if is_here(platform, city.name) and resume_source(platform, city.name, name):
        tell(f"{city.name}/{name} is tried within seconds, where it runs", err=True)
    else:
        tell(f"{city.name}/{name} is not stopped", err=True)


@source.command()
@click.argument("name")
@click.option(
    "--to",
    "root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="working copy [default: here]",
)
def new(name: str, root: Path) -> None:
    """Lay the skeleton of a new type of source.

    Its file, its test, and its example for the contract suite.

    \b
    Example:  bongsu source new our_calls
    """
    from deploy.skeleton import lay

    for path in lay(name, root):
        tell(str(path))
    tell(f"now:  pytest tests/contract tests/unit/connectors -k {name}", err=True)


def _module(type_name: str) -> Any:
    from connectors.discovery import BadConfig, source_module

    try:
        return source_module(type_name)
    except BadConfig as error:
        raise UsageFault(error.what, hint=error.hint) from error


def _source(name: str, city_name: str, settings: tuple[str, ...]) -> Reader:
    from connectors.discovery import BadConfig, load_source
    from deploy.city.city import load_city

    if "/" in name:
        of_city, _, called = name.rpartition("/")
        reader: Reader = load_city(of_city).load(called)
        return reader
    _module(name)
    try:
        told = tomllib.loads("\n".join(settings))
    except tomllib.TOMLDecodeError as error:
        raise UsageFault(
            f"--set: {error}", hint="write a setting as in the city's file: --set 'format=\"csv\"'"
        ) from error
    try:
        return load_source(name, load_city(city_name).context("tried"), told)
    except BadConfig as error:
        raise UsageFault(error.what, hint=f"{error.hint}; give one with --set KEY=VALUE") from error


def _print_aside(aside: SetAside, *, as_json: bool) -> None:
    original = aside.original[:SHOWN_BYTES].decode(errors="backslashreplace")
    if as_json:
        told = {
            "reason": aside.reason,
            "field": aside.field,
            "expected": aside.expected,
            "original": original,
        }
        tell(orjson.dumps({"set_aside": told}).decode())
        return
    expected = f" (expected {aside.expected})" if aside.expected else ""
    tell("set aside: ", fg="yellow", nl=False, err=True)
    more = "…" if len(aside.original) > SHOWN_BYTES else ""
    tell(f"{printable_line(aside.reason + expected)}\n  {printable_line(original)}{more}", err=True)
    sys.stderr.flush()


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
