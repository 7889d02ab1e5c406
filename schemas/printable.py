"""Text from outside as a terminal, a log or a listing may show it. Pure.

A terminal obeys escape sequences in the text that it shows: they change colours, move the cursor, rename the window, or
write to the clipboard. A mark of direction shows letters in another order than they are stored. Such characters are shown as
``\\u001b``: JSON reads that back as the same text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_HIDDEN = "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_SURROGATES = "\ud800-\udfff"  # a stream of UTF-8 refuses them
_COMMANDING = re.compile(f"[{_CONTROLS}{_HIDDEN}{_SURROGATES}]")
_COMMANDING_OR_BREAK = re.compile(f"[\t\n{_CONTROLS}{_HIDDEN}{_SURROGATES}]")
_NAME = re.compile(r"(?!.*\d{5})[\w@#][\w@#:/()\[\]{} -]{0,39}")
NAME_STEPS_MAX = 12


def printable(text: str) -> str:
    """*text* without anything that a terminal obeys; line ends and tabs stay."""
    return _COMMANDING.sub(_shown, text)


def printable_line(text: str) -> str:
    """As ``printable``, and on one line: text of an agency cannot look like a log line of ours."""
    return _COMMANDING_OR_BREAK.sub(_shown, text)


def printable_value(value: Any) -> Any:
    """*value* as JSON has it, with each text in it, and each name of a field, as ``printable_line``."""
    match value:
        case str():
            return printable_line(value)
        case Mapping():
            return {printable_value(name): printable_value(one) for name, one in value.items()}
        case list() | tuple():
            return [printable_value(one) for one in value]
        case _:
            return value


def field_path(path: str) -> str:
    """*path* as a listing may show it. A step that is long, or holds a number of five digits, may be personal data.

    Of such a step only the length is shown; a path of more than ``NAME_STEPS_MAX`` steps is cut. Column names may be of
    any script.
    """
    steps = path.split(".") if path else []
    shown = [
        step if _NAME.fullmatch(step) else f"(a name of {len(step)} letters)"
        for step in steps[:NAME_STEPS_MAX]
    ]
    return ".".join(shown) + (" …" if len(steps) > NAME_STEPS_MAX else "")


def _shown(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
