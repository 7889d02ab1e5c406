"""Columns of ``mobility.position`` as rows for the minutes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from streams.match.arrow import codes_of
from streams.match.codes import joined
from streams.speed.minutes import Doubles, Flags, Longs, Positions


def positions_of(batch: pa.RecordBatch, latest: Sequence[int]) -> Positions:
    """The rows of *batch*, which is in the shape of the contract's newest schema.

    *latest*: when each was heard at the latest, in ms, whatever it says itself.
    """
    lat, lon = (_doubles(one) for one in batch.column("position").flatten()[:2])
    vehicle = joined(codes_of(batch.column("operator")), codes_of(batch.column("vehicle_id")))
    is_out = _flags(batch.column("is_stale")) | _flags(batch.column("hub_id").is_valid())
    for name in ("is_disabled", "is_reserved"):
        is_out |= _flags(batch.column(name))
    return Positions(
        vehicle.view(np.int64),
        _times(batch, "event_time"),
        np.minimum(_times(batch, "received_time"), np.array(latest, np.int64)),
        lat,
        lon,
        _doubles(batch.column("speed_mps")),
        is_out,
    )


def together(parts: Sequence[Positions]) -> Positions:
    """The rows of all *parts*."""
    columns = [[getattr(one, name) for one in (NOBODY, *parts)] for name in Positions.__slots__]
    return Positions(*map(np.concatenate, columns))


def _times(batch: pa.RecordBatch, name: str) -> Longs:
    return np.asarray(batch.column(name).cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)


def _doubles(column: pa.Array) -> Doubles:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


def _flags(column: pa.Array) -> Flags:
    """True where it says so; not where it says nothing."""
    return np.asarray(column.fill_null(False).to_numpy(zero_copy_only=False), np.bool_)


NOBODY = Positions(
    np.empty(0, np.int64),
    np.empty(0, np.int64),
    np.empty(0, np.int64),
    np.empty(0),
    np.empty(0),
    np.empty(0),
    np.empty(0, np.bool_),
)
