"""Record batches of message format 2, as KIP-98 lays them out, read by compiled kernels."""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np
from numba import njit

from streams.matching.fast.loading import u8, varint

BASE, LAST, FLAGS, PRODUCER, COUNT, BEGIN, SIZE, STAMP, STAMP_MAX = range(9)
"""A batch's head in a row: its first and last offset, flags, producer, number of records, where they begin, their size in
bytes, the first and the latest time."""
HEAD_COLUMNS = 9
HEAD_BYTES = 61
CODEC, STAMPED_BY_BROKER, IN_TRANSACTION, CONTROL = 0x07, 0x08, 0x10, 0x20
OTHER_FORMAT = -1


@njit
def number(p, count):
    """The big-endian number in so many bytes."""
    total = np.int64(0)
    for i in range(count):
        total = total << 8 | np.int64(u8(p + i))
    return total


@njit
def signed(p):
    """The same of four bytes, which may be negative."""
    return np.int64(np.int32(number(p, 4)))


@njit(nogil=True, cache=True)
def batch_heads(address, size, heads):
    """The heads of the whole batches from an address on, as far as *heads* has rows: how many. The last batch may be cut.

    ``OTHER_FORMAT`` at a batch of another message format.
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
    """The records of unpacked *batches*, from the offset that is *wanted* of each on: how many.

    Of each record where it starts, where its value is (0: it has none) and how long, its offset, and the *number* that its
    batch has as *place*. *ends*: how many there are up to the end of each batch. -1 - b when batch b is damaged.
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
