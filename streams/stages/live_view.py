"""Keeps the live view equal to the log: filled from the log when it is empty, then updated with each revision."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Protocol

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.catalogue import topic_name
from schemas.errors import Retriable, Unreachable
from schemas.event import Event
from schemas.wire import Wire
from streams import metrics
from streams.log import log
from streams.runtime.kafka import METADATA_TIMEOUT_S, as_ours, partition_of, reader
from streams.runtime.lag import StageLag
from streams.runtime.loop import is_record
from streams.runtime.records import Record, record_of
from streams.runtime.row_reader import RowReader

BATCH_MAX = 2_000
CHECK_S = 0.4
FETCH_WAIT_MS = 100
"""A fetch that waits at the log's end is in the way of the one from its beginning: a view that is gone is back within a
second with both."""
AGAIN_S = 1.0
SETTINGS = {"enable.partition.eof": False, "fetch.wait.max.ms": FETCH_WAIT_MS}


class SituationView(Protocol):
    """The current situations outside, and the offset up to which the log is in them. It may be given an event twice."""

    async def deliver(self, events: Sequence[Event]) -> None:
        """Return once *all* events are safe outside; raise otherwise."""

    async def close(self) -> None: ...

    async def empty(self) -> None: ...

    async def mark(self, next_offset: int, *, anew: bool = False) -> None: ...

    async def marked(self) -> int | None: ...


class LiveViewService:
    """Writes ``core.situation`` to *view*. It commits no offsets: the view holds its own mark."""

    def __init__(self, city: str, view: SituationView, *, bootstrap: str, wire: Wire) -> None:
        self.name = f"{city}.live-view"
        self.is_ready = False
        self._topic = topic_name(city, "core.situation")
        self._view = view
        self._reader = RowReader(wire, self.name)
        self._bootstrap = bootstrap
        self._lag = StageLag(self.name)

    async def run(self) -> None:
        consumer = await asyncio.to_thread(reader, self._bootstrap, **SETTINGS)
        try:
            while True:
                try:
                    await self._follow(consumer)
                except (Retriable, Unreachable) as error:
                    self.is_ready = False
                    metrics.errors.labels(self.name, metrics.RETRIABLE).inc()
                    log.warning("live view not updated, Kafka or Redis unavailable", why=error.what)
                    await asyncio.sleep(AGAIN_S)
        finally:
            await self._view.close()
            await asyncio.to_thread(consumer.close)

    async def _follow(self, consumer: Consumer) -> None:
        """Start at the view's mark, or at the log's beginning. Start over when another process has changed the mark."""
        low, high = await asyncio.to_thread(self._ends, consumer)
        mark = await self._view.marked()
        if mark is None or not low <= mark <= high:
            await self._view.empty()
            mark = low
            await self._view.mark(mark, anew=True)
        await asyncio.to_thread(consumer.assign, [TopicPartition(self._topic, 0, mark)])
        while True:
            messages = await asyncio.to_thread(_next, consumer)
            if await self._view.marked() != mark:
                log.info("live view is filled again", topic=self._topic)
                return
            if messages:
                metrics.records_taken.labels(self.name, self._topic).inc(len(messages))
                self._lag.took(messages[0].timestamp_ms)
                try:
                    await self._view.deliver(list(self._newest(messages)))
                    mark = messages[-1].offset + 1
                    await self._view.mark(mark)
                finally:
                    self._lag.finished()
                metrics.events_put.labels(self.name, self._topic).inc(len(messages))
            self.is_ready = True

    def _ends(self, consumer: Consumer) -> tuple[int, int]:
        """Return the first offset in the topic, and the one after its last. ``Fatal`` if the topic is missing."""
        place = partition_of(consumer, self._topic)
        try:
            low, high = consumer.get_watermark_offsets(place, METADATA_TIMEOUT_S)
        except KafkaException as error:
            raise as_ours(error, f"reading the offsets of {self._topic}") from error
        return low, high

    def _newest(self, records: Sequence[Record]) -> Iterator[Event]:
        """Yield the last revision of each situation in a batch: the view holds no others."""
        newest: dict[str, Event] = {}
        for value in self._reader.values(records):
            newest.pop(value["situation_id"], None)
            newest[value["situation_id"]] = Event("core.situation", value["situation_id"], value)
        yield from newest.values()


def _next(consumer: Consumer) -> list[Record]:
    first = consumer.poll(CHECK_S)
    if first is None:
        return []
    messages = [first, *consumer.consume(BATCH_MAX, 0)]
    return [record_of(message) for message in messages if is_record(message)]
