"""A city's file as TOML: its bytes, however an editor kept them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from deploy.faults import UsageFault

BOM = "\ufeff"
"""What some editors put before a text in UTF-8. It says nothing, and is skipped."""


def read_toml(path: Path, form: str) -> tuple[str, dict[str, Any]]:
    """The text of *path* and what stands in it. ``UsageFault`` with the line for what is no TOML in UTF-8, and *form*, which
    says what it should look like."""
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
    """tomllib says the line in its words, or that it was at the end."""
    told = re.search(r"at line (\d+)", str(error))
    return int(told[1]) if told else max(1, len(text.splitlines()))
