"""Frames at addresses to a batch of observations, by compiled kernels. The memory belongs to the reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.catalogue import contract_name, load_catalogue
from schemas.errors import Invalid, Retriable
from schemas.registry import Registry
from schemas.rows import RowCodec
from streams.log import log
from streams.match.core.batch import ObservationBatch
from streams.match.core.cells import Filter
from streams.match.core.flow import Partition
from streams.match.core.forms import FORMS, TOPICS, Form
from streams.match.core.observations import Longs, Observations, Rows, observations
from streams.match.core.texts import RowTexts
from streams.match.core.values import fill, words_of
from streams.match.native.frames import HEAD_BYTES, Bytes, Group, KernelFrames
from streams.match.native.kernel import Kernel, kernel_of
from streams.match.native.load import schemas_met, sift
from streams.match.native.walk import CannotWalk
from streams.runtime.records import Record

GROUPS_MAX = 256
NO_FRAME = 255
PLACES_MAX = 250
"""The limit of partitions in one batch."""
_BY_CONTRACT = {form.contract: form for form in FORMS}


@dataclass(frozen=True, slots=True)
class Schema:
    """One writer's schema of one contract, with a number of its own. ``error``: the reason why none of it can
    be read.
    """

    number: int
    form: Form
    codec: RowCodec | None = None
    writer: Any = None
    group: Group | None = None
    size_max: int = 0
    error: Invalid | None = None


class Schemas:
    """The schemas seen so far, by contract and id."""

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
        if number >= NO_FRAME - 1:
            raise Retriable("more schemas than the limit of one worker")
        try:
            writer = self._registry.schema_of(schema_id)
            codec = RowCodec(known.newest, max_bytes=known.max_bytes)
        except Invalid as error:
            return Schema(number, form, error=error)
        try:
            kernel = kernel_of(form, writer)
        except CannotWalk as why:  # the row decoder reads all of it
            log.warning(
                "no kernel for a schema, decoding it row by row",
                contract=contract,
                schema_id=schema_id,
                why=str(why),
            )
            kernel = None

        def words(payload: bytes) -> RowTexts:
            return words_of(form, codec.decode(payload, writer=writer))

        group = Group(kernel, form.fixed_label, words)
        return Schema(number, form, codec, writer, group, known.max_bytes + HEAD_BYTES)


@dataclass(frozen=True, slots=True)
class FrameRows:
    """The frames of one read, row by row: address, size, partition and offset.

    *held* owns the bytes when they are our own; else they must stay until the batch is processed. *record_of* copies one.
    """

    payload: Longs
    size: Longs
    offset: Longs
    place: Bytes
    places: Sequence[Partition]
    ends: Mapping[Partition, int]
    record_of: Callable[[int], Record]
    held: Bytes | None = None


class Decoder:
    """Decodes frames for the group's reader, and for readers of single partitions beside it."""

    def __init__(self, registry: Registry) -> None:
        self._schemas = Schemas(registry)

    def batch(self, taken: FrameRows, sieve: Filter | None = None) -> ObservationBatch:
        """Return the batch of *taken*. *sieve*: the filter that gives the passing rows."""
        count = len(taken.payload)
        met, groups = np.empty(count, np.uint8), np.zeros((GROUPS_MAX, 2), np.int64)
        topics = np.zeros(GROUPS_MAX, np.int64)
        names = list(dict.fromkeys(topic for topic, _ in taken.places))
        topics[: len(taken.places)] = [names.index(topic) for topic, _ in taken.places]
        group_count = schemas_met(taken.payload, taken.size, taken.place, topics, met, groups)
        if group_count < 0:
            raise Retriable("more schemas than the limit of one batch")
        schemas: dict[int, Schema] = {}
        numbers, kinds = np.full(GROUPS_MAX, NO_FRAME, np.uint8), np.zeros(GROUPS_MAX, np.uint8)
        for number, (topic, schema_id) in enumerate(groups[:group_count].tolist()):
            schema = self._schemas.of(contract_name(names[topic]), schema_id)
            schemas[schema.number] = schema
            numbers[number], kinds[number] = schema.number, TOPICS[schema.form.contract]
        has_heights = any(one.form.heights for one in schemas.values())
        seen, sure = observations(count, with_heights=has_heights), np.zeros(count, np.bool_)
        seen.at[:] = np.arange(count)
        group = numbers[met]
        seen.topic[:] = kinds[met]
        for schema in schemas.values():
            if schema.group is not None and schema.group.kernel is not None:
                _observe(schema, schema.group.kernel, taken, group, sure, seen)
        unsure, aside = _unsure(taken.record_of, seen, sure, group, schemas)
        frames = KernelFrames(
            taken.payload, taken.size, group, self._schemas.by_number(), unsure, taken.record_of, taken.held
        )
        passing = None if sieve is None else _sifted(seen, sieve)
        found = ObservationBatch(
            seen,
            taken.places,
            taken.place,
            taken.offset,
            frames,
            taken.ends,
            passing,
            aside,
            int(taken.size.sum()),
        )
        return found if sure.all() else found.without(~sure)


def _unsure(
    record_of: Callable[[int], Record],
    seen: Observations,
    sure: npt.NDArray[np.bool_],
    group: Bytes,
    schemas: Mapping[int, Schema],
) -> tuple[frozenset[int], list[tuple[Record, Invalid]]]:
    """Decode the rows that the kernels left, or set them aside. Return the decoded rows, and the records set aside."""
    if sure.all():
        return frozenset(), []
    read, aside = set(), []
    for row in np.flatnonzero(~sure).tolist():
        record = record_of(row)
        try:
            fill(seen, row, _decoded(schemas.get(int(group[row])), record), schemas[int(group[row])].form)
        except Invalid as error:
            # its traceback would keep all columns in memory
            aside.append((record, error.with_traceback(None)))
        else:
            read.add(row)
            sure[row] = True
    return frozenset(read), aside


def _observe(
    schema: Schema,
    kernel: Kernel,
    taken: FrameRows,
    group: Bytes,
    sure: npt.NDArray[np.bool_],
    seen: Observations,
) -> None:
    kernel.observe(
        taken.payload,
        taken.size,
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
        seen.heights,
    )


def _sifted(seen: Observations, sieve: Filter) -> Rows:
    """Return ``sieve.passing``, computed in one pass."""
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
