"""The connectors that a city's file names beside those that ship: its folders, and sources that cannot be used."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.imports import BrokenConnector, import_connector
from connectors.locations import Folders, locate
from deploy.city.findings import Found


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A source of a city whose connector is broken. The city goes on without it. *number*: its place in the file."""

    name: str
    number: int
    what: str
    hint: str

    @property
    def found(self) -> Found:
        return Found(
            ("source", self.number, "type"), f"source {self.name!r} is left out: {self.what}", self.hint
        )


def folders_of(path: Path, raw: Mapping[str, Any]) -> Folders:
    """The folders in ``connectors`` of the city's file *path*, from whose folder they count."""
    named = raw.get("connectors")
    texts = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    return tuple((path.parent / Path(one).expanduser()).resolve() for one in texts)


def of_folders(path: Path, raw: Mapping[str, Any]) -> Iterator[Found]:
    """The faults of ``connectors``: a folder that is not there, or that holds none."""
    for number, folder in enumerate(folders_of(path, raw)):
        where = ("connectors", number)
        if not folder.is_dir():
            hint = "correct the path; it counts from the folder of the city's file"
            yield Found(where, f"connectors.{number}: no folder is at {folder}", hint)
        elif not any((folder / kind).is_dir() for kind in ("sources", "sinks")):
            what = f"connectors.{number}: {folder} has neither a folder sources nor a folder sinks"
            yield Found(where, what, "put a source into its folder sources: bongsu source new NAME --in DIR")


def writable_by_all(folders: Folders) -> Iterator[str]:
    """A note for each folder or file of *folders* that every user of the machine may write: it runs as who runs the city."""
    for folder in folders:
        for path in (folder, *sorted(folder.glob("*")), *sorted(folder.glob("*/*.py"))):
            if path.exists() and path.stat().st_mode & stat.S_IWOTH:
                yield f"{path} may be written by every user, and its code runs as you do: chmod o-w it"


def of_their_connectors(folders: Folders) -> Iterator[Found]:
    """The connectors in *folders* that cannot be used, whether a source of the city is of their type or not."""
    for number, folder in enumerate(folders):
        for kind in ("source", "sink"):
            located = locate(kind, folders)
            ours = f"folder {folder}"
            for refused in located.unusable:
                if any(one.origin == ours for one in refused.places):
                    yield Found(("connectors", number), refused.what, refused.hint)
            for one in located.found.values():
                if one.origin != ours:
                    continue
                try:
                    import_connector(one)
                except BrokenConnector as error:
                    yield Found(("connectors", number), error.what, error.hint)
