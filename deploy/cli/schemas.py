"""``bongsu schemas``: the contracts, checked here and against the registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import orjson

from deploy.cli.group import Group
from deploy.cli.parameters import CITY
from deploy.settings import endpoints
from deploy.telling import tell
from schemas.catalogue import TOPICS, Contract, load_catalogue, topic_name
from schemas.errors import Fatal

WORK_FAILED = 1


@click.group(cls=Group)
def schemas() -> None:
    """Check, compare and register the event schemas.

    \b
    Example:  bongsu schemas check
    """


@schemas.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=TOPICS,
    help="A folder of contracts [default: the catalogue's own].",
)
@click.option("--json", "as_json", is_flag=True, help="One finding a line, as JSON.")
@click.pass_context
def check(ctx: click.Context, folder: Path, as_json: bool) -> None:
    """Check every contract, and against its released versions.

    Needs no network.

    \b
    Example:  bongsu schemas check
    """
    from schemas.lint import check_catalogue

    found = check_catalogue(folder)
    for one in found:
        tell(orjson.dumps(one._asdict()).decode() if as_json else str(one))
    count = len(list(folder.glob("*/topic.toml")))
    if not count:
        tell(f"no contract in {folder}: a contract is a folder with a topic.toml", err=True)
        ctx.exit(WORK_FAILED)
    tell(f"{count} contracts, {len(found) or 'no'} findings", err=True)
    ctx.exit(WORK_FAILED if found else 0)


@schemas.command()
@click.option(
    "--city", "cities", multiple=True, type=CITY, help="This city's subjects [default: every city's]."
)
@click.option("--json", "as_json", is_flag=True, help="One subject that differs a line, as JSON.")
@click.pass_context
def diff(ctx: click.Context, cities: Sequence[str], as_json: bool) -> None:
    """Say where the registry differs from the catalogue.

    Ends with 1 when it does.

    \b
    Example:  bongsu schemas diff --city demo
    """
    from deploy.cli.topics import names_of
    from schemas.registry import Registry
    from schemas.standing import differences

    subjects = list(_subjects(names_of(cities)))
    registry = Registry(endpoints(need=("registry",)).registry)
    differing = 0
    for topic, contract in subjects:
        found = differences(contract, registry.registered(topic))
        differing += bool(found)
        for what in found:
            line = orjson.dumps({"topic": topic, "what": what}).decode() if as_json else f"{topic:32} {what}"
            tell(line)
    words = f"{differing} differ: bongsu schemas register" if differing else "all as the catalogue says"
    tell(f"{len(subjects)} subjects, {words}", err=True)
    ctx.exit(WORK_FAILED if differing else 0)


@schemas.command()
@click.option(
    "--city", "cities", multiple=True, type=CITY, help="This city's subjects [default: every city's]."
)
@click.option("--json", "as_json", is_flag=True, help="One subject a line, as JSON.")
def register(cities: Sequence[str], as_json: bool) -> None:
    """Register every version of every contract.

    With its compatibility. What is there already stays as it is.

    \b
    Example:  bongsu schemas register --city demo
    """
    from deploy.cli.topics import names_of
    from schemas.registry import Registry

    subjects = list(_subjects(names_of(cities)))
    registry = Registry(endpoints(need=("registry",)).registry)
    for topic, contract in subjects:
        schema_id = registry.register(topic, contract)
        if as_json:
            tell(orjson.dumps({"topic": topic, "id": schema_id, "versions": len(contract.versions)}).decode())
    tell(f"{len(subjects)} subjects registered", err=True)


@schemas.command()
@click.option(
    "-o",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write [default: standard output].",
)
@click.option("--city", type=CITY, help="This city's topics [default: the city is a parameter].")
def asyncapi(path: Path | None, city: str | None) -> None:
    """Describe every topic as AsyncAPI 3.1.

    With key, headers, schema, retention and examples. Needs no network.

    \b
    Example:  bongsu schemas asyncapi --city demo -o asyncapi.json
    """
    from deploy.cli.topics import names_of
    from deploy.described import described
    from schemas.asyncapi import as_text

    text = as_text(described(None if city is None else names_of([city])[0]))
    if path is None:
        tell(text.removesuffix("\n"))
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Fatal(
            f"{path}: it cannot be written: {error.strerror}", hint="name another file after -o"
        ) from error
    tell(f"{path}: {len(load_catalogue())} topics", err=True)


def _subjects(cities: Sequence[str]) -> Iterator[tuple[str, Contract]]:
    for city in cities:
        for name, contract in load_catalogue().items():
            yield topic_name(city, name), contract
