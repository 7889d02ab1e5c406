"""Words as 64-bit numbers, so that labels, plates and things are compared as columns.

A code is Horner's polynomial of the bytes, eight at a time as little-endian numbers, mixed with how many they are; 0
stands for no word. Two words may share a code: who finds a match by codes looks at the words before believing it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

BASE = 0x9E3779B97F4A7C15
MIX = 0xD6E8FEB86659FD93
NONE = 0
EIGHT = 8
_MASK = (1 << 64) - 1

Codes = npt.NDArray[np.uint64]


def code_of(word: str) -> int:
    """The code of one word; never 0."""
    total = 0
    raw = word.encode()
    for at in range(0, len(raw), EIGHT):
        total = (total * BASE + int.from_bytes(raw[at : at + EIGHT], "little")) & _MASK
    return ((total + len(raw)) * MIX & _MASK) | 1


def codes_of(words: pa.StringArray) -> Codes:
    """The code of each word, 0 where there is none."""
    count = len(words)
    ends = np.frombuffer(words.buffers()[1], np.int32)[words.offset : words.offset + count + 1].astype(
        np.int64
    )
    raw = words.buffers()[2]
    text = np.frombuffer(raw, np.uint8)[ends[0] : ends[-1]] if raw is not None and count else _EMPTY
    ends -= ends[0] if count else 0
    lengths = np.diff(ends)
    place = np.arange(len(text)) - np.repeat(ends[:-1], lengths)
    rest = np.repeat((lengths - 1) // EIGHT, lengths) - place // EIGHT  # how many eights follow each byte's
    eights = text.astype(np.uint64) << (place % EIGHT * EIGHT).astype(np.uint64)
    terms = eights * _powers(int(lengths.max(initial=0)) // EIGHT)[rest]
    sums = np.concatenate([_ZERO, np.cumsum(terms, dtype=np.uint64)])
    codes: Codes = (sums[ends[1:]] - sums[ends[:-1]] + lengths.astype(np.uint64)) * np.uint64(
        MIX
    ) | np.uint64(1)
    if words.null_count:
        codes[words.is_null().to_numpy(zero_copy_only=False)] = NONE
    return codes


def joined(first: Codes, second: Codes) -> Codes:
    """One code for two, such as a camera and its track; 0 where either is."""
    both: Codes = (first * np.uint64(BASE) + second) * np.uint64(MIX) | np.uint64(1)
    both[(first == NONE) | (second == NONE)] = NONE
    return both


def bit_of(codes: Any) -> Any:
    """Which of 64 bits stands for a code in the coarse filter."""
    return codes >> np.uint64(58)


def _powers(count: int) -> Codes:
    powers = np.full(count + 1, BASE, np.uint64)
    powers[0] = 1
    return np.cumprod(powers, dtype=np.uint64)


_EMPTY = np.empty(0, np.uint8)
_ZERO = np.zeros(1, np.uint64)
