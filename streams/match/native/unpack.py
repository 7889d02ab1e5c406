"""Fetched record batches to payloads at addresses.

Compressed batches are decompressed, LZ4 into one arena; others stay where they were received.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import cramjam
import numpy as np
import numpy.typing as npt
from aiokafka.codec import gzip_decode, snappy_decode, zstd_decode
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from schemas.errors import Retriable
from streams.match.core.flow import Partition
from streams.match.core.observations import Longs
from streams.match.native.decode import PLACES_MAX, FrameRows
from streams.match.native.record_batch import (
    BASE,
    BEGIN,
    CODEC,
    CONTROL,
    COUNT,
    FLAGS,
    HEAD_BYTES,
    HEAD_COLUMNS,
    IN_TRANSACTION,
    LAST,
    OTHER_FORMAT,
    PRODUCER,
    SIZE,
    STAMP,
    STAMP_MAX,
    STAMPED_BY_BROKER,
    batch_heads,
    walk,
)
from streams.runtime.records import Record

RECORDS_MAX = 20_000
"""The number of records after which a batch of ours ends, with the broker's batch that is then begun."""
BATCHES_MAX = 4_096
"""The limit of broker batches per partition; those behind it are fetched again."""
ARENA_BYTES, ARENA_BYTES_MAX = 4_000_000, 256_000_000
LZ4 = 3
VARINT_BYTES = 10
PROOF = (b"a", b"b", None, b"c" * 1_000)
CODECS: dict[int, Callable[[Any], bytes]] = {1: gzip_decode, 2: snappy_decode, 4: zstd_decode}
"""Decoders by Kafka's codec number. LZ4 is not among them: it is decompressed straight into the arena."""


class Damaged(Retriable):
    """Bytes that are not a valid record batch."""


