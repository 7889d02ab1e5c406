"""Values of ``mobility.position`` as rows for the minutes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from streams.match.core.codes import NONE, Codes, code_of, joined
from streams.speed.columns import Doubles, Longs, Positions

OUT = ("is_stale", "is_disabled", "is_reserved")


def positions_of(values: Sequence[Mapping[str, Any]], latest: Sequence[int]) -> Positions:
    """Return the rows of *values*, which have the form of the contract's newest schema.

    *latest*: an upper bound of each received time, in ms, whatever the value states.
    """
    places = [one["position"] or {"lat": np.nan, "lon": np.nan} for one in values]
    vehicle = joined(
        _codes([one["operator"] for one in values]), _codes([one["vehicle_id"] for one in values])
    )
    return Positions(
        vehicle.view(np.int64),
        _longs([one["event_time"] for one in values]),
        np.minimum(_longs([one["received_time"] for one in values]), _longs(latest)),
        _doubles([one["lat"] for one in places]),
        _doubles([one["lon"] for one in places]),
        _doubles([np.nan if one["speed_mps"] is None else one["speed_mps"] for one in values]),
        np.array([one["hub_id"] is not None or any(one[name] for name in OUT) for one in values], np.bool_),
    )


def _codes(words: Sequence[str | None]) -> Codes:
    return np.array([NONE if word is None else code_of(word) for word in words], np.uint64)


def _longs(values: Sequence[int]) -> Longs:
    return np.array(values, np.int64)


def _doubles(values: Sequence[float]) -> Doubles:
    return np.array(values, np.float64)
