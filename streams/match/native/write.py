"""Compiled code that writes evidence as Avro records, in the order of the contract's fields, and sends them."""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np
from numba import njit

from streams.match.native.digest import digest_into
from streams.match.native.load import call_with_3, copy_bytes

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
    copy_bytes(into.ctypes.data + at, raw.ctypes.data + begin, size)
    return at + size


@njit
def put_number(into, at, value):
    """Put a number as Avro does: zigzag, then seven bits per byte, the lowest first."""
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
def put_hex(into, at, words):
    """Put the bytes of 64-bit words as hexadecimal digits, the lowest byte first."""
    for word in words:
        for i in range(8):
            byte = np.int64(word >> np.uint64(8 * i) & np.uint64(255))
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
    said,
    said_begin,
    said_size,
    watch,
    place,
    place_begin,
    place_size,
    stands_in,
    word,
    word_begin,
    word_size,
    kind,
    certainty,
    raw,
    text_begin,
    text_size,
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
    """Write one frame after another into *into*, and the end of each into *until*; return the end of the last.

    *said*, by number of the *watch*: the beginning of its evidence ids, then the fields before and after the
    others. *kind* and *certainty* are numbers of *word*. Texts by column: observation, label, subject, claimant,
    image; a size below 0 is none. Floats are given as their bits.
    """
    at = np.int64(0)
    state = np.empty(8, np.uint64)
    block = np.empty(16, np.uint64)
    for row in range(len(until)):
        its, where, what, sure = watch[row], stands_in[row], kind[row], certainty[row]
        at = put(into, at, head, 0, len(head))
        named = max(text_size[0, row], 0)
        digest_into(state, block, said, said_begin[its, 0], said_size[its, 0], raw, text_begin[0, row], named)
        at = put_hex(into, at, state[:2])
        at = put(into, at, begin, 0, len(begin))
        at = put_number(into, at, time[row])
        at = put_null(into, at)
        at = put_number(into, at, received[row])
        at = put_position(into, at, lat[row], lon[row], accuracy[row])
        at = put(into, at, said, said_begin[its, 1], said_size[its, 1])
        at = put(into, at, word, word_begin[what], word_size[what])
        at = put_text(into, at, raw, text_begin[0, row], named)
        at = put(into, at, place, place_begin[where], place_size[where])
        at = put_number(into, at, offset[row])
        at = put_maybe64(into, at, distance[row])
        at = put_bits(into, at, seconds[row], 8)
        at = put_maybe(into, at, raw, text_begin[2, row], text_size[2, row])
        at = put_maybe(into, at, raw, text_begin[1, row], max(text_size[1, row], 0))
        at = put_maybe32(into, at, confidence[row])
        at = put_number(into, at, 1)
        at = put(into, at, said, said_begin[its, 2], said_size[its, 2])
        at = put_maybe(into, at, raw, text_begin[3, row], text_size[3, row])
        at = put_maybe(into, at, raw, text_begin[4, row], text_size[4, row])
        at = put(into, at, word, word_begin[sure], word_size[sure])
        until[row] = at
    return at


ID_BYTES, SECOND_BYTES, TIME_BYTES, TRACE_BYTES = 32, 19, 29, 55
KEY, VALUE, HEADER_ID, HEADER_TIME, HEADER_SUBJECT, HEADER_TRACE = 0, 1, 3, 6, 7, 9
"""The number of each argument of the call."""
TIME_AT, TRACE_AT = 0, 32
"""The places in *room* of the texts that are made for each record."""


@njit(nogil=True, cache=True)
def sent(
    row,
    frames,
    until,
    id_at,
    key,
    key_begin,
    key_size,
    watch,
    time,
    second,
    seconds,
    room,
    arguments,
    call,
    producer,
):
    """Send one record after another from *row* on by ``produceva``, whose address is *call*. *key*, *arguments* and
    *producer* are addresses as well.

    Return the first row that was refused and the address of its error; after the last, the number of rows and
    0. *arguments* hold the constant parts; *second* is the index of each row's text in *seconds*.
    """
    given = arguments.ctypes.data
    text = room.ctypes.data
    while row < len(until):
        begin = until[row - 1] if row else np.int64(0)
        its = watch[row]
        arguments[KEY, 1], arguments[KEY, 2] = key + key_begin[its], key_size[its]
        arguments[HEADER_SUBJECT, 2], arguments[HEADER_SUBJECT, 3] = key + key_begin[its], key_size[its]
        arguments[VALUE, 1], arguments[VALUE, 2] = frames.ctypes.data + begin, until[row] - begin
        arguments[HEADER_ID, 2], arguments[HEADER_ID, 3] = frames.ctypes.data + begin + id_at, ID_BYTES
        put(room, TIME_AT, seconds, second[row] * SECOND_BYTES, SECOND_BYTES)
        rest = time[row] % 1_000
        room[TIME_AT + 20] = 48 + rest // 100
        room[TIME_AT + 21] = 48 + rest // 10 % 10
        room[TIME_AT + 22] = 48 + rest % 10
        put(room, TRACE_AT + 3, frames, begin + id_at, ID_BYTES)
        put(room, TRACE_AT + 36, frames, begin + id_at, 16)
        arguments[HEADER_TIME, 2], arguments[HEADER_TIME, 3] = text + TIME_AT, TIME_BYTES
        arguments[HEADER_TRACE, 2], arguments[HEADER_TRACE, 3] = text + TRACE_AT, TRACE_BYTES
        error = call_with_3(call, producer, given, len(arguments))
        if error != 0:
            return row, error
        row += 1
    return row, np.int64(0)
