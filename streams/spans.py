"""Spans that are over, and their places in a trace. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

MS = 1_000_000
"""Nanoseconds of a millisecond."""
HOUR_NS = 3_600_000 * MS
Kind = Literal["SERVER", "PRODUCER", "CONSUMER", "CLIENT", "INTERNAL"]
FACTS = (
    "alert_id",
    "dispatch_id",
    "event_id",
    "filing_id",
    "grant_id",
    "incident_id",
    "kind",
    "message_type",
    "revision",
    "rule",
    "situation_id",
    "watch_id",
)
"""The fields of an event that its spans may show: kinds and ids of ours. An agency's case number is none."""
_PARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class SpanPlace:
    """The place of a span in its trace, as ``traceparent`` (W3C Trace Context) names it."""

    trace_id: int
    span_id: int

    @property
    def traceparent(self) -> bytes:
        return b"00-%032x-%016x-01" % (self.trace_id, self.span_id)

    def next(self, *steps: object) -> SpanPlace:
        """The place of a span beside or below: the same *steps* from here lead to the same span."""
        text = "\x1f".join([self.traceparent.decode(), *map(str, steps)])
        return SpanPlace(self.trace_id, int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) or 1)


@dataclass(frozen=True, slots=True)
class TracedSpan:
    """A span that is over. *below*: the span that led to it, ``None`` for the first of its trace. Times in nanoseconds."""

    name: str
    kind: Kind
    at: SpanPlace
    below: SpanPlace | None
    begun_ns: int
    ended_ns: int
    facts: Mapping[str, str | int]
    is_failed: bool = False


def place_of(traceparent: bytes | None) -> SpanPlace | None:
    """The place that a header names; ``None`` for one that is missing, malformed or not sampled."""
    found = None if traceparent is None else _PARENT.fullmatch(traceparent)
    if found is None or not int(found[3], 16) & 1:
        return None
    trace_id, span_id = int(found[1], 16), int(found[2], 16)
    return SpanPlace(trace_id, span_id) if trace_id and span_id else None


def facts_shown(value: Mapping[str, Any]) -> dict[str, str | int]:
    """The fields of an event that its spans show."""
    return {name: found for name in FACTS if isinstance(found := value.get(name), str | int)}


def since(event_ms: int, now_ns: int) -> int:
    """The beginning of a wait that ends at *now_ns*: *event_ms*, unless that is from another clock, as in a play."""
    begun_ns = event_ms * MS
    return begun_ns if now_ns - HOUR_NS <= begun_ns <= now_ns else now_ns
