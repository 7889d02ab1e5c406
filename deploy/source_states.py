"""How the sources are doing, as ``core.source`` tells, and asking for a stopped one to be tried."""

from __future__ import annotations

import time
from typing import Any

from deploy.platform import Platform
from schemas.catalogue import topic_name
from schemas.errors import Invalid
from schemas.event import Event
from streams.breaker import HEARING, STOPPED, TRIAL
from streams.runtime.kafka import METADATA_TIMEOUT_S, read_table, reader, transactional_producer
from streams.runtime.transaction import transaction

CONTRACT = "core.source"


def report_of(platform: Platform, city: str, source: str) -> dict[str, Any] | None:
    """The newest ``core.source`` of one source; ``None`` when it has never been heard."""
    topic = topic_name(city, CONTRACT)
    row = read_table(platform.kafka, topic).get(source.encode())
    return None if row is None else platform.wire.decode(topic, row)


def unheard(platform: Platform) -> list[dict[str, Any]]:
    """Every source of every city that is not being heard: failing, refused, stopped, on trial."""
    consumer = reader(platform.kafka)
    known = sorted(consumer.list_topics(timeout=METADATA_TIMEOUT_S).topics)
    consumer.close()
    found = []
    for topic in known:
        if topic.partition(".")[2] != CONTRACT:
            continue
        for _, row in sorted(read_table(platform.kafka, topic).items()):
            try:
                value = platform.wire.decode(topic, row)
            except Invalid:  # foreign bytes: another command's to tell of
                continue
            if value["state"] != HEARING:
                found.append(value)
    return found


def resume_source(platform: Platform, city: str, source: str) -> bool:
    """Ask for a trial of a stopped source. ``False``: it is not stopped."""
    told = report_of(platform, city, source)
    if told is None or told["state"] != STOPPED:
        return False
    now_ms = time.time_ns() // 1_000_000
    value = {
        **told,
        "state": TRIAL,
        "state_since_at": now_ms,
        "event_time": now_ms,
        "received_time": now_ms,
        "try_at": None,
    }
    producer = transactional_producer(platform.kafka, f"{city}.source.resume")
    with transaction(producer, platform.wire, city) as outbox:
        outbox.put(Event(CONTRACT, source, value))
    return True
