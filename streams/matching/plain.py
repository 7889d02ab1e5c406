"""Observations through confluent-kafka's own messages and the columns' codec: any platform, any wheel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

import numpy as np
import pyarrow as pa
from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.catalogue import contract_name, load_catalogue
from schemas.columns import ColumnCodec
from schemas.errors import Invalid, Retriable
from schemas.framing import HEADER_BYTES, unframe
from schemas.registry import Registry
from streams.match.arrow import observations_of
from streams.match.batch import Batch, Frames, Words
from streams.match.cells import Filter
from streams.match.flow import Partition
from streams.match.forms import FORMS, Form
from streams.match.observations import Longs, Observations, concatenated
from streams.matching.reader import FAST, Assigned, Lost, Revoked, fast_topics
from streams.matching.watching import is_end
from streams.runtime.kafka import AT_END_MS, as_ours, group_consumer, reader
from streams.runtime.loop import is_record
from streams.runtime.records import Record, record_of

BATCH_MAX = 10_000

SPAN_S_MAX = 60.0
OFFSETS_TIMEOUT_S = 10.0
_BY_CONTRACT = {form.contract: form for form in FORMS}


class ArrowFrames:
    """Decoded records; *parts* are batches of columns with the form of each, numbered through."""

    def __init__(self, parts: Sequence[tuple[Form, pa.RecordBatch]], messages: Sequence[Any] = ()) -> None:
        self._parts = parts
        self._firsts = np.cumsum([0, *(batch.num_rows for _, batch in parts)])
        self._messages = messages
        self.nbytes = sum(batch.nbytes for _, batch in parts)

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def words(self, at: Longs) -> list[Words]:
        found: list[Words | None] = [None] * len(at)
        for number, (form, batch) in enumerate(self._parts):
            rows = np.flatnonzero((at >= self._firsts[number]) & (at < self._firsts[number + 1]))
            if len(rows):
                values = batch.take(pa.array(at[rows] - self._firsts[number])).to_pylist()
                for row, value in zip(rows.tolist(), values, strict=True):
                    found[row] = _words(form, value)
        return [one for one in found if one is not None]

    def record(self, at: int) -> Record:
        return record_of(self._messages[at])

    def kept(self) -> ArrowFrames:
        return ArrowFrames([(form, batch.select(_needed(form))) for form, batch in self._parts])

    def joined(self, others: Sequence[Frames]) -> ArrowFrames:
        parts = list(self._parts)
        for other in others:
            parts += other._parts if isinstance(other, ArrowFrames) else ()
        tables: dict[Form, list[pa.RecordBatch]] = {}
        if len({form for form, _ in parts}) == 1:
            for form, batch in parts:
                tables.setdefault(form, []).append(batch)
            return ArrowFrames([(form, pa.concat_batches(batches)) for form, batches in tables.items()])
        return ArrowFrames(parts)


def _needed(form: Form) -> list[str]:
    names = {"event_id", "source", "position", form.subject[-1]}
    return sorted(names | {name for name in (form.label, form.token, form.seen_by, form.image_ref) if name})


def _words(form: Form, value: Mapping[str, Any]) -> Words:
    place = value["position"]
    return Words(
        value["event_id"],
        value["source"],
        form.label_of(value),
        value[form.token] if form.token else None,
        form.subject_of(value),
        place["accuracy_m"] if place is not None else None,
        value[form.seen_by] if form.seen_by else None,
        value[form.image_ref] if form.image_ref else None,
    )


class PlainReader:
    """`reader.Reader` in the plainest way; what a faster one is held against."""

    def __init__(self, city: str, group: str, *, bootstrap: str, registry: Registry) -> None:
        self._bootstrap = bootstrap
        self._registry = registry
        self._topics = fast_topics(city)
        self._consumer = group_consumer(bootstrap, group, **FAST)
        self._codecs: dict[tuple[str, int], ColumnCodec] = {}

    def subscribe(self, assigned: Assigned, revoked: Revoked, lost: Lost) -> None:
        def on_assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            begin = assigned([(one.topic, one.partition) for one in partitions])
            for one in partitions:
                if (offset := begin.get((one.topic, one.partition))) is not None:
                    one.offset = offset
            consumer.assign(partitions)

        self._consumer.subscribe(
            self._topics,
            on_assign=on_assign,
            on_revoke=lambda _consumer, _partitions: revoked(),
            on_lost=lambda _consumer, _partitions: lost(),
        )

    def read(self, timeout_s: float, sieve: Callable[[], Filter]) -> Batch | None:
        messages = self._consumer.consume(BATCH_MAX, 0)
        if not messages and timeout_s > 0:
            messages = self._consumer.consume(1, timeout_s)
        return self._batch([one for one in messages if is_record(one)]) if messages else None

    def between(self, place: Partition, first: int, end: int) -> Iterator[Batch]:
        consumer = reader(self._bootstrap, **{**FAST, "fetch.wait.max.ms": AT_END_MS})
        try:
            consumer.assign([TopicPartition(*place, first)])
            at, deadline = first, monotonic() + SPAN_S_MAX
            while at < end:
                messages = consumer.consume(BATCH_MAX, 0.1)
                records = [one for one in messages if is_record(one)]
                if records:
                    at, deadline = records[-1].offset() + 1, monotonic() + SPAN_S_MAX
                    yield self._batch([one for one in records if one.offset() < end])
                if len(records) < len(messages) and any(map(is_end, messages)):
                    return  # the rest has been deleted since
                if monotonic() > deadline:
                    raise Retriable(f"{place[0]} {place[1]}: offset {end} was not reached")
        finally:
            consumer.close()

    def begin_of(self, place: Partition) -> int:
        return int(self._offsets(place, cached=False)[0])

    def end_of(self, place: Partition) -> int | None:
        end = int(self._offsets(place, cached=True)[1])
        return end if end >= 0 else None

    def _offsets(self, place: Partition, *, cached: bool) -> tuple[int, int]:
        try:
            found = self._consumer.get_watermark_offsets(
                TopicPartition(*place), timeout=OFFSETS_TIMEOUT_S, cached=cached
            )
        except KafkaException as error:
            raise as_ours(error, f"asking for the ends of {place[0]}") from error
        return found or (0, -1)

    def group_metadata(self) -> Any:
        return self._consumer.consumer_group_metadata()

    def close(self) -> None:
        self._consumer.close()

    # -- decoding --------------------------------------------------------------------------------------------

    def _batch(self, messages: Sequence[Any]) -> Batch:
        """Records of several topics and schemas as one batch, each partition's in its order."""
        stand = [(one.topic(), one.partition()) for one in messages]
        offsets = [one.offset() for one in messages]
        values = [one.value() or b"" for one in messages]
        ends = {place: offset + 1 for place, offset in zip(stand, offsets, strict=True)}
        places = {place: number for number, place in enumerate(ends)}
        groups: dict[tuple[str, bytes], list[int]] = {}
        for number, (place, value) in enumerate(zip(stand, values, strict=True)):
            groups.setdefault((place[0], value[:HEADER_BYTES]), []).append(number)
        aside: list[tuple[Record, Invalid]] = []
        parts: list[tuple[Form, pa.RecordBatch]] = []
        numbers: list[int] = []
        seen: list[Observations] = []
        for (topic, head), members in groups.items():
            form = _BY_CONTRACT[contract_name(topic)]
            try:
                schema_id, _ = unframe(head)
                codec = self._codec(form.contract, schema_id)
            except Invalid as error:
                error.with_traceback(None)  # which holds all messages
                aside += [(record_of(messages[member]), error) for member in members]
                continue
            columns = codec.decode([values[member][HEADER_BYTES:] for member in members])
            aside += [(record_of(messages[members[index]]), error) for index, error in columns.aside]
            good = [members[index] for index in columns.indices]
            if good:
                at = range(len(numbers), len(numbers) + len(good))
                seen.append(observations_of(form, columns.batch, at))
                parts.append((form, columns.batch))
                numbers += good
        order = np.argsort(np.array(numbers, np.int64), kind="stable")
        everything = concatenated(seen)
        chosen = [messages[number] for number in numbers]
        return Batch(
            everything.take(order),
            list(places),
            np.array([places[stand[number]] for number in numbers], np.uint8)[order],
            np.array([offsets[number] for number in numbers], np.int64)[order],
            ArrowFrames(parts, chosen),
            ends,
            None,
            aside,
            sum(map(len, values)),
        )

    def _codec(self, contract: str, schema_id: int) -> ColumnCodec:
        codec = self._codecs.get((contract, schema_id))
        if codec is None:
            known = load_catalogue()[contract]
            writer = self._registry.schema_of(schema_id)
            codec = ColumnCodec(known.newest, writer=writer, max_bytes=known.max_bytes)
            self._codecs[contract, schema_id] = codec
        return codec
