"""Plain values as YAML. Texts are quoted as in JSON, so that no word becomes a number, a date or a truth value. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

PLAIN = re.compile(r"[a-z_][A-Za-z0-9_.-]*")
LINES = re.compile(r"[^\s][ -~\n]*[^\n]\n")
"""A text that YAML can hold line by line, as it is: the first line is not indented, the last one ends."""
WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def yaml_of(value: Mapping[str, Any]) -> str:
    """*value* as a YAML document: mappings keep their order, texts are quoted."""
    return "\n".join((*_lines(value), ""))


def _lines(value: Any, indent: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _entry(f"{indent}{_key(str(key))}:", one, indent + "  ")
    else:
        for one in value:
            if not _is_block(one):
                yield f"{indent}- {_scalar(one)}"
                continue
            first, *rest = _lines(one, indent + "  ")
            yield f"{indent}- {first.lstrip()}"
            yield from rest


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, str) and value.count("\n") > 1 and LINES.fullmatch(value):
        yield f"{head} |"
        yield from (f"{indent}{line}" if line else "" for line in value.splitlines())
    elif _is_block(value):
        yield head
        yield from _lines(value, indent)
    else:
        yield f"{head} {_scalar(value)}"


def _is_block(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple) and len(value) > 0


def _key(key: str) -> str:
    return key if PLAIN.fullmatch(key) and key not in WORDS else json.dumps(key, ensure_ascii=False)


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
