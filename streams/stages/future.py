"""Rows from the future, as a stage takes them whose clock is the city's ticks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.catalogue import contract_name
from streams.runtime.records import Record

FUTURE_MS_MAX = 5 * 60_000
TICK = "core.tick"


def timely(record: Record, value: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return *value*, heard at most five minutes after it was published. ``None`` for a tick that lies farther ahead."""
    if value is None or record.is_played:
        return value  # a recording has its own clock; its source has checked the times
    latest_ms = record.timestamp_ms + FUTURE_MS_MAX
    if contract_name(record.topic) == TICK and int(value["event_time"]) > latest_ms:
        return None
    if int(value["received_time"]) <= latest_ms:
        return value
    heard = dict(value)
    heard["received_time"] = latest_ms
    return heard
