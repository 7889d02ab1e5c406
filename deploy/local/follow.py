"""Read logs: the last lines of a file, and each line written to it from now on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

POLL_S = 0.2


def last_lines(file: Path, count: int) -> list[str]:
    """The last *count* lines; none of a file that is not there."""
    try:
        with file.open(encoding="utf-8", errors="replace") as log:
            return [line.rstrip("\n") for line in deque(log, maxlen=count)]
    except FileNotFoundError:
        return []


def follow(files: Mapping[str, Path], begin_at: Mapping[str, int] | None = None) -> Iterator[tuple[str, str]]:
    """Yield lines as they are written, each with its file's name, without end; a rotated file is read from its start.

    It begins at the byte offsets *begin_at* of the files, or at their present ends.
    """
    places = dict(begin_at or {name: _size(file) for name, file in files.items()})
    while True:
        for name, file in files.items():
            size = _size(file)
            if size < places[name]:
                places[name] = 0
            if size > places[name]:
                text, places[name] = _read_lines(file, places[name])
                yield from ((name, line) for line in text)
        time.sleep(POLL_S)


def _read_lines(file: Path, place: int) -> tuple[list[str], int]:
    """Whole lines from byte *place* on, and the byte after the last of them."""
    with file.open("rb") as log:
        log.seek(place)
        written = log.read()
    whole = written[: written.rfind(b"\n") + 1]
    return whole.decode("utf-8", errors="replace").splitlines(), place + len(whole)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
