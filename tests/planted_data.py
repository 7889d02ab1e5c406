"""Small faults for tables of data (TOML): a number times ten, a row gone, a word of the next row. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

NUMBER = re.compile(r'(?<![\w."-])\d+(?:\.\d+)?(?![\w".-])(?=[^"]*(?:"[^"]*"[^"]*)*$)|(?<=")\d+(?=[hd]"$)')
"""A number that stands alone, or one with its unit: ``"30d"``."""
QUOTED = re.compile(r'"([^"]*)"')
HEADING = re.compile(r"\[+[^=]*\]+\s*$")


class Fault(NamedTuple):
    """A fault in one line, counted from 1."""

    line: int
    kind: str
    text: str
    """The whole file with the fault."""


def faults(text: str) -> Iterator[Fault]:
    """Every fault that this module knows for the file *text*. Comments and headings are left alone."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        content = line.split(" #")[0].rstrip()
        if not content.strip() or content.startswith("#") or HEADING.fullmatch(content):
            continue

        def changed(new: str, kind: str, number: int = number) -> Fault:
            return Fault(number, kind, "".join([*lines[: number - 1], new, *lines[number:]]))

        for found in NUMBER.finditer(content):
            yield changed(_put(line, found.span(), f"{float(found[0]) * 10:g}"), "number times ten")
        if _is_whole(content):
            yield changed("", "row gone")
        words, below = _words(content), _words(lines[number]) if number < len(lines) else []
        if len(words) == len(below):
            for word, other in zip(words, below, strict=True):
                if word[1] != other[1]:
                    yield changed(_put(line, word.span(1), other[1]), "word of the next row")


def _words(line: str) -> list[re.Match[str]]:
    """The quoted words of a line that are no keys."""
    return [one for one in QUOTED.finditer(line) if not line[one.end() :].lstrip().startswith("=")]


def _put(line: str, span: tuple[int, int], new: str) -> str:
    return line[: span[0]] + new + line[span[1] :]


def _is_whole(content: str) -> bool:
    """Whether a line is a row by itself, so that the file without it is still TOML."""
    row = content.strip()
    if row.startswith("{"):
        return row.endswith(("},", "}"))
    return "=" in row and not row.endswith(("[", "{", '"""'))
