"""Read the sources' states from ``core.source``, and request a trial of a stopped one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from deploy.platform import Platform
from deploy.topic_values import tell_left_out
from schemas.catalogue import topic_name
from schemas.event import Event
from streams.ingest.breaker import HEARING, STOPPED, TRIAL
from streams.ingest.report import FAILING, REFUSED, report_fields
from streams.runtime.kafka import known_topics, transactional_producer
from streams.runtime.replica import source_of
from streams.runtime.row_reader import RowReader
from streams.runtime.tables import read_rows
from streams.runtime.transaction import transaction

CONTRACT = "core.source"


def is_here(platform: Platform, city: str) -> bool:
    """Whether this cluster has the topic of the city's sources: else the city never ran here."""
    return topic_name(city, CONTRACT) in known_topics(platform.kafka)


def report_of(platform: Platform, city: str, source: str) -> dict[str, Any] | None:
    """The newest ``core.source`` of one source; ``None`` when there is none yet.

    Where replicas of the gateway publish for it: one that is not whole, else the one that heard last.
    """
    found = reports_of(platform, city, source)
    bad = [one for one in found if is_not_whole(one)]
    return max(bad or found, key=lambda one: one["heard_at"] or 0, default=None)


def reports_of(platform: Platform, city: str, source: str) -> list[dict[str, Any]]:
    """The rows of *source*: its own, or one of each replica of the gateway (``SOURCE@REPLICA``)."""
    reader = RowReader(platform.wire, f"{city}.command")
    rows = read_rows(platform.kafka, topic_name(city, CONTRACT), reader).rows
    tell_left_out(reader)
    return [
        dict(rows[name].value or {})
        for name in sorted(rows)
        if source_of(name) == source and rows[name].value is not None
    ]


def is_not_whole(told: Mapping[str, Any]) -> bool:
    """Whether a ``core.source`` tells of a source that delivers nothing, or of whose newest answer a part is missing."""
    return told["state"] != HEARING or bool(told["state_reason"])


def unheard(platform: Platform) -> list[dict[str, Any]]:
    """Every source of every city that is not whole now: failing, refused, stopped, on trial, or heard in part."""
    found, rows = [], RowReader(platform.wire, "command")
    for topic in sorted(known_topics(platform.kafka)):
        if topic.partition(".")[2] != CONTRACT:
            continue
        for _, row in sorted(read_rows(platform.kafka, topic, rows).rows.items()):
            if row.value is not None and is_not_whole(row.value):
                found.append(dict(row.value))
    tell_left_out(rows)
    return found


def cure(told: dict[str, Any]) -> str:
    """The way to mend a source that is not whole now, from its ``core.source``."""
    source, city = source_of(told["source"]), told["city"]
    see = f"see: bongsu source report {source} --city {city}"
    match told["state"]:
        case s if s == STOPPED:
            return f"mend what it sends, then: bongsu source resume {source} --city {city}"
        case s if s == REFUSED:
            return f"correct its url or its secret in the file of {city}, then run it again; {see}"
        case s if s == HEARING:
            return f"a part of it is not heard, as said; {see}"
        case s if s == FAILING:
            return f"look whether its system answers, and its url in the file of {city}; {see}"
        case _:
            return f"it is being tried; {see}"


def resume_source(platform: Platform, city: str, source: str) -> bool:
    """Request a trial of a stopped source, at every replica where it is stopped. ``False``: at none."""
    stopped = [one for one in reports_of(platform, city, source) if one["state"] == STOPPED]
    if not stopped:
        return False
    now_ms = time.time_ns() // 1_000_000
    producer = transactional_producer(platform.kafka, f"{city}.source.resume")
    with transaction(producer, platform.wire, city) as outbox:
        for told in stopped:
            name = told["source"]
            asked = {"state": TRIAL, "state_since_at": now_ms, "try_at": None}
            outbox.put(Event(CONTRACT, name, {**told, **report_fields(city, name, now_ms), **asked}))
    return True
