"""Writing of the receivers' progress to ``core.delivery``, without waiting for Kafka."""

from __future__ import annotations

import threading

from confluent_kafka import Producer

from schemas.event import Event
from schemas.wire import Wire
from streams.deliver.rows import CONTRACT
from streams.log import log
from streams.runtime.clients import idempotent_producer
from streams.runtime.records import headers_of

WAITING_MAX = 1_000
"""The number of rows that wait while Kafka is away: a newer row of the same receiver takes the place of the older."""


class Progress:
    """Sends the newest row of each receiver. What Kafka does not take is sent again with the next."""

    def __init__(self, city: str, bootstrap: str, wire: Wire) -> None:
        self._city = city
        self._bootstrap = bootstrap
        self._wire = wire
        self._producer: Producer | None = None
        self._waiting: dict[str, Event] = {}
        self._lock = threading.Lock()

    def put(self, event: Event) -> None:
        self._waiting[event.key] = event

    def forget(self, name: str) -> None:
        """Delete the row of a receiver that is no more."""
        self._waiting[name] = Event(CONTRACT, name, None)

    @property
    def has_work(self) -> bool:
        """Whether a row waits or is under way."""
        return bool(self._waiting) or (self._producer is not None and len(self._producer) > 0)

    def send(self, timeout_s: float = 0.0) -> bool:
        """Send what waits; with *timeout_s*, wait so long until Kafka has it. Return whether nothing is under way."""
        with self._lock:  # of two senders one would write an older row behind a newer one
            is_all = self._produce()
        producer = self._open()
        producer.poll(0)
        if timeout_s and producer.flush(timeout_s):
            log.warning(
                "Kafka did not take the receivers' places: they are delivered to again from an older one"
            )
        return is_all and len(producer) == 0

    def _produce(self) -> bool:
        """Hand the rows to the client; ``False`` where it has no room."""
        producer = self._open()
        for name, event in list(self._waiting.items()):
            topic, key, value = self._wire.encode(self._city, event)
            try:
                producer.produce(topic, value, key=key, headers=headers_of(event, topic=topic))
            except BufferError:  # Kafka is away: the newest row is enough later
                return False
            if self._waiting.get(name) is event:
                del self._waiting[name]
        return True

    def _open(self) -> Producer:
        if self._producer is None:
            waiting = {"queue.buffering.max.messages": WAITING_MAX}
            self._producer = idempotent_producer(self._bootstrap, **waiting)
        return self._producer
