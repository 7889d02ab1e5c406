"""Records in JSON bodies: a list at the top or somewhere below it, one record alone, or one a line.

Beside each record stand its bytes as they came, found only when they are asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from connectors.formats.empty_body import Nothing
from connectors.formats.json_parts import PARTS_MAX, Part, Unreadable, part_at, parts
from schemas.errors import Invalid

_LONG = b"0" * 19
_AS_NOUGHTS = bytes.maketrans(b"123456789", b"0" * 9)
"""So that a long number is looked for as one text: ten times as fast as a pattern of digits."""
BOM = b"\xef\xbb\xbf"

Originals = Callable[[int, object], bytes]
"""The bytes of the record at an index, as ``read_each`` asks for them."""


def json_value(body: bytes, *lists: str | None) -> Any:
    """*body* as JSON, whole numbers to their last digit.

    *lists*: dotted paths of its lists of records (``None``: the body itself). Where a value of a record is none of JSON
    (NaN, 1e400, half an emoji, a wrong byte), ``Unreadable`` stands in the record's place, and its neighbours are read;
    a null in the place of the value would be a claim that its sender did not make.

    ``Invalid`` when it is HTML, cut off, nested beyond what a message can need, or when no record of it can be read.
    """
    body = body.removeprefix(BOM)
    try:
        return exact_json(body)
    except orjson.JSONDecodeError as error:
        whole = Invalid(f"the body is no JSON: {error}", field="", expected="JSON")
    value = _beside_unreadable(body, lists)
    if value is None:
        raise whole
    return value


def _beside_unreadable(body: bytes, lists: Sequence[str | None]) -> Any:
    """The value of *body* with ``Unreadable`` in the place of the bad records of *lists*.

    ``None`` where that is not possible: something else is bad, or no record is good.
    """
    bad: dict[str | None, dict[int, Unreadable]] = {}
    holes, good, opened = list[Part](), 0, dict[int, list[Part]]()
    try:
        for path in lists:
            at = part_at(body, path, opened)
            records = (
                parts(body, at.begin) if at is not None and body[at.begin : at.begin + 1] == b"[" else []
            )
            if len(records) > PARTS_MAX:
                return None
            bad[path] = {i: why for i, part in enumerate(records) if (why := _unreadable(part.of(body)))}
            holes += [records[index] for index in bad[path]]
            good += len(records) - len(bad[path])
        if not good or any(hole.begin == hole.end for hole in holes):
            return None
        value = exact_json(_with_nulls(body, holes))
    except ValueError:  # its brackets do not match, or what stands around the records is no JSON either
        return None
    for path, places in bad.items():
        found = value if path is None else at_path(value, path)
        for index, why in places.items():
            found[index] = why
    return value


def _unreadable(record: bytes) -> Unreadable | None:
    try:
        exact_json(record)
    except orjson.JSONDecodeError as error:
        return Unreadable(Invalid(f"the record is no JSON: {error}", field="", expected="JSON"), record)
    return None


def _with_nulls(body: bytes, holes: Sequence[Part]) -> bytes:
    pieces, done = [], 0
    for hole in sorted(holes, key=lambda part: part.begin):
        pieces += [body[done : hole.begin], b"null"]
        done = hole.end
    return b"".join([*pieces, body[done:]])


def exact_json(body: bytes) -> Any:
    """*body* as JSON; a whole number beyond 64 bits is one too, where the quick reader makes a double of it.

    ``orjson.JSONDecodeError`` for anything else.
    """
    value = orjson.loads(body)
    if _LONG not in body.translate(_AS_NOUGHTS):
        return value
    try:
        return json.loads(body)
    except (RecursionError, ValueError):  # deeper, or with longer numbers, than that reader goes
        raise orjson.JSONDecodeError("a number or the nesting goes too far", "", 0) from None


def in_utf8(body: bytes, encoding: str) -> bytes:
    """*body*, which is of *encoding*, as JSON is read.

    A byte of no character stays one that is no UTF-8 either, so that it spoils its own record alone; ``in_encoding`` gives
    it back. ``Invalid`` where *encoding* allows no such byte.
    """
    if encoding.casefold() in ("utf-8", "utf8"):
        return body
    try:
        return body.decode(encoding, "surrogateescape").encode("utf-8", "surrogatepass")
    except UnicodeError:
        raise Invalid(
            "the body holds bytes of no character", field="", expected=f"text of {encoding}"
        ) from None


def in_encoding(part: bytes, encoding: str) -> bytes:
    """The bytes of *part* as they came, before ``in_utf8``."""
    if encoding.casefold() in ("utf-8", "utf8"):
        return part
    return part.decode("utf-8", "surrogatepass").encode(encoding, "surrogateescape")


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
    value = json_value(body, path)
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

    ``Invalid`` where its brackets and quotes do not match: then the body is set aside as a whole.
    """
    body = body.removeprefix(BOM)
    try:
        at = part_at(body, path)
        if at is None or at.of(body)[:1] != b"[":
            return [body]
        return [part.of(body) for part in parts(body, at.begin)]
    except ValueError:
        raise _not_apart() from None


def value_bytes(body: bytes, path: str) -> bytes:
    """The bytes of the value under the dotted *path*. ``Invalid`` where it leads nowhere, or as ``record_bytes``."""
    try:
        found = part_at(body, path)
    except ValueError:
        raise _not_apart() from None
    if found is None:
        raise Invalid(f"there is no {path}", field=path, expected="a value")
    return found.of(body)


def _not_apart() -> Invalid:
    return Invalid("the body cannot be taken apart", field="", expected="records whose brackets match")


def originals(body: bytes | Callable[[], bytes], path: str | None, encoding: str = "utf-8") -> Originals:
    """For ``read_each``: the bytes of the record at an index, in the *encoding* in which the body came.

    *body*, or what it gives, is taken apart once, when they are first asked for: a body of nothing but bad records costs
    no more than its length. ``Invalid`` as ``record_bytes`` has it.
    """
    found: Sequence[bytes] = ()

    def original(index: int, _record: object = None) -> bytes:
        nonlocal found
        found = found or record_bytes(body() if callable(body) else body, path)
        return in_encoding(found[index], encoding)

    return original
