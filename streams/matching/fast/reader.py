"""Observations through librdkafka's own batches and compiled kernels; `plain.PlainReader` says what they must be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt
from confluent_kafka import KafkaError, KafkaException

from schemas.catalogue import contract_name, load_catalogue
from schemas.errors import Invalid, Retriable
from schemas.registry import Registry
from schemas.rows import RowCodec
from streams.match.batch import Batch, Words
from streams.match.cells import Filter
from streams.match.codes import code_of, joined
from streams.match.flow import Partition
from streams.match.forms import FORMS, TOPICS, Form
from streams.match.observations import CERTAIN, Longs, Observations, Rows, observations
from streams.matching.fast.frames import HEAD_BYTES, Group, NativeFrames
from streams.matching.fast.kernel import Kernel, kernel_of
from streams.matching.fast.loading import free, heads, sift
from streams.matching.fast.native import Library, Message, NativeConsumer
from streams.matching.reader import FAST, Assigned, Lost, Revoked, fast_topics
from streams.runtime.kafka import AT_END_MS, as_ours, group_settings, reader_settings
from streams.runtime.records import Record

BATCH_MAX = 20_000
SPAN_S_MAX = 60.0
PLACES_MAX = 256
NO_FRAME, AN_ERROR = 255, 254
CALM = (KafkaError._PARTITION_EOF, KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT)
_BY_CONTRACT = {form.contract: form for form in FORMS}

Numbers = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Schema:
    """One writer's schema of one contract, under a number of its own; ``error``: nothing of it can be read."""

    number: int
    form: Form
    codec: RowCodec | None = None
    writer: Any = None
    group: Group | None = None
    size_max: int = 0
    error: Invalid | None = None


class Schemas:
    """Those that were met, by contract and id."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: dict[tuple[str, int], Schema] = {}

    def of(self, contract: str, schema_id: int) -> Schema:
        found = self._known.get((contract, schema_id))
        if found is None:
            found = self._known[contract, schema_id] = self._new(contract, schema_id)
        return found

    def by_number(self) -> dict[int, Group]:
        return {one.number: one.group for one in self._known.values() if one.group is not None}

    def _new(self, contract: str, schema_id: int) -> Schema:
        number, form, known = len(self._known), _BY_CONTRACT[contract], load_catalogue()[contract]
        if number >= AN_ERROR - 1:
            raise Retriable("more schemas than one worker tells apart")
        try:
            writer = self._registry.schema_of(schema_id)
            codec = RowCodec(known.newest, max_bytes=known.max_bytes)
            kernel = kernel_of(form, writer)
        except Invalid as error:
            return Schema(number, form, error=error)

        def words_of(payload: bytes) -> Words:
            return _words(form, codec.decode(payload, writer=writer))

        group = Group(kernel, form.fixed_label, words_of)
        return Schema(number, form, codec, writer, group, known.max_bytes + HEAD_BYTES)


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


class Decoding:
    """Messages at addresses to a batch. Shared by the group's reading and by what is read beside it."""

    def __init__(self, library: Library, schemas: Schemas) -> None:
        self._free = library.address_of("message_destroy")
        self._schemas = schemas
        self._names: dict[int, str] = {}

    def release(self, addresses: Longs) -> None:
        free(addresses, len(addresses), self._free)

    def batch(self, consumer: NativeConsumer, addresses: Longs, sieve: Filter | None = None) -> Batch:
        """Of all *addresses*; they must stay until the batch is answered. *sieve* says which rows are passing."""
        count = len(addresses)
        payload, size, offset = (np.empty(count, np.int64) for _ in range(3))
        place, met = np.empty(count, np.uint8), np.empty(count, np.uint8)
        places, groups = np.zeros((PLACES_MAX, 3), np.int64), np.zeros((PLACES_MAX, 2), np.int64)
        heads_of = heads(addresses, count, payload, size, offset, place, met, places, groups)
        place_count, group_count, taken = heads_of
        if taken < count:
            raise Retriable("more partitions or schemas in one batch than are told apart")
        topics = {topic: consumer.topic_name(topic) for topic in set(places[:place_count, 0].tolist())}
        named = [(topics[topic], number) for topic, number, _ in places[:place_count].tolist()]
        ends = {where: int(places[number, 2]) for number, where in enumerate(named)}
        _check(met, addresses)
        seen, sure = observations(count), np.zeros(count, np.bool_)
        seen.at[:] = np.arange(count)
        group = np.full(count, NO_FRAME, np.uint8)
        schemas: dict[int, Schema] = {}
        for number, (topic, schema_id) in enumerate(groups[:group_count].tolist()):
            schema = self._schemas.of(contract_name(topics[topic]), schema_id)
            schemas[schema.number] = schema
            if group_count == 1 and not (met > number).any():
                group[:] = schema.number
            else:
                group[met == number] = schema.number
            if schema.group is not None:
                _observe(schema, schema.group.kernel, payload, size, group, sure, seen)
        unsure, aside = self._unsure(consumer, addresses, seen, sure, group, met, schemas)
        frames = NativeFrames(
            payload,
            size,
            group,
            self._schemas.by_number(),
            unsure,
            lambda at: consumer.record(int(addresses[at])),
        )
        passing = None if sieve is None else _sifted(seen, sieve)
        found = Batch(seen, named, place, offset, frames, ends, passing, aside, int(size.sum()))
        return found if sure.all() else found.without(~sure)

    def _unsure(
        self,
        consumer: NativeConsumer,
        addresses: Longs,
        seen: Observations,
        sure: npt.NDArray[np.bool_],
        group: Numbers,
        met: Numbers,
        schemas: Mapping[int, Schema],
    ) -> tuple[frozenset[int], list[tuple[Record, Invalid]]]:
        """What the kernels leave to the row decoder: read after all, and then sure, or set aside."""
        if sure.all():
            return frozenset(), []
        read, aside = set(), []
        for row in np.flatnonzero(~sure & (met != AN_ERROR)).tolist():
            record = consumer.record(int(addresses[row]))
            try:
                fill(seen, row, _decoded(schemas.get(int(group[row])), record), schemas[int(group[row])].form)
            except Invalid as error:
                aside.append((record, error.with_traceback(None)))  # which holds all columns
            else:
                read.add(row)
                sure[row] = True
        return frozenset(read), aside


