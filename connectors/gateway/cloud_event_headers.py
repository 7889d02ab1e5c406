"""Attributes of a CloudEvent in the ``ce-`` headers of HTTP's binary mode. Pure.

Values are percent-encoded UTF-8 (HTTP binding 1.0.2, 3.1.3.2). What is not, is refused: cut or replaced letters could make
one event of two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from schemas.errors import Invalid

PREFIX = "ce-"
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def header_attributes(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Attribute → value, of the headers that begin with ``ce-``. ``Invalid`` names one that is wrong or comes twice."""
    attributes: dict[str, str] = {}
    for header, value in headers:
        name = header.lower()
        if not name.startswith(PREFIX):
            continue
        attribute = name.removeprefix(PREFIX)
        if attribute in attributes:
            raise Invalid(f"the header {name[:60]} comes twice", field=name, expected="each header once")
        attributes[attribute] = _decoded(name, value)
    return attributes


def _decoded(name: str, value: str) -> str:
    if quoted := _QUOTED.fullmatch(value):
        value = re.sub(r"\\(.)", r"\1", quoted[1])
    try:
        if _BAD_ESCAPE.search(value):
            raise ValueError("a % without two hexadecimal digits")
        return unquote_to_bytes(value).decode() if "%" in value else value
    except ValueError:
        raise Invalid(
            f"the header {name[:60]} is not percent-encoded as it should be",
            field=name,
            expected="UTF-8, % and two hexadecimal digits for each byte beyond printable ASCII; %25 for % itself",
        ) from None
