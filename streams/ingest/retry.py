"""The I/O of a retry: records back to their topics, or through their source, and the DLQ rows in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from confluent_kafka import Producer

from connectors.base import Heard, Reading
from schemas.event import Event
from schemas.wire import Wire
from streams.dlq.fold import Aside, Newest, RetryOutcome, is_said_since
from streams.ingest.ingest import Ingest
from streams.ingest.place import SourcePlace
from streams.runtime.transaction import transaction


def retry_topic(
    producer: Producer, wire: Wire, city: str, asides: Sequence[Aside], *, now_ms: int
) -> RetryOutcome:
    """Append the original bytes of records of a topic's DLQ to that topic again."""
    with transaction(producer, wire, city) as outbox:
        for aside in asides:
            outbox.put_bytes(aside.value["origin_topic"], aside.key, aside.value["original"], aside.headers())
            outbox.put(aside.row(now_ms=now_ms, is_retried=True))
    return RetryOutcome(fed=len(asides))


def retry_source(ingest: Ingest, asides: Sequence[Aside], newest: Newest, *, now_ms: int) -> RetryOutcome:
    """Read records of ``source.dlq`` again with their source; publish events, place and DLQ rows.

    *newest* keeps an older revision from overwriting what was published since.
    """
    outcome, standing = RetryOutcome(), ingest.standing
    out: list[Event] = []
    for aside in asides:
        heard = aside.heard()
        reading = _read_again(ingest, aside, heard, standing)
        if is_said_since(reading.events, newest):
            outcome.said_since += 1
            out.append(aside.row(now_ms=now_ms, is_retried=True))
            continue
        standing = standing.with_place(heard, reading.place)
        outcome.events += len(reading.events)
        outcome.still_bad += bool(reading.aside)
        outcome.fed += not reading.aside
        out += [*reading.events, *_rows_after(ingest, aside, heard, reading, now_ms)]
    ingest.commit_for_retry(out, standing)
    return outcome


def _read_again(ingest: Ingest, aside: Aside, heard: Heard, standing: SourcePlace) -> Reading:
    place = standing.place_for(heard)
    refused = aside.refused_event()
    return (
        ingest.reader.read(heard, place)
        if refused is None
        else ingest.reader.encodable(Reading([refused], place))
    )


def _rows_after(ingest: Ingest, aside: Aside, heard: Heard, reading: Reading, now_ms: int) -> list[Event]:
    """Return the DLQ rows after a retry: the record was fed, it is still bad, or parts of it are bad."""
    bad = reading.aside[0] if len(reading.aside) == 1 and not reading.events else None
    if bad is not None and bad.original in (heard.body, aside.value["original"]):
        return [
            aside.row(
                now_ms=now_ms, is_retried=False, reason=bad.reason, field=bad.field, expected=bad.expected
            )
        ]
    before = {
        "retry_of": aside.event_id,
        "attempts": aside.value["attempts"] + 1,
        "first_at": aside.value["first_at"],
    }
    parts = [
        replace(event, value={**event.value, **before})
        for event in ingest.asides(heard, reading)
        if event.value is not None
    ]
    # the row of the whole comes first: a part with the same id then counts as bad again
    return [aside.row(now_ms=now_ms, is_retried=True), *parts]
