"""BLAKE2b (RFC 7693) of 16 bytes for compiled code: ids of derived events, equal to those of `derived_id`."""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np
from numba import njit

BLOCK = 128
DIGEST_BYTES = 16
START = np.array(
    [
        0x6A09E667F3BCC908,
        0xBB67AE8584CAA73B,
        0x3C6EF372FE94F82B,
        0xA54FF53A5F1D36F1,
        0x510E527FADE682D1,
        0x9B05688C2B3E6C1F,
        0x1F83D9ABFB41BD6B,
        0x5BE0CD19137E2179,
    ],
    np.uint64,
)
ORDER = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    ],
    np.int64,
)
MIXED = np.array(
    [
        [0, 4, 8, 12],
        [1, 5, 9, 13],
        [2, 6, 10, 14],
        [3, 7, 11, 15],
        [0, 5, 10, 15],
        [1, 6, 11, 12],
        [2, 7, 8, 13],
        [3, 4, 9, 14],
    ],
    np.int64,
)


@njit
def turned(word, count):
    return word >> np.uint64(count) | word << np.uint64(64 - count)


@njit
def compress(state, block, size, is_last):
    """Compress *block* into *state*; *size*: the bytes read so far, with this block."""
    v = np.empty(16, np.uint64)
    v[:8] = state
    v[8:] = START
    v[12] ^= np.uint64(size)
    if is_last:
        v[14] = ~v[14]
    for turn in range(12):
        order = ORDER[turn % 10]
        for i in range(8):
            a, b, c, d = MIXED[i]
            v[a] += v[b] + block[order[2 * i]]
            v[d] = turned(v[d] ^ v[a], 32)
            v[c] += v[d]
            v[b] = turned(v[b] ^ v[c], 24)
            v[a] += v[b] + block[order[2 * i + 1]]
            v[d] = turned(v[d] ^ v[a], 16)
            v[c] += v[d]
            v[b] = turned(v[b] ^ v[c], 63)
    for i in range(8):
        state[i] ^= v[i] ^ v[i + 8]


@njit
def digest_into(state, block, first, first_begin, first_size, second, second_begin, second_size):
    """Compute the digest of two texts, one behind the other, into the first two words of *state*. *block* is
    scratch memory.
    """
    state[:] = START
    state[0] ^= np.uint64(0x01010000 | DIGEST_BYTES)
    total = first_size + second_size
    done = np.int64(0)
    while True:
        size = min(total - done, BLOCK)
        block[:] = 0
        for i in range(size):
            at = done + i
            byte = first[first_begin + at] if at < first_size else second[second_begin + at - first_size]
            block[i >> 3] |= np.uint64(byte) << np.uint64(8 * (i & 7))
        done += size
        compress(state, block, done, done == total)
        if done == total:
            return
