"""``bongsu city``: the cities there are, and whether a city's file is right."""

from __future__ import annotations

import click

from deploy.cli.group import Group
from deploy.platform import ALL, reach
from deploy.settings import home_folder
from deploy.telling import tell


@click.group(cls=Group)
def city() -> None:
    """List cities, check a city's file, remove what a city left.

    \b
    Example:  bongsu city list
    """


@city.command("list")
def list_() -> None:
    """Name the cities that ship, with their sources.

    \b
    Example:  bongsu city list
    """
    from deploy.city.city import load_city, shipped_cities

    for name in shipped_cities():
        one = load_city(name)
        sources = ", ".join(source.name for source in one.file.source) or "no sources"
        tell(f"{name:12} {one.file.title or name}  ({one.file.timezone}, law {one.file.law}): {sources}")


@city.command()
@click.argument("city_name", metavar="CITY")
def check(city_name: str) -> None:
    """Check CITY's file: all that is wrong, and what to write.

    CITY is a name or a path. Each fault is printed with its line. Files and secrets that its sources need are checked too.

    \b
    Example:  bongsu city check demo
    """
    from deploy.city.city import check_surroundings, load_city
    from streams.situations.shadow import unseen

    one = load_city(city_name)
    notes = check_surroundings(one)
    tell(f"{one.path}: {one.name} is well: {len(one.file.source)} sources, law {one.file.law}")
    for note in notes:
        tell(f"  {note}")
    candidate = one.rules.candidate()
    for line in unseen(one.rules, candidate) if candidate is not None else ():
        tell(f"  in shadow, {line}")


@city.command()
@click.argument("city_name", metavar="CITY")
@click.option("--yes", is_flag=True, help="do it; without it, say only what would be removed")
def erase(city_name: str, yes: bool) -> None:
    """Remove what CITY left in the cluster and the home folder.

    Topics, schemas, the live view and its folders go; its file stays. So its accounts and situations go too, and what
    agencies pushed and nobody published yet. End its workers first.

    \b
    Example:  bongsu city erase demo --yes
    """
    from deploy.assembly.erase import erase_city, folders_of, topics_of
    from deploy.city.city import load_city

    one, platform, home = load_city(city_name), reach(need=ALL), home_folder()
    found = [*topics_of(platform, one.name), *map(str, folders_of(home, one.name))]
    if not yes:
        tell("\n".join(found) or f"nothing of {one.name} is here")
        tell(f"{len(found)} topics and folders would be removed; do it with --yes", err=True)
        return
    erase_city(platform, one.name, home)
    tell(f"{one.name}: {len(found)} topics and folders removed, its schemas and its live view too", err=True)
