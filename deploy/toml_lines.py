"""Where in a TOML text a value stands, so that an error can name its line."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-\"]+)\s*\]\]?")
_KEY = re.compile(r"^\s*\"?([A-Za-z0-9_\-]+)\"?\s*=")


def line_of(text: str, path: Sequence[str | int]) -> int:
    """The 1-based line of *path* (``("source", 1, "every_s")``), or of the nearest thing around it that is there."""
    best, best_depth = 1, 0
    table: list[str | int] = []
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            names = header[2].replace('"', "").split(".")
            table = list(names)
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
            for depth in range(len(names), 0, -1):
                if (index := counts.get(".".join(names[:depth]))) is not None:
                    table.insert(depth, index)
            here: list[str | int] = table
        elif key := _KEY.match(line):
            here = [*table, key[1]]
        else:
            continue
        depth = _shared(here, path)
        if depth > best_depth and depth == len(here):
            best, best_depth = number, depth
    return best


def _shared(one: Sequence[str | int], other: Sequence[str | int]) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
