"""Past rows of ``cctv.person`` between offsets, as columns: by fetched record batches, else by confluent-kafka."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from time import monotonic

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from schemas.errors import Retriable
from streams.log import log
from streams.runtime.inbox import Partition
from streams.runtime.kafka import AT_END_MS, METADATA_TIMEOUT_S, as_ours, reader
from streams.sightings.sighting_columns import FramesAt, Longs, SightingColumns, SightingReader

BATCH = 10_000
SILENT_S_MAX = 60.0
"""A past of which nothing can be fetched for so long is not read now."""
DOING = "looking back"
Places = Mapping[Partition, int]
PastReader = Callable[[Places, Places, threading.Event], Iterator[SightingColumns]]
"""Reads from the first offsets to before the others, until the event is set. A batch is valid until the next."""


def past_reader(bootstrap: str, sightings: SightingReader) -> PastReader:
    """The fast reader; the plain one where kernels or brokers do not support it. ``Retriable``: Kafka is unavailable."""
    try:
        from streams.match.native.batch_reader import prove  # noqa: PLC0415 (needs aiokafka)

        prove(bootstrap)
    except Retriable:  # no reader works
        raise
    except Exception as error:
        log.warning("looking back with confluent-kafka", why=str(error) or type(error).__name__)
        return partial(plain_past, bootstrap, sightings)
    return partial(quick_past, bootstrap, sightings)


def quick_past(
    bootstrap: str, sightings: SightingReader, begins: Places, ends: Places, stopping: threading.Event
) -> Iterator[SightingColumns]:
    """Fetch record batches and read their rows where they lie; only rows that somebody keeps are copied."""
    from streams.match.native.fetcher import Fetcher  # noqa: PLC0415 (needs aiokafka)
    from streams.match.native.leaders import leaders_of  # noqa: PLC0415 (as above)
    from streams.match.native.unpack import Unpacker  # noqa: PLC0415 (as above)

    left = {place: offset for place, offset in begins.items() if offset < ends[place]}
    if not left:
        return
    consumer = reader(bootstrap)
    fetcher = Fetcher(partial(leaders_of, consumer), partial(_begin_of, consumer), wait_ms=AT_END_MS)
    unpacking, deadline = Unpacker(), monotonic() + SILENT_S_MAX
    fetcher.begin(left)
    try:
        while left and not stopping.is_set():
            parts = fetcher.fetched(0.1)
            while (taken := unpacking.take(parts)) is not None:
                number = np.array([one for _, one in taken.places], np.int64)[taken.place]
                frames = FramesAt(taken.payload, taken.size)
                many = sightings.read_at(taken.payload, taken.size, number, taken.offset, frames)
                yield _before(many, ends)
                deadline = monotonic() + SILENT_S_MAX
            reached = {place: fetcher.reached(place) for place in left}
            rest = {p: at for p, at in reached.items() if at < min(ends[p], fetcher.ends.get(p, ends[p]))}
            if len(rest) < len(left):
                left = rest
                fetcher.begin(left)
            if left and monotonic() > deadline:
                raise Retriable(f"{DOING}: no past sighting came for {SILENT_S_MAX:.0f} s")
    finally:
        fetcher.close()
        consumer.close()


def plain_past(
    bootstrap: str, sightings: SightingReader, begins: Places, ends: Places, stopping: threading.Event
) -> Iterator[SightingColumns]:
    """The reference of ``quick_past``: a message at a time."""
    left = {place for place, offset in begins.items() if offset < ends[place]}
    if not left:
        return
    consumer = reader(bootstrap, **{"fetch.wait.max.ms": AT_END_MS, "queued.min.messages": 50_000})
    try:
        consumer.assign([TopicPartition(*place, begins[place]) for place in left])
        while left and not stopping.is_set():
            good = []
            for message in consumer.consume(BATCH, 0.05):
                error = message.error()
                if error is None:
                    good.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    left.discard((str(message.topic()), int(message.partition() or 0)))
                elif not error.retriable():
                    raise as_ours(KafkaException(error), DOING)
            if good:
                many, offset, partition = _decoded(sightings, good)
                for place in list(left):
                    its = offset[partition == place[1]]
                    if len(its) and its[-1] + 1 >= ends[place]:
                        left.discard(place)
                yield _before(many, ends)
    finally:
        consumer.close()


def _decoded(sightings: SightingReader, messages: Sequence[Message]) -> tuple[SightingColumns, Longs, Longs]:
    count = len(messages)
    offset = np.fromiter(map(Message.offset, messages), np.int64, count)
    partition = np.fromiter(map(Message.partition, messages), np.int64, count)
    frames = [value or b"" for value in map(Message.value, messages)]
    return sightings.read(frames, partition, offset), offset, partition


def _before(many: SightingColumns, ends: Places) -> SightingColumns:
    """Leave out the rows that the live flow takes."""
    limit = np.zeros(1 + max(number for _, number in ends), np.int64)
    for (_, number), end in ends.items():
        limit[number] = end
    late = many.offset >= limit[many.partition]
    return many.rows(np.flatnonzero(~late)) if late.any() else many


def _begin_of(consumer: Consumer, place: Partition) -> int:
    try:
        found = consumer.get_watermark_offsets(TopicPartition(*place), timeout=METADATA_TIMEOUT_S)
    except KafkaException as error:
        raise as_ours(error, DOING) from error
    return int(found[0]) if found else 0
