"""Lists inside JSON bodies, with the bytes of each element as they came."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from schemas.errors import Invalid

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"


def json_object(body: bytes) -> dict[str, Any]:
    """*body* as a JSON object. ``Invalid`` when it is HTML, cut off, or anything else."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"the body is no JSON: {error}", field="", expected="a JSON object") from None
    if not isinstance(found, dict):
        raise Invalid(f"the body is a JSON {type(found).__name__}", field="", expected="a JSON object")
    return found


def json_list(found: dict[str, Any], key: str) -> list[Any]:
    """The list under *key*. ``Invalid`` when something else stands there."""
    value = found.get(key)
    if not isinstance(value, list):
        raise Invalid(f"{key!r} holds a {type(value).__name__}", field=key, expected="a list")
    return value


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _elements(text: str, at: int) -> Iterator[str]:
    at = _after_space(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield text[at:end]
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def element_bytes(body: bytes, key: str) -> Sequence[bytes]:
    """The bytes of each element of the list under *key* of the object *body*, which must be well-formed.

    ``Invalid`` where it nests deeper, or has longer numbers, than this reader goes.
    """
    try:
        return _element_bytes(body.decode(), key)
    except (RecursionError, ValueError):
        raise Invalid(
            "the body nests too deep to be taken apart", field=key, expected="flat records"
        ) from None


def _element_bytes(text: str, key: str) -> Sequence[bytes]:
    at = _after_space(text, _after_space(text, 0) + 1)
    found: Sequence[bytes] = ()
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, _after_space(text, at) + 1)
        if name == key and text[at] == "[":
            found = [element.encode() for element in _elements(text, at)]
        _, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, at)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return found
