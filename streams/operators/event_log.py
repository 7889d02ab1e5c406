"""The delivered topics as the gateway's live streams read them: followed, read from a place, and folded to what stands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.gateway.live_log import Listener, Standing
from connectors.gateway.live_place import NUMBER, Place
from connectors.gateway.live_view import LiveEvent
from connectors.subscribers import STREAMED
from schemas.catalogue import contract_name, load_catalogue, topic_name
from schemas.errors import BongsuError, Invalid, Retriable
from schemas.json_form import to_json_value
from schemas.wire import Wire
from streams.log import log
from streams.operators.standing import Fold
from streams.runtime.kafka import METADATA_TIMEOUT_S, as_ours, partition_of, reader
from streams.runtime.records import Record, record_of
from streams.runtime.row_reader import RowReader

AGAIN_S = 2.0
LOOK_S = 0.5
END_S = 10.0
RECENT = 512
"""The number of offsets of each topic that are read at the start, so that clients of before resume from memory."""
BATCH = 200
NO_JUMP = {"auto.offset.reset": "error"}
"""A place that is no longer kept is a fault, never a silent jump to the oldest record."""
SMALL = {**NO_JUMP, "queued.max.messages.kbytes": 2_048, "fetch.wait.max.ms": 50}


class CityEventLog:
    """The log of one city (``connectors.gateway.live_log.EventLog``). *is_ending* ends long readings."""

    def __init__(
        self,
        city: str,
        *,
        bootstrap: str,
        wire: Wire,
        before: Callable[[], object] = lambda: None,
        is_ending: Callable[[], bool] = lambda: False,
    ) -> None:
        self._topics = [topic_name(city, contract) for contract in STREAMED]
        self._bootstrap = bootstrap
        self._reader = RowReader(wire, f"{city}.gateway.events")
        self._before = before
        self._is_ending = is_ending
        self._ends = threading.Event()
        self._place: Place | None = None
        self._thread: threading.Thread | None = None
        self.trouble: str | None = "the events are being read"

    def start(self, listener: Listener) -> None:
        self._thread = threading.Thread(target=self._run, args=[listener], name="events", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        if self._thread is not None:
            self._thread.join(END_S)

    # -- followed --------------------------------------------------------------------------------------------

    def _run(self, listener: Listener) -> None:
        while not self._ends.is_set():
            try:
                self._before()
                self._follow(listener)
            except Exception as error:  # stopping would show old data as current
                why = error.what if isinstance(error, BongsuError) else type(error).__name__
                self.trouble = why
                log.warning("the events cannot be read", why=why)
                self._ends.wait(AGAIN_S)

    def _follow(self, listener: Listener) -> None:
        consumer = reader(self._bootstrap, **NO_JUMP)
        try:
            oldest, newest = self._bounds(consumer)
            place = self._place
            if place is None or not place.reaches(oldest) or not newest.reaches(place):
                recent = Place(tuple(max(0, end - RECENT) for end in newest.offsets))
                place = self._place = oldest.joined(recent)
                listener.begin(place)
            self._assign(consumer, place)
            while not self._ends.is_set():
                place = self._place = self._look(consumer, place, listener)
        finally:
            consumer.close()

    def _look(self, consumer: Consumer, place: Place, listener: Listener) -> Place:
        """Pass on the next events; the place after them."""
        first = consumer.poll(LOOK_S)
        self.trouble = None
        events: list[LiveEvent] = []
        for message in [] if first is None else [first, *consumer.consume(500, 0)]:
            number = NUMBER[contract_name(message.topic())]
            if (offset := _offset_of(message)) is None:
                continue
            if offset < place.offsets[number]:
                self._place = None
                raise Retriable(f"{message.topic()} was begun anew")
            if message.error() is not None:  # the end of the partition, behind the marks of transactions
                place = place.after(number, offset - 1)
                continue
            place = place.after(number, offset)
            events += self._events([record_of(message)], place)
        listener.take(events, place)
        return place

    # -- read from a place -----------------------------------------------------------------------------------

    def bounds(self) -> tuple[Place, Place]:
        consumer = reader(self._bootstrap, **SMALL)
        try:
            return self._bounds(consumer)
        finally:
            consumer.close()

    def reading(self, place: Place) -> LogReading:
        return LogReading(self, place)

    def standing(self, now_ms: int) -> Standing:
        oldest, newest = self.bounds()
        fold = Fold(now_ms)
        reading = self.reading(oldest)
        try:
            while (events := reading.next(newest)) is not None:
                fold.take(events)
                if self._is_ending():
                    raise Retriable("the gateway is shutting down")
        finally:
            reading.close()
        return fold.standing(newest)

    def open_at(self, place: Place) -> Consumer:
        """A consumer of all topics from *place* on, with small buffers."""
        consumer = reader(self._bootstrap, **SMALL)
        try:
            self._assign(consumer, place)
        except BaseException:
            consumer.close()
            raise
        return consumer

    def _assign(self, consumer: Consumer, place: Place) -> None:
        consumer.assign(
            [
                TopicPartition(topic, 0, offset)
                for topic, offset in zip(self._topics, place.offsets, strict=True)
            ]
        )

    def _bounds(self, consumer: Consumer) -> tuple[Place, Place]:
        try:
            found = [
                consumer.get_watermark_offsets(partition_of(consumer, topic), timeout=METADATA_TIMEOUT_S)
                for topic in self._topics
            ]
        except KafkaException as error:
            raise as_ours(error, "reading the offsets of the delivered topics") from error
        return Place(tuple(low for low, _ in found)), Place(tuple(high for _, high in found))

    def _events(self, records: Iterable[Record], place: Place) -> list[LiveEvent]:
        return [event for one in records if (event := self.event_of(one, place)) is not None]

    def event_of(self, record: Record, place: Place) -> LiveEvent | None:
        """*record* as an event after which its reader stands at *place*; ``None`` for one that cannot be read."""
        for row in self._reader.rows([record]):
            contract = contract_name(record.topic)
            if row.value is None:  # a hub of which nothing is held any more
                return None
            try:
                shown = to_json_value(load_catalogue()[contract].newest, row.value)
                size = len(orjson.dumps(shown))
            except (Invalid, TypeError) as error:
                invalid = error if isinstance(error, Invalid) else Invalid("no JSON")
                self._reader.refuse(record, invalid)
                return None
            return LiveEvent(contract, row.key, record.offset, shown, place, size)
        return None


class LogReading:
    """A reading for one stream (``connectors.gateway.live_log.EventReading``)."""

    def __init__(self, whole: CityEventLog, place: Place) -> None:
        self._log = whole
        self._place = place
        self._consumer = whole.open_at(place)

    def next(self, until: Place) -> Sequence[LiveEvent] | None:
        if self._place.reaches(until):
            return None
        events: list[LiveEvent] = []
        for message in self._consumer.consume(BATCH, 0.1):
            if (offset := _offset_of(message)) is None:
                continue
            number = NUMBER[contract_name(message.topic())]
            if message.error() is not None:
                self._place = self._place.joined(self._place.after(number, offset - 1))
                continue
            self._place = self._place.joined(self._place.after(number, offset))
            if offset < until.offsets[number]:
                event = self._log.event_of(record_of(message), self._place)
                events += [] if event is None else [event]
        return events

    def close(self) -> None:
        self._consumer.close()


def _offset_of(message: Any) -> int | None:
    """The offset of a record, or that of the partition's end; ``None`` for a fault that passes."""
    error = message.error()
    if error is None or error.code() == KafkaError._PARTITION_EOF:
        return int(message.offset())
    if not error.retriable():
        raise as_ours(KafkaException(error), "reading the delivered topics")
    return None
