"""``bongsu city``: the cities there are, and whether a city's file is right."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from deploy.cli.group import Group
from deploy.cli.parameters import CITY
from deploy.faults import UsageFault
from deploy.platform import ALL, reach
from deploy.settings import home_folder
from deploy.telling import tell

SETTINGS = "settings are given with --set SOURCE.KEY=VALUE, and named by: bongsu source show TYPE"


@click.group(cls=Group)
def city() -> None:
    """List cities, make one of your own, check a city's file, remove what a city left.

    \b
    Example:  bongsu city list
    """


@city.command("list")
def list_() -> None:
    """Name the cities that ship and your own, with their sources.

    Your own stand in BONGSU_CITIES, else in BONGSU_HOME/cities. One that is wrong is listed with what is wrong.

    \b
    Example:  bongsu city list
    """
    from deploy.city.city import load_city
    from deploy.city.names import city_names, is_own, own_folder, shipped_cities

    shipped = shipped_cities()
    for name in city_names():
        try:
            one = load_city(name)
        except UsageFault as fault:
            tell(f"{name:12} ", nl=False)
            tell("WRONG  ", fg="red", nl=False)
            tell(f"{fault.what}; {fault.hint}")
            continue
        sources = ", ".join(source.name for source in one.file.source) or "no sources"
        own = (", yours, in place of the one that ships" if name in shipped else ", yours") * is_own(one.path)
        tell(f"{name:12} {one.file.title or name}  ({one.file.timezone}, law {one.file.law}{own}): {sources}")
        for bad in one.left_out:
            tell(f"{'':12} {bad.found.what}; {bad.hint}", fg="yellow")
    tell(f"your own cities: {own_folder()}; make one: bongsu city new NAME", err=True)


@city.command()
@click.argument("city_name", metavar="CITY", type=CITY)
def show(city_name: str) -> None:
    """Show CITY: its file, place, law, sources and rules.

    \b
    Example:  bongsu city show demo
    """
    from deploy.city.city import load_city

    one = load_city(city_name)
    box = one.file.bounds
    tell(f"{one.name}  {one.file.title or one.name}")
    tell(f"file     {one.path}")
    tell(f"place    south {box.south:g}, west {box.west:g}, north {box.north:g}, east {box.east:g}")
    tell(f"time     {one.file.timezone}")
    tell(f"law      {one.file.law}")
    for source in one.file.source:
        way = (
            "pushed by its agency"
            if source.push
            else f"every {source.every_s:g} s"
            if source.live
            else "only when played"
        )
        tell(f"source   {source.name:24} {source.type}, {way}")
    for bad in one.left_out:
        tell(f"source   {bad.name:24} is left out: {bad.what}", fg="yellow")
    for folder in one.folders:
        tell(f"own      {folder}  (connectors)")
    for rule in one.file.rule:
        tell(f"rule     {rule['name']}{' (in shadow)' if rule.get('shadow') else ''}")


@city.command()
@click.argument("city_name", metavar="CITY", type=CITY)
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
    tell(f"{one.path}: {one.name} is well: sources {len(one.file.source)}, law {one.file.law}")
    for note in notes:
        tell(f"  {note}")
    candidate = one.rules.candidate()
    for line in unseen(one.rules, candidate) if candidate is not None else ():
        tell(f"  in shadow, {line}")


@city.command()
@click.argument("name")
@click.option("--title", help="its name for people")
@click.option("--bounds", metavar="S,W,N,E", help="its extent in degrees: south,west,north,east")
@click.option("--timezone", help="an IANA time zone: Asia/Seoul")
@click.option("--law", help="a law profile, a file in deploy/laws")
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="NAME=TYPE",
    help="a source, again for more (bongsu source list)",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="SOURCE.KEY=VALUE",
    help="a setting of a source (bongsu source show TYPE), again for more",
)
@click.option(
    "--force", is_flag=True, help="replace your file of that name, or take the name of a shipped city"
)
def new(
    name: str,
    title: str | None,
    bounds: str | None,
    timezone: str | None,
    law: str | None,
    sources: tuple[str, ...],
    settings: tuple[str, ...],
    force: bool,
) -> None:
    """Write the file of a city of your own.

    It is checked before it is written, and nothing is written where it is wrong. At a terminal it asks for what no option
    gives. Every command then takes NAME as it takes a shipped city's.

    \b
    Example:  bongsu city new newtown --bounds 1,1,2,2 --timezone Etc/UTC --law us --source calls=columbia_cad
    """
    from deploy.city.draft import CityDraft, text_of
    from deploy.cli.new_city import (
        a_name,
        asked,
        bounds_of,
        law_of,
        next_steps,
        source_of,
        with_settings,
        written_at,
        zone_of,
    )

    path = _free_path(a_name(name), force=force)
    given: dict[str, Any] = {
        "title": title,
        "bounds": bounds_of(bounds) if bounds else None,
        "timezone": zone_of(timezone) if timezone else None,
        "law": law_of(law) if law else None,
    }
    drafts = with_settings([source_of(one) for one in sources], settings)
    missing = [f"--{one}" for one, value in given.items() if value is None and one != "title"]
    if is_terminal():
        draft = asked(name, given, drafts)
    elif missing:
        raise UsageFault(
            f"a new city needs {' and '.join(missing)}",
            hint="give them, or run it at a terminal, where it asks",
        )
    else:
        draft = CityDraft(
            name, title or name, given["timezone"], given["law"], given["bounds"], tuple(drafts)
        )
    text = text_of(draft)
    lacks = _checked(path, text)
    if not written_at(path, text, replaces=force):
        raise UsageFault(f"{path} is there already", hint="take another name, or --force to replace it")
    tell(f"written: {path}")
    for one in lacks:
        tell(f"  still to do: {one}", fg="yellow", err=True)
    tell("next:", err=True)
    for step in next_steps(draft, path):
        tell(f"  {step}", err=True)


def is_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _free_path(name: str, *, force: bool) -> Path:
    """The file that city *name* will have. ``UsageFault`` where it is there, or a shipped city has the name."""
    from deploy.city.names import own_folder, shipped_cities

    path = own_folder() / f"{name}.toml"
    if path.exists() and not force:
        raise UsageFault(f"{path} is there already", hint="take another name, or --force to replace it")
    if name in shipped_cities() and not force:
        raise UsageFault(
            f"{name} is a city that ships, and yours would take its place",
            hint="take another name, or --force if that is meant",
        )
    return path


def _checked(path: Path, text: str) -> list[str]:
    """The files and secrets that the city in *text* lacks here. ``UsageFault`` for a text that is wrong."""
    import os
    import tomllib

    from deploy.city.check import surroundings
    from deploy.city.city import city_of_text

    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageFault(
            f"a setting is given twice, or is no TOML: {error}", hint="look at each --set"
        ) from error
    try:
        text.encode()
        city_of_text(path, text, raw)
    except UnicodeEncodeError as error:
        raise UsageFault("an answer is no text in UTF-8", hint="write it in UTF-8") from error
    except UsageFault as fault:
        raise UsageFault(
            f"nothing is written, as the file would be wrong: {fault.what}",
            hint=SETTINGS if "\n" in fault.what else f"{fault.hint}; {SETTINGS}",
        ) from fault
    found, notes = surroundings(raw, os.environ)
    return [*(f"{one.what}: {one.hint}" for one in found), *notes]


@city.command()
@click.argument("city_name", metavar="CITY", type=CITY)
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
