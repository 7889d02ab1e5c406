"""Types of sources for the command line: the one that a word means, the lines that list all, and the report of a check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.discovery import BadConfig, first_line, source_location
from connectors.imports import BrokenConnector, import_connector, refuse
from connectors.locations import Folders, Kind, Location, locate, unreadable_packages
from deploy.faults import UsageFault
from deploy.telling import tell
from schemas.errors import Fatal

if TYPE_CHECKING:
    from connectors.contract_suite.example import Example

SINKS = "sinks of subscriptions, and the live view in Redis, which runs by itself:"


@dataclass(frozen=True, slots=True)
class Meant:
    """The type that a word means, and the folders in which it is found."""

    location: Location
    folders: Folders


def meant_by(word: str, city_name: str | None = None) -> Meant:
    """The type that *word* means: a type's name (found in the folders of *city_name* too), ``CITY/SOURCE``, or a file."""
    from deploy.city.city import load_city

    if word.endswith(".py"):
        return _of_file(Path(word))
    folders: Folders = ()
    if "/" in word:
        of_city, _, called = word.rpartition("/")
        city = load_city(of_city)
        word, folders = city.source_file(called).type, city.folders
    elif city_name is not None:
        folders = load_city(city_name).folders
    try:
        return Meant(source_location(word, folders), folders)
    except BadConfig as error:
        hint = f"{error.hint}; or the path of its file; or with --city, a type in a folder of that city"
        raise UsageFault(error.what, hint=hint) from error


def _of_file(path: Path) -> Meant:
    """The source in the file *path*, and its neighbours where it is in a folder ``sources``."""
    file = path.resolve()
    if not file.is_file():
        raise UsageFault(
            f"no file '{path}'", hint="name the file of a source; lay one: bongsu source new NAME --in DIR"
        )
    folders = (file.parents[1] if file.parent.name == "sources" else file,)
    located = locate("source", folders)
    for one in located.found.values():
        if one.file == file:
            return Meant(one, folders)
    for bad in located.unusable:
        if file in [one.file for one in bad.places]:
            raise refuse(bad)
    raise UsageFault(
        f"{path} is no source", hint="a leading underscore marks a part of one; name the source itself"
    )


def type_lines(kind: Kind, folders: Folders = ()) -> Iterator[tuple[str, bool]]:
    """A line for each connector of *kind*, those of *folders* alone where some are given, and whether it can be used."""
    located = locate(kind, folders)
    ours = {f"folder {one}" for one in folders}
    for one in located.found.values():
        if not folders or one.origin in ours:
            text = first_line(one)
            origin = "" if one.is_shipped else f"  [{one.origin}]"
            yield f"  {one.name:28} {text}{origin}", not text.startswith("cannot be used")
    for bad in located.unusable:
        if not folders or ours.intersection(one.origin for one in bad.places):
            yield f"  {bad.name:28} refused: {bad.what}; {bad.hint}", False
    if not folders:
        for fault in unreadable_packages(kind):
            yield f"  {fault}", False


def tell_types(kind: Kind, folders: Folders = ()) -> None:
    for line, is_well in type_lines(kind, folders):
        tell(line, fg=None if is_well else "yellow")


def check_type(meant: Meant, example: str | None) -> None:
    """Run the contract suite over a type and print what each check found. ``Fatal`` where one failed."""
    from connectors.contract_suite.report import report

    location = meant.location
    tell(f"{location.name}  {location.spoken}")
    imported = "it is imported, and has the form of a source"
    try:
        import_connector(location)
    except BrokenConnector:
        tell(f"  FAILED  {imported}", fg="red")
        raise
    tell(f"  ok      {imported}")
    failed, count = 0, 1
    for one in report(location, _example(meant, example)):
        count += 1
        if not one.fault:
            tell(f"  ok      {one.name}")
            continue
        failed += 1
        tell(f"  FAILED  {one.name}: {one.fault}", fg="red")
        tell(f"          mend: {one.mend}")
    if failed:
        raise Fatal(f"{failed} of {count} checks failed", hint=f"mend {location.file}, and check again")
    tell(f"all {count} checks passed")


def _example(meant: Meant, named: str | None) -> Example:
    from connectors.contract_suite.example import read_example
    from connectors.contract_suite.report import example_file

    location = meant.location
    file = Path(named) if named is not None else example_file(location)
    if file is None:
        raise UsageFault(
            f"source {location.name!r} brings no example, which the checks read",
            hint=f"write examples/{location.name}.toml beside it (bongsu source new lays one), or name it with --example",
        )
    return read_example(location.name, file, meant.folders)
