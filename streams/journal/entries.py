"""The journal: the entries that the rules took, in their order. From it alone a replay gives the same answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from schemas.event import Event, derived_id, event_fields
from schemas.wire import Wire
from streams.runtime.records import Record
from streams.situations.entry import Entry

RULES = "rules"


def journal_event(city: str, sequence: int, now_ms: int, entry: Entry, record: Record | None) -> Event:
    """The journal's record of *entry*: its origin and its bytes as they came; for rules, their numbers as JSON."""
    if record is None:
        body: bytes | None = orjson.dumps(entry.value, option=orjson.OPT_SORT_KEYS)
        key, stamp = None, now_ms
    else:
        body, stamp = record.value, record.timestamp_ms
        key = record.key.decode(errors="replace") if record.key is not None else None
    return Event(
        "core.journal",
        city,
        event_fields(
            city,
            "situations",
            event_id=derived_id("journal", city, sequence),
            event_time_ms=now_ms,
            received_ms=now_ms,
        )
        | {
            "sequence": sequence,
            "entry": entry.kind,
            "origin_topic": entry.topic,
            "origin_partition": entry.partition,
            "origin_offset": entry.offset,
            "origin_timestamp": stamp,
            "key": key,
            "body": body,
        },
    )


def entry_of(row: Mapping[str, Any], wire: Wire) -> Entry:
    """A journal row back as the entry that the rules saw."""
    is_rules = row["entry"] == RULES
    value = orjson.loads(row["body"]) if is_rules else wire.decode(row["origin_topic"], row["body"])
    return Entry(row["entry"], row["origin_topic"], row["origin_partition"], row["origin_offset"], value)
