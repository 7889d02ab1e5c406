"""The error for a damaged spool file: what is damaged, where it is, and how to go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import Fatal

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Mangled(Fatal):
    """Pages of the spool file are damaged. Bongsu deletes nothing in it."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"the spool {path} is damaged on disk ({why}): pushes that wait in it cannot all be read",
            hint=f"end the gateway; save what can be read: sqlite3 {path.name} .recover | sqlite3 saved.sqlite; put "
            f"saved.sqlite in its place and remove {path.name}-wal and -shm. Or move all three away: it begins empty, and "
            "what waited there is lost. Then look at the disk",
        )


@contextmanager
def read_whole_pages(path: Path) -> Iterator[None]:
    """Raise ``Mangled`` where SQLite finds damaged pages in *path*; its other errors go through."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in DAMAGED:  # an extended code's upper bits say in which structure
            raise Mangled(path, str(error)) from error
        raise
