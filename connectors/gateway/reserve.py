"""Room on the disk that nobody else takes: given up only so that what is published can be deleted."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from connectors.private_files import appended

RESERVE_BYTES = 32 << 20
"""More than SQLite's log and the pages of one commit take: to delete, both must be written first."""
LEAST_BYTES = 1 << 20


class Reserve:
    """A file of *size* bytes that holds nothing. Where the disk has less, half as much, and so on down to 1 MiB."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    def keep(self) -> bool:
        """Hold the room, as much as there is; whether any is held."""
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
        """Bytes that the disk really set aside."""
        with contextlib.suppress(FileNotFoundError):
            return self._path.stat().st_blocks * 512
        return 0

    def _take(self, size: int) -> bool:
        try:
            with appended(self._path) as file:
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError:  # the disk has not as much; what was taken of it until then is given back
            self.give_up()
            return False
        return True
