"""The factory of librdkafka's clients: their log lines go to our log, never to the terminal, and each is secured as this
process is configured (`security`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from streams.log import KAFKA_LOGGER
from streams.runtime.security import Security, secured

Settings = Mapping[str, Any]


def producer_of(settings: Settings) -> Producer:
    return Producer({**secured(settings), "logger": KAFKA_LOGGER})


def idempotent_producer(bootstrap: str, **settings: Any) -> Producer:
    """Return a producer outside transactions, whose records arrive once and in order. For few records.

    It has one request under way. With several, a new partition that is not led yet refuses the first and takes the second;
    the first, sent again, is then acknowledged as a duplicate and was never written. Seen with Kafka 4.3.1 and librdkafka
    2.16 on 3 of 22 fresh clusters; such a record is told without an offset. Within transactions it was not seen.
    """
    return producer_of(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "max.in.flight.requests.per.connection": 1,
            "partitioner": "murmur2_random",
            "log_level": 3,
            **settings,
        }
    )


def consumer_of(settings: Settings) -> Consumer:
    return Consumer({**secured(settings), "logger": KAFKA_LOGGER})


def admin_of(bootstrap: str, *, by: Security | None = None, **settings: Any) -> AdminClient:
    """An administrator's client. *by*: another principal than this process is."""
    wanted = {"bootstrap.servers": bootstrap, "log_level": 3, **settings}
    return AdminClient(
        {**(secured(wanted) if by is None else {**wanted, **by.settings()}), "logger": KAFKA_LOGGER}
    )
