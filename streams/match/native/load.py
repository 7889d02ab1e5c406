"""Intrinsics for compiled kernels: numbers at an address, and calls of functions at an address."""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

BASE = np.uint64(0x9E3779B97F4A7C15)
MIX = np.uint64(0xD6E8FEB86659FD93)
HIGH = np.int64(-0x7F7F7F7F7F7F7F80)
"""The high bit of each of eight bytes."""


def _loader(kind, llvm):
    @intrinsic
    def load(typing_context, address):
        def generate(context, builder, signature, arguments):
            value = builder.load(builder.inttoptr(arguments[0], llvm.as_pointer()))
            value.align = 1
            return value

        return kind(types.int64), generate

    return load


u8 = _loader(types.uint8, ir.IntType(8))
u32 = _loader(types.uint32, ir.IntType(32))
i64 = _loader(types.int64, ir.IntType(64))
f32 = _loader(types.float32, ir.FloatType())
f64 = _loader(types.float64, ir.DoubleType())


@intrinsic
def call_with_3(typing_context, function, first, second, third):
    """Call the C function at an address with three words; return its word."""

    def generate(context, builder, signature, arguments):
        word = ir.IntType(64)
        kind = ir.FunctionType(word, [word, word, word])
        return builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])

    return types.int64(types.int64, types.int64, types.int64, types.int64), generate


@intrinsic
def copy_bytes(typing_context, into, address, count):
    """Copy bytes (memcpy)."""

    def generate(context, builder, signature, arguments):
        byte = ir.IntType(8).as_pointer()
        to, of = (builder.inttoptr(one, byte) for one in arguments[:2])
        cgutils.raw_memcpy(builder, to, of, arguments[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@njit
def varint(p, end):
    """Return a zigzag number and the address behind it; address 0 if the bytes end or the number is too long."""
    if p < end:
        first = np.uint64(u8(p))
        if first < np.uint64(128):
            return np.int64(first >> np.uint64(1)) ^ -np.int64(first & np.uint64(1)), p + 1
    number = np.uint64(0)
    shift = np.uint64(0)
    while p < end and shift < np.uint64(70):
        byte = np.uint64(u8(p))
        p += 1
        if shift == np.uint64(63) and byte > np.uint64(1):
            return np.int64(0), np.int64(0)
        number |= (byte & np.uint64(127)) << shift
        if byte < np.uint64(128):
            return np.int64(number >> np.uint64(1)) ^ -np.int64(number & np.uint64(1)), p
        shift += np.uint64(7)
    return np.int64(0), np.int64(0)


@njit
def is_utf8(p, n):
    """Return whether these bytes are UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF."""
    i = 0
    while i < n:
        a = u8(p + i)
        if a < 0x80:
            i += 1
            continue
        if 0xC2 <= a <= 0xDF:
            more, low, high = 1, 0x80, 0xBF
        elif 0xE0 <= a <= 0xEF:
            more, low, high = 2, (0xA0 if a == 0xE0 else 0x80), (0x9F if a == 0xED else 0xBF)
        elif 0xF0 <= a <= 0xF4:
            more, low, high = 3, (0x90 if a == 0xF0 else 0x80), (0x8F if a == 0xF4 else 0xBF)
        else:
            return False
        if i + more >= n:
            return False
        second = u8(p + i + 1)
        if second < low or second > high:
            return False
        for k in range(2, more + 1):
            if u8(p + i + k) & 0xC0 != 0x80:
                return False
        i += more + 1
    return True


@njit
def is_text(p, n):
    high = np.int64(0)
    i = np.int64(0)
    while i + 8 <= n:
        high |= i64(p + i)
        i += 8
    if i < n:
        high |= np.int64(last(p, n))
    return high & HIGH == 0 or is_utf8(p, n)


@njit
def last(p, n):
    """Return the last n % 8 of n bytes as a little-endian number. Bytes may be read twice."""
    rest = n & 7
    if n >= 8:
        return np.uint64(i64(p + n - 8)) >> np.uint64(8 * (8 - rest))
    if n >= 4:
        return np.uint64(u32(p)) | np.uint64(u32(p + n - 4)) << np.uint64(8 * (n - 4))
    word = np.uint64(0)
    for i in range(n):
        word |= np.uint64(u8(p + i)) << np.uint64(8 * i)
    return word


@njit
def code(p, n):
    """Return `streams.match.core.codes.code_of` of the text at an address."""
    total = np.uint64(0)
    i = np.int64(0)
    while i + 8 <= n:
        total = total * BASE + np.uint64(i64(p + i))
        i += 8
    if i < n:
        total = total * BASE + last(p, n)
    return (total + np.uint64(n)) * MIX | np.uint64(1)


@njit
def joined(first, second):
    if first == np.uint64(0) or second == np.uint64(0):
        return np.uint64(0)
    return (first * BASE + second) * MIX | np.uint64(1)


@njit(nogil=True, cache=True)
def schemas_met(payload, size, place, topics, group, groups):
    """Write the group of each frame: its topic (*topics* has its number for each place) and its schema id.

    *groups* are numbered by first appearance; 255: not a frame. Return their number, -1 when there are more
    than 250.
    """
    group_count = np.int64(0)
    latest = np.int64(-1)
    for m in range(len(payload)):
        p = payload[m]
        if p == 0 or size[m] < 5 or u8(p) != 0:
            group[m] = 255
            continue
        topic = topics[place[m]]
        schema = (
            (np.int64(u8(p + 1)) << 24)
            | (np.int64(u8(p + 2)) << 16)
            | (np.int64(u8(p + 3)) << 8)
            | np.int64(u8(p + 4))
        )
        if latest < 0 or groups[latest, 0] != topic or groups[latest, 1] != schema:
            latest = np.int64(-1)
            for k in range(group_count):
                if groups[k, 0] == topic and groups[k, 1] == schema:
                    latest = k
                    break
            if latest < 0:
                if group_count == 250:
                    return np.int64(-1)
                latest = group_count
                groups[latest, 0] = topic
                groups[latest, 1] = schema
                group_count += 1
        group[m] = latest
    return group_count


@njit(nogil=True, cache=True)
def copied(payload, size, into):
    """Copy payloads one behind another, to the address *into*."""
    at = np.int64(into)
    for i in range(len(payload)):
        copy_bytes(at, payload[i], size[i])
        at += size[i]


@njit(nogil=True, cache=True)
def sift(lat, lon, label, words, shift, everywhere, rows_a_degree, columns_a_degree, passing):
    """Compute `streams.match.core.cells.Filter.passing`; return the number of rows put in *passing*."""
    count = 0
    for m in range(len(lat)):
        if not (-90.0 <= lat[m] <= 90.0 and -180.0 <= lon[m] <= 180.0):
            continue
        row = np.uint64(np.int64((lat[m] + 90.0) * rows_a_degree))
        column = np.uint64(np.int64((lon[m] + 180.0) * columns_a_degree))
        slot = (row << np.uint64(32) | column) * BASE >> shift
        passing[count] = m
        count += np.int64((np.uint64(words[slot]) | everywhere) >> (label[m] >> np.uint64(60)) & np.uint64(1))
    return count
