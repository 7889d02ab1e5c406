"""Which field of a fast topic means what to the match, and its Arrow columns as observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from streams.match.codes import Codes, code_of, codes_of, joined
from streams.match.observations import CERTAIN, Floats, Longs, Observations


@dataclass(frozen=True, slots=True)
class Form:
    """*label*: a field, or with *fixed_label* the word itself. *subject*: the fields that together name the thing.

    Without *confidence* an observation is certain.
    """

    contract: str
    subject: tuple[str, ...]
    label: str = ""
    fixed_label: str = ""
    token: str | None = None
    confidence: str | None = None

    def label_of(self, row: Mapping[str, Any]) -> str:
        return self.fixed_label or str(row[self.label])

    def subject_of(self, row: Mapping[str, Any]) -> str | None:
        """The thing's name, without whose name it is: a track, a vehicle, a token."""
        name = row[self.subject[-1]]
        return None if name is None else str(name)


FORMS = (
    Form("cctv.detection", ("camera_id", "track_id"), label="label", confidence="confidence"),
    Form(
        "cctv.plate",
        ("plate_token",),
        fixed_label="licence_plate",
        token="plate_token",  # noqa: S106 (a field's name)
        confidence="confidence",
    ),
    Form("mobility.position", ("vehicle_id",), label="vehicle_type"),
    Form("drone.position", ("drone_id",), fixed_label="drone"),
)
TOPICS = {form.contract: number for number, form in enumerate(FORMS)}


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
