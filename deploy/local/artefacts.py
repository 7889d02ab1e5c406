"""The files of a local cluster, pinned by coordinates, size and sha256 in ``artefacts.lock.toml``.

The lock file is written by ``python -m deploy.local.lock`` and never by hand.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from schemas.errors import Fatal

LOCK_FILE = Path(__file__).with_name("artefacts.lock.toml")


class Progress(Protocol):
    """Receives messages and byte counts of long work, to show them."""

    def say(self, words: str) -> None: ...

    def fetched(self, done_bytes: int, total_bytes: int) -> None: ...


class Silent:
    """Shows nothing."""

    def say(self, words: str) -> None:
        pass

    def fetched(self, done_bytes: int, total_bytes: int) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Artefact:
    """One file of a Maven repository, for one *part* of the cluster (kafka or registry)."""

    part: str
    group: str
    name: str
    version: str
    packaging: str
    classifier: str
    bytes: int
    sha256: str

    @property
    def file(self) -> str:
        tail = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{tail}.{self.packaging}"

    @property
    def path(self) -> str:
        """Its path in a repository, and in our folders: they have the same layout."""
        return f"{self.group.replace('.', '/')}/{self.name}/{self.version}/{self.file}"


def load_lock(path: Path = LOCK_FILE) -> tuple[Artefact, ...]:
    """Every artefact that a cluster needs."""
    with path.open("rb") as file:
        return tuple(Artefact(**entry) for entry in tomllib.load(file)["artefact"])


def check(artefact: Artefact, file: Path) -> None:
    """Raise `Fatal` unless *file* is, byte for byte, what was pinned."""
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != artefact.sha256:
        raise Fatal(
            f"{file} is not the {artefact.file} that was pinned (sha256 {found}, expected {artefact.sha256})",
            hint="remove it and fetch it again; if that does not help, its repository cannot be trusted",
        )


def is_whole(artefact: Artefact, folder: Path) -> bool:
    """Whether *folder* holds it, unaltered. A damaged copy is removed, to be fetched again."""
    file = folder / artefact.path
    if not file.is_file():
        return False
    try:
        check(artefact, file)
    except Fatal:
        file.unlink()
        return False
    return True


def copy(artefacts: Iterable[Artefact], source: Path, target: Path) -> None:
    """Copy from one folder of artefacts to another, refusing what is missing or altered."""
    for artefact in artefacts:
        origin, goal = source / artefact.path, target / artefact.path
        if not origin.is_file():
            raise Fatal(
                f"{source} does not hold {artefact.path}",
                hint="fill it with: bongsu fetch -o DIR, by this version",
            )
        check(artefact, origin)
        goal.parent.mkdir(parents=True, exist_ok=True)
        half = goal.with_suffix(".half")
        shutil.copyfile(origin, half)
        half.replace(goal)


def class_path(artefacts: Sequence[Artefact], part: str, folder: Path) -> str:
    """Java's class path of one part's jars, in the order of the lock file."""
    if ":" in str(folder):
        raise Fatal(
            f"Java cannot be given jars from {folder}: ':' parts the entries of its class path",
            hint="name another folder for what is fetched, without ':', in XDG_CACHE_HOME",
        )
    return ":".join(str(folder / artefact.path) for artefact in artefacts if artefact.part == part)


def unpacked(artefact: Artefact, folder: Path, into: Path, progress: Progress) -> Path:
    """The folder with the archive's content, unpacked on first use; named by its checksum, so never stale."""
    goal = into / f"{artefact.name}-{artefact.version}-{artefact.sha256[:12]}"
    if goal.is_dir():
        return goal
    progress.say(f"unpacking {artefact.file}")
    half = goal.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    with tarfile.open(folder / artefact.path) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(half, filter="data")
        else:  # Python before 3.11.4, as Debian 12 has it: the archive's checksum is pinned
            archive.extractall(half)  # noqa: S202 (the checksum is pinned)
    half.rename(goal)
    return goal
