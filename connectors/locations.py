"""Find where connectors are: those that ship, those of installed packages, those in folders. None is imported for that.

A package names its modules in the entry point groups ``bongsu.sources`` and ``bongsu.sinks``; the entry point's name is the
type. A folder holds them in ``sources/`` and ``sinks/``, as this one does; the file's name is the type. A leading
underscore: none.
"""

from __future__ import annotations

import hashlib
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata, util
from pathlib import Path
from types import ModuleType
from typing import Literal

Kind = Literal["source", "sink"]
Folders = tuple[Path, ...]
"""Folders with connectors, as a city's file names them; a file with one source may stand for its folder."""

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
NAME_FORM = "lower-case letters, digits and _, such as our_calls"
SHIPPED = "ships with Bongsu"
ROOT = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Location:
    """The place of one connector. *file* is ``None`` where its package has no such module."""

    kind: Kind
    name: str
    origin: str
    module: str
    file: Path | None

    @property
    def is_shipped(self) -> bool:
        return self.origin == SHIPPED

    @property
    def spoken(self) -> str:
        """The origin and the file, for people."""
        return (
            self.origin
            if self.file is None or str(self.file) in self.origin
            else f"{self.origin} ({self.file})"
        )


@dataclass(frozen=True, slots=True)
class Unusable:
    """A connector that cannot be used by its name: why, and how to mend it. *places*: all that bear the name."""

    name: str
    what: str
    hint: str
    places: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """The connectors of a kind by name, and those that are refused."""

    found: Mapping[str, Location]
    unusable: tuple[Unusable, ...]


def locate(kind: Kind, folders: Folders = ()) -> Located:
    """All connectors of *kind*. A name that stands twice is refused; one that ships keeps its name."""
    by_name: dict[str, list[Location]] = {}
    unusable = []
    for one in (*shipped(kind), *_of_packages(kind), *_of_folders(kind, folders)):
        same = by_name.setdefault(one.name, [])
        if not NAME.fullmatch(one.name):
            what = f"{kind} {one.name!r} of {one.spoken} has no name that a city's file could write"
            unusable.append(Unusable(one.name, what, f"call it by {NAME_FORM}", (one,)))
        elif one.file is None or one.file not in [other.file for other in same]:
            same.append(one)
    found = {}
    for name, places in by_name.items():
        if len(places) > 1:
            unusable.append(_twice(kind, name, places))
        if len(places) == 1 or (places and places[0].is_shipped):
            found[name] = places[0]
    return Located(dict(sorted(found.items())), tuple(unusable))


def _twice(kind: Kind, name: str, places: list[Location]) -> Unusable:
    if places[0].is_shipped:
        others = " and ".join(one.spoken for one in places[1:])
        what = f"{kind} {name!r} of {others} has the name of one that ships ({places[0].file})"
        return Unusable(name, what, "give it another name; the one that ships is used", tuple(places))
    what = f"{kind} {name!r} stands twice: in {' and in '.join(one.spoken for one in places)}"
    return Unusable(name, what, "rename one of them, or take it out; until then none is used", tuple(places))


@cache
def shipped(kind: Kind) -> tuple[Location, ...]:
    """The connectors that ship, in alphabetical order."""
    folder = ROOT / f"{kind}s"
    return tuple(
        Location(kind, name, SHIPPED, f"connectors.{kind}s.{name}", folder / f"{name}.py")
        for name in _modules_in(folder)
    )


def folder_module(folder: Path) -> str:
    """The name of the package that stands for *folder*, made where it is not yet: its modules may import each other by
    ``from ._part import …``. Folders of the same name have packages of their own."""
    path = folder.resolve()
    name = f"bongsu_folder_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    if name not in sys.modules:
        package = ModuleType(name, f"The modules in {path}.")
        package.__path__ = [str(path)]
        sys.modules[name] = package
    return name


def _of_folders(kind: Kind, folders: Folders) -> Iterator[Location]:
    for folder in dict.fromkeys(folders):
        if folder.suffix == ".py":
            if kind == "source":
                yield _in_folder(kind, folder.parent, folder.stem, f"file {folder}")
            continue
        for name in _modules_in(folder / f"{kind}s"):
            yield _in_folder(kind, folder / f"{kind}s", name, f"folder {folder}")


def _in_folder(kind: Kind, folder: Path, name: str, origin: str) -> Location:
    file = folder / f"{name}.py"
    if not file.is_file():
        file = folder / name / "__init__.py"
    return Location(kind, name, origin, f"{folder_module(folder)}.{name}", file.resolve())


def _modules_in(folder: Path) -> list[str]:
    return sorted(one.name for one in pkgutil.iter_modules([str(folder)]) if not one.name.startswith("_"))


def _of_packages(kind: Kind) -> Iterator[Location]:
    """The connectors of installed packages. Each package is read by itself: one whose metadata is wrong hinders no other."""
    seen = set[str]()
    for origin, points in _entry_points(kind):
        if origin in seen:  # a second copy, further down the path, is never imported
            continue
        seen.add(origin)
        for name, module in points or ():
            yield Location(kind, name.replace("-", "_"), origin, module, _file_of(module))


def unreadable_packages(kind: Kind) -> list[str]:
    """Faults of installed packages whose entry points cannot be read."""
    return [
        f"{origin}: its entry_points.txt cannot be read; write name = module.path in each line"
        for origin, points in _entry_points(kind)
        if points is None
    ]


def _entry_points(kind: Kind) -> Iterator[tuple[str, list[tuple[str, str]] | None]]:
    """Each package with connectors of *kind*, and its (name, module) pairs; ``None`` where these cannot be read."""
    group = f"bongsu.{kind}s"
    for package in metadata.distributions():
        try:
            text = package.read_text("entry_points.txt") or ""
        except (OSError, ValueError):  # no UTF-8: whose it is cannot be known
            continue
        if f"[{group}]" not in text:
            continue
        about = package.metadata  # parsed at each use
        origin = f"package {about['Name']} {about['Version']}"
        try:
            yield origin, [(one.name, one.module) for one in package.entry_points if one.group == group]
        except (AttributeError, TypeError, ValueError):
            yield origin, None


def _file_of(module: str) -> Path | None:
    """The file of *module*, found without importing its package."""
    top, *rest = module.split(".")
    try:
        spec = util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin).resolve() if spec.origin else None
    for folder in spec.submodule_search_locations or ():
        base = Path(folder).joinpath(*rest)
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file():
                return file.resolve()
    return None
