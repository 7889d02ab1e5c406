"""The keys of missing persons' cases: a file each, outside Kafka, snapshots and backups. A key destroyed never comes back.

``<digest>.key`` holds 64 random bytes. ``<digest>.destroyed`` says that the case may have none any more: it is empty and
stays; there is one for each case that ever was, some a day. The digest is of the case's id, which may hold any character.
Several processes may use one folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.transport.private_files import FILE_MODE, private_file, private_folder
from schemas.errors import Fatal, Invalid

KEY_BYTES = 64
DESTROYED, TOO_MANY = "key-destroyed", "too-many-cases"
"""The codes of refusals to make a key."""
OPEN_MAX = 10_000
"""The most cases that have a key at once; a city has some tens."""


class CaseKeys:
    """The keys in *folder*. *drawn*: gives so many random bytes."""

    def __init__(self, folder: Path, *, drawn: Callable[[int], bytes] = os.urandom) -> None:
        self._folder = folder
        self._drawn = drawn
        with self._locked():
            for part in folder.glob("*.part"):  # of a process that ended before the key was in use
                _destroy(part)
            # of one that ended between its tombstone and the end of its key
            for stone in folder.glob("*.destroyed"):
                _destroy(stone.with_suffix(".key"))
            _sync(folder)

    def make(self, case_id: str) -> bytes:
        """The key of a new case, safe on disk before it is returned; one that is there already is returned again.

        ``Invalid`` for a case whose key was destroyed, and while ``OPEN_MAX`` cases have one; ``Fatal`` for a damaged one.
        """
        with self._locked():
            if self._stone(case_id).exists():
                raise Invalid(
                    "the case was closed and its key destroyed",
                    field="case_id",
                    expected="a new case with a number of its own",
                    code=DESTROYED,
                )
            path = self._path(case_id)
            if not path.exists():
                self._write(path)
            _sync(self._folder)
            return _read(path)

    def key(self, case_id: str) -> bytes | None:
        """The key of *case_id*; ``None`` where there is none, or it was destroyed. ``Fatal`` for a damaged one."""
        with self._locked():
            path = self._path(case_id)
            return None if self._stone(case_id).exists() or not path.exists() else _read(path)

    def is_destroyed(self, case_id: str) -> bool:
        """Whether the case had a key that was destroyed, or was never to get one."""
        return self._stone(case_id).exists()

    def destroy(self, case_id: str) -> bool:
        """Destroy the key and keep that name from ever having one. Returns whether there was one."""
        with self._locked():
            private_file(self._stone(case_id))
            # first: after a crash from here on, the key is not used and its end is made good
            _sync(self._folder)
            had_one = _destroy(self._path(case_id))
            _sync(self._folder)
            return had_one

    def _write(self, path: Path) -> None:
        if sum(1 for _ in self._folder.glob("*.key")) >= OPEN_MAX:
            raise Invalid(
                f"{OPEN_MAX} cases are open already, and no more may be: close cases that are over",
                field="agency_case_no",
                expected=f"fewer than {OPEN_MAX} open cases",
                code=TOO_MANY,
            )
        part = path.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:
            file.write(self._drawn(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)

    def _path(self, case_id: str) -> Path:
        return self._folder / f"{hashlib.sha256(case_id.encode()).hexdigest()}.key"

    def _stone(self, case_id: str) -> Path:
        return self._path(case_id).with_suffix(".destroyed")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = private_file(private_folder(self._folder) / ".lock")
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed
            yield


def _read(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        # without its path: who may not see the disk may be told this
        raise Fatal("the key of a case is damaged", hint="its case cannot be read any more: close it")
    return key


def _destroy(path: Path) -> bool:
    """Overwrite *path* on disk, then take its name away. Returns whether it was there."""
    if not path.exists():
        return False
    with path.open("r+b") as file:
        file.write(bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    return True


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
