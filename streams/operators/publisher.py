"""Single records of the gateway into the log, each acknowledged by all in-sync replicas before the call returns.

No transaction is needed: it is one record, and who gets no answer sends it again.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any

from confluent_kafka import KafkaException, Producer

from schemas.errors import Retriable
from schemas.event import Event
from schemas.wire import Wire
from streams.runtime.clients import idempotent_producer
from streams.runtime.kafka import as_ours
from streams.runtime.records import headers_of

SAFE_S = 5.0
"""The longest wait for Kafka's acknowledgement; after it, the result is unknown."""


class Publisher:
    """Writes events of *city* under the client id *city*.*name*."""

    def __init__(self, city: str, name: str, *, bootstrap: str, wire: Wire) -> None:
        self._city = city
        self._name = name
        self._bootstrap = bootstrap
        self._wire = wire
        self._producer: Producer | None = None
        self._lock = threading.Lock()

    def publish(self, event: Event) -> None:
        """Return once *event* is safe. ``Retriable`` when it may or may not be."""
        topic, key, value = self._wire.encode(self._city, event)
        answers: list[Any] = []
        producer = self._open()
        producer.produce(
            topic,
            value,
            key=key,
            headers=headers_of(event, topic=topic),
            on_delivery=lambda error, _: answers.append(error),
        )
        until = monotonic() + SAFE_S + 1
        while not answers and monotonic() < until:
            producer.poll(0.1)
        # never ==: comparing a KafkaError with None crashes the interpreter
        if answers and answers[0] is None:
            return
        with self._lock:
            self._producer = None  # a producer that failed is not used again
        raise as_ours(KafkaException(answers[0]), self._name) if answers else Retriable("Kafka unavailable")

    def _open(self) -> Producer:
        with self._lock:
            if self._producer is None:
                about = {
                    "client.id": f"{self._city}.{self._name}",
                    "message.timeout.ms": round(SAFE_S * 1000),
                    "linger.ms": 0,
                }
                self._producer = idempotent_producer(self._bootstrap, **about)
            return self._producer
