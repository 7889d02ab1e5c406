"""Headers of records in words, for the description of topics."""

from __future__ import annotations

from schemas.catalogue import DLQ
from streams.runtime.records import ATTEMPTS, BORROWED, FIRST_AT, LEAN_HEADERS, PLAYED, RETRY_OF, is_lean

CLOUDEVENTS = {
    "ce_specversion": "CloudEvents 1.0, binary mode of its Kafka binding.",
    "ce_id": "The value's event_id: the same when a record is written or read again.",
    "ce_source": "/<city>/<source>: who says it.",
    "ce_type": "bongsu.<contract>.",
    "ce_time": "The value's event_time as ISO 8601 with offset.",
    "ce_subject": "The record's key.",
    "content-type": "application/avro, behind the five bytes of Confluent's frame.",
    "traceparent": "W3C Trace Context: the trace of the event, or of what caused it.",
}
RETRIED = {
    RETRY_OF: "Only of a record that was set aside and is fed again, which has no ce_ headers: the event_id of its DLQ row.",
    ATTEMPTS: "Only of such a record: how often it was tried.",
    FIRST_AT: "Only of such a record: when it was first set aside, in milliseconds since 1970.",
}
PLAYED_WORDS = "1 for an event of a recording that is played, and its clock; absent when live."
BORROWED_WORDS = "1 when a retry wrote this place, not the source's own worker; else absent."

MADE_HERE = ("core.", "mobility.speed", "source.place")
"""Contracts that no source publishes: a recording's clock tells of theirs only the tick."""


def header_words(contract: str, *, may_be_retried: bool) -> dict[str, str]:
    """Map each header that a record of *contract* may have to its meaning.

    A tombstone has no headers. *may_be_retried*: it has a DLQ from which records come back.
    """
    words = {name: CLOUDEVENTS[name] for name in (LEAN_HEADERS if is_lean(contract) else CLOUDEVENTS)}
    if contract == "core.tick" or not (contract.startswith(MADE_HERE) or contract.endswith(f".{DLQ}")):
        words[PLAYED] = PLAYED_WORDS
    if may_be_retried:
        words |= RETRIED
    if contract == "source.place":
        words[BORROWED] = BORROWED_WORDS
    return words
