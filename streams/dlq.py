"""Setting a record aside: its bytes, where it stood, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import SetAside
from schemas.catalogue import topic_name
from schemas.errors import Invalid
from schemas.event import Event, derived_id
from schemas.printable import field_path, printable_line
from streams.runtime.records import ATTEMPTS, FIRST_AT, RETRY_OF, Record

ORIGINAL_BYTES_MAX = 4 * 1024 * 1024
"""More of a body than this is not kept; the reason says so."""
AROUND_BYTES_MAX = 1024 * 1024
AROUND_BYTES_OF_A_READING = 8 * 1024 * 1024
"""What stands around the records of one body is much the same for each: a heading of 100 kB before 12,000 bad rows would
be a gigabyte. Records beyond are kept without it, and can be fed again only through a mended body."""
TEXT_MAX = 1_000


@dataclass(frozen=True, slots=True)
class RefusedEvent(SetAside):
    """An event that its own contract refuses, as JSON; *contract* is the one it is of."""

    contract: str = ""


def aside_record(city: str, contract: str, record: Record, error: Invalid, *, now_ms: int) -> Event:
    """The DLQ event of a record that could not be taken. Its id is its place, so it is set aside once.

    A record that was fed again says so in its headers; its attempts are counted on.
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
    except (KeyError, ValueError):  # not our headers, then
        return {}
    return {"retry_of": before.decode(errors="replace"), "attempts": attempts + 1, "first_at": first_at}


def asides_of(
    city: str, source: str, asides: Sequence[SetAside], *, heard_at_ms: int | None, time_ms: int, now_ms: int
) -> list[Event]:
    """The ``source.dlq`` events of what a source could not read, each of *asides* once.

    Its id is its bytes: what is bad in every poll is set aside once. *time_ms* is when it was said as far as anybody
    knows, *now_ms* our own clock.
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
    """What makes a body of its own of it, unless that is beyond all measure."""
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
    return {
        "event_id": event_id,
        "city": city,
        "source": source,
        "event_time": time_ms,
        "event_time_accuracy_s": None,
        "received_time": time_ms,
        "position": None,
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
    """At most as long as a person reads; the end of a reason says whether bytes were cut, so its middle goes."""
    return text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX // 2]} … {text[-TEXT_MAX // 2 :]}"


CUT = " (its first"


def is_cut(value: Mapping[str, Any]) -> bool:
    """Whether not all of the original is there: it cannot be retried."""
    return len(value["original"]) >= ORIGINAL_BYTES_MAX and CUT in value["reason"]
