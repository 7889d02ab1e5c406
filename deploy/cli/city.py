"""``bongsu city``: the cities there are, and whether a city's file is right."""

from __future__ import annotations

import click

from deploy.city import load_city, shipped_cities
from streams.situations.shadowing import unseen


@click.group()
def city() -> None:
    """Cities: one file each."""


@city.command("list")
def list_() -> None:
    """Name the cities that ship, with their sources.

    Example:  bongsu city list
    """
    for name in shipped_cities():
        one = load_city(name)
        sources = ", ".join(source.name for source in one.file.source) or "no sources"
        click.echo(
            f"{name:12} {one.file.title or name}  ({one.file.timezone}, law {one.file.law}): {sources}"
        )


@city.command()
@click.argument("city_name", metavar="CITY")
def check(city_name: str) -> None:
    """Read CITY's file (a name or a path) and say what is wrong in it, with its line.

    Example:  bongsu city check deploy/cities/houston.toml
    """
    one = load_city(city_name)
    click.echo(f"{one.path}: {one.name} is well: {len(one.file.source)} sources, law {one.file.law}")
    candidate = one.rules.candidate()
    for line in unseen(one.rules, candidate) if candidate is not None else ():
        click.echo(f"  in shadow, {line}")