def _observe(
    schema: Schema,
    kernel: Kernel,
    payload: Longs,
    size: Longs,
    group: Numbers,
    sure: npt.NDArray[np.bool_],
    seen: Observations,
) -> None:
    kernel.observe(
        payload,
        size,
        group,
        np.uint8(schema.number),
        schema.size_max,
        sure,
        seen.lat,
        seen.lon,
        seen.time,
        seen.received,
        seen.label,
        seen.token,
        seen.subject,
        seen.confidence,
    )
    number = TOPICS[schema.form.contract]
    if (group == schema.number).all():
        seen.topic[:] = number
    else:
        seen.topic[group == schema.number] = number


def _sifted(seen: Observations, sieve: Filter) -> Rows:
    """``sieve.passing``, in one pass."""
    passing = np.empty(len(seen), np.intp)
    count = sift(
        seen.lat,
        seen.lon,
        seen.label,
        sieve.words,
        np.uint64(64 - sieve.bits),
        np.uint64(sieve.everywhere),
        sieve.cells.rows_a_degree,
        sieve.cells.columns_a_degree,
        passing,
    )
    return passing[:count]


def _decoded(schema: Schema | None, record: Record) -> dict[str, Any]:
    value = record.value or b""
    if schema is None:
        raise Invalid(
            "no frame", field="value", expected="a Confluent frame: 0, four bytes of schema id, Avro"
        )
    if schema.codec is None:
        raise schema.error or Invalid("its schema is unknown")
    return schema.codec.decode(value[HEAD_BYTES:], writer=schema.writer)


