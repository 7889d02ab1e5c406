"""Evidence written to records by a compiled kernel: about 1 µs each instead of 40.

Its bytes equal those of `evidence_event`, the contract's row codec and `headers_of`. At its start a worker
compares both; if they differ, because the contract has grown, it uses the plain way.
"""

from __future__ import annotations

import ctypes as ct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.match.core.evidence import CERTAIN, CONTRACT, POSSIBLE, SOURCE, EvidenceColumns
from streams.match.core.flow import SECOND_MS, Partition
from streams.match.core.observations import Longs
from streams.match.core.texts import IMAGE_REF, LABEL, OBSERVATION_ID, SEEN_BY, SUBJECT, RowTexts, Texts
from streams.match.core.watches import Watch
from streams.match.native.producer import NativeProducer, arguments_of, put_bytes
from streams.match.native.watch_columns import KEYS, StringColumn, WatchColumns, avro_number, avro_text
from streams.match.native.write import ID_BYTES, SECOND_BYTES, TRACE_AT, sent, written
from streams.runtime.transaction import Made, Outbox

Make = Callable[[EvidenceColumns], Iterable[Made]]

FIXED_BYTES_MAX = 200
"""The limit for all numbers of one record."""
HEADERS = (
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_time",
    "ce_subject",
    "content-type",
    "traceparent",
)
TEXT_COLUMNS = (OBSERVATION_ID, LABEL, SUBJECT, SEEN_BY, IMAGE_REF)


