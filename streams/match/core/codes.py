"""Words as 64-bit numbers, so that labels, plates and things are compared as columns.

A code is Horner's polynomial of the bytes, eight at a time as little-endian numbers, mixed with their number;
0 stands for no word. Two words may share a code, so a match of codes must be confirmed by comparing the
words.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

BASE = 0x9E3779B97F4A7C15
MIX = 0xD6E8FEB86659FD93
NONE = 0
EIGHT = 8
_MASK = (1 << 64) - 1

Codes = npt.NDArray[np.uint64]


def code_of(word: str) -> int:
    """Return the code of one word; never 0."""
    total = 0
    raw = word.encode()
    for at in range(0, len(raw), EIGHT):
        total = (total * BASE + int.from_bytes(raw[at : at + EIGHT], "little")) & _MASK
    return ((total + len(raw)) * MIX & _MASK) | 1


def joined(first: Codes, second: Codes) -> Codes:
    """Return one code for a pair, such as a camera and its track; 0 where either is 0."""
    both: Codes = (first * np.uint64(BASE) + second) * np.uint64(MIX) | np.uint64(1)
    both[(first == NONE) | (second == NONE)] = NONE
    return both


def among(codes: Codes, wanted: Codes) -> npt.NDArray[np.intp]:
    """Return the rows of *codes* that are in *wanted*, a short list. A table of their first 16 bits drops
    most rows early.
    """
    table = np.zeros(1 << 16, np.bool_)
    table[wanted >> np.uint64(48)] = True
    rows = np.flatnonzero(table[codes >> np.uint64(48)])
    return rows[np.isin(codes[rows], wanted)]


def bit_of(codes: Any) -> Any:
    """Return the number (0 to 15) of a code's bit in the coarse filter."""
    return (codes >> np.uint64(60)).astype(np.uint16)
