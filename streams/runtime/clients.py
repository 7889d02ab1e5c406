"""The factory of librdkafka's clients: their log lines go to our log, never to the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from streams.log import KAFKA_LOGGER

Settings = Mapping[str, Any]


def producer_of(settings: Settings) -> Producer:
    return Producer({**settings, "logger": KAFKA_LOGGER})


def consumer_of(settings: Settings) -> Consumer:
    return Consumer({**settings, "logger": KAFKA_LOGGER})


def admin_of(bootstrap: str, **settings: Any) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 3, **settings, "logger": KAFKA_LOGGER})
