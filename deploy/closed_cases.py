"""Missing persons' cases that are over, for a command that replays: what people answered and the search told is left out."""

# ruff: noqa: PLC0415 (a command imports what reads Kafka only when it does)
from __future__ import annotations

from deploy.platform import Platform
from deploy.telling import tell
from deploy.topic_values import tell_left_out
from schemas.catalogue import contract_name, topic_name

MISSING = "police.missing"
DRAWN = ("core.action", "core.candidate", "core.route")


def tell_closed_cases(platform: Platform, city: str) -> None:
    """Say on standard error, for each case that is over, what no key opens any more."""
    from schemas.event import Event
    from streams.cases.reading_sealed import left_out_of
    from streams.runtime.kafka import known_topics, read_whole
    from streams.runtime.row_reader import Row, RowReader

    wanted = [topic_name(city, one) for one in (MISSING, *DRAWN)]
    if not set(wanted) <= set(known_topics(platform.kafka)):
        return
    reader = RowReader(platform.wire, f"{city}.replay")
    cases = list(reader.values(read_whole(platform.kafka, wanted[:1])))
    if not cases:
        return
    rows = (reader.read(one) for one in read_whole(platform.kafka, wanted[1:]))
    events = (
        Event(contract_name(one.record.topic), one.key, one.value) for one in rows if isinstance(one, Row)
    )
    for line in left_out_of(cases, events).told():
        tell(line, err=True)
    tell_left_out(reader)
