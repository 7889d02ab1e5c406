"""A reader of observations by confluent-kafka's own messages, on any platform."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

from confluent_kafka import Message, TopicPartition

from schemas.errors import Retriable
from streams.match.core.batch import ObservationBatch
from streams.match.core.cells import Filter
from streams.match.core.flow import Partition
from streams.match.worker.membership import Member
from streams.match.worker.reader import FAST, SPAN_S_MAX, Assigned, Lost, Revoked
from streams.match.worker.watches import is_end
from streams.runtime.kafka import AT_END_MS, reader
from streams.runtime.loop import is_record

BATCH_MAX = 10_000

Decode = Callable[[Sequence[Any], Filter | None], ObservationBatch]
"""Decodes records of several topics and schemas to one batch, each partition's in its order. The filter, if
any, gives the passing rows.
"""


class PlainReader:
    """The plain `reader.Reader`. *decode*: by kernels (`fast.objects`) or row by row (`rows`)."""

    def __init__(self, city: str, group: str, *, bootstrap: str, decode: Decode) -> None:
        self._bootstrap = bootstrap
        self._decode = decode
        self._member = Member(city, group, bootstrap=bootstrap)

    def subscribe(self, assigned: Assigned, revoked: Revoked, lost: Lost) -> None:
        self._member.subscribe(assigned, revoked, lost, begin=_all)

    def read(self, timeout_s: float, sieve: Callable[[], Filter]) -> ObservationBatch | None:
        messages = self._member.consumer.consume(BATCH_MAX, 0)
        if not messages and timeout_s > 0:
            messages = self._member.consumer.consume(1, timeout_s)
        records = _records(messages)
        return self._decode(records, sieve()) if records else None

    def between(self, place: Partition, first: int, end: int) -> Iterator[ObservationBatch]:
        consumer = reader(self._bootstrap, **{**FAST, "fetch.wait.max.ms": AT_END_MS})
        try:
            consumer.assign([TopicPartition(*place, first)])
            at, deadline = first, monotonic() + SPAN_S_MAX
            while at < end:
                messages = consumer.consume(BATCH_MAX, 0.1)
                records = _records(messages)
                if records:
                    at, deadline = records[-1].offset() + 1, monotonic() + SPAN_S_MAX
                    yield self._decode([one for one in records if one.offset() < end], None)
                if len(records) < len(messages) and any(map(is_end, messages)):
                    return  # the rest was deleted meanwhile
                if monotonic() > deadline:
                    raise Retriable(f"{place[0]} {place[1]}: offset {end} was not reached")
        finally:
            consumer.close()

    def begin_of(self, place: Partition) -> int:
        return self._member.begin_of(place)

    def end_of(self, place: Partition) -> int | None:
        end = self._member.offsets(place, cached=True)[1]
        return end if end >= 0 else None

    def group_metadata(self) -> Any:
        return self._member.group_metadata()

    def close(self) -> None:
        self._member.close()


def _all(places: Mapping[Partition, int]) -> list[TopicPartition]:
    return [TopicPartition(*place, offset) for place, offset in places.items()]


def _records(messages: Sequence[Any]) -> Sequence[Any]:
    """Return the records among *messages*. Nearly always all are, and there are many, so that case is fast."""
    if not any(map(Message.error, messages)):
        return messages
    return [one for one in messages if is_record(one)]
