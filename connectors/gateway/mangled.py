"""A spool whose file was damaged: told as what it is, where it lies, and how to go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import Fatal

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Mangled(Fatal):
    """Pages of the spool are not what was written there. Nothing in it is thrown away by us."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"the spool {path} is damaged on disk ({why}): pushes that wait in it cannot all be read",
            hint=f"end the gateway; save what can be read: sqlite3 {path.name} .recover | sqlite3 saved.sqlite; put "
            f"saved.sqlite in its place and remove {path.name}-wal and -shm. Or move all three away: it begins empty, and "
            "what waited there is lost. Then look at the disk",
        )


@contextmanager
def read_whole_pages(path: Path) -> Iterator[None]:
    """Raises ``Mangled`` where SQLite finds pages of *path* that are none; its other errors go through."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in DAMAGED:  # the upper bits say in which structure
            raise Mangled(path, str(error)) from error
        raise
