"""The parts of a JSON body by their bytes, found without reading their values. Pure.

A body that the quick reader refuses (NaN, half an emoji, a wrong byte, 1e400) is taken apart by its brackets and quotes
alone, so that the record with the bad value is told from its neighbours. No step nests: depth costs no stack.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from schemas.errors import Invalid

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{},:]', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_QUOTE, _COMMA, _COLON = b'",:'
_CLOSING = {ord("["): ord("]"), ord("{"): ord("}")}

DEPTH_MAX = 20_000
PARTS_MAX = 200_000
"""Brackets open at once, and parts of one list: a body with more is taken apart by nobody, as it would take seconds."""


class Unreadable:
    """Stands in a list in place of a record whose bytes are no JSON; *error* says why."""

    __slots__ = ("error", "original")

    def __init__(self, error: Invalid, original: bytes) -> None:
        self.error, self.original = error, original


@dataclass(frozen=True, slots=True)
class Part:
    """One element of a list or member of an object: where its value begins and ends. *name*: of a member."""

    begin: int
    end: int
    name: str | None = None

    def of(self, body: bytes) -> bytes:
        return body[self.begin : self.end]


def parts(body: bytes, at: int) -> list[Part]:
    """The parts of the list or object that begins at *at*. ``ValueError`` where its brackets or quotes do not match."""
    return _parts_and_end(body, at)[0]


def is_whole(body: bytes) -> bool:
    """Whether *body* is one list or object, by its brackets and quotes."""
    try:
        return _parts_and_end(body, 0)[1] == len(body)
    except ValueError:
        return False


def _parts_and_end(body: bytes, at: int) -> tuple[list[Part], int]:
    if at >= len(body) or body[at] not in _CLOSING:
        raise ValueError("no list and no object begins there")
    is_object, found, closing = body[at] == ord("{"), list[Part](), bytearray()
    name, begin = None, at + 1
    for token in _TOKEN.finditer(body, at):
        first, place = body[token.start()], token.start()
        if first == _QUOTE:
            if token.end() - place == 1:
                raise ValueError("a text does not end")
        elif first in _CLOSING:
            closing.append(_CLOSING[first])
            _check_most(len(closing), DEPTH_MAX, "it nests too deep")
        elif first in (_COMMA, _COLON):
            if len(closing) > 1:
                continue
            if first == _COMMA:
                found.append(_trimmed(body, begin, place, name))
                _check_most(len(found), PARTS_MAX, "too many parts")
                name, begin = None, token.end()
            elif is_object and name is None:
                name, begin = _name(body[begin:place].strip()), token.end()
            else:
                raise ValueError("a colon too many")
        elif closing.pop() != first:
            raise ValueError("the brackets do not match")
        elif not closing:
            last = _trimmed(body, begin, place, name)
            return [*found, last] if found or last.begin < last.end else [], token.end()
    raise ValueError("it does not end")


def _check_most(count: int, most: int, why: str) -> None:
    if count > most:
        raise ValueError(why)


def part_at(body: bytes, path: str | None, opened: dict[int, list[Part]] | None = None) -> Part | None:
    """The value under the dotted *path*; ``None`` where it leads nowhere. ``ValueError`` as ``parts``.

    *opened*: the parts of what begins where, kept for the next path of the same body.
    Of two members of one name the last counts, as a reader of JSON takes it.
    """
    opened = {} if opened is None else opened
    found = _trimmed(body, 0, len(body), None)
    for step in path.split(".") if path is not None else ():
        at = found.begin
        if body[at : at + 1] not in (b"{", b"["):
            return None
        is_object, number = body[at] == ord("{"), int(step) if step.isdecimal() else -1
        fitting = [
            part
            for index, part in enumerate(
                opened[at] if at in opened else opened.setdefault(at, parts(body, at))
            )
            if (part.name == step if is_object else index == number)
        ]
        if not fitting:
            return None
        found = fitting[-1]
    return found


def _after_space(body: bytes, at: int) -> int:
    space = _SPACE.match(body, at)
    return space.end() if space else at


def _trimmed(body: bytes, begin: int, end: int, name: str | None) -> Part:
    begin = min(_after_space(body, begin), end)
    return Part(begin, begin + len(body[begin:end].rstrip(b" \t\r\n")), name)


def _name(text: bytes) -> str:
    """The name of a member, its escapes read; one of wrong bytes as it can be read."""
    try:
        return str(json.loads(text))
    except ValueError:
        return text.strip(b'"').decode(errors="replace")
