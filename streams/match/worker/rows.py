"""confluent-kafka's own messages to a batch of observations, row by row: used where no kernel can be compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from schemas.catalogue import Schema, contract_name, load_catalogue
from schemas.errors import Invalid
from schemas.framing import unframe
from schemas.registry import Registry
from schemas.rows import RowCodec
from streams.match.core.batch import Frames, ObservationBatch
from streams.match.core.cells import Filter
from streams.match.core.forms import FORMS, Form
from streams.match.core.observations import Longs, observations
from streams.match.core.texts import RowTexts, Texts
from streams.match.core.values import fill, words_of
from streams.runtime.records import Record, record_of

_BY_CONTRACT = {form.contract: form for form in FORMS}
ROW_BYTES = 400
"""The approximate memory of one row's texts: seven short texts and their tuple."""


class RowFrames:
    """The texts of decoded records, and their messages until ``kept``."""

    def __init__(self, words: Sequence[RowTexts], messages: Sequence[Any] = ()) -> None:
        self._words = words
        self._messages = messages
        self.nbytes = ROW_BYTES * len(words)

    def __len__(self) -> int:
        return len(self._words)

    def texts(self, at: Longs) -> Texts:
        return Texts.of([self._words[number] for number in at.tolist()])

    def record(self, at: int) -> Record:
        return record_of(self._messages[at])

    def kept(self) -> RowFrames:
        return RowFrames(self._words)

    def joined(self, others: Sequence[Frames]) -> RowFrames:
        words = list(self._words)
        for other in others:
            words += other._words if isinstance(other, RowFrames) else ()
        return RowFrames(words)

    def compressed(self) -> RowFrames:
        return self


class Rows:
    """Decodes messages one by one. Far slower than the kernels, and their reference."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._codecs = {
            one: RowCodec(load_catalogue()[one].newest, max_bytes=load_catalogue()[one].max_bytes)
            for one in _BY_CONTRACT
            if one in load_catalogue()
        }

    def batch(self, messages: Sequence[Any], _sieve: Filter | None = None) -> ObservationBatch:
        """Return records of several topics and schemas as one batch, each partition's in its order."""
        ends = {(one.topic(), one.partition()): one.offset() + 1 for one in messages}
        places = {place: number for number, place in enumerate(ends)}
        aside: list[tuple[Record, Invalid]] = []
        good: list[tuple[Any, Form, Mapping[str, Any]]] = []
        for message in messages:
            form = _BY_CONTRACT[contract_name(message.topic())]
            try:
                good.append((message, form, self._value(form, message)))
            except Invalid as error:
                # its traceback would keep all messages in memory
                aside.append((record_of(message), error.with_traceback(None)))
        seen = observations(len(good), with_heights=any(form.heights for _, form, _ in good))
        seen.at[:] = np.arange(len(good))
        for row, (_, form, value) in enumerate(good):
            fill(seen, row, value, form)
        chosen = [message for message, _, _ in good]
        return ObservationBatch(
            seen,
            list(places),
            np.array([places[one.topic(), one.partition()] for one in chosen], np.uint8),
            np.array([one.offset() for one in chosen], np.int64),
            RowFrames([words_of(form, value) for _, form, value in good], chosen),
            ends,
            None,
            aside,
            sum(len(one.value() or b"") for one in messages),
        )

    def _value(self, form: Form, message: Any) -> Mapping[str, Any]:
        schema_id, payload = unframe(message.value() or b"")
        writer: Schema = self._registry.schema_of(schema_id)
        return self._codecs[form.contract].decode(bytes(payload), writer=writer)
