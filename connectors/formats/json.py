"""Records in JSON bodies: a list at the top or somewhere below it, one record alone, or one a line.

Beside each record stand its bytes as they came, found only when they are asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from connectors.formats.empty_body import Nothing
from schemas.errors import Invalid

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"
_LONG = re.compile(rb"[0-9]{19}")
BOM = b"\xef\xbb\xbf"

Originals = Callable[[int, object], bytes]
"""The bytes of the record at an index, as ``read_each`` asks for them."""


def json_value(body: bytes) -> Any:
    """*body* as JSON, whole numbers to their last digit.

    ``Invalid`` when it is HTML, cut off, or nested beyond what a message can need.
    """
    try:
        return exact_json(body.removeprefix(BOM))
    except orjson.JSONDecodeError as error:
        raise Invalid(f"the body is no JSON: {error}", field="", expected="JSON") from None


def exact_json(body: bytes) -> Any:
    """*body* as JSON; a whole number beyond 64 bits is one too, where the quick reader makes a double of it.

    ``orjson.JSONDecodeError`` for anything else.
    """
    value = orjson.loads(body)
    if _LONG.search(body) is None:
        return value
    try:
        return json.loads(body)
    except (RecursionError, ValueError):  # deeper, or with longer numbers, than that reader goes
        raise orjson.JSONDecodeError("a number or the nesting goes too far", "", 0) from None


def in_utf8(body: bytes, encoding: str) -> bytes:
    """*body*, which is of *encoding*, as JSON is read. ``Invalid`` for bytes of no character of it."""
    if encoding.casefold() in ("utf-8", "utf8"):
        return body
    try:
        return body.decode(encoding).encode()
    except UnicodeError:
        raise Invalid(
            "the body holds bytes of no character", field="", expected=f"text of {encoding}"
        ) from None


def at_path(value: Any, path: str) -> Any:
    """The value under the dotted *path* (``a.b.0``): ``None`` where it leads nowhere."""
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def json_records(body: bytes, path: str | None) -> list[Any]:
    """The records of *body*: the list under the dotted *path*, or without a path the body itself.

    A body that is one object, not a list, is one record where no path is given. ``Nothing`` for an empty list: it tells
    nothing new, and ends nothing. ``Invalid`` for anything else.
    """
    value = json_value(body)
    found = value if path is None else at_path(value, path)
    if path is None and isinstance(found, dict):
        return [found]
    name = path or "the body"
    if not isinstance(found, list):
        raise Invalid(f"{name} is a JSON {type(found).__name__}", field=path or "", expected="a list")
    if not found:
        raise Nothing(f"{name} is an empty list")
    return found


def around_record(path: str | None, encoding: str = "utf-8") -> tuple[bytes, bytes]:
    """The bytes, in *encoding*, before and after a record found under *path* that make a body of its own of it."""
    before, after = b"", b""
    for step in path.split(".") if path is not None else ():
        if step.isdecimal():
            before, after = before + b"[" + b"null," * int(step), b"]" + after
        else:
            before, after = before + b"{" + orjson.dumps(step) + b":", b"}" + after
    return (before + b"[").decode().encode(encoding), b"]" + after


def record_bytes(body: bytes, path: str | None) -> Sequence[bytes]:
    """The bytes of each record that ``json_records`` found in *body*.

    ``Invalid`` where it nests deeper, or has longer numbers, than this reader goes: then the body is set aside as
    a whole.
    """
    text = body.removeprefix(BOM).decode()
    try:
        at = _start(text, path)
        return [part.encode() for part in _elements(text, at)] if text[at] == "[" else [text.encode()]
    except (RecursionError, ValueError):
        raise Invalid(
            "the body nests too deep to be taken apart", field="", expected="flat records"
        ) from None


def originals(body: bytes | Callable[[], bytes], path: str | None, encoding: str = "utf-8") -> Originals:
    """For ``read_each``: the bytes of the record at an index, in the *encoding* in which the body came.

    *body*, or what it gives, is taken apart once, when they are first asked for: a body of nothing but bad records costs
    no more than its length. ``Invalid`` as ``record_bytes`` has it.
    """
    parts: Sequence[bytes] = ()

    def original(index: int, _record: object = None) -> bytes:
        nonlocal parts
        parts = parts or record_bytes(body() if callable(body) else body, path)
        return parts[index] if encoding == "utf-8" else parts[index].decode().encode(encoding)

    return original


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _start(text: str, path: str | None) -> int:
    """Where the value under *path* begins. The text is well-formed and the path leads somewhere."""
    at = _after_space(text, 0)
    for step in path.split(".") if path is not None else ():
        at = _member(text, at, step) if text[at] == "{" else _nth(text, at, int(step))
    return at


def _nth(text: str, at: int, number: int) -> int:
    at = _after_space(text, at + 1)
    for _ in range(number):
        _, end = _DECODER.raw_decode(text, at)
        at = _after_space(text, _after_space(text, end) + 1)
    return at


def _member(text: str, at: int, name: str) -> int:
    """Where the value under *name* begins; of two of one name the last, as a reader of JSON takes it."""
    at, found = _after_space(text, at + 1), at
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, _after_space(text, at) + 1)
        if key == name:
            found = at
        _, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, at)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return found


def _elements(text: str, at: int) -> list[str]:
    elements, at = [], _after_space(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        elements.append(text[at:end])
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return elements
