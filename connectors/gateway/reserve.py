"""Reserved disk space, released only so that published pushes can be deleted from a full disk."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from connectors.transport.private_files import appended

RESERVE_BYTES = 32 << 20
"""More than SQLite's log and the pages of one commit need: a deletion writes both first."""
LEAST_BYTES = 1 << 20


class Reserve:
    """An empty file of *size* bytes. Where the disk has less, half as much, and so on down to 1 MiB."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    def keep(self) -> bool:
        """Reserve as much as there is; return whether any is reserved."""
        if self._held() >= self._size:
            return True
        size = self._size
        while size >= min(LEAST_BYTES, self._size):
            if size <= self._held() or self._take(size):
                return True
            size //= 2
        return self._held() > 0

    def give_up(self) -> None:
        self._path.unlink(missing_ok=True)

    def _held(self) -> int:
        """The bytes that the disk really allocated."""
        with contextlib.suppress(FileNotFoundError):
            return self._path.stat().st_blocks * 512
        return 0

    def _take(self, size: int) -> bool:
        try:
            with appended(self._path) as file:
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError:  # the disk does not have as much: free the part that was allocated
            self.give_up()
            return False
        return True
