"""Arrow columns of a fast topic as observations. Apart: the fast way does without Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from streams.match.codes import BASE, EIGHT, MIX, NONE, Codes, code_of, joined
from streams.match.forms import TOPICS, Form
from streams.match.observations import CERTAIN, Floats, Longs, Observations


def observations_of(form: Form, batch: pa.RecordBatch, at: Sequence[int]) -> Observations:
    """The rows of *batch*; *at* says which frame each is."""
    count = batch.num_rows
    place = batch.column("position")
    lat, lon = (_floats(one) for one in place.flatten()[:2])
    nothing = np.zeros(count, np.uint64)
    return Observations(
        at=np.asarray(at, np.int64),
        topic=np.full(count, TOPICS[form.contract], np.uint8),
        lat=lat,
        lon=lon,
        time=_longs(batch.column("event_time")),
        received=_longs(batch.column("received_time")),
        label=_label(form, batch),
        token=codes_of(batch.column(form.token)) if form.token else nothing,
        subject=_subject(form, batch),
        confidence=_confidence(form, batch),
    )


def _label(form: Form, batch: pa.RecordBatch) -> Codes:
    if form.fixed_label:
        return np.full(batch.num_rows, code_of(form.fixed_label), np.uint64)
    return codes_of(batch.column(form.label))


def _subject(form: Form, batch: pa.RecordBatch) -> Codes:
    codes = codes_of(batch.column(form.subject[0]))
    for name in form.subject[1:]:
        codes = joined(codes, codes_of(batch.column(name)))
    return codes


def _confidence(form: Form, batch: pa.RecordBatch) -> Any:
    if form.confidence is None:
        return np.full(batch.num_rows, CERTAIN, np.float32)
    return batch.column(form.confidence).to_numpy(zero_copy_only=False).astype(np.float32)


def _floats(column: pa.Array) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


def _longs(column: pa.Array) -> Longs:
    return np.asarray(column.cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)


def codes_of(words: pa.StringArray) -> Codes:
    """The code of each word, 0 where there is none."""
    count = len(words)
    ends = np.frombuffer(words.buffers()[1], np.int32)[words.offset : words.offset + count + 1].astype(
        np.int64
    )
    raw = words.buffers()[2]
    text = np.frombuffer(raw, np.uint8)[ends[0] : ends[-1]] if raw is not None and count else _EMPTY
    ends -= ends[0] if count else 0
    lengths = np.diff(ends)
    place = np.arange(len(text)) - np.repeat(ends[:-1], lengths)
    rest = np.repeat((lengths - 1) // EIGHT, lengths) - place // EIGHT  # how many eights follow each byte's
    eights = text.astype(np.uint64) << (place % EIGHT * EIGHT).astype(np.uint64)
    terms = eights * _powers(int(lengths.max(initial=0)) // EIGHT)[rest]
    sums = np.concatenate([_ZERO, np.cumsum(terms, dtype=np.uint64)])
    codes: Codes = (sums[ends[1:]] - sums[ends[:-1]] + lengths.astype(np.uint64)) * np.uint64(
        MIX
    ) | np.uint64(1)
    if words.null_count:
        codes[words.is_null().to_numpy(zero_copy_only=False)] = NONE
    return codes


def _powers(count: int) -> Codes:
    powers = np.full(count + 1, BASE, np.uint64)
    powers[0] = 1
    return np.cumprod(powers, dtype=np.uint64)


_EMPTY = np.empty(0, np.uint8)
_ZERO = np.zeros(1, np.uint64)
