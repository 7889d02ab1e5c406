"""Dead letter queue events: a record's bytes, its place in Kafka or in the source's body, and the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import SetAside
from schemas.catalogue import topic_name
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields
from schemas.printable import field_path, printable_line
from streams.runtime.records import ATTEMPTS, FIRST_AT, RETRY_OF, Record

ORIGINAL_BYTES_MAX = 4 * 1024 * 1024
"""The bytes kept of an original. The reason says when it was cut."""
AROUND_BYTES_MAX = 1024 * 1024
AROUND_BYTES_OF_A_READING = 8 * 1024 * 1024
"""The limit for ``before`` and ``after`` of all bad records of one reading.

They are nearly the same for each record: a heading of 100 kB before 12,000 bad rows would be over 1 GB.
Records beyond the limit are kept without them and cannot be retried.
"""
TEXT_MAX = 1_000


@dataclass(frozen=True, slots=True)
class RefusedEvent(SetAside):
    """An event refused by its own contract, as JSON. *contract*: the name of that contract."""

    contract: str = ""


def aside_record(city: str, contract: str, record: Record, error: Invalid, *, now_ms: int) -> Event:
    """Return the DLQ event of a record that could not be processed. Its id is derived from its offset, so it is set
    aside once.

    The attempts of a record that was retried are read from its headers and counted on.
    """
    where = (record.topic, record.partition, record.offset)
    value = _value(
        city,
        contract,
        error.what,
        error.field,
        error.expected,
        record.value or b"",
        derived_id("dlq", *where),
        now_ms,
    )
    value |= {
        "origin_topic": record.topic,
        "origin_partition": record.partition,
        "origin_offset": record.offset,
    }
    return Event(f"{contract}.dlq", (record.key or b"").decode(errors="replace"), value | _again(record))


def _again(record: Record) -> dict[str, Any]:
    before = record.headers.get(RETRY_OF)
    if before is None:
        return {}
    try:
        attempts, first_at = int(record.headers[ATTEMPTS]), int(record.headers[FIRST_AT])
    except (KeyError, ValueError):  # not headers of ours
        return {}
    return {"retry_of": before.decode(errors="replace"), "attempts": attempts + 1, "first_at": first_at}


def asides_of(
    city: str, source: str, asides: Sequence[SetAside], *, heard_at_ms: int | None, time_ms: int, now_ms: int
) -> list[Event]:
    """Return the ``source.dlq`` events of what a source could not read, each of *asides* once.

    The id is derived from the bytes: a record that is bad in every poll is set aside once. *time_ms*: the
    best known time of the record; *now_ms*: our clock.
    """
    events: dict[str, Event] = {}
    around_left = AROUND_BYTES_OF_A_READING
    for aside in asides:
        event_id = derived_id("source.dlq", city, source, aside.original)
        value = _value(
            city, source, aside.reason, aside.field, aside.expected, aside.original, event_id, time_ms
        )
        around = _around(aside, around_left)
        around_left -= sum(len(part or b"") for part in around.values())
        value |= {"first_at": now_ms, "last_at": now_ms, "heard_at": heard_at_ms, **around}
        if isinstance(aside, RefusedEvent):
            value["origin_topic"] = topic_name(city, aside.contract)
        events.setdefault(event_id, Event("source.dlq", source, value))
    return list(events.values())


def _around(aside: SetAside, bytes_left: int) -> dict[str, bytes | None]:
    """Return the text before and after a record, with which it can be read again by itself; ``None`` beyond
    the limits.
    """
    if len(aside.before) + len(aside.after) > min(AROUND_BYTES_MAX, bytes_left):
        return {"before": None, "after": None}
    return {"before": aside.before or None, "after": aside.after or None}


def _value(
    city: str,
    source: str,
    reason: str,
    field: str,
    expected: str,
    original: bytes,
    event_id: str,
    time_ms: int,
) -> dict[str, Any]:
    if len(original) > ORIGINAL_BYTES_MAX:
        reason = f"{reason}{CUT} {ORIGINAL_BYTES_MAX} of {len(original)} bytes are kept)"
        original = original[:ORIGINAL_BYTES_MAX]
    if field and (shown := field_path(field)) != field:
        reason, field = reason.replace(field, shown), shown
    return event_fields(city, source, event_id=event_id, event_time_ms=time_ms, received_ms=time_ms) | {
        "reason_class": "Invalid",
        "reason": _short(printable_line(reason)),
        "field": _short(field),
        "expected": _short(printable_line(expected)),
        "origin_topic": None,
        "origin_partition": None,
        "origin_offset": None,
        "original": original,
        "attempts": 1,
        "first_at": time_ms,
        "last_at": time_ms,
        "heard_at": None,
        "before": None,
        "after": None,
        "retry_of": None,
        "retried_at": None,
    }


def _short(text: str) -> str:
    """Cut *text* to ``TEXT_MAX``. The middle is left out, as the end of a reason may say that bytes were cut."""
    return text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX // 2]} … {text[-TEXT_MAX // 2 :]}"


CUT = " (its first"


def is_cut(value: Mapping[str, Any]) -> bool:
    """Return whether the original was cut: such a record cannot be retried."""
    return len(value["original"]) >= ORIGINAL_BYTES_MAX and CUT in value["reason"]
