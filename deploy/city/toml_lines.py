"""Find the line of each value in a TOML text, so that an error can name it. Pure.

The text has been read by ``tomllib`` before: nothing is checked here. Entries of lists and of inline tables have their own
lines; a header or an ``=`` within a text is no key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from contextlib import suppress

Place = tuple[str | int, ...]
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[\w-]+')
_TEXT = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL)
_BARE = re.compile(r"[^,\]}\n#]*")


def line_of(text: str, path: Sequence[str | int]) -> int:
    """The 1-based line of *path* (``("source", 1, "every_s")``), or of the nearest thing around it that is there."""
    return nearest_line(lines_of(text), path)


def nearest_line(lines: dict[Place, int], path: Sequence[str | int]) -> int:
    """The line in *lines* of *path*, or of the nearest thing around it."""
    place = tuple(path)
    return next((lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in lines), 1)


def lines_of(text: str) -> dict[Place, int]:
    """The line of every table, key and entry in *text*. As far as it can be read, where it nests too deep."""
    scanner = _Scanner(text)
    with suppress(RecursionError):
        scanner.read()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[Place, int] = {}
        self._text = text
        self._at = 0
        self._counted, self._line = 0, 1
        """The place up to which lines are counted, and the line there."""
        self._numbers: dict[tuple[str, ...], int] = {}
        """Each list of tables → the number of its newest table."""

    def read(self) -> None:
        table: Place = ()
        while self._blank() < len(self._text):
            before = self._at
            if self._take("[["):
                self._note(table := self._table(self._names(), is_list=True))
                self._take("]]")
            elif self._take("["):
                self._note(table := self._table(self._names(), is_list=False))
                self._take("]")
            else:
                self._pair(table)
            if self._at == before:  # what tomllib would have refused
                return

    def _table(self, names: tuple[str, ...], *, is_list: bool) -> Place:
        """The place of the table that a header names, with the number of each list of tables behind its name."""
        if is_list:
            self._numbers = {
                one: number
                for one, number in self._numbers.items()
                if one[: len(names)] != names or one == names
            }
            self._numbers[names] = self._numbers.get(names, -1) + 1
        place: list[str | int] = []
        for depth, name in enumerate(names, 1):
            place.append(name)
            if (number := self._numbers.get(names[:depth])) is not None:
                place.append(number)
        return tuple(place)

    def _pair(self, table: Place) -> None:
        names = self._names()
        place = (*table, *names)
        self._note(place)
        self._blank()
        self._take("=")
        self._value(place)

    def _value(self, place: Place) -> None:
        self._blank()
        if found := _TEXT.match(self._text, self._at):
            self._at = found.end()
        elif self._take("["):
            number = 0
            while not self._ends("]"):
                self._note((*place, number))
                self._value((*place, number))
                number += 1
        elif self._take("{"):
            while not self._ends("}"):
                self._pair(place)
        elif found := _BARE.match(self._text, self._at):
            self._at = found.end()

    def _ends(self, end: str) -> bool:
        """Whether a list or an inline table is over, here or with the text."""
        self._blank()
        if self._take(","):
            self._blank()
        return self._take(end) or self._at >= len(self._text)

    def _names(self) -> tuple[str, ...]:
        names: list[str] = []
        while True:
            self._blank()
            found = _KEY.match(self._text, self._at)
            if found is None:
                return tuple(names)
            self._at = found.end()
            names.append(_name(found[0]))
            self._blank()
            if not self._take("."):
                return tuple(names)

    def _blank(self) -> int:
        """Skip blanks, ends of lines and comments; the place behind them."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at

    def _take(self, sign: str) -> bool:
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _note(self, place: Place) -> None:
        """Note the line here as that of *place*, and of the tables around it that have no line of their own."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        self.lines[place] = self._line
        for end in range(1, len(place)):
            self.lines.setdefault(place[:end], self._line)


def _name(written: str) -> str:
    """A key as it is meant: without quotes and escapes."""
    if written[0] not in "\"'":
        return written
    return str(tomllib.loads(f"key = {written}")["key"])