class Part:
    """The fetched record batches of one partition, to be read from offset *wanted* on."""

    def __init__(
        self, place: Partition, wanted: int, held: memoryview, aborted: Sequence[tuple[int, int]]
    ) -> None:
        """*aborted*: the producer and the first offset of each aborted transaction."""
        self.place = place
        self.wanted = wanted
        self.held = np.frombuffer(held, np.uint8)
        heads = np.empty((min(len(held) // HEAD_BYTES + 1, BATCHES_MAX), HEAD_COLUMNS), np.int64)
        count = batch_heads(self.held.ctypes.data, len(held), heads)
        if count == OTHER_FORMAT:
            raise Damaged(
                f"{place[0]} {place[1]}: from offset {wanted} on stands no record batch of format 2"
            )
        heads = heads[:count]
        self.next_offset = int(heads[-1, LAST]) + 1 if count else wanted
        """The offset behind all that was fetched."""
        self.heads = heads[(heads[:, FLAGS] & CONTROL == 0) & _stands(heads, aborted)]


def _stands(heads: Longs, aborted: Sequence[tuple[int, int]]) -> npt.NDArray[np.bool_]:
    """Return the batches that belong to no aborted transaction."""
    stands = np.ones(len(heads), np.bool_)
    begun, left = set[int](), sorted(aborted, key=lambda one: one[1], reverse=True)
    for row in range(len(heads)) if aborted else ():
        # an aborted transaction counts from its first offset until the producer's next marker
        while left and left[-1][1] <= heads[row, LAST]:
            begun.add(left.pop()[0])
        producer = int(heads[row, PRODUCER])
        if heads[row, FLAGS] & CONTROL:
            begun.discard(producer)
        elif heads[row, FLAGS] & IN_TRANSACTION:
            stands[row] = producer not in begun
    return stands


class Unpacker:
    """Decompresses fetched batches. Its result is valid until the next call."""

    def __init__(self) -> None:
        self._arena = np.empty(ARENA_BYTES, np.uint8)
        self._used = 0
        self._held: list[npt.NDArray[np.uint8]] = []
        """The owners of the bytes at addresses, beside the arena."""

    def take(self, parts: list[Part]) -> FrameRows | None:
        """Return the next records of *parts*, and remove their batches from them. ``None`` if there are no parts."""
        self._used = 0
        self._held.clear()
        batches, wanted, number = list[list[int]](), list[int](), list[int]()
        places, ends = list[Partition](), dict[Partition, int]()
        count = 0
        while parts and count < RECORDS_MAX and len(places) < PLACES_MAX:
            part, before = parts[0], len(batches)
            for head in part.heads.tolist():
                where = self._where(part, head) if count < RECORDS_MAX else None
                if where is None:
                    break
                head[BEGIN], head[SIZE] = where
                if not 0 <= head[COUNT] <= head[SIZE]:
                    raise _damaged(part.place, head[BASE])
                batches.append(head)
                count += head[COUNT]
            done = len(batches) - before
            if len(part.heads) and not done:
                break
            number += [len(places)] * done
            wanted += [part.wanted] * done
            places.append(part.place)
            self._held.append(part.held)
            part.heads = part.heads[done:]
            ends[part.place] = batches[-1][LAST] + 1 if len(part.heads) else part.next_offset
            if not len(part.heads):
                parts.pop(0)
        if not places:
            return None
        owners = (self._arena, *self._held)
        heads = np.array(batches, np.int64).reshape(-1, HEAD_COLUMNS)
        return _taken(heads, wanted, number, places, ends, count, owners)

    def _where(self, part: Part, head: list[int]) -> tuple[int, int] | None:
        """Return address and size of a batch's decompressed records; ``None`` if there is no room before the
        next call.
        """
        codec, begin = head[FLAGS] & CODEC, head[BEGIN] - part.held.ctypes.data
        packed = part.held[begin : begin + head[SIZE]]
        if codec == 0:
            return head[BEGIN], head[SIZE]
        if codec != LZ4:
            try:
                self._held.append(np.frombuffer(CODECS[codec](packed.tobytes()), np.uint8))
            except Exception as error:  # each codec raises its own errors
                raise _damaged(part.place, head[BASE]) from error
            return self._held[-1].ctypes.data, len(self._held[-1])
        while True:
            try:
                size = cramjam.lz4.decompress_into(packed.data, self._arena[self._used :].data)
            except cramjam.DecompressionError as error:  # damaged, or too little room
                if self._used:
                    return None
                if 2 * len(self._arena) > ARENA_BYTES_MAX:
                    raise _damaged(part.place, head[BASE]) from error
                self._arena = np.empty(2 * len(self._arena), np.uint8)
            else:
                self._used += size
                return self._arena.ctypes.data + self._used - size, size


def _taken(
    batches: Longs,
    wanted: list[int],
    number: list[int],
    places: list[Partition],
    ends: dict[Partition, int],
    count: int,
    owners: Sequence[npt.NDArray[np.uint8]],
) -> FrameRows:
    start, payload, size, offset = (np.empty(count, np.int64) for _ in range(4))
    place, rows = np.empty(count, np.uint8), np.empty(len(batches), np.int64)
    count = walk(
        batches,
        np.array(wanted, np.int64),
        np.array(number, np.int64),
        start,
        payload,
        size,
        offset,
        place,
        rows,
    )
    if count < 0:
        batch = -1 - count
        raise _damaged(places[number[batch]], int(batches[batch, BASE]))

    def record(row: int, _owners: object = owners) -> Record:
        """Return a copy of the record. Holding this function keeps the bytes at the addresses alive."""
        batch = int(np.searchsorted(rows, row, "right"))
        try:
            return _record(places[number[batch]], batches[batch].tolist(), int(start[row]))
        except IndexError as error:  # its headers are damaged: the kernel does not read them
            raise _damaged(places[number[batch]], int(batches[batch, BASE])) from error

    return FrameRows(payload[:count], size[:count], offset[:count], place[:count], places, ends, record)


def _damaged(place: Partition, offset: int) -> Damaged:
    return Damaged(f"{place[0]} {place[1]}: the record batch at offset {offset} is damaged")


def _record(place: Partition, head: list[int], address: int) -> Record:
    """Return a copy of the record at *address*."""
    before = Cursor(ctypes.string_at(address, min(VARINT_BYTES, head[BEGIN] + head[SIZE] - address)))
    size = before.number()
    record = Cursor(ctypes.string_at(address + before.at, size))
    record.at += 1  # Kafka defines no record flags
    after_ms, after = record.number(), record.number()
    key, value = record.text(), record.text()
    named = [(record.text() or b"", record.text()) for _ in range(record.number())]
    return Record(
        *place,
        head[BASE] + after,
        head[STAMP_MAX] if head[FLAGS] & STAMPED_BY_BROKER else head[STAMP] + after_ms,
        key,
        value,
        {name.decode(errors="replace"): text for name, text in named if text is not None},
    )


class Cursor:
    """Reads the fields of a record in order."""

    def __init__(self, held: bytes) -> None:
        self._held = held
        self.at = 0

    def number(self) -> int:
        total = shift = 0
        while True:
            byte = self._held[self.at]
            self.at += 1
            total |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return total >> 1 ^ -(total & 1)

    def text(self) -> bytes | None:
        size = self.number()
        if size < 0:
            return None
        self.at += size
        return self._held[self.at - size : self.at]


def prove() -> None:
    """Check the kernels with a batch written by aiokafka. ``ValueError`` if they read other records."""
    written = DefaultRecordBatchBuilder(2, LZ4, True, 7, 0, 0, 100_000)
    for number, value in enumerate(PROOF):
        written.append(number, 1_000 + number, b"key", value, [("name", b"header")])
    held = bytes(written.build())
    taken = Unpacker().take([Part(("proof", 0), 1, memoryview(held), ())])
    wanted = [
        Record("proof", 0, number, 1_000 + number, b"key", value, {"name": b"header"})
        for number, value in enumerate(PROOF)
    ][1:]
    if taken is None or [taken.record_of(row) for row in range(len(taken.payload))] != wanted:
        raise ValueError("the kernels do not read the record batches that aiokafka writes")
