"""Record batches of message format 2 (KIP-98), read by compiled kernels."""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np
from numba import njit

from streams.match.native.load import u8, varint

BASE, LAST, FLAGS, PRODUCER, COUNT, BEGIN, SIZE, STAMP, STAMP_MAX = range(9)
"""The columns of a batch's head: its first and last offset, flags, producer, number of records, address of
the first, their size in bytes, the first and the latest time.
"""
HEAD_COLUMNS = 9
HEAD_BYTES = 61
CODEC, STAMPED_BY_BROKER, IN_TRANSACTION, CONTROL = 0x07, 0x08, 0x10, 0x20
OTHER_FORMAT = -1


@njit
def number(p, count):
    """Return the big-endian number in *count* bytes."""
    total = np.int64(0)
    for i in range(count):
        total = total << 8 | np.int64(u8(p + i))
    return total


@njit
def signed(p):
    """Return the signed big-endian number in four bytes."""
    return np.int64(np.int32(number(p, 4)))


@njit(nogil=True, cache=True)
def batch_heads(address, size, heads):
    """Write the heads of whole batches from an address on; return their number, at most the rows of *heads*.

    The last batch may be cut. ``OTHER_FORMAT`` at a batch of another message format.
    """
    p, end = address, address + size
    count = 0
    while count < len(heads) and end - p >= HEAD_BYTES:
        length = signed(p + 8)
        if u8(p + 16) != 2 or length < HEAD_BYTES - 12:
            return OTHER_FORMAT
        if length > end - p - 12:
            break
        heads[count, BASE] = number(p, 8)
        heads[count, LAST] = heads[count, BASE] + signed(p + 23)
        heads[count, FLAGS] = number(p + 21, 2)
        heads[count, STAMP] = number(p + 27, 8)
        heads[count, STAMP_MAX] = number(p + 35, 8)
        heads[count, PRODUCER] = number(p + 43, 8)
        heads[count, COUNT] = signed(p + 57)
        heads[count, BEGIN] = p + HEAD_BYTES
        heads[count, SIZE] = length + 12 - HEAD_BYTES
        count += 1
        p += length + 12
    return count


@njit(nogil=True, cache=True)
def walk(batches, wanted, number, start, payload, size, offset, place, ends):
    """Read the records of uncompressed *batches*, each from its offset *wanted* on; return their number.

    For each record: its start, the address of its value (0 for none) and its size, its offset, and as *place*
    the *number* of its batch. *ends*: the number of records up to the end of each batch. -1 - b if batch b is
    damaged.
    """
    count = 0
    for b in range(len(batches)):
        p = batches[b, BEGIN]
        end = p + batches[b, SIZE]
        for _ in range(batches[b, COUNT]):
            begin = p
            length, p = varint(p, end)
            if p == 0 or length < 1 or length > end - p:
                return -1 - b
            stop = p + length
            _, p = varint(p + 1, stop)
            if p == 0:
                return -1 - b
            delta, p = varint(p, stop)
            if p == 0:
                return -1 - b
            key, p = varint(p, stop)
            if p == 0 or key > stop - p:
                return -1 - b
            value, p = varint(p + max(key, 0), stop)
            if p == 0 or value > stop - p:
                return -1 - b
            at = batches[b, BASE] + delta
            if at >= wanted[b]:
                start[count] = begin
                payload[count] = p if value >= 0 else 0
                size[count] = max(value, 0)
                offset[count] = at
                place[count] = number[b]
                count += 1
            p = stop
        ends[b] = count
    return count
