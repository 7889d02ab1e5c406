"""The first spans of an incident's trace: its source has it, and it is put into its topic."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.event import Event
from streams.runtime.records import trace_of
from streams.spans import TracedSpan, facts_shown, place_of, since
from streams.traces import traces

TRACED = ".incident"
"""The end of the contracts whose events begin a trace here. Detections and positions, thousands a second, begin none."""


def put_spans(
    city: str, source: str, events: Sequence[Event], *, begun_ns: int, played: bool = False
) -> None:
    """Export the spans of the incidents among *events*, whose transaction began at *begun_ns* and is committed now.

    A push waits in the spool between both spans.
    """
    if not traces.is_on:
        return
    ended_ns = traces.now_ns()
    for event in events:
        if not event.topic.endswith(TRACED) or event.value is None:
            continue
        put = place_of(trace_of(str(event.value["event_id"])))
        if put is None:
            continue
        received = put.next("receive")
        received_ns = begun_ns if played else since(event.value["received_time"], begun_ns)
        facts: dict[str, str | int] = {"city": city, "source": source, "topic": event.topic}
        traces.put(TracedSpan(f"receive {source}", "SERVER", received, None, received_ns, begun_ns, facts))
        facts |= facts_shown(event.value)
        traces.put(TracedSpan(f"send {event.topic}", "PRODUCER", put, received, begun_ns, ended_ns, facts))
