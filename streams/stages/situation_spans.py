"""The spans of decisions: an incident or a hit was processed, and each answer put. Exported once they are committed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from schemas.catalogue import contract_name
from schemas.event import Event
from streams.runtime.records import Record
from streams.situations.entry import Entry
from streams.spans import SpanPlace, TracedSpan, facts_shown, place_of, since
from streams.traces import traces

Trace = Callable[[Event], bytes | None]
"""Gives the ``traceparent`` of an answer."""


class DecisionSpans:
    """The spans of one transaction of *city*."""

    def __init__(self, city: str) -> None:
        self._city = city
        self._begun_ns = traces.now_ns()
        self._waiting: list[TracedSpan] = []

    def trace(self, entry: Entry, record: Record | None, answers: Sequence[Event]) -> Trace:
        """Return the tracing of the answers to *entry*: each has a span of its own, below the decision.

        Derived from the record alone, so that the log is the same whether spans are exported or not.
        """
        found = None if record is None else record.traceparent
        cause = place_of(found)
        if record is None or cause is None:
            return lambda _: found
        decision = cause.next("process", record.topic, record.partition, record.offset)
        if traces.is_on:
            self._note(entry, record, cause, decision, answers)
        return lambda event: _place(decision, event).traceparent

    def _note(
        self, entry: Entry, record: Record, cause: SpanPlace, decision: SpanPlace, answers: Sequence[Event]
    ) -> None:
        told = [one for one in answers if one.topic != "core.state" and one.value is not None]
        if not told:
            return
        contract = contract_name(record.topic)
        facts = {"city": self._city, "topic": contract}
        own = facts_shown(entry.value)
        where = {"partition": record.partition, "offset": record.offset}
        is_hit, begun_ns = entry.kind == "evidence", self._begun_ns
        if is_hit:  # the match writes far more evidence than leads to an answer: its span is told here
            ended_ns = min(record.timestamp_ms * 1_000_000, begun_ns)
            seen_ns = since(entry.value["received_time"], ended_ns)
            self._waiting.append(
                TracedSpan(f"match {contract}", "PRODUCER", cause, None, seen_ns, ended_ns, facts | own)
            )
        # what else leads to answers (ticks, actions, places) has no span where it was put
        below = cause if is_hit or entry.kind == "incident" else None
        self._waiting.append(
            TracedSpan(f"process {contract}", "CONSUMER", decision, below, begun_ns, 0, facts | own | where)
        )
        for event in told:
            shown = {"city": self._city, "topic": event.topic, **facts_shown(event.value or {})}
            at = _place(decision, event)
            self._waiting.append(
                TracedSpan(f"send {event.topic}", "PRODUCER", at, decision, begun_ns, 0, shown)
            )

    def export(self) -> None:
        """Export them: the transaction is committed."""
        ended_ns = traces.now_ns()
        for span in self._waiting:
            traces.put(span if span.ended_ns else replace(span, ended_ns=ended_ns))


def _place(decision: SpanPlace, event: Event) -> SpanPlace:
    return decision.next("send", event.topic, event.key, (event.value or {}).get("event_id"))
