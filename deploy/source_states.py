"""Read the sources' states from ``core.source``, and request a trial of a stopped one."""

from __future__ import annotations

import time
from typing import Any

from deploy.platform import Platform
from deploy.topic_values import tell_left_out
from schemas.catalogue import topic_name
from schemas.event import Event
from streams.ingest.breaker import HEARING, STOPPED, TRIAL
from streams.ingest.report import report_fields
from streams.runtime.kafka import METADATA_TIMEOUT_S, reader, transactional_producer
from streams.runtime.row_reader import RowReader
from streams.runtime.tables import read_rows
from streams.runtime.transaction import transaction

CONTRACT = "core.source"


def report_of(platform: Platform, city: str, source: str) -> dict[str, Any] | None:
    """The newest ``core.source`` of one source; ``None`` when there is none yet."""
    topic = topic_name(city, CONTRACT)
    reader = RowReader(platform.wire, f"{city}.command")
    kept = read_rows(platform.kafka, topic, reader, only=[source.encode()])
    tell_left_out(reader)
    return dict(kept.rows[source].value or {}) if source in kept.rows else None


def unheard(platform: Platform) -> list[dict[str, Any]]:
    """Every source of every city that is not whole now: failing, refused, stopped, on trial, or heard in part."""
    consumer = reader(platform.kafka)
    known = sorted(consumer.list_topics(timeout=METADATA_TIMEOUT_S).topics)
    consumer.close()
    found, rows = [], RowReader(platform.wire, "command")
    for topic in known:
        if topic.partition(".")[2] != CONTRACT:
            continue
        for _, row in sorted(read_rows(platform.kafka, topic, rows).rows.items()):
            if row.value is not None and (row.value["state"] != HEARING or row.value["state_reason"]):
                found.append(dict(row.value))
    tell_left_out(rows)
    return found


def resume_source(platform: Platform, city: str, source: str) -> bool:
    """Request a trial of a stopped source. ``False``: it is not stopped."""
    told = report_of(platform, city, source)
    if told is None or told["state"] != STOPPED:
        return False
    now_ms = time.time_ns() // 1_000_000
    value = {
        **told,
        **report_fields(city, source, now_ms),
        "state": TRIAL,
        "state_since_at": now_ms,
        "try_at": None,
    }
    producer = transactional_producer(platform.kafka, f"{city}.source.resume")
    with transaction(producer, platform.wire, city) as outbox:
        outbox.put(Event(CONTRACT, source, value))
    return True
