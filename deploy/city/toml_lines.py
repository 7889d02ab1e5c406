"""Find the line of a value in a TOML text, so that an error can name it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_NAME = r"\"[^\"\n]*\"|'[^'\n]*'|[\w-]+"
_NAMES = rf"(?:{_NAME})(?:\s*\.\s*(?:{_NAME}))*"
_HEADER = re.compile(rf"^\s*(\[\[?)\s*({_NAMES})\s*\]\]?")
_KEY = re.compile(rf"^\s*({_NAMES})\s*=")
_ONE = re.compile(_NAME)

Place = tuple[str | int, ...]


def line_of(text: str, path: Sequence[str | int], value: object = None) -> int:
    """The 1-based line of *path* (``("source", 1, "every_s")``), or of the nearest thing around it that is there.

    *value* is a text in a list or inline table at *path*: then its own line, where these span several.
    """
    best, best_depth = 1, 0
    for number, here in _places(text):
        depth = _shared(here, path)
        if depth > best_depth and depth in (len(here), len(path)):
            best, best_depth = number, depth
    return _line_within(text, best, value) if isinstance(value, str) else best


def _places(text: str) -> Iterator[tuple[int, Place]]:
    """Each line that begins a table or a value, with its key path."""
    table: Place = ()
    counts: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            names = _parts(header[2])
            if header[1] == "[[":
                counts = {
                    one: count for one, count in counts.items() if one[: len(names)] != names or one == names
                }
                counts[names] = counts.get(names, -1) + 1
            table = _numbered(names, counts)
            yield number, table
        elif key := _KEY.match(line):
            yield number, (*table, *_parts(key[1]))


def _parts(names: str) -> tuple[str, ...]:
    return tuple(one[0].strip("\"'") for one in _ONE.finditer(names))


def _numbered(names: tuple[str, ...], counts: dict[Place, int]) -> Place:
    """*names* with the index of each list of tables after its name."""
    place: list[str | int] = []
    for depth, name in enumerate(names, 1):
        place.append(name)
        if (index := counts.get(names[:depth])) is not None:
            place.append(index)
    return tuple(place)


def _line_within(text: str, first: int, value: str) -> int:
    """The line of *value* within the entry that begins in line *first*."""
    for number, line in enumerate(text.splitlines()[first - 1 :], first):
        if number > first and (_HEADER.match(line) or _KEY.match(line)):
            break
        if f'"{value}"' in line or f"'{value}'" in line:
            return number
    return first


def _shared(one: Sequence[str | int], other: Sequence[str | int]) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
