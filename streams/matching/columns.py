"""confluent-kafka's own messages to a batch of observations through Arrow's columns: where no kernel can be compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.catalogue import contract_name, load_catalogue
from schemas.columns import ColumnCodec
from schemas.errors import Invalid
from schemas.framing import HEADER_BYTES, unframe
from schemas.registry import Registry
from streams.match.arrow import observations_of
from streams.match.batch import Batch, Frames
from streams.match.cells import Filter
from streams.match.forms import FORMS, Form
from streams.match.observations import Longs, Observations, concatenated
from streams.match.texts import Texts, Words
from streams.runtime.records import Record, record_of

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

    def texts(self, at: Longs) -> Texts:
        found: list[Words | None] = [None] * len(at)
        for number, (form, batch) in enumerate(self._parts):
            rows = np.flatnonzero((at >= self._firsts[number]) & (at < self._firsts[number + 1]))
            if len(rows):
                values = batch.take(pa.array(at[rows] - self._firsts[number])).to_pylist()
                for row, value in zip(rows.tolist(), values, strict=True):
                    found[row] = _words(form, value)
        return Texts.of([one for one in found if one is not None])

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


class Columns:
    """Decodes messages; what every quicker way is held against."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._codecs: dict[tuple[str, int], ColumnCodec] = {}

    def batch(self, messages: Sequence[Any], _sieve: Filter | None = None) -> Batch:
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
