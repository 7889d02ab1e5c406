"""``bongsu topics``: the catalogue against the cluster."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import orjson

from deploy.cli.group import Group
from deploy.cli.parameters import CITY
from deploy.settings import endpoints
from deploy.telling import tell

if TYPE_CHECKING:
    from deploy.topics import TopicState

COLOURS = {"missing": "yellow", "differs": "yellow", "repartition": "red", "well": "green"}


@click.group(cls=Group)
def topics() -> None:
    """Compare the cluster's topics with the catalogue.

    \b
    Example:  bongsu topics list
    """


@topics.command("list")
@click.option(
    "--city", "cities", multiple=True, type=CITY, help="This city's topics [default: every city's]."
)
@click.option("--json", "as_json", is_flag=True, help="One topic a line, as JSON.")
def list_(cities: Sequence[str], as_json: bool) -> None:
    """Name every topic, and what 'topics apply' would change.

    \b
    Example:  bongsu topics list --city demo
    """
    from deploy.topics import topic_states

    names = names_of(cities)
    found = topic_states(endpoints(need=("kafka",)).kafka, names)
    _print(found, as_json=as_json)
    changes = sum(one.needs_applying for one in found)
    words = f"{changes} would change: bongsu topics apply" if changes else "all as the catalogue says"
    tell(f"{len(found)} topics, {words}", err=True)


@topics.command("apply")
@click.option(
    "--city", "cities", multiple=True, type=CITY, help="This city's topics [default: every city's]."
)
@click.option("--json", "as_json", is_flag=True, help="One changed topic a line, as JSON.")
def apply_(cities: Sequence[str], as_json: bool) -> None:
    """Create missing topics, and set those that differ.

    As their contracts say.
    Nothing is ever removed, and partitions of a topic that exists stay as they are.

    \b
    Example:  bongsu topics apply --city demo
    """
    from deploy.cli.progress import counting
    from deploy.principals import grant
    from deploy.topics import apply, topic_states

    names = names_of(cities)
    bootstrap = endpoints(need=("kafka",)).kafka
    found = topic_states(bootstrap, names)
    changes = [one for one in found if one.needs_applying]
    if len(names) == 1:
        apply(bootstrap, changes)
    else:
        with counting("topics", len(changes)) as count:
            apply(bootstrap, changes, tell=lambda done: [count() for _ in range(done)])
    principals = grant(names)
    _print(changes, as_json=as_json)
    created = sum(one.partitions is None for one in changes)
    tell(f"{created} topics created, {len(changes) - created} changed, of {len(found)}", err=True)
    if principals:
        tell(
            f"{principals} principals with their rights: each city's services, within its own names", err=True
        )
    for one in found:
        if one.state == "repartition":
            tell(f"{one.topic}: {words_of(one)}", err=True)


def names_of(cities: Sequence[str]) -> list[str]:
    """The names of *cities*, each a name or a file; where none is given, of all that ship and of a user's own.

    A wrong file of one's own is then told and left out."""
    from deploy.city.city import City, load_city, readable_cities

    if cities:
        return [load_city(city).name for city in cities]
    names = []
    for one in readable_cities():
        if isinstance(one, City):
            names.append(one.name)
        else:
            tell(f"left out: {one.what}", fg="yellow", err=True)
    return names


def words_of(one: TopicState) -> str:
    """The change in words."""
    match one.state:
        case "missing":
            settings = ", ".join(f"{name}={wanted}" for name, (_now, wanted) in one.settings.items())
            return f"create with {one.contract.partitions} partitions, {settings}"
        case "differs":
            return ", ".join(f"{name} {now} → {wanted}" for name, (now, wanted) in one.settings.items())
        case "repartition":
            wanted = one.contract.partitions
            return f"has {one.partitions} partitions, its contract says {wanted}: keys would move, so do it by hand"
        case _:
            return ""


def _print(found: Sequence[TopicState], *, as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    if as_json:
        for one in found:
            tell(orjson.dumps(_as_value(one)).decode())
    elif sys.stdout.isatty():
        table = Table("topic", "state", "what would change", box=None, header_style="bold")
        for one in found:
            table.add_row(one.topic, f"[{COLOURS[one.state]}]{one.state}[/]", words_of(one))
        Console().print(table)
    else:
        for one in found:
            tell(f"{one.topic:32} {one.state:8} {words_of(one)}".rstrip())


def _as_value(one: TopicState) -> dict[str, object]:
    return {
        "topic": one.topic,
        "state": one.state,
        "partitions": {"now": one.partitions, "wanted": one.contract.partitions},
        "settings": {name: {"now": now, "wanted": wanted} for name, (now, wanted) in one.settings.items()},
    }
