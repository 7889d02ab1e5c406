"""The pulse of a worker: the time at which it last heard the city's tick.

It is looked for every few seconds, as an alarm waits a minute. A consumer that is woken by each tick of each second costs an
idle process a tenth of what it uses.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from schemas.catalogue import topic_name
from streams import metrics
from streams.runtime.kafka import reader

LOOK_S = 5.0
AT_ONCE_MAX = 1_000
SETTINGS: dict[str, Any] = {
    "auto.offset.reset": "latest",
    "enable.partition.eof": False,
    "queued.min.messages": 1,  # one tick tells as much as five
    "fetch.queue.backoff.ms": 1_000,  # while it waits to be taken, the broker is left alone
    "fetch.wait.max.ms": 1_000,
}


class Pulse:
    """Hears the ticks of *city* for the worker *name*. ``at_ms``: when it last did; ``None`` before the first."""

    def __init__(self, city: str, name: str, *, bootstrap: str) -> None:
        self._topic = topic_name(city, "core.tick")
        self._name = name
        self._bootstrap = bootstrap
        self.at_ms: float | None = None

    async def run(self) -> None:
        """Look for ticks until cancelled. librdkafka waits by itself for a broker or a topic that is away."""
        consumer = reader(self._bootstrap, **SETTINGS)
        try:
            consumer.assign([TopicPartition(self._topic, 0, OFFSET_END)])
            while True:
                await asyncio.sleep(LOOK_S)
                self.look(consumer)
        finally:
            await asyncio.to_thread(consumer.close)

    def look(self, consumer: Consumer) -> None:
        """Take what is there, without waiting."""
        if any(message.error() is None for message in consumer.consume(AT_ONCE_MAX, 0)):
            self.at_ms = time.time() * 1000
            metrics.pulse_at.labels(self._name).set(self.at_ms / 1000)