class EvidenceFrames:
    """Writes evidence as frames. *head*: the first bytes of a frame, with the schema id."""

    def __init__(self, city: str, head: bytes) -> None:
        self._head = np.frombuffer(head + b"\x40", np.uint8)
        self._begin = np.frombuffer(avro_text(city) + avro_text(SOURCE), np.uint8)
        self._fixed = {
            "ce_specversion": b"1.0",
            "ce_source": f"/{city}/{SOURCE}".encode(),
            "ce_type": f"bongsu.{CONTRACT}".encode(),
            "content-type": b"application/avro",
        }
        self._watches = WatchColumns()
        self._sending: EvidenceSender | None = None

    def made(self, columns: EvidenceColumns) -> Iterable[Made]:
        """Yield the records one by one, for a producer of confluent-kafka."""
        packed = self._packed(columns)
        raw, bounds = packed.frames.tobytes(), packed.until.tolist()
        for number, time, begin, end in zip(
            packed.watch.tolist(), columns.time.tolist(), [0, *bounds[:-1]], bounds, strict=True
        ):
            frame, key = raw[begin:end], self._watches.keys[number]
            event_id = frame[len(self._head) : len(self._head) + ID_BYTES]
            own = {
                "ce_id": event_id,
                "ce_time": b"%b.%03d+00:00" % (_second(time // SECOND_MS), time % SECOND_MS),
                "ce_subject": key,
                "traceparent": b"00-%b-%b-01" % (event_id, event_id[:16]),
            }
            yield key, frame, [(name, own.get(name) or self._fixed[name]) for name in HEADERS]

    def put(self, columns: EvidenceColumns, topic: str, outbox: Outbox) -> None:
        """Put all of them, in one call of compiled code if the producer is native."""
        producer: Any = outbox.producer
        if not isinstance(producer, NativeProducer):
            outbox.put_many(topic, self.made(columns))
            return
        if self._sending is None or self._sending.producer is not producer:
            self._sending = EvidenceSender(producer, topic, self._fixed)
        seconds, which = np.unique(columns.time // SECOND_MS, return_inverse=True)
        texts = np.frombuffer(b"".join(map(_second, seconds.tolist())), np.uint8)
        packed, watches = self._packed(columns), self._watches
        self._sending.send(
            packed.frames,
            packed.until,
            len(self._head),
            watches.raw.ctypes.data,
            np.ascontiguousarray(watches.begin[:, KEYS]),
            np.ascontiguousarray(watches.size[:, KEYS]),
            packed.watch,
            columns.time,
            which,
            texts,
        )

    def _packed(self, columns: EvidenceColumns) -> PackedFrames:
        texts, watches = columns.texts, self._watches
        watch = watches.numbers(columns.watch)
        places = StringColumn(list(map(_of_place, columns.places)))
        fixed = len(self._head) + len(self._begin) + FIXED_BYTES_MAX
        fixed += 2 * int(_WORDS.size.max())
        sizes = (
            watches.size[watch].sum()
            + places.size[columns.place].sum()
            + texts.size[TEXT_COLUMNS, :].clip(0).sum()
        )
        into = np.empty(int(sizes) + len(columns) * fixed, np.uint8)
        until = np.empty(len(columns), np.int64)
        since = np.fromiter((one.since for one in columns.watch), np.int64, len(columns))
        total = written(
            into,
            until,
            self._head,
            self._begin,
            watches.raw,
            watches.begin,
            watches.size,
            watch,
            *places.columns,
            columns.place,
            *_WORDS.columns,
            _numbers_of(columns.kind),
            np.where(columns.is_sure, _WORD_NUMBERS[CERTAIN], _WORD_NUMBERS[POSSIBLE]),
            np.frombuffer(texts.raw or b"\0", np.uint8),
            np.ascontiguousarray(texts.begin[TEXT_COLUMNS, :]),
            np.ascontiguousarray(texts.size[TEXT_COLUMNS, :]),
            columns.time,
            columns.received,
            columns.offset,
            _bits(columns.lat),
            _bits(columns.lon),
            _bits(texts.accuracy_m.astype(np.float32)),
            _bits(columns.distance_m),
            _bits((columns.time - since) / SECOND_MS),
            _bits(columns.confidence.astype(np.float32)),
        )
        return PackedFrames(into[:total], until, watch)


class PackedFrames(NamedTuple):
    """Frames one behind another, the end of each, and the number of its watch."""

    frames: npt.NDArray[np.uint8]
    until: Longs
    watch: Longs


class EvidenceSender:
    """Sends evidence to one topic of one producer. *fixed*: the headers equal in each record."""

    def __init__(self, producer: NativeProducer, topic: str, fixed: Mapping[str, bytes]) -> None:
        self.producer = producer
        self._names = [ct.create_string_buffer(name.encode()) for name in HEADERS]
        self._texts = {name: np.frombuffer(text, np.uint8) for name, text in fixed.items()}
        time, trace = b"%19s.000+00:00" % b"", b"00-%32s-%16s-01" % (b"", b"")
        self._room = np.frombuffer(bytearray(time.ljust(TRACE_AT) + trace), np.uint8)
        self._arguments = arguments_of(producer.topic(topic), [ct.addressof(name) for name in self._names])
        for number, name in enumerate(HEADERS):
            if name in self._texts:
                text = self._texts[name]
                put_bytes(self._arguments, 2 + number, text.ctypes.data, len(text))

    def send(self, frames: Any, until: Longs, *about: Any) -> None:
        row = 0
        while True:
            row, error = sent(
                row,
                frames,
                until,
                *about,
                self._room,
                self._arguments,
                self.producer.produceva,
                self.producer.handle,
            )
            try:
                self.producer.check(error)
            except BufferError:
                self.producer.poll(0.01)  # let deliveries empty the queue
            else:
                return


def _bits(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return floats as unsigned integers of the same bytes. Kernels compare them with NaN's bits."""
    return np.ascontiguousarray(column).view(np.uint64 if column.itemsize == 8 else np.uint32)


def a_sample() -> EvidenceColumns:
    """Return two rows: one with a value in every field, one with none where none is allowed."""
    watches = [
        Watch("watch", "situation", "disc", 0, 1, 5, "purpose", centre=(1.0, 2.0), radius_m=3.0),
        Watch("watch", None, "anywhere", 0, 1, 5, "purpose"),
    ]
    words = [
        RowTexts("observation", "source", "label", None, "subject", 1.5, "camera", "image"),
        RowTexts("observation", "source", "label", None, None, None),
    ]
    nothing = np.nan
    return EvidenceColumns(
        watches,
        ["seen", "left"],
        np.array([2.25, nothing]),
        [("city.topic", 3)],
        np.zeros(2, np.uint8),
        np.array([700, 0]),
        np.array([1_700_000_000_123, 0]),
        np.array([1_700_000_000_456, 1]),
        np.array([1.0, nothing]),
        np.array([2.0, nothing]),
        np.array([0.5, nothing], np.float32),
        Texts.of(words),
        np.array([True, False]),
    )


def agree(quick: Make, plain: Make) -> bool:
    """Return whether both ways give the same records for the sample."""
    sample = a_sample()
    return list(quick(sample)) == list(plain(sample))


@lru_cache(1_000)
def _of_place(place: Partition) -> bytes:
    topic, partition = place
    return avro_text(topic) + avro_number(partition)


@lru_cache(4_096)
def _second(second: int) -> bytes:
    return datetime.fromtimestamp(second, UTC).isoformat()[:SECOND_BYTES].encode()


_WORD_NUMBERS = {
    word: number for number, word in enumerate(("seen", "entered", "left", "inside", CERTAIN, POSSIBLE))
}
_WORDS = StringColumn(list(map(avro_text, _WORD_NUMBERS)))


def _numbers_of(kinds: Sequence[str]) -> Longs:
    return np.fromiter(map(_WORD_NUMBERS.__getitem__, kinds), np.int64, len(kinds))
