"""Records of topics, and their headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas.catalogue import DLQ
from schemas.event import Event

RETRY_OF, ATTEMPTS, FIRST_AT = "bongsu-retry-of", "bongsu-attempts", "bongsu-first-at"
"""Headers of a retried record: the event_id under which it was set aside, its attempts, and the first one's
time (ms).
"""
BORROWED = "bongsu-borrowed"
"""Header of a source's place: written by a retry, after which the fenced owner may continue."""
PLAYED = "bongsu-played"
"""Header of a played event: its time comes with the tick whose barrier covers it."""
LEAN = ("cctv.", "mobility.position", "drone.position")
LEAN_HEADERS = ("ce_id", "ce_type", "ce_time")


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]

    @property
    def is_played(self) -> bool:
        return PLAYED in self.headers

    @property
    def traceparent(self) -> bytes | None:
        return self.headers.get("traceparent")


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Records polled together, with the group's metadata at that time.

    Only the polling thread may touch a consumer: confluent-kafka allows one call at a time, and another
    thread may wait for ever.
    """

    records: Sequence[Record]
    group_metadata: Any


def record_of(message: Any) -> Record:
    """Return a confluent-kafka message as a record; header values that are not bytes are dropped."""
    headers = {name: value for name, value in message.headers() or () if isinstance(value, bytes)}
    _, timestamp_ms = message.timestamp()
    return Record(
        message.topic(),
        message.partition(),
        message.offset(),
        timestamp_ms,
        message.key(),
        message.value(),
        headers,
    )


def is_lean(contract: str) -> bool:
    """Whether records of *contract* have no more than ``LEAN_HEADERS``."""
    return contract.startswith(LEAN) and not contract.endswith(f".{DLQ}")


def headers_of(
    event: Event, *, topic: str, traceparent: bytes | None = None, played: bool = False
) -> Headers:
    """Return the CloudEvents attributes in binary mode (CloudEvents Kafka binding 1.0.2) and the event's trace.

    An event without a cause starts a trace of its own, named after its id. What cameras and vehicles tell all the time has
    no more than ``LEAN_HEADERS``: the rest follows from value and contract, and would be most of its bytes.
    """
    if event.value is None:
        return []
    event_id = str(event.value["event_id"])
    time = datetime.fromtimestamp(event.value["event_time"] / 1000, UTC).isoformat(timespec="milliseconds")
    if is_lean(event.topic):
        lean: Headers = [
            ("ce_id", event_id.encode()),
            ("ce_type", f"bongsu.{event.topic}".encode()),
            ("ce_time", time.encode()),
        ]
        return [*lean, (PLAYED, b"1")] if played else lean
    headers: Headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", f"/{event.value['city']}/{event.value['source']}".encode()),
        ("ce_type", f"bongsu.{event.topic}".encode()),
        ("ce_time", time.encode()),
        ("ce_subject", event.key.encode()),
        ("content-type", b"application/avro"),
        ("traceparent", traceparent or trace_of(event_id)),
    ]
    if played:
        headers.append((PLAYED, b"1"))
    return headers


Headers = list[tuple[str, bytes]]


def trace_of(event_id: str) -> bytes:
    """Return a W3C traceparent whose trace is the event's own id (32 hex digits)."""
    return f"00-{event_id[:32]:0>32}-{event_id[:16]:0>16}-01".encode()


def next_offsets(records: Sequence[Record]) -> dict[tuple[str, int], int]:
    """Return the offset after the last of *records* for each (topic, partition)."""
    ends: dict[tuple[str, int], int] = {}
    for record in records:
        place = (record.topic, record.partition)
        ends[place] = max(ends.get(place, 0), record.offset + 1)
    return ends
