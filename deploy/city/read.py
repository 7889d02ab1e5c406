"""Read a city's file as TOML in UTF-8, with or without a byte order mark."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from deploy.faults import UsageFault

BOM = "\ufeff"
"""The byte order mark that some editors write before UTF-8. It is skipped."""


def read_toml(path: Path, form: str) -> tuple[str, dict[str, Any]]:
    """The text of *path*, and its parsed tables. ``UsageFault`` with the line for a file that is no TOML in UTF-8. *form* is
    the hint that describes the right form."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageFault(f"{path} cannot be read: {error.strerror}", hint="mend its rights") from error
    try:
        text = raw.decode("utf-8").removeprefix(BOM)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = raw[error.start]
        raise UsageFault(
            f"{path}, line {line}: not UTF-8 (byte 0x{byte:02x})",
            hint="save the file in UTF-8 (in an editor: Save as)",
        ) from error
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageFault(f"{path}, line {_line_told(error, text)}: not TOML: {error}", hint=form) from error
    except RecursionError as error:
        raise UsageFault(f"{path}: lists or tables nested too deep", hint=form) from error


def _line_told(error: tomllib.TOMLDecodeError, text: str) -> int:
    """The line in tomllib's message; the last one when it says "at end of document"."""
    told = re.search(r"at line (\d+)", str(error))
    return int(told[1]) if told else max(1, len(text.splitlines()))
