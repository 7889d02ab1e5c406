"""Digits in which a list writes its numbers: ASCII's, or full-width ones (１２．５) where the city's file says so. Pure.

Without the setting full-width digits are no number; ``_`` between digits is never one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

Digits = Literal["ascii", "full-width"]
ASCII: Digits = "ascii"
DIGITS_TOLD = "digits of numbers, times and ids: ascii; full-width reads １２．５ as well, as 12.5"
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
"""The full-width forms of ASCII's characters, the wide space among them → themselves."""


class NumberCells:
    """The cells of a list's columns of numbers, times and ids, in ASCII's digits."""

    def __init__(self, digits: Digits, columns: Iterable[str | tuple[str, ...] | None]) -> None:
        """*columns*: their names; several for one field as a tuple, ``None`` where the field has none."""
        names = {name for one in columns for name in (one if isinstance(one, tuple) else (one,))}
        self._names = frozenset() if digits == ASCII else frozenset(names - {None})

    def read(self, column: str, cell: Any) -> Any:
        """*cell* of *column*, or of a point's list each part, with ASCII's digits; another column's as it is."""
        if column not in self._names:
            return cell
        if isinstance(cell, list):
            return [_in_ascii(part) for part in cell]
        return _in_ascii(cell)


def _in_ascii(cell: Any) -> Any:
    return cell.translate(_FULL_WIDTH) if isinstance(cell, str) else cell
