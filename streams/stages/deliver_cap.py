"""The alerts there were, read for the messages of CAP that name them."""

from __future__ import annotations

from schemas.catalogue import topic_name
from schemas.wire import Wire
from streams.deliver.cap_bodies import CapBodies
from streams.deliver.subscriptions import ALERT
from streams.runtime.kafka import read_whole
from streams.runtime.row_reader import RowReader


def read_alerts(cap: CapBodies, city: str, bootstrap: str, wire: Wire) -> None:
    """Put every alert now in the topic into *cap*. ``Retriable`` where Kafka is away."""
    reader = RowReader(wire, f"{city}.deliver.alerts")
    for value in reader.values(read_whole(bootstrap, [topic_name(city, ALERT)])):
        cap.put(value)
    cap.is_whole = True
