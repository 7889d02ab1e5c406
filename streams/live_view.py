"""Keeping the live view equal to the log: filled when it is found empty, then told each revision as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Protocol

from confluent_kafka import Consumer, TopicPartition

from connectors.base import Sink
from schemas.catalogue import topic_name
from schemas.errors import Invalid, Retriable
from schemas.event import Event
from schemas.wire import Wire
from streams import metrics
from streams.log import log
from streams.runtime.kafka import METADATA_TIMEOUT_S, reader
from streams.runtime.records import Record, record_of

BATCH_MAX = 2_000
CHECK_S = 0.5
AGAIN_S = 1.0


class View(Sink, Protocol):
    """A sink that holds what the log says now, and knows how far that is."""

    async def empty(self) -> None: ...

    async def mark(self, next_offset: int, *, anew: bool = False) -> None: ...

    async def marked(self) -> int | None: ...


class LiveViewService:
    """Folds ``core.situation`` into *view*. Has no offsets of its own: the view says how far it is."""

    def __init__(self, city: str, view: View, *, bootstrap: str, wire: Wire) -> None:
        self.name = f"{city}.live-view"
        self.is_ready = False
        self._topic = topic_name(city, "core.situation")
        self._view = view
        self._wire = wire
        self._bootstrap = bootstrap

    async def run(self) -> None:
        consumer = await asyncio.to_thread(reader, self._bootstrap, **{"enable.partition.eof": False})
        try:
            while True:
                try:
                    await self._follow(consumer)
                except Retriable as error:
                    self.is_ready = False
                    log.warning("live view waits", why=error.what)
                    await asyncio.sleep(AGAIN_S)
        finally:
            await self._view.close()
            await asyncio.to_thread(consumer.close)

    async def _follow(self, consumer: Consumer) -> None:
        """Start at the view's own mark, or at the log's beginning; start over as soon as the mark is not ours."""
        place = TopicPartition(self._topic, 0)
        low, high = await asyncio.to_thread(consumer.get_watermark_offsets, place, METADATA_TIMEOUT_S)
        mark = await self._view.marked()
        if mark is None or not low <= mark <= high:
            await self._view.empty()
            mark = low
            await self._view.mark(mark, anew=True)
        await asyncio.to_thread(consumer.assign, [TopicPartition(self._topic, 0, mark)])
        while True:
            messages = await asyncio.to_thread(_next, consumer)
            if await self._view.marked() != mark:
                log.info("live view is filled anew", topic=self._topic)
                return
            if messages:
                await self._view.deliver(list(self._newest(messages)))
                mark = messages[-1].offset + 1
                await self._view.mark(mark)
                metrics.events_put.labels(self.name, self._topic).inc(len(messages))
            self.is_ready = True

    def _newest(self, records: Sequence[Record]) -> Iterator[Event]:
        """The last revision of each situation in a batch: the view holds no others."""
        newest: dict[str, Event] = {}
        for record in records:
            try:
                value = self._wire.decode(record.topic, record.value or b"")
            except Invalid:
                metrics.set_aside.labels(self.name, record.topic).inc()
                continue
            newest.pop(value["situation_id"], None)
            newest[value["situation_id"]] = Event("core.situation", value["situation_id"], value)
        yield from newest.values()


def _next(consumer: Consumer) -> list[Record]:
    first = consumer.poll(CHECK_S)
    if first is None:
        return []
    messages = [first, *consumer.consume(BATCH_MAX, 0)]
    return [record_of(message) for message in messages if message.error() is None]
