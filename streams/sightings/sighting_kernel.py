"""A compiled reader of ``cctv.person``, version 1: frames at addresses to columns. Texts become numbers by a hash.

A frame that is not plainly of that version is marked, and the row decoder reads it.
"""

# mypy: ignore-errors
# ruff: noqa: PLR0912, PLR0915 (a frame is read in one piece: numba inlines no generator)
from __future__ import annotations

import numpy as np
from numba import njit

from streams.match.native.load import f32, f64, u8, varint

BEGIN = 0xCBF29CE484222325
PRIME = 0x100000001B3
APART = 0x1F
"""The byte between the parts of a hashed pair."""
HEAD = 5


def text_number(*parts: str) -> int:
    """The number of a text (or of several) as the kernel has it: FNV-1a of 63 bits, never 0."""
    number = BEGIN
    for byte in "\x1f".join(parts).encode():
        number = ((number ^ byte) * PRIME) & 0xFFFFFFFFFFFFFFFF
    return (number & 0x7FFFFFFFFFFFFFFF) or 1


@njit(cache=True, nogil=True)
def _hashed(number, p, n):
    for at in range(p, p + n):
        number = (number ^ np.uint64(u8(at))) * np.uint64(PRIME)
    return number


@njit(cache=True, nogil=True)
def _positive(number):
    found = np.int64(number & np.uint64(0x7FFFFFFFFFFFFFFF))
    return found if found != 0 else np.int64(1)


@njit(cache=True, nogil=True)
def _text(p, end):
    """Return where a text begins and ends; (0, 0) if it does not fit."""
    if p == 0:
        return np.int64(0), np.int64(0)
    n, p = varint(p, end)
    if p == 0 or n < 0 or n > end - p:
        return np.int64(0), np.int64(0)
    return p, p + n


@njit(cache=True, nogil=True)
def _branch(p, end):
    """Return the branch of a union of null and one more, and the address behind; address 0 for anything else."""
    if p == 0 or p >= end:
        return 0, np.int64(0)
    byte = u8(p)
    if byte == 0:
        return 0, p + 1
    if byte == 2:
        return 1, p + 1
    return 0, np.int64(0)


@njit(cache=True, nogil=True)
def _skip(p, end, count):
    return p + count if p != 0 and end - p >= count else np.int64(0)


@njit(cache=True, nogil=True)
def _maybe_skip(p, end, count):
    is_there, p = _branch(p, end)
    return _skip(p, end, count) if is_there else p


@njit(cache=True, nogil=True)
def _maybe_text(p, end):
    is_there, p = _branch(p, end)
    if not is_there:
        return np.int64(0), p
    return _text(p, end)


@njit(cache=True, nogil=True)
def _traits(p, end, codes, columns, words, row, least):
    """Write the words of one sighting; return the address behind them."""
    while p != 0:
        count, p = varint(p, end)
        if p == 0 or count < 0 or count > end - p:
            return np.int64(0)
        if count == 0:
            return p
        for _ in range(count):
            first, p = _text(p, end)
            if p == 0:
                return p
            number = _hashed(np.uint64(BEGIN), first, p - first)
            number = (number ^ np.uint64(APART)) * np.uint64(PRIME)
            first, p = _text(p, end)
            if p == 0:
                return p
            number = _hashed(number, first, p - first)
            is_there, p = _branch(p, end)
            sure = 1.0
            if is_there:
                if end - p < 4:
                    return np.int64(0)
                sure = np.float64(f32(p))
                p += 4
            at = np.searchsorted(codes, _positive(number))
            if sure >= least and at < len(codes) and codes[at] == _positive(number):
                row[columns[at]] = words[at]
    return p


@njit(cache=True, nogil=True)
def read_frames(address, size, schema_id, codes, columns, words, least, ok, numbers, places, said):
    """Fill a row for each frame. *numbers*: event, time, camera, analytic, case, score (1 if there is one)."""
    for at in range(len(address)):
        p, end = address[at], address[at] + size[at]
        ok[at] = 0
        if size[at] < HEAD or u8(p) != 0:
            continue
        its_id = (np.int64(u8(p + 1)) << 24) | (np.int64(u8(p + 2)) << 16)
        its_id |= (np.int64(u8(p + 3)) << 8) | np.int64(u8(p + 4))
        if its_id != schema_id:
            continue
        first, p = _text(p + HEAD, end)
        if p == 0:
            continue
        numbers[at, 0] = _positive(_hashed(np.uint64(BEGIN), first, p - first))
        _, p = _text(p, end)
        _, p = _text(p, end)
        if p == 0:
            continue
        numbers[at, 1], p = varint(p, end)
        p = _maybe_skip(p, end, 4)
        if p == 0:
            continue
        _, p = varint(p, end)
        is_there, p = _branch(p, end)
        places[at, 0] = places[at, 1] = np.nan
        if is_there:
            if end - p < 16:
                continue
            places[at, 0], places[at, 1] = f64(p), f64(p + 8)
            p = _maybe_skip(p + 16, end, 4)
        first, p = _text(p, end)
        if p == 0:
            continue
        numbers[at, 2] = _positive(_hashed(np.uint64(BEGIN), first, p - first))
        _, p = _maybe_text(p, end)
        first, p = _text(p, end)
        if p == 0:
            continue
        numbers[at, 3] = _positive(_hashed(np.uint64(BEGIN), first, p - first))
        p = _traits(p, end, codes, columns, words, said[at], least)
        is_there, p = _branch(p, end)
        if is_there:
            _, p = _text(p, end)
            is_there, p = _branch(p, end)
            if is_there:
                _, p = varint(p, end)
        p = _maybe_skip(p, end, 4)
        first, p = _maybe_text(p, end)
        numbers[at, 4] = 0 if first == 0 else _positive(_hashed(np.uint64(BEGIN), first, p - first))
        is_there, p = _branch(p, end)
        numbers[at, 5] = is_there
        if is_there:
            p = _skip(p, end, 4)
        if p == end:
            ok[at] = 1
