"""A home folder: where one local cluster keeps its ports, processes, logs and data, and the lock on it.

HOME/cluster.json    the ports chosen, and the processes started (see `Remembered`)
HOME/cluster.lock    held while `bongsu up` or `bongsu down` works
HOME/logs/           one log a component, rotated
HOME/kafka/          settings and data of the broker
HOME/registry/       the schema registry's database
HOME/redis/          settings of the live view (it keeps no data)
HOME/gateway/        what agencies pushed and is not published yet, by city
HOME/workers/        files of a city's workers
HOME/security/       of a secure home: its authority, keys and passwords (see `secure_home`)
HOME/cities/         a user's own cities: never written by the cluster, never erased
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from connectors.transport.private_files import private_file, private_folder
from schemas.errors import Fatal

FOLDERS = ("kafka", "registry", "redis", "gateway", "workers", "cases", "security", "logs")
FILES = ("cluster.json", "cluster.json.half", "cluster.lock")
LOCK_WAIT_S = 180.0
LOCK_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Process:
    """A process that we started: *boot* (the machine's boot id) and *start* (the kernel's clock ticks from that
    boot to the process's start, proc(5)) tell it from a later one of the same pid, whatever the wall clock did."""

    pid: int
    boot: str
    start: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """The contents of ``cluster.json``: ports by use, processes by component, the names of the ports that stay, and whether
    the cluster lets nobody in without a principal."""

    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    secure: bool = False

    def with_process(self, component: str, process: Process | None) -> Remembered:
        others = {name: kept for name, kept in self.processes.items() if name != component}
        return replace(self, processes=others if process is None else {**others, component: process})


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one local cluster. Two homes on one machine share nothing but the cache of artefacts."""

    root: Path

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def folder(self, component: str) -> Path:
        return self.root / component

    def log(self, component: str) -> Path:
        return self.logs / f"{component}.log"

    def recall(self) -> Remembered:
        """Read ``cluster.json``; empty when the home is new or the file is not valid. A home that has an authority is secure
        also then: a file that was lost must not open it."""
        try:
            kept = json.loads((self.root / "cluster.json").read_text(encoding="utf-8"))
            processes = {name: Process(**process) for name, process in kept["processes"].items()}
            return Remembered(
                ports={name: int(port) for name, port in kept["ports"].items()},
                processes=processes,
                fixed=tuple(name for name in kept.get("fixed", ()) if name in kept["ports"]),
                secure=bool(kept.get("secure", False)),
            )
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
            return Remembered(secure=(self.root / "security" / "ca.crt").exists())

    def remember(self, remembered: Remembered) -> None:
        """Replace ``cluster.json`` atomically."""
        half = self.root / "cluster.json.half"
        private_file(half).write_text(json.dumps(asdict(remembered), indent=2) + "\n", encoding="utf-8")
        half.replace(self.root / "cluster.json")

    @contextmanager
    def locked(self, *, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
        """Lock this home; a second caller waits up to *wait_s* seconds, then gets ``Fatal``."""
        self._make()
        deadline = time.monotonic() + wait_s
        while (descriptor := _lock(self.root / "cluster.lock")) is None:
            if time.monotonic() > deadline:
                raise Fatal(
                    f"home folder {self.root} is held by another bongsu command",
                    hint="wait for it to end; bongsu status tells what runs",
                )
            time.sleep(LOCK_POLL_S)
        try:
            yield
        finally:
            os.close(descriptor)

    def erase(self) -> list[str]:
        """Remove everything that Bongsu wrote here, and the folder itself when it is then empty.

        Returns the names of the files left in it, which are not ours. `Fatal` when a file of ours cannot be removed.
        """
        for name in FOLDERS:
            with suppress(FileNotFoundError):
                self._remove_folder(self.root / name)
        for name in FILES:
            (self.root / name).unlink(missing_ok=True)
        with suppress(OSError):  # files that are not ours are in it
            self.root.rmdir()
        return sorted(one.name for one in self.root.iterdir()) if self.root.exists() else []

    def _remove_folder(self, folder: Path) -> None:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Fatal(
                f"{error.filename or folder} cannot be removed: {error.strerror}",
                hint="remove it by hand, or mend its rights and write bongsu down --erase again",
            ) from error

    def _make(self) -> None:
        if why := _unfit(str(self.root)):
            raise Fatal(
                f"home folder {str(self.root)!r} cannot be one: {why}",
                hint="name another with --home DIR or BONGSU_HOME",
            )
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            private_folder(self.logs)
        except OSError as error:
            raise Fatal(
                f"home folder {self.root} cannot be made: {error.strerror}",
                hint="name another with --home DIR or BONGSU_HOME",
            ) from error


def _unfit(path: str) -> str | None:
    """The reason why *path* cannot be a home; ``None`` when it can."""
    if any("\udc80" <= letter <= "\udcff" for letter in path):
        return f"its name is not {sys.getfilesystemencoding()}"
    if "\\" in path:
        return "the registry's database reads a backslash as '/', and would be elsewhere"
    return None


def _lock(path: Path) -> int | None:
    """The descriptor that holds the lock on *path*, or None while another holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):  # held by another, or erased by its last holder
        pass
    os.close(descriptor)
    return None
