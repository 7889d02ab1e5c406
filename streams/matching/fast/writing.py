"""Evidence's Avro records written by compiled code, in the order of the contract's fields."""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np
from numba import njit

NAN64 = np.uint64(0x7FF0000000000000)
NAN32 = np.uint32(0x7F800000)


@njit
def is_nan64(bits):
    return bits & np.uint64(0x7FFFFFFFFFFFFFFF) > NAN64


@njit
def is_nan32(bits):
    return bits & np.uint32(0x7FFFFFFF) > NAN32


@njit
def put(into, at, raw, begin, size):
    for i in range(size):
        into[at + i] = raw[begin + i]
    return at + size


@njit
def put_number(into, at, value):
    """Zigzag, then seven bits a byte, the least first."""
    number = np.uint64(value << 1) ^ np.uint64(value >> 63)
    while number > np.uint64(127):
        into[at] = number & np.uint64(127) | np.uint64(128)
        number >>= np.uint64(7)
        at += 1
    into[at] = number
    return at + 1


@njit
def put_bits(into, at, bits, count):
    rest = np.uint64(bits)
    for i in range(count):
        into[at + i] = rest & np.uint64(255)
        rest >>= np.uint64(8)
    return at + count


@njit
def put_some(into, at):
    into[at] = 2
    return at + 1


@njit
def put_null(into, at):
    into[at] = 0
    return at + 1


@njit
def put_text(into, at, raw, begin, size):
    return put(into, put_number(into, at, size), raw, begin, size)


@njit
def put_maybe(into, at, raw, begin, size):
    if size < 0:
        return put_null(into, at)
    return put_text(into, put_some(into, at), raw, begin, size)


@njit
def put_maybe32(into, at, bits):
    if is_nan32(bits):
        return put_null(into, at)
    return put_bits(into, put_some(into, at), bits, 4)


@njit
def put_maybe64(into, at, bits):
    if is_nan64(bits):
        return put_null(into, at)
    return put_bits(into, put_some(into, at), bits, 8)


@njit
def put_nibble(into, at, nibble):
    into[at] = nibble + (48 if nibble < 10 else 87)
    return at + 1


@njit
def put_hex(into, at, digests, begin):
    for i in range(16):
        byte = np.int64(digests[begin + i])
        at = put_nibble(into, put_nibble(into, at, byte >> 4), byte & 15)
    return at


@njit
def put_position(into, at, lat, lon, accuracy):
    if is_nan64(lat) or is_nan64(lon):
        return put_null(into, at)
    at = put_bits(into, put_some(into, at), lat, 8)
    return put_maybe32(into, put_bits(into, at, lon, 8), accuracy)


@njit(nogil=True, cache=True)
def written(
    into,
    until,
    head,
    begin,
    digests,
    raw,
    text_begin,
    text_size,
    said,
    said_begin,
    said_size,
    end,
    end_begin,
    end_size,
    place,
    place_begin,
    place_size,
    kind,
    kind_begin,
    kind_size,
    time,
    received,
    offset,
    lat,
    lon,
    accuracy,
    distance,
    seconds,
    confidence,
):
    """Frame after frame into *into*; *until* says where each ends. Gives where the last does.

    Texts by column: observation, label, subject, claimant, image; a size below 0 is none. Floats are given as their bits.
    """
    at = np.int64(0)
    for row in range(len(until)):
        at = put(into, at, head, 0, len(head))
        at = put_hex(into, at, digests, row * 16)
        at = put(into, at, begin, 0, len(begin))
        at = put_number(into, at, time[row])
        at = put_null(into, at)
        at = put_number(into, at, received[row])
        at = put_position(into, at, lat[row], lon[row], accuracy[row])
        at = put(into, at, said, said_begin[row], said_size[row])
        at = put(into, at, kind, kind_begin[row], kind_size[row])
        at = put_text(into, at, raw, text_begin[0, row], max(text_size[0, row], 0))
        at = put(into, at, place, place_begin[row], place_size[row])
        at = put_number(into, at, offset[row])
        at = put_maybe64(into, at, distance[row])
        at = put_bits(into, at, seconds[row], 8)
        at = put_maybe(into, at, raw, text_begin[2, row], text_size[2, row])
        at = put_maybe(into, at, raw, text_begin[1, row], max(text_size[1, row], 0))
        at = put_maybe32(into, at, confidence[row])
        at = put_number(into, at, 1)
        at = put(into, at, end, end_begin[row], end_size[row])
        at = put_maybe(into, at, raw, text_begin[3, row], text_size[3, row])
        at = put_maybe(into, at, raw, text_begin[4, row], text_size[4, row])
        until[row] = at
    return at
