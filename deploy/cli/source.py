"""``bongsu source``: the sources there are, their settings, trying and checking one, how each is doing, and a new one."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

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
    """Name the types of sources and sinks, and every city's sources.

    A type of an installed package, or of a folder that a city's file names, stands with where it comes from.

    \b
    Example:  bongsu source list
    """
    from deploy.city.city import City, readable_cities
    from deploy.cli.source_types import SINKS, tell_types

    tell("types:")
    tell_types("source")
    tell(SINKS)
    tell_types("sink")
    for one in readable_cities():
        if not isinstance(one, City):
            tell(f"left out: {one.what}", fg="yellow", err=True)
            continue
        tell(f"{one.name}:")
        for file in one.file.source:
            heard = f"every {file.every_s:g} s" if file.live else "only when played"
            tell(f"  {file.name:28} {file.type}, {heard}")
        for bad in one.left_out:
            tell(f"  {bad.name:28} left out: {bad.what}", fg="yellow")
        if one.folders:
            tell("  types in its own folders:")
            tell_types("source", one.folders)
            tell_types("sink", one.folders)


@source.command()
@click.argument("name", metavar="TYPE|CITY/SOURCE|FILE", type=TYPE_OR_SOURCE)
@click.option("--city", "city_name", type=CITY, help="find a TYPE in the folders of this city too")
def show(name: str, city_name: str | None) -> None:
    """Say what a type of source is, where it comes from, and its settings.

    \b
    Example:  bongsu source show mapped_rows
    """
    from connectors.imports import import_connector
    from deploy.city.source_settings import settings_of
    from deploy.cli.source_types import meant_by

    location = meant_by(name, city_name).location
    module = import_connector(location)
    tell(f"{module.__doc__ or ''}\n".lstrip())
    tell(f"from: {location.spoken}")
    tell("settings (under its [[source]], beside name, type, every_s, live and reference):")
    for line in settings_of(module.Config):
        tell(line)


@source.command()
@click.argument("name", metavar="TYPE|CITY/SOURCE|FILE", type=TYPE_OR_SOURCE)
@click.option("--city", "city_name", type=CITY, help="find a TYPE in the folders of this city too")
@click.option(
    "--example", type=click.Path(dir_okay=False), help="its example, where it is not in examples/ beside it"
)
def check(name: str, city_name: str | None, example: str | None) -> None:
    """Run the contract suite over a source.

    Says which checks ran, what failed, and what to mend. The checks read the source's example and ask a web server on this
    machine; nothing else is asked. The source's code is run. Exits with 1 if a check failed.

    \b
    Example:  bongsu source check connectors/sources/our_calls.py
    """
    from deploy.cli.source_types import check_type, meant_by

    check_type(meant_by(name, city_name), example)


@source.command("try")
@click.argument("name", metavar="TYPE|CITY/SOURCE|FILE", type=TYPE_OR_SOURCE)
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
    help="working copy of Bongsu, for a source that is to ship [default: here]",
)
@click.option(
    "--in",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="a folder of your own, which is made; a city's file names it",
)
def new(name: str, root: Path | None, folder: Path | None) -> None:
    """Lay the skeleton of a new type of source.

    Its file, its test, and its example for the contract suite.

    \b
    Example:  bongsu source new our_calls --in connectors
    """
    from deploy.skeleton import lay, lay_in_folder

    if folder is None:
        for path in lay(name, root or Path()):
            tell(str(path))
        tell(f"now:  pytest tests/contract tests/unit/connectors -k {name}", err=True)
        return
    if root is not None:
        raise UsageFault("--to and --in are two places", hint="give one of them")
    for path in lay_in_folder(name, folder):
        tell(str(path))
    tell(f"its contract:  bongsu source check {folder / 'sources' / name}.py", err=True)
    tell(f"its test:      pytest {folder / 'tests'}  (needs pytest: pip install 'bongsu[test]')", err=True)
    tell("in the city's file, above its first [table] (its code then runs as you do):", err=True)
    tell(f"  connectors = [{orjson.dumps(str(folder.resolve())).decode()}]", err=True)
    tell(f'and under its [[source]]:  type = "{name}"', err=True)


def _source(name: str, city_name: str, settings: tuple[str, ...]) -> Reader:
    from connectors.discovery import BadConfig, load_source
    from deploy.city.city import load_city
    from deploy.cli.source_types import meant_by

    if "/" in name and not name.endswith(".py"):
        of_city, _, called = name.rpartition("/")
        reader: Reader = load_city(of_city).load(called)
        return reader
    meant = meant_by(name, city_name)
    try:
        told = tomllib.loads("\n".join(settings))
    except tomllib.TOMLDecodeError as error:
        raise UsageFault(
            f"--set: {error}", hint="write a setting as in the city's file: --set 'format=\"csv\"'"
        ) from error
    try:
        return load_source(meant.location.name, load_city(city_name).context("tried"), told, meant.folders)
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
