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


def consumer_of(settings: Settings) -> Consumer:
    return Consumer({**secured(settings), "logger": KAFKA_LOGGER})


def admin_of(bootstrap: str, *, by: Security | None = None, **settings: Any) -> AdminClient:
    """An administrator's client. *by*: another principal than this process is."""
    wanted = {"bootstrap.servers": bootstrap, "log_level": 3, **settings}
    return AdminClient(
        {**(secured(wanted) if by is None else {**wanted, **by.settings()}), "logger": KAFKA_LOGGER}
    )
