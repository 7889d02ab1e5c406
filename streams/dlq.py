"""Setting a record aside: its bytes, where it stood, and why."""

from __future__ import annotations

from schemas.errors import Invalid
from schemas.event import Event, derived_id
from streams.runtime.records import Record

ORIGINAL_BYTES_MAX = 4 * 1024 * 1024
"""More of a body than this is not kept; the reason says so."""


def aside_record(city: str, contract: str, record: Record, error: Invalid, *, now_ms: int) -> Event:
    """The DLQ event of a record that could not be taken. Its id is its place, so it is set aside once."""
    where = (record.topic, record.partition, record.offset)
    return Event(
        f"{contract}.dlq",
        (record.key or b"").decode(errors="replace"),
        _value(
            city,
            event_id=derived_id("dlq", *where),
            source=contract,
            reason=error.what,
            field=error.field,
            expected=error.expected,
            original=record.value or b"",
            now_ms=now_ms,
        )
        | {
            "origin_topic": record.topic,
            "origin_partition": record.partition,
            "origin_offset": record.offset,
        },
    )


def aside_body(
    city: str, source: str, *, reason: str, field: str, expected: str, original: bytes, now_ms: int
) -> Event:
    """The ``source.dlq`` event of a body, or a record in one, that a source could not read."""
    event_id = derived_id("source.dlq", city, source, now_ms, original)
    return Event(
        "source.dlq",
        source,
        _value(
            city,
            event_id=event_id,
            source=source,
            reason=reason,
            field=field,
            expected=expected,
            original=original,
            now_ms=now_ms,
        ),
    )


def _value(
    city: str,
    *,
    event_id: str,
    source: str,
    reason: str,
    field: str,
    expected: str,
    original: bytes,
    now_ms: int,
) -> dict[str, object]:
    if len(original) > ORIGINAL_BYTES_MAX:
        reason = f"{reason} (its first {ORIGINAL_BYTES_MAX} of {len(original)} bytes are kept)"
        original = original[:ORIGINAL_BYTES_MAX]
    return {
        "event_id": event_id,
        "city": city,
        "source": source,
        "event_time": now_ms,
        "event_time_accuracy_s": None,
        "received_time": now_ms,
        "position": None,
        "reason_class": "Invalid",
        "reason": reason,
        "field": field,
        "expected": expected,
        "origin_topic": None,
        "origin_partition": None,
        "origin_offset": None,
        "original": original,
        "attempts": 1,
        "first_at": now_ms,
        "last_at": now_ms,
    }