def fill(seen: Observations, row: int, value: Mapping[str, Any], form: Form) -> None:
    """One row from its value, as the kernel would have done."""
    place = value["position"]
    seen.topic[row] = TOPICS[form.contract]
    seen.lat[row], seen.lon[row] = (np.nan, np.nan) if place is None else (place["lat"], place["lon"])
    seen.time[row], seen.received[row] = value["event_time"], value["received_time"]
    seen.label[row] = code_of(form.label_of(value))
    seen.token[row] = _code(value[form.token] if form.token else None)
    seen.subject[row] = _subject([value[name] for name in form.subject])
    confidence = CERTAIN if form.confidence is None else value[form.confidence]
    seen.confidence[row] = np.nan if confidence is None else confidence


def _code(word: str | None) -> int:
    return 0 if word is None else code_of(word)


def _subject(words: list[str | None]) -> int:
    codes = [np.array([_code(word)], np.uint64) for word in words]
    total = codes[0]
    for one in codes[1:]:
        total = joined(total, one)
    return int(total[0])


def _check(met: Numbers, addresses: Longs) -> None:
    """``Retriable`` or ``Fatal`` for an error that does not heal by itself."""
    if not (met == AN_ERROR).any():
        return
    for row in np.flatnonzero(met == AN_ERROR).tolist():
        error = KafkaError(Message.from_address(int(addresses[row])).err)
        if error.code() not in CALM and not error.retriable():
            raise as_ours(KafkaException(error), "reading observations")


class FastReader:
    """`reader.Reader`, quickly. One thread uses it."""

    def __init__(
        self, city: str, group: str, *, bootstrap: str, registry: Registry, library: Library
    ) -> None:
        self._bootstrap = bootstrap
        self._library = library
        self._topics = fast_topics(city)
        self._decoding = Decoding(library, Schemas(registry))
        self._consumer = NativeConsumer(library, group_settings(bootstrap, group, **FAST))
        self._addresses = np.zeros(BATCH_MAX, np.int64)
        self._held = 0

    def subscribe(self, assigned: Assigned, revoked: Revoked, lost: Lost) -> None:
        self._consumer.subscribe(self._topics, assigned, revoked, lost)

    def read(self, timeout_s: float, sieve: Callable[[], Filter]) -> Batch | None:
        self._release()
        count = self._consumer.consume(self._addresses, 0)
        if count == 0 and timeout_s > 0:
            count = self._consumer.consume(self._addresses[:1], timeout_s)
        self._held = count
        return self._decoding.batch(self._consumer, self._addresses[:count], sieve()) if count else None

    def between(self, place: Partition, first: int, end: int) -> Iterator[Batch]:
        settings = reader_settings(self._bootstrap, **{**FAST, "fetch.wait.max.ms": AT_END_MS})
        consumer = NativeConsumer(self._library, settings)
        addresses = np.zeros(BATCH_MAX, np.int64)
        try:
            consumer.assign({place: first})
            at, deadline = first, monotonic() + SPAN_S_MAX
            while at < end:
                count = consumer.consume(addresses, 0.1)
                held = addresses[:count]
                try:
                    batch = self._decoding.batch(consumer, held) if count else None
                    if batch is not None and place in batch.ends:
                        at, deadline = batch.ends[place], monotonic() + SPAN_S_MAX
                        yield batch.without(batch.offset >= end)
                    is_over = any(
                        Message.from_address(one).err == KafkaError._PARTITION_EOF
                        for one in held[-1:].tolist()
                    )
                finally:
                    self._decoding.release(held)
                if is_over:
                    return  # the rest has been deleted since
                if monotonic() > deadline:
                    raise Retriable(f"{place[0]} {place[1]}: offset {end} was not reached")
        finally:
            consumer.close()

    def begin_of(self, place: Partition) -> int:
        return self._ends(place, cached=False)[0]

    def end_of(self, place: Partition) -> int | None:
        end = self._ends(place, cached=True)[1]
        return end if end >= 0 else None

    def _ends(self, place: Partition, *, cached: bool) -> tuple[int, int]:
        try:
            return self._consumer.ends(place, cached=cached)
        except KafkaException as error:
            raise as_ours(error, f"asking for the ends of {place[0]}") from error

    def group_metadata(self) -> Any:
        return self._consumer.group_metadata()

    def close(self) -> None:
        self._release()
        self._consumer.close()

    def _release(self) -> None:
        held, self._held = self._held, 0
        if held:
            self._decoding.release(self._addresses[:held])
